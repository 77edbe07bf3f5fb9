#!/bin/bash
# systemd's descriptor store: a daemon that dies leaves its table owned, the next one goes on with it.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web, from: office, to: dmz/web, services: http }
END
up
lab daemon stop
: >"$home/events"
while read -r answer what; do
	same "$what" yes "$answer"
done < <(gw timeout 60 python3 "$here/store.py" "$BUILD/sekishod" "$BUILD/sekisho" "$home")
check "all was asked" test "$((passed + failed))" -ge 8
lab daemon start
probes <<END
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80
	silent        | wifi 172.16.0.9 192.0.2.80 tcp/80
END

done_
