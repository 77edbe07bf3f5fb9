#!/bin/bash
# Incidents: evidence, the capture, notes, the signed export on another machine, and full disks.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

mounted=()
tidy_mounts() {
	for folder in "${mounted[@]}"; do
		umount "$folder" 2>/dev/null
	done
	tidy
}
trap tidy_mounts EXIT

policy <<END
flows:
  - { id: web, from: office, to: dmz/web, services: http }
evidence: { capture: { zones: [office], size: 1, snaplen: 128 } }
contacts:
  - { role: ciso, title: 副町長, contact: 内線 2001 }
  - { role: csirt, title: CSIRT, contact: 内線 2199, hours: 24時間 }
  - { role: system, title: 総務課情報係, contact: 内線 2145 }
END
up
incidents=$home/state/incidents
gathered() { [[ $(sekisho incident show "$1" --json | jq -r .gathering) == false ]]; }
part() { sekisho incident show "$1" --json | jq -r ".rows[] | select(.what == \"evidence\" and .name == \"$2\") | .${3:-file}"; }

# What happened goes into the evidence: a connection, its packets, the rules.
probes <<END
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80
	silent        | office 10.20.0.9 192.0.2.80 tcp/4444
END
check "one is opened by hand" sekisho incident open 10.20.0.9 --reason "住民からの通報" --source "窓口"
check "its evidence comes in" eventually gathered 1
same "connections of the host" '1 connections of *' "$(part 1 connections message)"
check "the connection itself" grep -q 'src=10.20.0.9 dst=192.0.2.80 .*dport=80' "$incidents/1/connections.txt"
check "the rules as the kernel has them" grep -q 'chain forward' "$incidents/1/ruleset.txt"
check "of every table" grep -q 'table inet sekisho_guard' "$incidents/1/ruleset.txt"
check "the counters" jq -e '.[] | select(.name == "f_web") | .packets == 1' "$incidents/1/counters.json"
check "the end of the audit log" grep -q '"event":"applied"' "$incidents/1/log.jsonl"
capture() { tshark -r "$incidents/1/capture.pcapng" -T fields -e ip.src -e tcp.dstport 2>/dev/null; }
check "the packet that was let through" grep -q '10.20.0.9	80$' <(capture)
check "and the one that was not" grep -q '10.20.0.9	4444$' <(capture)
same "by its interface" '*lan-office*' "$(capinfos "$incidents/1/capture.pcapng" 2>/dev/null)"
check "contacts are shown" grep -q '内線 2199' <(sekisho incident show 1)
check "that it was opened is an event" grep -q '"incident-opened".*"incident": *1' "$home/events"

# Its timeline.
check "a note" sekisho incident note 1 "端末 10.20.0.9 を回収"
check_not "a close needs a reason" sekisho incident close 1
check "closed, with what is done about it" sekisho incident close 1 --reason "誤検知" --prevention "手順書を改める"
check_not "only once" sekisho incident close 1 --reason again
same "the steps" 'opened evidence noted closed' \
	"$(sekisho incident show 1 --json | jq -r '[.rows[] | select(.what == "step") | .step] | join(" ")')"
same "and the list says so" closed "$(sekisho incident list --json | jq -r '.incidents[0].state')"
check_not "none of that number" sekisho incident show 99

# On another machine: nothing but the file and common tools.
check "the export" sekisho incident export 1 "$work/one.tar"
check_not "does not overwrite one" sekisho incident export 1 "$work/one.tar"
other=$work/other
verify() (
	cd "$1/incident-1" && b2sum --quiet -c MANIFEST &&
		openssl pkeyutl -verify -pubin -inkey audit.pub -rawin -in MANIFEST -sigfile MANIFEST.sig
)
mkdir "$other" && tar -xf "$work/one.tar" -C "$other"
check "verifies elsewhere" verify "$other"
check "by the key of the box" cmp "$other/incident-1/audit.pub" "$home/state/keys/audit.pub"
check "all of it is there" test -s "$other/incident-1/capture.pcapng" -a -s "$other/incident-1/README.txt"
cp -r "$other" "$work/forged" && sed -i 's/10.20.0.9/10.20.0.8/' "$work/forged/incident-1/about.json"
check_not "an altered file is found" verify "$work/forged"
(cd "$work/forged/incident-1" && b2sum -l 256 about.json >>MANIFEST && sed -i '1d' MANIFEST)
check_not "and a manifest that was made to fit" verify "$work/forged"
cp -p "$incidents/1/ruleset.txt" "$work/ruleset.txt"
chmod u+w "$incidents/1/ruleset.txt" && echo "# nothing happened" >>"$incidents/1/ruleset.txt"
sekisho incident export 1 "$work/altered.tar" >"$work/altered" 2>&1
same "evidence altered on the box is told" 7 $?
check "by name" grep -q 'ruleset.txt' "$work/altered"
cp -p "$work/ruleset.txt" "$incidents/1/ruleset.txt"

# For people outside: no inner address, and still the same host everywhere.
check "a masked export" sekisho incident export 1 "$work/masked.tar" --mask
mkdir "$work/masked" && tar -xf "$work/masked.tar" -C "$work/masked"
check "verifies too" verify "$work/masked"
check_not "has no inner address" grep -rqE '(^|[^0-9])10\.20\.|(^|[^0-9])192\.0\.2\.|fd00:20' "$work/masked"
check_not "nor packets" test -e "$work/masked/incident-1/capture.pcapng"

# An isolation opens one by itself; coming back is a step of it.
check "isolated" sekisho isolate zone office --yes --reason malware --ordered-by CISO
check "an incident of it" eventually eval '[[ $(sekisho incident show 2 --json | jq -r "[.kind, .subject, .ordered_by] | join(\" \")") == "isolate office CISO" ]]'
check "with its evidence" eventually gathered 2
check "the guard's rules are in it" grep -q 'isolate zone office' "$incidents/2/ruleset.txt"
check "connections of the zone" grep -q 'src=10.20.0.9' "$incidents/2/connections.txt"
check "reconnected" sekisho reconnect office --reason cleaned
same "which is a step" '*reconnected*' \
	"$(sekisho incident show 2 --json | jq -r '[.rows[] | select(.what == "step") | .step] | join(" ")')"

# A capture that ends by itself.
lab daemon stop
SEKISHO_FAULT=capture-read:1=EIO lab daemon start
wakes() {
	probes <<<"arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80" >/dev/null
	grep -q 'SK[0-9]* the capture of packets ended' "$home/events"
}
until_told() { for _ in {1..3}; do eventually wakes && return; done; return 1; } # looked for every 5 s
check "a capture that ends is told" until_told
check "and started again" eventually eval '! grep -q "capture of packets" <(sekisho status)'
probes <<<"arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80"
sekisho incident open --reason "after it ended" >/dev/null
newest=$(sekisho incident list --json | jq '[.. | .incident? // empty] | max')
check "gathered" eventually gathered "$newest"
check "and hears packets" grep -q '10.20.0.9	80$' \
	<(tshark -r "$incidents/$newest/capture.pcapng" -T fields -e ip.src -e tcp.dstport 2>/dev/null)

# Full disks: of the one who exports, then of the box.
mkdir "$work/small" && mount -t tmpfs -o size=16k none "$work/small" && mounted+=("$work/small")
check_not "an export to a full disk" sekisho incident export 1 "$work/small/one.tar"
sekisho incident export 1 "$work/small/one.tar" 2>"$work/full"
check "says why" grep -q 'No space left' "$work/full"
same "leaves nothing" "" "$(ls -A "$work/small")"
check "and loses nothing" sekisho incident export 1 "$work/again.tar"
lab daemon stop
mount -t tmpfs -o size=128k none "$incidents" && mounted+=("$incidents")
lab daemon start
check "with room, an incident" sekisho incident open --reason first
head -c 1M /dev/zero >"$incidents/filler" 2>/dev/null
check "with a full disk, an incident still" sekisho incident open --reason "on a full disk"
check "which is a problem of the gate" grep -q SK790 <(sekisho status)
rm -f "$incidents/filler"
waits() { grep -q SK790 <(sekisho status); }
until_written() { for _ in {1..3}; do eventually eval '! waits' && return; done; return 1; }
check "and is written when there is room" until_written
check "under its number" grep -q 'on a full disk' <(sekisho incident list)

# A capture that the policy does not want any more.
apply <<END
flows:
  - { id: web, from: office, to: dmz/web, services: http }
END
check_not "its table goes" gw nft list table inet sekisho_capture

done_
