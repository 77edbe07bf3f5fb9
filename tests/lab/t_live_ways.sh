#!/bin/bash
# Two zones without networks: of an address beyond, only the kernel's routes say which of them it is
# of.  What is allowed to one and not to the other is cut there alone.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ wan-lg ----- lgwan 198.51.100.0/24, 2001:db8:f000::/64
#                                                     | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
. "$here/live.sh"

zones_and() {
	cat <<-END
	version: 1
	zones:
	  office:   { interfaces: [lan-office], networks: [10.20.0.0/16, "fd00:20::/64"] }
	  lgwan:    { role: uplink, interfaces: [wan-lg] }
	  internet: { role: external, interfaces: [wan-inet] }
	END
	cat
}
policy <<END
flows:
  - { id: to-lgwan, from: office, to: lgwan, services: [tcp/5002, udp/5002] }
  - { id: to-internet, from: office, to: internet, services: [tcp/5002, udp/5002] }
END
up
talk office lgwan-tcp,tcp,198.51.100.2,5002 lgwan-udp,udp,198.51.100.3,5002 \
	lgwan-tcp6,tcp,2001:db8:f000::2,5002 lgwan-udp6,udp,2001:db8:f000::3,5002 \
	inet-tcp,tcp,9.9.9.9,5002 inet-udp,udp,9.9.9.9,5002 inet-tcp6,tcp,2600::1,5002 \
	inet-udp6,udp,2600::1,5002
check "they live" eventually all_answered office
zone_of() { # FLOW: how many of the list have it
	sekisho connections --zone "$1" --json | jq "[.connections[] | select(.flow == \"to-$1\")] | length"
}
same "connections of lgwan are told as such" 4 "$(zone_of lgwan)"
same "and those of the Internet" 4 "$(zone_of internet)"
check "the Internet's permission goes" apply <<END
flows:
  - { id: to-lgwan, from: office, to: lgwan, services: [tcp/5002, udp/5002] }
END
for name in inet-{tcp,udp}{,6}; do
	check "$name is cut" eventually silent office $name
done
for name in lgwan-{tcp,udp}{,6}; do
	check "$name loses nothing" eventually lossless office $name
done
same "only these are recorded" "4 internet" \
	"$(events connection-cut | jq -r .to | sort | uniq -c | sed 's/^ *//')"

done_
