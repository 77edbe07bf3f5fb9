#!/bin/bash
# TCP in the way, with the real daemon between real TCPs: edits, shifted streams, a client that is taken
# over, through translation of addresses and without.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
guards:
  mail:
    protocol: smtp
    domains: [city.example.jp]
    size: 12MB
    tls: clear-only
    tls-reason: the leg between relay and store of this test
flows:
  - { id: mail, from: office, to: dmz/mail, services: smtp, guard: mail }
  - { id: mail-in, from: internet, to: dmz/mail, services: smtp, guard: mail }
nat:
  - { id: mail-seen, kind: forward, from: internet, address: 203.0.113.25, services: smtp, target: dmz/mail }
END
up
mkdir "$work/server"
for z in dmz; do zone $z nft insert rule inet lab_answer answer tcp dport 25 accept; done
background dmz python3 "$here/mail_ends.py" server "$work/server"
check "the server listens" eventually test -e "$work/server/ready"
client() { zone "$1" timeout 60 python3 "$here/mail_ends.py" "${@:2}" 2>"$work/time"; }
last() { tail -1 "$work/server/$1"; }
kept() { tail -n "${1:-1}" "$work/server/messages" | cut -d' ' -f1 | xargs; }

for address in 192.0.2.25 2001:db8:40::25; do
	said=$(client office honest $address 1000)
	same "an honest message to $address" "* 250 2.0.0 taken" "$said"
	same "is kept as it was sent" "$(kept)" "${said%% *}"
	said=$(client office honest $address 10000000)
	same "ten megabytes" "* 250 2.0.0 taken" "$said"
	same "kept as they were sent" "$(kept)" "${said%% *}"
	echo "  10 MB to $address: $(<"$work/time")"
	same "the offer is edited in place" "*SIZE 12000000*" "$(client office extensions $address)"
	said=$(client office shifted $address 300000)
	same "refusals by the gate" 4 "$(grep -c '^55[04] 5.7.1' <<<"$said")"
	same "and by the server" 1 "$(grep -c '^550 5.1.1' <<<"$said")"
	same "three messages behind them" "$(kept 3)" "$(grep -o '^[0-9a-f]\{64\}' <<<"$said" | xargs)"
	same "and the end" "221 2.0.0 bye" "$(tail -1 <<<"$said")"
	for size in 12000001 30000000; do
		same "too much is refused by us" "552 5.3.4 closed" "$(client office too_much $address $size)"
		same "the server is reset" reset "$(eventually eval '[[ $(last sessions) == reset ]]'; last sessions)"
		echo "  $size bytes refused: $(<"$work/time")"
	done
	said=$(client office drops $address)
	same "byte by byte" "250"$'\n'"354"$'\n'"* 250 2.0.0 taken" "$said"
	same "kept as it was sent" "$(kept)" "$(tail -1 <<<"$said" | cut -d' ' -f1)"
done
same "no client hangs" "" "$(zone office ss -Htn state all '( dport = :25 )' | grep -v TIME-WAIT)"

# --- through a translated address
said=$(client internet honest 203.0.113.25 5000000)
same "through the translated address" "* 250 2.0.0 taken" "$said"
same "kept as it was sent" "$(kept)" "${said%% *}"
same "too much is refused there, too" "552 5.3.4 closed" "$(client internet too_much 203.0.113.25 12500000)"
same "and the server is reset" reset "$(eventually eval '[[ $(last sessions) == reset ]]'; last sessions)"
done_
