#!/bin/bash
# The daemon killed at every step of an isolation and of a reconnect: what is isolated afterwards is
# what was last ordered, in the kernel, after a restart, and after a boot; and the record says so.
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
start_with() { # FAULT
	lab daemon kill
	SEKISHO_FAULT=$1 lab daemon start
}
cut() { sekisho isolate zone office --yes --reason drill --own-judgment; }
join() { sekisho reconnect office --reason "it was a drill"; }
died() { ! kill -0 "$pid" 2>/dev/null || [[ $(ps -o stat= -p "$pid") == Z* ]]; }
status_is() { [[ $(sekisho status >/dev/null 2>&1; echo $?) == "$1" ]]; }
reboot() {
	lab daemon kill
	gw nft flush ruleset
	gw nft delete table inet sekisho_mirror 2>/dev/null
	gw nft delete table inet sekisho 2>/dev/null
	gw "$BUILD/sekishod" --config "$home/sekisho.yaml" --boot --log "$work/boot"
	lab daemon start
}
events() { grep -c "\"event\":\"$1\"" "$home/events"; }
incidents=0
incidents_are() { [[ $(sekisho incident list --json | jq '.incidents | length') == "$1" ]]; }
silent='	silent        | office 10.20.0.9 192.0.2.80 tcp/80'
open='	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80'

for step in isolate-cut isolate-stored isolate-mirrored isolate-told isolate-recorded isolate-numbered; do
	start_with "$step"
	pid=$(lab daemon pid)
	before=$(events isolated) found=$(events isolation-found)
	cut >"$work/cut" 2>&1
	check "$step: it dies there" eventually died
	probes <<<"$silent"
	lab daemon kill
	lab daemon start
	check "$step: isolated after a restart" status_is 10
	probes <<<"$silent"
	check "$step: in one incident" eventually incidents_are $((++incidents))
	check "$step: recorded" eventually eval '(($(events isolated) + $(events isolation-found) > before + found))'
	reboot
	check "$step: isolated after a boot" status_is 10
	probes <<<"$silent"
	check "$step: reconnects" join
	check "$step: not isolated any more" status_is 0
	probes <<<"$open"
done

numbered() { sekisho isolate list --json | jq -e '.isolations[0].incident > 0'; }
told() { # KIND CONDITION: the audit log itself has such an event
	cat "$home"/log/audit/*.jsonl | jq -e -n "[inputs | select(.event == \"$1\" and ($2))] | length > 0"
}
steps() { # of the newest incident's timeline
	sekisho incident show "$(sekisho incident list --json | jq '[.incidents[].incident] | max')" --json
}
for step in reconnect-intended reconnect-open reconnect-recorded reconnect-stored; do
	start_with "$step"
	pid=$(lab daemon pid)
	check "$step: cut" cut
	check "$step: it is recorded" eventually numbered
	sekisho reconnect office --reason "over, $step" >"$work/join" 2>&1
	check "$step: it dies there" eventually died
	lab daemon kill
	lab daemon start
	check "$step: reconnected after a restart, as was ordered last" status_is 0
	probes <<<"$open"
	check "$step: the record says who and why" told reconnected ".reason == \"over, $step\" and .actor == \"root\""
	check "$step: the incident too" grep -q "over, $step" <(steps)
	reboot
	check "$step: and after a boot" status_is 0
	probes <<<"$open"
done

# --- where the policy wants two persons

zones_and >"$home/rules/policy.yaml" <<END_OF_POLICY
isolation: { second-person-to-reconnect: true }
flows:
  - { id: web, from: [office, wifi], to: dmz/web, services: any }
END_OF_POLICY
lab person suzuki operate isolate
lab person tanaka operate isolate
for step in reconnect-asked reconnect-asked-stored; do
	start_with "$step"
	sekisho apply >/dev/null 2>&1
	pid=$(lab daemon pid)
	check "$step: cut" cut
	lab as suzuki reconnect office --reason "over, $step" >"$work/join" 2>&1
	check "$step: it dies there" eventually died
	lab daemon kill
	lab daemon start
	check "$step: still isolated" status_is 10
	probes <<<"$silent"
	check "$step: the record says who asked" told reconnect-asked ".reason == \"over, $step\" and .actor == \"suzuki\""
	lab as suzuki reconnect office --reason "over, again" >"$work/join" 2>&1
	check "$step: one person alone does not reconnect" status_is 10
	check "$step: two do" lab as tanaka reconnect office --reason "over, says the second"
	probes <<<"$open"
done
sed -i '/^isolation:/d' "$home/rules/policy.yaml"
check "one person again" sekisho apply

# --- what is isolated cannot be looked at, put into force, or mirrored

# What the daemon looks at every 5 seconds.
at_a_look() { eventually "$@" || eventually "$@"; }
problem() { sekisho status --json | grep -q "$1"; }
start_with isolation-look=EIO
check "a guard that cannot be read is told" at_a_look problem 'guard table cannot be read'
start_with isolation-mirror=EIO
check "without a mirror it is cut" cut
probes <<<"$silent"
check "and the status says that it has none" at_a_look problem 'mirror of what is isolated'
lab daemon kill
gw env SEKISHO_FAULT=isolation-read=EIO "$BUILD/sekishod" --config "$home/sekisho.yaml" --boot --log "$work/boot"
probes <<END_OF_PROBES
	silent | office 10.20.0.9 192.0.2.80 tcp/80
	silent | wifi 172.16.0.9 192.0.2.80 tcp/80
END_OF_PROBES
lab daemon start
check "more interfaces than can be cut are not let in" sed -i "s/\[lan-office\]/[lan-office$(printf ', x%d' {1..128})]/" "$home/rules/policy.yaml"
check_not "by an apply" eval 'sekisho apply >"$work/apply" 2>&1'
check "which says why" grep -q "adds to isolated zones cannot be cut off" "$work/apply"
sed -i 's/, x[0-9]*//g' "$home/rules/policy.yaml"
check "reconnects" join
probes <<<"$open"

# --- no memory for the news of an order

start_with isolation-news:1=ENOMEM
check "without memory it is cut" cut
probes <<<"$silent"
check "that nobody was told is told" eventually grep -q 'SK700.*1 orders to isolate were carried out and not told' "$home/events"
check "and it is recorded with its reason" eventually numbered
check "reconnects" join

# --- a disk that does not take it, and a file that makes no sense

start_with isolation-write=ENOSPC
check "a full disk does not keep it from being cut" cut
probes <<<"$silent"
check_not "but nothing is reconnected that could not be written" join
probes <<<"$silent"
lab daemon kill
lab daemon start
check "the kernel remembers" status_is 10
check "and now it is" join

check "cut once more" cut
lab daemon kill
printf '[{"kind":"zone","name":"office"' >"$home/state/isolation"
lab daemon start
check "a damaged file: the kernel knows" status_is 10
check "and only that" test "$(sekisho isolate list --json | jq '.isolations | length')" = 1
check "it is told" grep -q SK701 "$home/events"
lab daemon kill
printf '[{"kind":"zone","name":"office"' >"$home/state/isolation"
gw nft flush ruleset
gw nft delete table inet sekisho_mirror
gw nft delete table inet sekisho
gw "$BUILD/sekishod" --config "$home/sekisho.yaml" --boot --log "$work/boot"
probes <<END_OF_PROBES
	silent | office 10.20.0.9 192.0.2.80 tcp/80
	silent | wifi 172.16.0.9 192.0.2.80 tcp/80
END_OF_PROBES
lab daemon start
check "nobody knows: everything is isolated" grep -q 'ISOLATED.*everything' <(sekisho status)
check "until it is reconnected" sekisho reconnect all --reason "looked into it"
probes <<<"$open"

done_
