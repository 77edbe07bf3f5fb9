#!/bin/bash
# kill -9 after every durable step of propose, approve, apply, confirm, return and rollback: after a
# restart the kernel runs exactly one whole generation, an unconfirmed apply waits on or has
# returned, what was confirmed stays, and the record says what happened.
#
#   office --- gateway --- dmz
#              sekishod, killed by itself at a fault point (base/fault.h)
. "$(dirname "$0")/case.sh"
unconfirmed=1

policy <<END
approval: { approvers: 1, emergency: true }
flows:
  - { id: web, from: office, to: dmz/web, services: [http] }
END
up
lab person suzuki operate
lab person tanaka approve
status() { sekisho status --json | jq -r ".$1"; }
marker() { gw nft list table inet sekisho | grep -o "chain g[a-z]*_[0-9]*" | grep -o "[0-9]*$" | sort -u | tr "\n" " "; }
events() { grep -c "\"event\":\"$1\"" "$home/events"; }
last_good() { basename "$(readlink "$home/state/last-good")"; }
dead() { ! kill -0 "$(lab daemon pid)" 2>/dev/null; }
propose() { lab as suzuki propose "$home/rules" --reason test --json | jq -r .proposal; }
code() { lab as tanaka proposal "$1" --json | jq -r .approval_code; }

# Another policy each time.
change() {
	n=$((${n:-0} + 1))
	zones_and >"$home/rules/policy.yaml" <<-END
	approval: { approvers: 1, emergency: true }
	flows:
	  - { id: web, title: number $n, from: office, to: dmz/web, services: [http] }
	  - { id: mail, from: office, to: dmz/mail, services: [tcp/$((1000 + n))] }
	END
}

at() { # POINT: the daemon starts anew and will die there
	lab daemon stop
	SEKISHO_FAULT=$1 lab daemon start
}

died() { # WHAT: it has died there; starts it again, whole
	check "$1: dies" eventually dead
	rm -f "$home/sekishod.pid"
	lab daemon start
	whole "$1"
}

whole() { # WHAT
	local generation
	generation=$(status generation)
	same "$1: one generation in the kernel, and it is named there" "$generation " "$(marker)"
	same "$1: read back" running "$(status state)"
	if [[ -e $home/state/pending ]]; then
		same "$1: what waits runs" "$generation" "$(status awaits_confirm)"
		check "$1: what was confirmed is still the last good one" test "$(last_good)" != "$generation"
	else
		same "$1: what runs is the last good one" "$generation" "$(last_good)"
	fi
	check "$1: the last good one is whole" test -s "$home/state/last-good/compiled" -a -s "$home/state/last-good/about"
}

# An approved proposal, its number in $number.
approved() {
	change
	number=$(propose)
	lab as tanaka approve "$number" "$(code "$number")" >/dev/null
}

# --- propose and approve

for point in proposal-written proposal-stored; do
	change
	at $point
	propose >/dev/null 2>&1
	died "propose, $point"
	check "proposing goes on" test "$(propose)" -gt 0
done
change
number=$(propose)
name=$(code "$number")
at approval-stored
lab as tanaka approve "$number" "$name" >/dev/null 2>&1
died "approve"
same "an approval that was stored counts" approved "$(lab as tanaka proposal "$number" --json | jq -r .state)"

# --- apply

for point in generation-stored pending-written committed pending-moved; do
	before=$(status generation)
	approved
	at $point
	sekisho apply "$number" --confirm 300s >/dev/null 2>&1
	died "apply, $point"
	running=$(status generation)
	if [[ $point == generation-stored || $point == pending-written ]]; then
		same "apply, $point: nothing changed" "$before" "$running"
	else
		same "apply, $point: it waits for its confirm" "$number" "$(status awaits_confirm)"
		sekisho rollback >/dev/null 2>&1
		same "apply, $point: and can be taken back" "$before" "$(status generation)"
	fi
	whole "apply, $point, afterwards"
done

# --- confirm

for point in last-good-linked confirmed-marked pending-removed; do
	approved
	at none
	check "confirm, $point: applied" sekisho apply "$number" --confirm 300s
	lab daemon stop
	SEKISHO_FAULT=$point lab daemon start
	sekisho confirm >/dev/null 2>&1
	died "confirm, $point"
	same "confirm, $point: it is confirmed" "$number" "$(status generation)"
	same "confirm, $point: nothing waits" null "$(status awaits_confirm)"
done

# --- the return by itself, and by hand

for point in returned-committed pending-removed; do
	before=$(status generation)
	approved
	at $point
	sekisho apply "$number" --confirm 1s >/dev/null 2>&1
	died "return, $point"
	same "return, $point: it has returned" "$before" "$(status generation)"
	approved
	at none
	check "taken back, $point: applied" sekisho apply "$number" --confirm 300s
	lab daemon stop
	SEKISHO_FAULT=$point lab daemon start
	sekisho rollback >/dev/null 2>&1
	died "taken back, $point"
	same "taken back, $point: it has returned" "$before" "$(status generation)"
done

# --- rollback to one that ran

for point in pending-written committed pending-moved; do
	before=$(status generation)
	at $point
	sekisho rollback >/dev/null 2>&1
	died "rollback, $point"
	if [[ $point != pending-written ]]; then
		sekisho rollback >/dev/null 2>&1
	fi
	same "rollback, $point: taken back" "$before" "$(status generation)"
	whole "rollback, $point, afterwards"
done

# --- an emergency and its review

change
before=$(status generation)
at review-opened
lab as suzuki apply "$home/rules" --emergency "test" --confirm 300s >/dev/null 2>&1
died "emergency"
same "emergency: it is to be reviewed" 1 "$(status open_reviews)"
sekisho rollback >/dev/null 2>&1
same "emergency: taken back" "$before" "$(status generation)"
review=$(sekisho history --json | jq -r '[.generations[] | select(.open_reviews)][0].generation')
at review-closed
lab as tanaka review "$review" --reason "looked at it" >/dev/null 2>&1
died "review"
same "review: it is closed" 0 "$(status open_reviews)"

# --- the record

check "every proposal is on record" test "$(events proposed)" -ge 10
check "so is every confirm" test "$(events confirmed)" -ge 3
check "and every return" test "$(events returned)" -ge 6
check "no file is left half made" test -z "$(find "$home/state" -name '.*.new')"
done_
