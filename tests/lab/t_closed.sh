#!/bin/bash
# When in doubt the gate is closed: what a hand closed stays closed over every end of the daemon, and the status
# says why; and rules that others put into the gate's own emergency tables are taken out again.
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
guard=sekisho_guard
close_by_hand() { # as anybody does who knows nft: two commands, one chain after the other
	gw nft add rule inet $guard prerouting drop
	gw nft add rule inet $guard postrouting drop
}
start_with() { # FAULT
	lab daemon kill
	SEKISHO_FAULT=$1 lab daemon start
}
reboot() {
	lab daemon kill
	gw nft flush ruleset
	gw nft delete table inet sekisho_mirror 2>/dev/null
	gw nft delete table inet sekisho 2>/dev/null
	gw "$BUILD/sekishod" --config "$home/sekisho.yaml" --boot --log "$work/boot"
	same "a boot with a gate that stays closed" 7 $?
	lab daemon start
}
closed_by_hand() { sekisho status >"$work/status"; grep -q '^  closed *by hand, since 20' "$work/status"; }
open() { sekisho status >"$work/status"; grep -q 'guard open' "$work/status" && ! grep -q '^  closed' "$work/status"; }
told() { # EVENT PATTERN
	grep "\"event\":\"$1\"" "$home/events" | grep -q "$2"
}
died() { ! kill -0 "$pid" 2>/dev/null || [[ $(ps -o stat= -p "$pid") == Z* ]]; }
silent='	silent        | office 10.20.0.9 192.0.2.80 tcp/80'
passes='	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80'
probes <<<"$passes"

# --- closed by hand

check "half of it by hand is all of it" gw nft add rule inet $guard prerouting drop
check "is noticed" eventually closed_by_hand
check "it says who did it" grep -q 'closed .*done by nft (pid' "$work/status"
check "and how it opens" grep -q 'closed .*applies or rolls back' "$work/status"
check "it is recorded" told gate-closed '"message":"by hand: nft (pid'
check "the kernel says it too" grep -q 'drop comment "closed by hand"' <(gw nft list table inet $guard)
probes <<<"$silent"
lab daemon stop
lab daemon start
check "closed after a restart" closed_by_hand
check "by the same hand" grep -q 'closed .*done by nft (pid' "$work/status"
reboot
check "and after a boot" closed_by_hand
probes <<<"$silent"
check "a hand opens it" gw nft flush table inet $guard
check "for good" eventually open
lab daemon kill
lab daemon start
check "over a restart" open
probes <<<"$passes"

for step in hand-noticed hand-made hand-stored; do
	start_with $step
	pid=$(lab daemon pid)
	close_by_hand 2>"$work/close"
	check "$step: it dies there" eventually died
	lab daemon kill
	lab daemon start
	check "$step: closed after a restart" closed_by_hand
	probes <<<"$silent"
	reboot
	check "$step: and after a boot" closed_by_hand
	check "$step: a person's apply opens it" eval 'sekisho apply >"$work/apply" 2>&1'
	check "$step: it is open" open
done

# Killed while an apply opens it: the apply was not finished, so either may be; never open against the file.
for step in hand-forgotten hand-over; do
	start_with $step
	pid=$(lab daemon pid)
	close_by_hand
	check "$step: closed" eventually closed_by_hand
	sekisho apply >"$work/apply" 2>&1
	check "$step: it dies there" eventually died
	probes <<<"$silent"
	lab daemon kill
	lab daemon start
	check "$step: the apply is confirmed" sekisho confirm
	if [[ $step == hand-over ]]; then
		check "$step: what was ordered last" open
	else
		check "$step: still closed" closed_by_hand
		check "$step: again" eval 'sekisho apply >"$work/apply" 2>&1'
		check "$step: open" open
	fi
done

start_with shut-write=ENOSPC
close_by_hand
check "a full disk does not open it" eventually closed_by_hand
check "and is told" grep -q 'problem .*state/closed' "$work/status"
lab daemon kill
lab daemon start
check "the kernel remembers" closed_by_hand
lab daemon kill
echo nonsense >"$home/state/closed"
gw nft flush table inet $guard
lab daemon start
check "a file that makes no sense counts" closed_by_hand
check "it says so" grep -q 'state/closed cannot be read' "$work/status"

# --- rules of others in our tables

repaired() { # CHAIN: the first rule is the gate's again
	! gw nft list chain inet $guard "$1" | grep -q "$2"
}
times() { grep -c '"event":"drift".*guard table was changed.*"name":"nft"' "$home/events"; }
changed() { # WHAT COMMAND: done by root with nft
	local before
	before=$(times)
	check "$1" gw nft "$2"
	check "$1: recorded, with who" eventually eval "((\$(times) > $before))"
	check "$1: and repaired" eventually eval '[[ $(gw nft -s list table inet $guard) == "$whole" ]]'
	probes <<<"$silent"
}
whole=$(gw nft -s list table inet $guard)
changed "accept before all, in both chains" \
	"insert rule inet $guard prerouting accept; insert rule inet $guard postrouting accept"
changed "accept in the middle" "add rule inet $guard prerouting index 0 meta l4proto tcp accept"
changed "another chain" "add chain inet $guard early { type filter hook prerouting priority -400; }"
changed "a chain that is hooked no more" \
	"delete chain inet $guard prerouting; add chain inet $guard prerouting; add rule inet $guard prerouting drop"
check "opened by an apply" eval 'sekisho apply >"$work/apply" 2>&1'
whole=$(gw nft -s list table inet $guard)
silent=$passes changed "a policy of the chain" "chain inet $guard postrouting { policy drop; }"

check "isolated" sekisho isolate all --yes --reason drill --own-judgment
whole=$(gw nft -s list table inet $guard)
changed "accept before what isolates" \
	"insert rule inet $guard prerouting accept; insert rule inet $guard postrouting accept"
check_not "nobody else writes into the mirror" gw nft insert rule inet sekisho_mirror prerouting accept
check "reconnected" sekisho reconnect all --reason "it was a drill"
probes <<<"$passes"
check "nothing else was told" eval '! grep "\"event\":\"drift\"" "$home/events" | grep -v "\"name\":\"nft\""'

done_
