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

zone office sh -c 'for i in $(seq 1 12); do ip addr add 10.20.7.$i/32 dev eth0; done'
for i in $(seq 1 12); do
	mkdir -p "$work/m$i"
	background office python3 "$here/smtp.py" slow 192.0.2.25 25 "$work/m$i" 10.20.7.$i
done
for i in $(seq 1 12); do check "message $i is under way" eval "eventually has_lines m$i 3 || eventually has_lines m$i 3"; done
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
for i in $(seq 1 12); do touch "$work/m$i/end"; done
whole=0 broken=0
for i in $(seq 1 12); do
	case $(ends m$i) in
	250*) whole=$((whole + 1)) ;;
	broken*) broken=$((broken + 1)) ;;
	esac
done
same "each message ended one way or the other ($whole whole, $broken broken)" 12 $((whole + broken))
check "some were the other inspector's" eval '((whole > 0))'
check "some were that one's" eval '((broken > 0))'
check "unguarded traffic has gone on" goes_on web
check "new mail passes" eventually mail_passes
check_not "no problem is left" grep -q SK81 <(sekisho status)
done_
