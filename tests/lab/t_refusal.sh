#!/bin/bash
# What the kernel refuses is told with the flow, the file and the line, and changes nothing.
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
# A helper that this kernel does not have.
helper=$(sekisho status --json | grep -o '"helper_[a-z]*": *false' | head -n 1 | grep -o '_[a-z]*' | tr -d _)
if [[ -z $helper ]]; then
	echo "this kernel has every helper"
	done_
fi
apply <<END
flows:
  - { id: web, from: office, to: dmz/web, services: http }
  - { id: helped, from: office, to: dmz/mail, services: [tcp/21, udp/69, udp/5060, tcp/1723],
      helpers: [$helper] }
END
status=$?
check "it is refused by the kernel's status, or before" test "$status" = 6 -o "$status" = 3
check "with file and line" grep -q 'policy.yaml:1[0-9]:' "$work/apply"
check "and the flow" grep -q helped "$work/apply"
same "the kernel's rules are the same" "$before" "$(ruleset)"
probes <<END
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80
	silent        | office 10.20.0.9 192.0.2.25 tcp/1723
END

done_
