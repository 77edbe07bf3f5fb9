#!/bin/bash
# An inspector runs out of its memory: another takes its place within a second, its connections end, those of the other
# inspectors go on.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
. "$here/inspect.sh"

check "a server is there" eventually mail_passes
lab daemon stop
echo "inspectors: 2" >>"$home/sekisho.yaml"
lab daemon start
check "two are at work" eventually eval '[[ $(number inspectors) == 2 ]]'
check "any server of the zone" apply < <(guarded <<<"  - { id: mute, from: office, to: dmz, services: smtp, guard: mail }")
check "mail passes" eventually mail_passes

slow_twelve
check "unguarded traffic" slow web 80 192.0.2.80
inspector=$(child inspect)
others=$(ps -o pid=,args= --ppid "$(lab daemon pid)" | awk -v not="$inspector" '$NF == "--inspect" && $1 != not { print $1 }')

# --- its limit is a little above what it has; sessions with much that waits take the rest

size=$(of "$inspector" VmSize)
# As the inspector's own user, for root may not be allowed to.
user=$(of "$inspector" Uid) group=$(of "$inspector" Gid)
check "its limit" setpriv --reuid "$user" --regid "$group" --clear-groups prlimit --pid "$inspector" --as=$(((size + 18 * 1024) * 1024))
mkdir "$work/fill"
zone dmz ip addr add 192.0.2.26/32 dev eth0
zone office ip addr add 10.20.8.1/24 dev lo # all of them are its own: a source has a limit of sessions
background dmz python3 "$here/mute.py" serve 192.0.2.26
check "a server that says nothing" eventually eval 'zone dmz ss -Hltn sport = 25 | grep -q 192.0.2.26'
background office python3 "$here/mute.py" fill 192.0.2.26 "$work/fill"
gone() { ! kill -0 "$inspector" 2>/dev/null; }
for _ in 1 2 3 4 5 6; do eventually gone && break; done
touch "$work/fill/end"
check "it ends ($(<"$work/fill/sessions") sessions)" gone
check "another is there" eventually eval '[[ $(number inspectors) == 2 ]]'
check "it is told" eventually told inspection-restarted "ran out of memory"
check "the other one is the same" kill -0 "$others"
end_twelve
check "unguarded traffic has gone on" goes_on web
check "new mail passes" eventually mail_passes
check_not "no problem is left" grep -q SK81 <(sekisho status)
done_
