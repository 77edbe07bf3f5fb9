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
told() { # KIND CONDITION: the audit log itself has such an event
	cat "$home"/log/audit/*.jsonl | jq -e -n "[inputs | select(.event == \"$1\" and ($2))] | length > 0"
}
last_good() { basename "$(readlink "$home/state/last-good")"; }
dead() { [[ ! $(ps -o stat= -p "$(lab daemon pid)") =~ ^[^Z] ]]; } # whoever inherits it may be slow to notice
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
	if [[ $point == proposal-stored ]]; then
		kept=$(lab as tanaka proposals --json | jq '.proposals[0].proposal')
		check "propose, $point: the record has it" told proposed ".proposal == $kept and .actor == \"suzuki\""
	fi
	check "proposing goes on" test "$(propose)" -gt 0
done
for point in proposal-stepped proposal-recorded; do
	change
	number=$(propose)
	name=$(code "$number")
	at $point
	lab as tanaka approve "$number" "$name" >/dev/null 2>&1
	died "approve, $point"
	same "approve, $point: it was stored and counts" approved \
		"$(lab as tanaka proposal "$number" --json | jq -r .state)"
	check "approve, $point: the record says who" told approved ".proposal == $number and .actor == \"tanaka\""
done
for point in proposal-closed proposal-recorded; do
	change
	number=$(propose)
	at $point
	lab as tanaka reject "$number" --reason "no, $point" >/dev/null 2>&1
	died "reject, $point"
	same "reject, $point: it is" rejected "$(lab as tanaka proposal "$number" --json | jq -r .state)"
	check "reject, $point: the record says who and why" \
		told rejected ".proposal == $number and .actor == \"tanaka\" and .reason == \"no, $point\""
	check_not "reject, $point: its files are gone" test -e "$home/state/proposals/$number/rules"
done

# --- apply

for point in generation-stored pending-written committed pending-moved applied-recorded; do
	before=$(status generation)
	approved
	at $point
	sekisho apply "$number" --confirm 300s >/dev/null 2>&1
	died "apply, $point"
	running=$(status generation)
	if [[ $point == generation-stored || $point == pending-written ]]; then
		same "apply, $point: nothing changed" "$before" "$running"
		check "apply, $point: and it can be applied still" sekisho apply "$number" --confirm 300s
		sekisho rollback >/dev/null 2>&1
	else
		same "apply, $point: it waits for its confirm" "$number" "$(status awaits_confirm)"
		check "apply, $point: the record says who" told applied ".generation == $number and .actor == \"root\""
		check "apply, $point: and that it waits" told confirm-awaited ".generation == $number and .actor == \"root\""
		sekisho rollback >/dev/null 2>&1
		same "apply, $point: and can be taken back" "$before" "$(status generation)"
	fi
	whole "apply, $point, afterwards"
done

# --- confirm

for point in confirm-intended last-good-linked confirmed-marked confirm-recorded pending-removed; do
	approved
	at $point
	check "confirm, $point: applied" sekisho apply "$number" --confirm 300s
	sekisho confirm >/dev/null 2>&1
	died "confirm, $point"
	same "confirm, $point: it runs" "$number" "$(status generation)"
	if [[ $point == confirm-intended ]]; then
		same "confirm, $point: it waits on" "$number" "$(status awaits_confirm)"
		check "confirm, $point: and can be confirmed" sekisho confirm
	fi
	same "confirm, $point: nothing waits" null "$(status awaits_confirm)"
	check "confirm, $point: the record says who" told confirmed ".generation == $number and .actor == \"root\""
done

# --- the return by itself, and by hand

for point in returned-committed return-recorded pending-removed; do
	before=$(status generation)
	approved
	at $point
	sekisho apply "$number" --confirm 1s >/dev/null 2>&1
	died "return, $point"
	same "return, $point: it has returned" "$before" "$(status generation)"
	check "return, $point: the record says so" told returned ".generation == $number"
done
for point in return-intended returned-committed return-recorded pending-removed; do
	before=$(status generation)
	approved
	at $point
	check "taken back, $point: applied" sekisho apply "$number" --confirm 300s
	sekisho rollback --reason "no, $point" >/dev/null 2>&1
	died "taken back, $point"
	same "taken back, $point: it has returned" "$before" "$(status generation)"
	check "taken back, $point: the record says who and why" \
		told returned ".generation == $number and .actor == \"root\" and .reason == \"no, $point\""
done

# --- at a time to come

soon() { date -d "+2 seconds" "+%Y-%m-%d %H:%M:%S"; }
approved
at proposal-stepped
lab as suzuki apply "$number" --at "$(date -d tomorrow "+%Y-%m-%d %H:%M:%S")" >/dev/null 2>&1
died "scheduled"
same "scheduled: it is" "$number" "$(status scheduled)"
check "scheduled: the record says who" told scheduled ".proposal == $number and .actor == \"suzuki\""
runs_it() { [[ $(status awaits_confirm) == "$number" ]]; }
late() { eventually "$@" || eventually "$@"; } # what the daemon looks at every 5 seconds
at schedule-taken
lab as suzuki apply "$number" --at "$(soon)" >/dev/null 2>&1
late dead
died "taken"
check "taken: it runs after all" late runs_it
check "taken: the record says that it is due again" told scheduled ".proposal == $number and .message != null"
sekisho rollback >/dev/null 2>&1
approved
at schedule-taken
lab as suzuki apply "$number" --at "$(soon)" >/dev/null 2>&1
check "taken twice: once" late dead
rm -f "$home/sekishod.pid"
SEKISHO_FAULT=schedule-taken lab daemon start
check "taken twice: twice" late dead
died "taken twice"
check "taken twice: it is reported as missed" told schedule-missed ".proposal == $number and .actor == \"suzuki\""
same "taken twice: and not tried again" null "$(status scheduled)"

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
died "emergency, before it ran"
same "emergency, before it ran: it is to be reviewed" 1 "$(status open_reviews)"
same "emergency, before it ran: nothing changed" "$before" "$(status generation)"
review=$(ls "$home/state/reviews")
check "the review is closed" lab as tanaka review "$review" --reason "it did not run"
at committed
lab as suzuki apply "$home/rules" --emergency "test" --confirm 300s >/dev/null 2>&1
died "emergency"
same "emergency: it is to be reviewed" 1 "$(status open_reviews)"
sekisho rollback >/dev/null 2>&1
same "emergency: taken back" "$before" "$(status generation)"
review=$(sekisho history --json | jq -r '[.generations[] | select(.open_reviews)][0].generation')
at review-closed
lab as tanaka review "$review" --reason "looked at it" >/dev/null 2>&1
died "review"
check "review: the record says who" told reviewed ".generation == $review and .actor == \"tanaka\""
same "review: it is closed" 0 "$(status open_reviews)"

# --- the record

check "every proposal is on record" test "$(events proposed)" -ge 10
check "so is every confirm" test "$(events confirmed)" -ge 3
check "and every return" test "$(events returned)" -ge 6
check "no file is left half made" test -z "$(find "$home/state" -name '.*.new')"
done_
