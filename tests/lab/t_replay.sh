#!/bin/bash
# Replay: what the gateway's interfaces saw, put to the policy afterwards, fares as it did in the kernel,
# connection by connection: random packets (allowed, denied, inspected, false sources, translations),
# then real clients.
#
#   every zone of the policy ---- gateway (tcpdump on all of its interfaces) ---- every zone
. "$(dirname "$0")/case.sh"

seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "seed $seed"

mkdir -p "$rules" # one zone without networks: which of two a packet goes to, only a route says
sed 's|up: { role: uplink,|& networks: [10.200.0.0/16, 198.51.100.0/24, "2001:db8:77::/48"],|' "$root/tests/policies/crooked/policy.yaml" \
	>"$rules/policy.yaml"
lab up "$rules" || { bad "the lab does not come up"; done_; }

record() { # FILE: begins
	background gw tcpdump --immediate-mode -q -i any -y LINUX_SLL2 -s 300 -B 32768 -U -Z root -w "$1"
	recorder=$!
	eventually test -s "$1"
	# What answers in the first two seconds may belong to what was before: nothing does, here.
	gw ping -q -c 1 127.0.0.1 >/dev/null
	sleep 2.2
}

recorded() {
	sleep 0.2
	kill "$recorder"
	wait "$recorder" 2>/dev/null
}

# The zones of the interfaces by number, as a cooked capture has them, and the gateway's addresses.
look() {
	local zones
	zones=$("$BUILD/sekisho" zones "$home/rules" --json | jq -c '[.zones[] | { key: .interfaces[], value: .id }] | from_entries')
	interfaces=$(gw ip -j link | jq -r --argjson zones "$zones" \
		'def zone($name): $zones | to_entries | map(select(.key as $k | $k == $name or
			(($k | endswith("*")) and ($name | startswith($k[:-1]))))) | .[0].value;
		[.[] | { ifindex, zone: zone(.ifname) } | select(.zone) | "\(.ifindex)=\(.zone)"] | join(",")')
	own=$(gw ip -j addr | jq -r '[.[].addr_info[].local] | join(",")')
	check "interfaces of the gateway are of zones (${interfaces:0:60}...)" test "$(tr -cd = <<<"$interfaces" | wc -c)" -ge 4
}

replay() { # CAPTURE [OPTIONS]
	"$BUILD/sekisho" replay "$1" "$home/rules" --interface "$interfaces" --self "$own" "${@:2}"
}

# --- random packets, each with what the kernel made of it

look
lab daemon stop # the rules stay; the queue is the probes'
proxied
record "$work/random.pcap"
check "plan and kernel agree" "$BUILD/lab-agree" "$home/rules" --seed "$seed" --count 1500 --list "$work/probes"
recorded
check "it is replayed" replay "$work/random.pcap" --json --connections
replay "$work/random.pcap" --json --connections >"$work/replayed"
cat >"$work/compare.py" <<'END'
import ipaddress, json, sys
probes = [line.split() for line in open(sys.argv[1])]
zones = {}
fates = {}
for c in json.load(open(sys.argv[2]))["connections"]:
    key = (c["source"], c.get("source_port", 0), c["destination"], c["port"], c["protocol"])
    fates.setdefault(key, []).append(c)
same = elsewhere = unseen = turned = 0
for verdict, source_zone, source, sport, to, destination, port, protocol in probes:
    sport = int(sport) if protocol in ("6", "17", "132") else 0
    key = (source, sport, destination, int(port), int(protocol))
    here = [c for c in fates.get(key, []) if c["from"] == source_zone]
    if source_zone == "self" and verdict == "denied":
        unseen += 1  # dropped before any interface sees it
    elif not here and (destination, int(port) if sport else 0, source, sport, int(protocol)) in fates:
        turned += 1  # the lab forgot a connection the other way, which a capture does not tell
    elif not any(c["to"] == to for c in here) and here:
        elsewhere += 1  # its route led elsewhere than its address, which no capture tells
    elif any(c["verdict"] == verdict and c["to"] == to for c in here):
        same += 1
    else:
        print(verdict, source_zone, key, to, [(c["verdict"], c["from"], c["to"], c.get("reason")) for c in fates.get(key, [])])
print("same", same, "elsewhere", elsewhere, "unseen", unseen, "turned", turned, "of", len(probes))
sys.exit(same + elsewhere + unseen + turned != len(probes) or same < len(probes) * 0.8)
END
check "every connection fares as it did in the kernel" python3 "$work/compare.py" "$work/probes" "$work/replayed"
tail -n 1 "$work/check"

# --- real clients

lab down
lab up "$root/rules/branch-office" || { bad "the lab does not come up"; done_; }
look
record "$work/tour.pcap"
check "the tour agrees with the policy" "$BUILD/lab-tour" "$home/rules"
through=$(grep -o '[0-9]* got through' "$work/check" | grep -o '^[0-9]*')
recorded
replay "$work/tour.pcap" --json --connections >"$work/replayed"
cat >"$work/clients.py" <<'END'
import json, sys
replayed = json.load(open(sys.argv[1]))
bad = 0
count = 0
for c in replayed["connections"]:
    # Of zone to zone: what the kernel let through was seen leaving, what it stopped was not.
    if "self" in (c["from"], c["to"]):
        continue
    count += 1
    left = c["copies"] > 0
    if left != (c["verdict"] == "allowed"):
        bad += 1
        print(c)
print(count, "connections, of the kernel's fate otherwise:", bad, "left aside:", replayed["totals"]["left"])
sys.exit(bad or count < int(sys.argv[2]))
END
check "what left is what is allowed" python3 "$work/clients.py" "$work/replayed" "${through:-100}"
tail -n 1 "$work/check"
check "answers came by the connections that are allowed" \
	jq -e '[.connections[] | select(.verdict == "allowed" and .reply_packets > 0)] | length > 5' "$work/replayed"
same "tshark counts the same packets" "$(jq .capture.packets "$work/replayed")" \
	"$(tshark -r "$work/tour.pcap" -T fields -e frame.number 2>/dev/null | wc -l)"

# --- proposals, differences, damage

replay "$work/tour.pcap" --propose >"$work/proposed.yaml"
check "flows are proposed" grep -q '^flows:' "$work/proposed.yaml"
check "and what assertions forbid is not" grep -q '^# not proposed: .*assertion' "$work/proposed.yaml"
cp -r "$home/rules" "$work/with"
cp "$work/proposed.yaml" "$work/with/proposed.yaml"
check "they pass a check when pasted" "$BUILD/sekisho" check "$work/with"
check "connections change with them" sh -c "'$BUILD/sekisho' replay '$work/tour.pcap' '$home/rules' \
	--interface '$interfaces' --self '$own' --diff '$work/with' --json | jq -e '.changes | length > 0 and all(.is.verdict == \"allowed\")'"
first=$(jq '[.connections[] | select(.verdict == "allowed" and .reply_packets > 2)][0].connection' "$work/replayed")
check "packets of one connection" sh -c "'$BUILD/sekisho' replay '$work/tour.pcap' '$home/rules' \
	--interface '$interfaces' --self '$own' --packets $first | grep -q reply"
head -c $(($(stat -c %s "$work/tour.pcap") - 7)) "$work/tour.pcap" >"$work/cut.pcap"
replay "$work/cut.pcap" >"$work/cut" 2>&1
same "a capture that is cut" 1 $?
check "says where" grep -q 'damaged at byte [0-9]*' "$work/cut"
check "and judges what stands before" grep -q '^ALLOWED' "$work/cut"

done_
