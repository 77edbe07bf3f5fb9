#!/bin/bash
# The audit log: written by a process of its own, chained and signed, verified with and without
# Sekisho; its writer or the daemon killed, the disk full, a file swapped.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
trap 'umount -l "$home/log" 2>/dev/null; tidy' EXIT

rules_with() { # RECORD
	cat <<-END
	flows:
	  - { id: web, from: office, to: dmz/web, services: http, log: true }
	record: { keep: 400d, $1 }
	END
}
open='	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80'
shut='	silent        | office 10.20.0.9 192.0.2.80 tcp/80'

rules_with "checkpoint-to: [\"file:$work/heads\"]" | policy
up
events() { sekisho log --json --lines 100000 "$@"; }
has() { events "$@" | grep -q .; }
keeper() { ps -o pid=,args= --ppid "$(lab daemon pid)" | awk '/--keep/ { print $1 }'; }
record() { sekisho status --json | sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",]*\).*/\1/p"; }

# What happens is there, and can be found.
probes <<<"$open"
check "the packet" eventually has --type packet-allowed --flow web --zone office
check "the apply, with who did it" has --type applied --actor root
check_not "nothing of another flow" has --type packet-allowed --flow other
check_not "nothing of before" has --until 2020-01-01
check "something of the last hour" has --since 1h
check "for people, in words" grep -q ' applied .*generation=1' <(sekisho log --type applied)
same "three lines" 3 "$(sekisho log --lines 3 | wc -l)"
check "each record has its place, clocks and hash" \
	grep -qE '^\{"seq":[0-9]+,"time":"[0-9T:.-]+[+-][0-9:]+","boot":"[0-9a-f]{8}","since":[0-9.]+,"clock":"(un)?(synced|known)","event":' \
	<(events --type applied)
same "the status says so" written "$(record record)"
same "the keeper has no rights" 0 "$(awk '/^CapEff/ { print $2 + 0 }' "/proc/$(keeper)/status")"
same "and is not root" nobody "$(stat -c %U "/proc/$(keeper)")"
same "and is sealed" 2 "$(awk '/^Seccomp:/ { print $2 }' "/proc/$(keeper)/status")"
# Every kind of event has only the fields that the manual says it may have.
events | jq -r '.event as $e | del(.seq, .time, .boot, .since, .clock, .event, .hash, .signature) | keys[] | $e + " " + .' | sort -u >"$work/fields"
awk -F' *[|] *' '/^[|] `/ && NF > 6 { gsub(/`/, "", $2); n = split($4, f, " "); for (i = 1; i <= n; i++) print $2, f[i] }' "$root/docs/events.md" | sort -u >"$work/allowed"
same "no field that docs/events.md does not tell" "" "$(comm -23 "$work/fields" "$work/allowed")"

# Followed.
"$BUILD/sekisho" log --log-dir "$home/log" --follow --type call-refused --json --lines 1 >"$work/followed" &
children+=($!)
lab as 4242 "$BUILD/sekisho" status --socket "$home/run/control.sock" >/dev/null 2>&1 ||
	setpriv --reuid 65534 --clear-groups "$BUILD/sekisho" status --socket "$home/run/control.sock" >/dev/null 2>&1
check "a refused call is recorded" eventually has --type call-refused
check "and seen by who follows" eventually grep -q call-refused "$work/followed"

# Verified, here and elsewhere.
check "it verifies" sekisho log verify
check "its end is signed at the stop" lab daemon stop
check "which leaves a checkpoint elsewhere" grep -qE '^[0-9]+ [0-9a-f]{64} ' "$work/heads"
same "the newest" "$(sekisho log head)" "$(tail -n 1 "$work/heads" | cut -d' ' -f1,2)"
check "and compares with it" sekisho log verify --heads "$work/heads"
check "it is exported" sekisho log export "$work/log.tar"
mkdir "$work/elsewhere" && tar -xf "$work/log.tar" -C "$work/elsewhere"
check "the export verifies with common tools" env -i PATH="$PATH" sh "$work/elsewhere/verify.sh" "$work/elsewhere"
sed -n '/^#!\/bin\/sh/,/^exit /p' "$root/docs/audit-log.md" >"$work/verify.sh"
check "by the recipe of the manual" cmp "$work/verify.sh" "$work/elsewhere/verify.sh"
check "and with Sekisho" sekisho log verify "$work/elsewhere"
tamper() { # WHAT SED-EXPRESSION
	rm -rf "$work/copy" && cp -r "$work/elsewhere" "$work/copy" && chmod -R u+w "$work/copy"
	sed -i "$2" "$work/copy/00000001.jsonl"
	check_not "$1: found" sekisho log verify "$work/copy" --heads "$work/heads"
	check_not "$1: found with common tools" sh "$work/copy/verify.sh" "$work/copy"
}
tamper "a record changed" '5s/"seq":5,"time":"20/"seq":5,"time":"21/'
tamper "a record removed" 5d
tamper "a record doubled" '5{p}'
tamper "two records exchanged" '5{h;d};6{G}'
tamper "a line put in" '5a {"seq":6,"event":"nothing"}'
rm -rf "$work/copy" && cp -r "$work/elsewhere" "$work/copy" && chmod -R u+w "$work/copy"
sed -i '$d' "$work/copy/00000001.jsonl"
check_not "the end cut off: found by the checkpoint" sekisho log verify "$work/copy" --heads "$work/heads"

# Killed.
check "it starts again" lab daemon start
check "and nothing was lost" sekisho log verify --heads "$work/heads"
kill -KILL "$(keeper)"
check "a keeper that was killed is started again" eventually has --type keeper-restarted
rules_with "checkpoint-to: [syslog]" >"$work/more"
check "what happens then is recorded" apply <"$work/more"
check "at once" eventually has --type applied --since "$(date -d '-5 seconds' '+%F %T')"
lab daemon kill
check "the daemon killed: started again" lab daemon start
check "the chain is whole" sekisho log verify --heads "$work/heads"

# Swapped under the writer: written back, recorded, and gone on after.
first=$(ls "$home"/log/audit/*.jsonl | tail -n 1)
echo '{"seq":1}' >"$first.other" && mv "$first.other" "$first"
rules_with "when-full: continue" >"$work/more"
check "an apply" apply <"$work/more"
check "the swap is noticed" eventually has --type record-damaged
check "the records are back" sekisho log verify --heads "$work/heads"
check "the stranger is kept" test -s "$first.foreign-1"
check "in a new file" test "$(ls "$home"/log/audit/*.jsonl | tail -n 1)" != "$first"
sekisho log verify >"$work/verified"
check "and is named by verify" grep -q "^${first##*/}.foreign-1 was found" "$work/verified"
same "in JSON too" "${first##*/}.foreign-1" "$(sekisho log verify --json | jq -r '.put_aside[]')"

# The end cut off where nothing is signed yet: what the daemon knows of it tells.
newest() { tail -qn 1 "$home"/log/audit/*.jsonl | tail -n 1 | jq -r '"\(.seq) \(.hash)"'; }
known() { [[ $(newest) == "$(cat "$home/state/audit.head")" ]]; }
verify_box() { # FOLDERS: as on a box, where log and state are where they usually are
	unshare -m sh -c 'mount -t tmpfs none /var/log && mkdir /var/log/sekisho && mount --bind "$0/log" /var/log/sekisho &&
		mount -t tmpfs none /var/lib && mkdir /var/lib/sekisho && mount --bind "$0/state" /var/lib/sekisho &&
		exec "$@" log verify' "$1" "$BUILD/sekisho"
}
check "the daemon knows the newest record within a second" eventually known
check "with which verify compares by itself" verify_box "$home"
mkdir "$work/box" && cp -r "$home/log" "$home/state" "$work/box"
newest=$(ls "$work"/box/log/audit/*.jsonl | tail -n 1)
chmod u+w "$newest"
while tail -n 1 "$newest" | grep -q '"signature"'; do
	check "something unsigned" sekisho propose --reason "a record more"
	check "is known too" eventually known
	rm -r "$work/box" && mkdir "$work/box" && cp -r "$home/log" "$home/state" "$work/box" && chmod u+w "$newest"
done
sed -i '$d' "$newest"
check "cut off: alone the log does not show it" sekisho log verify "$work/box/log"
verify_box "$work/box" >"$work/verified"
same "but verify does on the box" 1 $?
check "as cut off" grep -q "SK724 cut off: record .* was written and is not there" "$work/verified"
rm "$work/box/state/audit.head"
verify_box "$work/box" >"$work/verified"
check "without it verify says so" grep -q "not compared with the newest record that the daemon knows" "$work/verified"

# A disk that is full.
lab daemon stop
rm -rf "$home/log" "$home/state/audit.head" && mkdir "$home/log" && mount -t tmpfs -o size=512k none "$home/log"
lab daemon start
fill() { dd if=/dev/zero of="$home/log/fill" bs=4k 2>/dev/null; true; }
fill
same "continue: the status says so" 7 "$(sekisho status >"$work/status" 2>&1; echo $?)"
check "by its code" grep -q SK720 "$work/status"
same "blocked" blocked "$(record record)"
probes <<<"$open"
same "an apply goes on, and says so too" 7 "$(apply <"$work/more"; echo $?)"
same "and waits to be recorded" blocked "$(record record)"
check "with others" test "$(record record_waiting)" -gt 0
rm "$home/log/fill"
same "room again: the status says so" written "$(record record)"
check "the status is fine" eventually sekisho status
same "nothing waits" 0 "$(eventually test "$(record record_waiting)" = 0; record record_waiting)"
check "it is recorded that it went on" has --type record-resumed
check "and what waited" has --type failed
check "in a whole chain" sekisho log verify

rules_with "when-full: close" | zones_and >"$home/rules/policy.yaml"
check "close: applied" sekisho apply
probes <<<"$open"
fill
same "close: the status says so" 7 "$(sekisho status >"$work/status" 2>&1; echo $?)"
check "the gate is closed" grep -q 'guard closed' "$work/status"
probes <<<"$shut"
rm "$home/log/fill"
check "room again: it opens" eventually sekisho status
probes <<<"$open"
check "all of it is recorded" has --type gate-closed
check "in a whole chain" sekisho log verify

done_
