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
# The table is in other hands when the daemon comes back: it ends at once and leaves all as it is.
lab daemon stop
gw nft delete table inet sekisho
background gw bash -c 'exec nft -i < <(echo "add table inet sekisho { flags owner; }"; exec sleep 60)'
check "another owner has the table" eventually bash -c "nsenter --net=/run/netns/${LAB_PREFIX}gw nft list tables | grep -qx 'table inet sekisho'"
before=$(gw nft list ruleset)
check_not "the daemon does not start beside it" lab daemon start
same "and changes nothing" "$before" "$(gw nft list ruleset)"
kill "${children[0]}"
children=()
eventually lab daemon start
check "it starts when the table is free" sekisho status
check "and applies" sekisho apply
probes <<END
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80
	silent        | office 10.20.0.9 192.0.2.25 tcp/80
END
before=$(ruleset)

# A helper that this kernel does not have is told with its place; most kernels have them all.
for helper in ftp tftp sip pptp; do
	sekisho status | grep -q "helper-$helper *no" || continue
	apply <<-END
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
	break
done

done_
