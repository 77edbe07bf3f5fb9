#!/bin/bash
# A policy with faults, or that does not hold its assertions, changes nothing.
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
ruleset() { gw nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//' | md5sum; }
before=$(ruleset)
refused() { # STATUS CODE WHAT, policy on standard input
	apply
	same "$3: status" "$1" $?
	check "$3: code $2 and place" grep -q "policy.yaml:[0-9]*:[0-9].*$2" "$work/apply"
	same "$3: the kernel's rules are the same" "$before" "$(ruleset)"
}
refused 3 SK "an unknown zone" <<END
flows:
  - { id: web, from: offise, to: dmz/web, services: http }
END
refused 3 SK "YAML that is none" <<END
flows: [
END
refused 4 SK "an assertion" <<END
flows:
  - { id: web, from: wifi, to: office, services: http }
assertions:
  - { id: no-wifi, never: { from: wifi, to: office } }
END
probes <<END
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80
	silent        | wifi 172.16.0.9 10.20.0.9 tcp/80
END

done_
