#!/bin/bash
# A directory of users that hangs (LDAP, and its server is the victim): an order to cut off waits for no name, and
# who may give it is known from before.  What hangs is /etc/passwd and /etc/group, as pipes that nobody fills.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END_OF_POLICY
flows:
  - { id: web, from: [office, wifi], to: dmz/web, services: any }
END_OF_POLICY
up
lab person tanaka isolate view
lab person suzuki isolate view
check "who may is known" lab as tanaka status
mkfifo "$work/passwd" "$work/group"
pid=$(lab daemon pid)
hang() { nsenter --mount --target="$pid" mount --bind "$work/$1" "/etc/$1"; } # FILE: for the daemon alone
# Opens the pipe, and closes it: that ends one look-up.  Fails if none waits for it at this moment.
waits_for() { python3 -c 'import os, sys; os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)' "$work/$1"; }
cut() { lab as "$1" isolate zone "$2" --yes --reason drill --own-judgment; } # PERSON ZONE
silent='	silent        | office 10.20.0.9 192.0.2.80 tcp/80'
told() { grep '"event":"isolated"' "$home/events" | grep -q "$1"; }

hang passwd
check "cut while nobody tells who it is" cut tanaka office
probes <<<"$silent"
check "recorded by number" eventually told '"actor":"uid 6.*"name":"zone office"'
check "the question still hangs" waits_for passwd
check "the daemon answers" eval 'sekisho isolate list | grep -q "zone office"'

hang group
check "and while nobody tells the groups" cut suzuki wifi
probes <<'END'
	silent | wifi 172.16.0.9 192.0.2.80 tcp/80
END
check "which hangs too" eventually waits_for group
check_not "who has no role gets none by it" lab as nobody isolate all --yes --reason drill --own-judgment

nsenter --mount --target="$pid" umount --lazy /etc/passwd
nsenter --mount --target="$pid" umount --lazy /etc/group
for _ in 1 2 3; do # what was asked before
	waits_for group 2>"$work/none"
	waits_for passwd 2>"$work/none"
done
check "the directory answers again" lab as tanaka isolate link lan-dmz --yes --reason drill --own-judgment
check "and names are known" eventually told '"actor":"tanaka".*lan-dmz'

done_
