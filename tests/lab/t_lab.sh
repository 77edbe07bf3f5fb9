#!/bin/bash
# The lab itself: quickly up, twice side by side, gone without a trace, also when it could not come up.
#
#   two labs of rules/municipality, each with its own gateway, addresses the same in both
. "$(dirname "$0")/case.sh"

spaces() { ip netns list | grep -c "^$1"; }
one=$LAB_PREFIX two=${LAB_PREFIX}other-
two_lab() { LAB_PREFIX=$two lab "$@"; }

start=$EPOCHREALTIME
check "up" lab up "$root/rules/municipality"
took=$(awk "BEGIN { printf \"%.2f\", $EPOCHREALTIME - $start }")
check "in under two seconds ($took s; ten are allowed on a busy machine)" awk "BEGIN { exit !($took < 10) }"
check "a second one beside it" two_lab up "$root/rules/branch-office"
same "seventeen zones and the gateway, besides the other's" 23 "$(spaces "$one")"
check "each zone has its hosts" bash -c "'$here/lab' hosts dmz | grep -q 10.40.0.10"
check "a pattern has an interface" gw ip link show wifi-ap1
check "the first answers" lab exec inet -- curl -sS -m 3 http://10.40.0.10/
check "the second answers" two_lab exec guest -- curl -sS -m 3 http://198.51.100.3/
check "status" lab status
check_not "no such zone" lab exec nowhere -- true
check "the second goes" two_lab down
same "the first stays" 18 "$(spaces "$one")"
check "up again in its place" lab up "$root/rules/branch-office"
same "five namespaces" 5 "$(spaces "$one")"
check "down" lab down
check "and down again" lab down
same "nothing is left" 0 "$(spaces "$one")"
check_not "no folder is left" test -e "$home"
mkdir -p "$rules"
echo "zones: {" >"$rules/policy.yaml"
check_not "a broken policy does not come up" lab up "$rules"
same "and leaves nothing" 0 "$(spaces "$one")"
check_not "no folder either" test -e "$home"

done_
