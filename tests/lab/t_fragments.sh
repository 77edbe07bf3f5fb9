#!/bin/bash
# Fragments: judged as a whole packet by default, dropped when the policy says so.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

flows='
flows:
  - { id: web, from: office, to: dmz, services: [http, dns] }'
policy <<END
$flows
END
up
probes <<END
	arrived dmz * | office 10.20.0.9 192.0.2.80 udp/53 fragmented
	arrived dmz * | office fd00:20::9 2001:db8:40::80 udp/53 fragmented
	silent        | office 10.20.0.9 192.0.2.80 udp/54 fragmented
	silent        | office fd00:20::9 2001:db8:40::80 udp/54 fragmented
END
check "fragments: drop applies" apply <<END
$flows
settings: { fragments: drop }
END
probes <<END
	silent        | office 10.20.0.9 192.0.2.80 udp/53 fragmented
	silent        | office fd00:20::9 2001:db8:40::80 udp/53 fragmented
	arrived dmz * | office 10.20.0.9 192.0.2.80 udp/53
	arrived dmz * | office fd00:20::9 2001:db8:40::80 udp/53
END

done_
