#!/bin/bash
# Counters: each flow counts its connections, an apply and a restart keep them.
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

done_
