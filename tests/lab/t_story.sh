#!/bin/bash
# One night of a town, end to end with the installed verbs: a change goes by two persons, a forgotten
# confirm returns, root flushes the rules, the night clerk cuts a zone off, the daemon is killed, and
# the incident is handed over to somebody who has no Sekisho.
#
#   office 10.20.0.0/16 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24 (web, mail)
#   wifi 172.16.0.0/20 ----- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                       +---------+
. "$(dirname "$0")/case.sh"

policy_of() { # CONFIRM SERVICES
	zones_and <<-END
	approval: { approvers: 1, confirm: $1 }
	owners: { soumu: 総務課 }
	flows:
	  - { id: web, title: 公開ウェブ, from: [office, internet], to: dmz/web, services: $2, owner: soumu }
	END
}
mkdir -p "$rules"
policy_of 300s http >"$rules/policy.yaml"
up
lab person tanaka operate
lab person sato approve
lab person yakan isolate
lab person kansa audit
http="office 10.20.0.9 192.0.2.80 tcp/80"
ssh="office 10.20.0.9 192.0.2.80 tcp/22"

# --- a change by two persons

change=$home/change
mkdir -p "$change"
policy_of 300s "[http, ssh]" >"$change/policy.yaml"
propose() { lab as tanaka propose "$change" --reason 保守のため --request 総務情第9号 --json | jq -r .proposal; }
page() { lab as sato proposal "$1"; }
code() { lab as sato proposal "$1" --json | jq -r .approval_code; }
number=$(propose)
page "$number" >"$work/page"
check "the page has the request" grep -q 総務情第9号 "$work/page"
check "what opens, with its service" grep -qE "OPENS.*office.*dmz.*ssh" "$work/page"
check "whose flow it is" grep -q 総務課 "$work/page"
check_not "and nothing closes" grep -q CLOSES "$work/page"
check_not "who proposed does not approve" lab as tanaka approve "$number" "$(code "$number")"
check_not "a wrong code is none" lab as sato approve "$number" AAAAAAAA
check_not "without approval nothing is applied" lab as tanaka apply "$number"
check "another person approves what she saw" lab as sato approve "$number" "$(code "$number")"
probes <<END
	silent | $ssh
END
check "then it is applied" lab as tanaka apply "$number" --confirm 2s
probes <<END
	arrived dmz * | $ssh
END

# --- the confirm is forgotten

returned() { [[ $(sekisho status --json | jq -r .generation) != "$number" ]]; }
check "it returns by itself" eventually returned
probes <<END
	arrived dmz * | $http
	silent        | $ssh
END
check "which is in the history" grep -q not-confirmed <(sekisho history)
number=$(propose)
lab as sato approve "$number" "$(code "$number")" >/dev/null
check "once more" lab as tanaka apply "$number"
check "and confirmed from a new session" lab as tanaka confirm
probes <<END
	arrived dmz * | $ssh
END

# --- root flushes all rules

gw nft flush ruleset 2>/dev/null
put_right() { sekisho drift --json | jq -e '.exit == null or .exit == 0' >/dev/null && sekisho drift >/dev/null; }
check "flushing the rules changes nothing that stays" eventually put_right
probes <<END
	arrived dmz * | $ssh
	silent        | wifi 172.16.0.9 192.0.2.80 tcp/80
END

# --- the night clerk cuts the published servers off

check "the night clerk isolates" lab as yakan isolate zone dmz --reason malware --own-judgment --yes
check_not "and does not reconnect" lab as yakan reconnect dmz --reason "mistake"
quiet() {
	probes <<-END
		silent | $http
		silent | internet 203.0.113.9 192.0.2.80 tcp/80
	END
}
quiet
same "the status says so" 10 "$(sekisho status >"$work/status" 2>&1; echo $?)"
check "in its first line" grep -qi "^isolated.*dmz" "$work/status"
lab daemon kill
quiet
lab daemon start
quiet
gw nft flush ruleset 2>/dev/null
quiet
same "still isolated" 10 "$(sekisho status >/dev/null 2>&1; echo $?)"
check "the operator reconnects" lab as tanaka reconnect dmz --reason 復旧確認
probes <<END
	arrived dmz * | $http
END

# --- handed over

handed=$work/handed
mkdir -m 777 "$handed"

gathered() { [[ $(sekisho incident show 1 --json | jq -r '.. | .state? // empty' | head -1) ]] && sekisho incident show 1 | grep -q connections; }
check "the incident has its evidence" eventually gathered
check "the auditor exports it" lab as kansa incident export 1 "$handed/incident.tar"
mkdir "$work/elsewhere"
check "it unpacks elsewhere" tar -C "$work/elsewhere" -xf "$handed/incident.tar"
verify() { # FOLDER: only common tools
	(
		cd "$1" && cd "$(dirname "$(find . -name MANIFEST | head -n 1)")" &&
			b2sum --quiet -c MANIFEST &&
			openssl pkeyutl -verify -pubin -inkey "$home/state/keys/audit.pub" -rawin \
				-in MANIFEST -sigfile MANIFEST.sig
	)
}
check "and verifies with the public key" verify "$work/elsewhere"
echo forged >>"$(find "$work/elsewhere" -name 'connections*' | head -n 1)"
check_not "altered it does not" verify "$work/elsewhere"

# --- and the record

check "the record is whole" sekisho log verify
for what in proposed approved returned confirmed isolated reconnected; do
	check "it tells of $what" grep -q "\"event\":\"$what\"" <(sekisho log --json)
done
same "by the person who did it" yakan "$(sekisho log --json --type isolated | jq -r .actor | tail -n 1)"
done_
