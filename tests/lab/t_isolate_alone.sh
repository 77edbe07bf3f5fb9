#!/bin/bash
# sekisho-isolate: it cuts off with the daemon killed, stopped, and never started, and the daemon
# takes over what it finds.
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
alone() { gw "$BUILD/sekisho-isolate" --state "$home/state" "$@"; }
join() { sekisho reconnect "$@" --reason "it was a drill"; }
open='
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz * | office fd00:20::9 2001:db8:40::80 tcp/80'
neighbour='
	arrived dmz * | wifi 172.16.0.9 192.0.2.80 tcp/80'
silent() { sed 's/arrived.*|/silent |/'; }
check "it needs no library" sh -c "! ldd '$BUILD/sekisho-isolate' 2>&1 | grep '=>'"
probes <<<"$open$neighbour"

# --- the daemon killed: the policy's table is an orphan

lab daemon kill
check "killed: a zone" alone zone office --reason drill --ordered-by "the mayor"
probes < <(silent <<<"$open")
probes <<<"$neighbour"
same "list says 10" 10 "$(alone list >"$work/list"; echo $?)"
check "and what" grep -q 'isolate zone office' "$work/list"
lab daemon start
same "the daemon takes it over" 10 "$(sekisho status >"$work/status" 2>&1; echo $?)"
check "as ordered by hand" grep -q 'ISOLATED.*zone office.*by hand' "$work/status"
check "and records it" eventually grep -q '"event":"isolation-found"' "$home/events"
check "with an incident" eventually sh -c "'$BUILD/sekisho' isolate list --json --socket '$home/run/control.sock' | jq -e '.isolations[0].incident > 0'"
probes < <(silent <<<"$open")
check "apply leaves it" apply <<END_OF_POLICY
flows:
  - { id: web, from: [office, wifi], to: dmz/web, services: any }
  - { id: more, from: office, to: internet, services: any }
END_OF_POLICY
probes < <(silent <<<"$open")
check "reconnect" join office
probes <<<"$open"

# --- the daemon stopped: it owns the policy's table and answers nobody

kill -STOP "$(lab daemon pid)"
check "stopped: a host" alone host 10.20.0.9
check "stopped: a link" alone link lan-wifi
probes <<END_OF_PROBES
	silent        | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz * | office 10.20.0.10 192.0.2.80 tcp/80
	silent        | wifi 172.16.0.9 192.0.2.80 tcp/80
END_OF_PROBES
kill -CONT "$(lab daemon pid)"
check "it sees both" eventually sh -c "test \$('$BUILD/sekisho' isolate list --json --socket '$home/run/control.sock' | jq '.isolations | length') = 2"
check "reconnects one" join 10.20.0.9
check "and the other" join lan-wifi
probes <<<"$open$neighbour"

# --- never started: no table, no state

lab daemon stop
gw nft delete table inet sekisho_guard
gw nft delete table inet sekisho_mirror
mv "$home/state" "$home/state.away"
check_not "without the state folder a zone is not known" alone zone office
check "a link is" alone link lan-office
probes < <(silent <<<"$open")
probes <<<"$neighbour"
check "everything" alone all
probes < <(silent <<<"$neighbour")
check_not "no such address" alone host 10.20.0.300
check_not "no such kind" alone planet earth
check_not "--total is for all" alone link lan-office --total
same "usage is 2" 2 "$(alone >/dev/null 2>&1; echo $?)"
mv "$home/state.away" "$home/state"
lab daemon start
same "a daemon that starts takes all of it over" 2 "$(sekisho isolate list --json | jq '.isolations | length')"
check "reconnects the link" join link lan-office
check "and everything" join all
probes <<<"$open$neighbour"

done_
