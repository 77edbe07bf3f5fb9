#!/bin/bash
# An apply that nobody confirms is taken back: by the running daemon, by one that was killed and
# started again, and by one that finds a mark of another boot.
#
#   office --- gateway --- dmz
#              sekishod: generation 1 confirmed, generation 2 tried
. "$(dirname "$0")/case.sh"
unconfirmed=1

policy <<END
flows:
  - { id: web, from: office, to: dmz/web, services: [http] }
END
up

# The same and one flow more; applied as the arguments say.
try() {
	zones_and >"$home/rules/policy.yaml" <<-END
	flows:
	  - { id: web, from: office, to: dmz/web, services: [http] }
	  - { id: mail, from: office, to: dmz/mail, services: [smtp] }
	END
	sekisho apply "$@"
}
plain() {
	zones_and >"$home/rules/policy.yaml" <<-END
	flows:
	  - { id: web, from: office, to: dmz/web, services: [http] }
	END
}
status() { sekisho status --json | jq -r ".$1"; }
running() { [[ $(status generation) == "$1" && $(status awaits_confirm) == null ]]; }
events() { grep -c "\"event\":\"$1\"" "$home/events"; }
last_good() { basename "$(readlink "$home/state/last-good")"; }
first=$(status generation)

# --- the confirm

check "an apply says how to confirm it" try --confirm 300s
second=$(status generation)
same "and runs" "$second" "$(status awaits_confirm)"
check "who logs in is told" grep -q "NOT CONFIRMED: generation $second, by" "$home/run/motd"
same "what was confirmed is still what a restart would load" "$first" "$(last_good)"
check_not "another apply has to wait" sekisho apply
same "and is told for whom" "*SK742*" "$(sekisho apply 2>&1 | tr '\n' ' ')"
# In this test's own session, which is older than the apply:
check_not "an old session does not confirm" gw "$BUILD/sekisho" confirm --socket "$home/run/control.sock"
same "which is recorded" 1 "$(events confirm-refused)"
check "a new one does" sekisho confirm
check "it is confirmed" running "$second"
check "and no longer told" test ! -s "$home/run/motd"
same "and is what a restart loads" "$second" "$(last_good)"
check_not "there is nothing more to confirm" sekisho confirm
same "" 9 "$(sekisho confirm >/dev/null 2>&1; echo $?)"

# --- rollback

check "rollback" sekisho rollback --reason "too wide" --confirm 300s
same "to the one before" "$first" "$(status awaits_confirm)"
check "confirmed" sekisho confirm
check "it runs" running "$first"
check "and forward again, taken back before its confirm" sekisho rollback "$second"
check "a rollback takes back what waits" sekisho rollback
check "the first runs" running "$first"
check_not "to one that never was" sekisho rollback 4711
same "the history tells" "running" "$(sekisho history --json | jq -r ".generations[] | select(.generation == $first).state")"

# --- nobody confirms

third=$(try --confirm 1s --json | jq -r .generation)
check_not "an apply whose time is short" test "$third" = "$first"
check "returns by itself" eventually running "$first"
same "recorded" 1 "$(grep '"event":"returned"' "$home/events" | grep -c "\"generation\":$third,.*nobody confirmed in time")"
same "to whoever waits, exit 9" 9 "$(try --confirm 1s --wait >/dev/null 2>&1; echo $?)"
check "the mark is gone" test ! -e "$home/state/pending"
same "not confirmed, in the history" "not-confirmed" "$(sekisho history --json | jq -r ".generations[] | select(.generation == $third).state")"

# --- the daemon dies meanwhile

check "an apply" try --confirm 300s
tried=$(status generation)
lab daemon kill && lab daemon start
same "waits on after a crash" "$tried" "$(status awaits_confirm)"
same "for no longer than before" 1 "$(($(status seconds_left) <= 300))"
check "and can be confirmed" sekisho confirm
check "it runs" running "$tried"

plain
check "an apply whose time passes while the daemon is down" sekisho apply --confirm 1s
lab daemon kill
deadline=$(jq -r .deadline "$home/state/pending" | cut -d' ' -f2)
is_past() { awk -v us="$deadline" '{ exit !($1 * 1000000 > us + 20000) }' /proc/uptime; }
check "(its time passes)" eventually is_past
lab daemon start
check "returns at the start" running "$tried"
check "the mark is gone" test ! -e "$home/state/pending"

check "an apply before another boot" sekisho apply --confirm 300s
lab daemon kill
sed -i 's/"deadline": *"\([^ ]*\) /"deadline":"00000000-0000-0000-0000-000000000000 /' "$home/state/pending"
lab daemon start
check "has returned after it" running "$tried"

check "a mark that makes no sense" sekisho apply --confirm 300s
lab daemon kill
echo garbage >"$home/state/pending"
lab daemon start
check "counts as passed" running "$tried"

# --- the very first load

lab daemon stop
gw nft delete table inet sekisho 2>/dev/null
rm -rf "$home/state"
mkdir -p "$home/state"
gw nft delete table inet sekisho_guard
lab daemon start
same "nothing runs" closed "$(status state)"
check "the first apply of all" sekisho apply --confirm 300s
same "opens the gate" open "$(status guard)"
check "taken back" sekisho rollback
same "it is closed" closed "$(status guard)"
check "the first apply of all, and nobody confirms" sekisho apply --confirm 1s
closed_again() { [[ $(status state) == closed && $(status generation) == null ]]; }
check "the gate is closed again" eventually closed_again
check_not "with no policy table" gw nft list table inet sekisho
same "" closed "$(status guard)"
check "off is not for the first load" test "$(sekisho apply --confirm off >/dev/null 2>&1; echo $?)" = 2
check "the first load" sekisho apply
same "waits two minutes by itself" 1 "$(($(status seconds_left) > 100))"
check "confirmed" sekisho confirm
check "and stays" test "$(status guard)" = open

# --- where the policy says that nothing waits

zones_and >"$home/rules/policy.yaml" <<END
approval: { confirm: off }
END
check "confirm: off" sekisho apply
check "counts from the next one on" sekisho confirm
plain
check "an apply then" sekisho apply
same "does not wait" null "$(status awaits_confirm)"
done_
