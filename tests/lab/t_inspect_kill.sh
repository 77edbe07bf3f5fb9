#!/bin/bash
# Whoever of those that inspect is killed or stopped: nothing passes uninspected, nothing else is touched, and all is
# well again soon.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
. "$here/inspect.sh"

check "a server is there" eventually mail_passes
check "unguarded traffic" slow web 80 192.0.2.80
ferry=$(child ferry) inspector=$(child inspect)

# --- an inspector is killed in the middle of a message

slow live
kill -9 "$inspector"
check "another is started" replaced inspect "$inspector"
same "the message is not passed on" "broken*" "$(ends live)"
check "new mail passes" eventually mail_passes
check "unguarded traffic has gone on" goes_on web
same "the ferry has too" "$ferry" "$(child ferry)"
check "it is told" eventually told inspection-restarted "an inspector"

# --- it stops answering

inspector=$(child inspect)
slow live
kill -STOP "$inspector"
check "another is started" eventually eval '[[ -n $(child inspect) && $(child inspect) != $inspector ]]'
same "the message is not passed on" "broken*" "$(ends live)"
check "new mail passes" eventually mail_passes
check "unguarded traffic has gone on" goes_on web

# --- the ferry is killed

inspector=$(child inspect)
slow live
kill -9 "$ferry"
check "another is started" replaced ferry "$ferry"
same "the message is not passed on" "broken*" "$(ends live)"
check "new mail passes" eventually mail_passes
check_not "its inspectors went with it" test "$inspector" = "$(child inspect)"
check "unguarded traffic has gone on" goes_on web

# --- the daemon is killed: what has a guard stops, and comes back with it

slow web 80 192.0.2.80
ferry=$(child ferry) inspector=$(child inspect)
check "" lab daemon kill
check "they end with it" eventually eval "! kill -0 $ferry 2>/dev/null && ! kill -0 $inspector 2>/dev/null"
check_not "no mail passes" mail_passes
check "unguarded traffic goes on" goes_on web
check "it is back" lab daemon start
check "and mail passes" eventually mail_passes

done_
