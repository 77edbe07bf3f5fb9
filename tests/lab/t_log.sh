#!/bin/bash
# Log records: flow id and generation, denials at a bounded rate while the drop itself goes on.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web-logged, from: office, to: dmz/web, services: http, log: true }
  - { id: quiet, from: office, to: dmz, services: dns }
settings: { log-rate: 5, log-burst: 10 }
END
up
events() { grep -c "$@" "$home/events"; }
probes <<END
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz * | office 10.20.0.9 192.0.2.80 udp/53
	silent        | wifi 172.16.0.9 192.0.2.80 tcp/4444
	silent        | office 11.1.1.1 192.0.2.80 tcp/5555
END
check "the logged flow, by its id" eventually grep -q '"flow": *"web-logged"' "$home/events"
check "with its generation" grep -q '"flow": *"web-logged".*"generation": *1\|"generation": *1.*"flow": *"web-logged"' "$home/events"
check "the denial" eventually grep -q 'packet-denied.*4444' "$home/events"
check "the spoofed source" eventually grep -q 'packet-spoofed.*11\.1\.1\.1' "$home/events"
check_not "nothing of the flow that does not log" grep -q '"flow": *"quiet"' "$home/events"
before=$(events packet-denied)
for i in {1..300}; do
	echo "wifi 172.16.0.9 192.0.2.80 udp/$((6000 + i))"
done | "$BUILD/lab-probe" >"$work/flood"
same "300 denied, none arrives" 300 "$(grep -c silent "$work/flood")"
check "but few are logged" test $(($(events packet-denied) - before)) -le 40
check "all are counted" test "$(counter d_wifi)" -ge 301
apply <<END
flows:
  - { id: web-logged, from: office, to: dmz/web, services: [http, https], log: true }
END
probes <<END
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/443
END
check "after another apply, its generation" \
	eventually grep -q '"flow": *"web-logged".*"generation": *2,.*"port": *443' "$home/events"

done_
