#!/bin/bash
# What an inspector holds when its zone, host or link is cut off stays behind, though the verdict is to let it go.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
mode=flow # Packets that wait for a verdict are of flow mode alone; t_mail_proxy.sh isolates in the other.

policy <<END
guards: { mail: { protocol: smtp, domains: [city.example.jp], senders: [office], size: 40MB, tls: clear-only,
                  tls-reason: the store of this test } }
flows:
  - { id: mail, from: office, to: dmz/mail, services: smtp, guard: mail }
END
up
zone dmz nft insert rule inet lab_answer answer tcp dport 25 accept
# A client that repeats what is held, while the box is busy, is another test's.
zone office sysctl -qw net.ipv4.tcp_timestamps=0
alone() { gw "$BUILD/sekisho-isolate" --state "$home/state" "$@"; }
child() { ps -o pid=,args= --ppid "$(lab daemon pid)" | awk -v what="--$1" '$NF == what { print $1; exit }'; }
waits() { # QUEUE: packets in it
	gw cat /proc/net/netfilter/nfnetlink_queue | awk -v queue="$1" '$1 == queue { print $3 }'
}
has() { grep -q "$2" "$work/$1"; }
at_work() { [[ $(sekisho status --json | jq .inspectors) == 1 ]]; }

# A command is held, the answer that releases it waits for the ferry, who goes on when "$@" is done.
held_over() { # NAME ADDRESS COMMAND ...
	local name=$1 address=$2
	check "$name: the inspector is there" eventually at_work
	mkdir "$work/$name"
	background dmz python3 "$here/mail_held.py" server "$address" "$work/$name"
	check "$name: a server is there" eventually eval "zone dmz ss -Hltn sport = 25 | grep -qF '$address'"
	background office python3 "$here/mail_held.py" client "$address" "$work/$name"
	check "$name: a session" eventually has "$name/server" MAIL
	touch "$work/$name/more"
	check "$name: a packet is held" eventually eval '(($(waits 101) > 0))'
	ferry=$(child ferry)
	kill -STOP "$(lab daemon pid)" "$ferry"
	touch "$work/$name/answer"
	check "$name: what releases it comes" eventually eval '(($(waits 100) > 0))'
	check "$name: meanwhile: ${*:3}" "${@:3}"
	kill -CONT "$ferry"
	check "$name: both have their verdicts" eventually eval '(($(waits 100) + $(waits 101) == 0))'
	kill -CONT "$(lab daemon pid)"
}
over() { touch "$work/$1/end"; } # NAME
stays() { # NAME ADDRESS WHAT IS ISOLATED ...
	held_over "$1" "$2" alone "${@:3}"
	sleep 0.3
	check_not "$1: the command has not left" has "$1/server" RSET
	same "$1: nor has the answer" 1 "$(grep -c 250 "$work/$1/client")"
	over "$1"
	check "$1: reconnected" eventually sekisho reconnect "${@:4}" --reason drill
}

held_over open 192.0.2.25 true
check "without an isolation the command arrives" eventually has open/server RSET
check "and the answer" eventually eval '(($(grep -c 250 "$work/open/client") == 3))'
over open
stays server-zone 192.0.2.25 zone dmz
stays client-zone 2001:db8:40::25 zone office
stays server 192.0.2.25 host 192.0.2.25
stays link 2001:db8:40::25 link lan-office
done_
