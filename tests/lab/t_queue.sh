#!/bin/bash
# A guarded flow goes to the inspection queue, and is closed while nobody listens there.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
guards: { mail: { protocol: smtp } }
flows:
  - { id: mail, from: office, to: dmz/mail, services: smtp, guard: mail }
  - { id: web, from: office, to: dmz, services: http }
END
up
probes <<END
	silent        | office 10.20.0.9 192.0.2.25 tcp/25
	silent        | office fd00:20::9 2001:db8:40::25 tcp/25
	arrived dmz * | office 10.20.0.9 192.0.2.25 tcp/80
END
probes -q 100 <<END
	queued        | office 10.20.0.9 192.0.2.25 tcp/25
	queued        | office fd00:20::9 2001:db8:40::25 tcp/25
	silent        | office 10.20.0.9 192.0.2.26 tcp/25
	arrived dmz * | office 10.20.0.9 192.0.2.25 tcp/80
END
check "query says so" sekisho query office dmz/mail smtp
same "INSPECT" "*INSPECT*" "$(sekisho query office dmz/mail smtp)"

done_
