#!/bin/bash
# Several inspectors: connections are spread over them by their addresses, one that is killed ends only its own; and a
# line that loses a packet, so that others are held.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
. "$here/inspect.sh"

check "a server is there" eventually mail_passes
lab daemon stop
echo "inspectors: 3" >>"$home/sekisho.yaml"
lab daemon start
check "three are at work" eventually eval '[[ $(number inspectors) == 3 ]]'
check "mail passes" eventually mail_passes

# --- spread over them, and one killed

slow_twelve
kill -9 "$(child inspect)"
sleep 0.5
end_twelve
check "three are at work again" eventually eval '[[ $(number inspectors) == 3 ]]'
for i in $(seq 1 12); do check "source $i passes" eventually mail_passes; done

[[ $mode == flow ]] || done_ # what follows is about packets

# --- a packet is lost: what comes behind the gap is held until the sender repeats it

gw nft -f - <<END
table inet bad {
	chain bad { type filter hook prerouting priority -450; tcp dport 25 meta length > 500 numgen inc mod 1000 20 drop; }
}
END
check "a message over a bad line" mail_passes 192.0.2.25 3000000
check "packets were held, in the queue of held ones" eventually eval '(($(number inspect_moved) > 0))'
same "and none was lost there" 0 "$(number inspect_moved_lost)"
same "none is there any more" 0 "$(eventually eval '[[ $(number inspect_held) == 0 ]]'; number inspect_held)"

done_
