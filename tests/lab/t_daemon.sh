#!/bin/bash
# The daemon killed: the kernel goes on filtering; started again it takes over without a gap.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web, from: office, to: dmz/web, services: [http, dns] }
  - { id: mail, from: office, to: dmz/mail, services: smtp, guard: mail }
guards: { mail: { protocol: smtp } }
END
up
verdicts='
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz * | office fd00:20::9 2001:db8:40::80 tcp/80
	silent        | office 10.20.0.9 192.0.2.80 tcp/81
	silent        | wifi 172.16.0.9 192.0.2.80 tcp/80
	silent        | office 10.20.0.9 192.0.2.25 tcp/25
	silent        | office 11.1.1.1 192.0.2.80 tcp/80'
probes <<<"$verdicts"
generation=$(gw nft list chains inet | grep -o 'generation_[0-9]*')
"$BUILD/lab-stream" 5000 3 >"$work/stream" <<END &
office 10.20.0.9 192.0.2.80 udp/53
wifi 172.16.0.9 192.0.2.80 udp/53
END
stream=$!
lab daemon kill
probes <<<"$verdicts"
check_not "no daemon answers" sekisho status
same "which status tells by 8" 8 "$(sekisho status >/dev/null 2>&1; echo $?)"
lab daemon start
wait "$stream"
mapfile -t results <"$work/stream"
read -r sent entered arrived <<<"${results[0]}"
same "allowed: all $sent arrive" "$sent $sent" "$entered $arrived"
read -r sent entered arrived <<<"${results[1]}"
same "denied: none of $sent arrives" "$sent 0" "$entered $arrived"
same "the same generation runs" "$generation" "$(gw nft list chains inet | grep -o 'generation_[0-9]*')"
check "it took over what ran" grep -q '"event":"\(adopted\|loaded\)"' "$home/events"
check "status is fine" sekisho status
probes <<<"$verdicts"
check "and it applies again" apply <<END
flows:
  - { id: web, from: office, to: dmz/web, services: [https] }
END
probes <<END
	silent        | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/443
END

done_
