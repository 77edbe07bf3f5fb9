#!/bin/bash
# Counters: each flow counts its connections, an apply and a restart keep them; and a change of one flow
# among thirty leaves the counters of all others as they are.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web, from: office, to: dmz/web, services: http }
  - { id: names, from: office, to: dmz, services: dns }
END
up
for n in 1 2 3; do
	zone office curl -sS -m 3 http://192.0.2.80/ >"$work/out"
done
probe wifi 172.16.0.9 192.0.2.80 tcp/80 >"$work/out"
probe office 11.1.1.1 192.0.2.80 tcp/80 >"$work/out"
same "three connections" 3 "$(counter f_web)"
same "none by the other flow" 0 "$(counter f_names)"
same "one denied" 1 "$(counter d_wifi)"
same "one spoofed" 1 "$(counter spoof_office)"
check "another policy applies" apply <<END
flows:
  - { id: web, title: changed, from: office, to: [dmz/web, dmz/mail], services: [http, https] }
  - { id: mail, from: office, to: dmz/mail, services: smtp }
END
same "the flow keeps its count" 3 "$(counter f_web)"
same "a new one begins" 0 "$(counter f_mail)"
same "the zone keeps its count" 1 "$(counter d_wifi)"
probe office 10.20.0.9 192.0.2.25 tcp/443 >"$work/out"
same "and counts on" 4 "$(counter f_web)"
lab daemon stop
lab daemon start
same "a restart keeps it in the kernel" 4 "$(counter f_web)"
check "flows tells it" bash -c "'$here/lab' sekisho flows --json | grep -A30 '\"web\"' | grep -q 4"
lab daemon stop
gw nft delete table inet sekisho
lab daemon start
same "and so does a reboot" 4 "$(counter f_web)"

# One flow among thirty is added, changed and taken away.
thirty() { # [FLOW]
	for i in {1..30}; do
		echo "  - { id: s$i, from: office, to: dmz/web, services: tcp/$((2000 + i)) }"
	done
	[[ $# == 0 ]] || echo "  - { $1 }"
}
all() { # every other flow's counter: in the kernel, and as people see it
	gw nft -j list counters table inet sekisho | jq -c '.nftables[] | .counter? // empty |
		select(.name | test("^f_s[0-9]")) | [.name, .packets, .bytes]' | sort
	sekisho flows --json | jq -c '.flows[] | select(.id | test("^s[0-9]")) | [.id, .packets]' | sort
}
check "thirty flows" apply < <(echo "flows:"; thirty)
for i in {1..30}; do
	for ((n = 0; n <= i % 4; n++)); do
		echo "office 10.20.1.$n 192.0.2.80 tcp/$((2000 + i))"
	done
done | "$BUILD/lab-probe" >"$work/out"
all >"$work/before"
same "all count" 30 "$(grep -c '"f_s[0-9]*",[1-4],' "$work/before")"
same "and are told" 30 "$(grep -c '"s[0-9]*",[1-4]' "$work/before")"
for change in "id: x, from: office, to: dmz/web, services: https" \
	"id: x, from: office, to: dmz/web, services: [https, udp/3000-3100]" \
	"id: x, from: office, to: dmz/mail, services: https" \
	"id: x, from: office, to: dmz, services: https, log: true" ""; do
	check "apply with ${change:-none of it}" apply < <(echo "flows:"; thirty ${change:+"$change"})
	all >"$work/after"
	check "the thirty count as before" diff "$work/before" "$work/after"
done

done_
