#!/bin/bash
# Quarantine by MAC, with packets: a host on a directly attached segment is silent, whatever address
# it takes and whoever it sends to, and so are its live connections; its neighbour on the same
# segment loses nothing.
#
#   alice 10.30.0.11 .12 fd00:30::11 ---+
#         02:00:00:00:30:0a             | bridge ---- lan-desk [ sekisho ] lan-dmz ---- dmz 192.0.2.80, 2001:db8:40::80
#   bob   10.30.0.21     fd00:30::21 ---+                  .1
#         02:00:00:00:30:0b
. "$(dirname "$0")/case.sh"
. "$here/live.sh"

mkdir -p "$rules"
cat >"$rules/policy.yaml" <<END_OF_POLICY
version: 1
zones:
  desk: { interfaces: [lan-desk], networks: [10.30.0.0/24, "fd00:30::/64"] }
  dmz:  { role: server, interfaces: [lan-dmz], networks: [192.0.2.0/24, "2001:db8:40::/64"] }
networks:
  dmz/web: [192.0.2.80, "2001:db8:40::80"]
flows:
  - { id: web, from: desk, to: dmz/web, services: any }
  - { id: back, from: dmz/web, to: desk, services: any }
  - { id: to-us, from: desk, to: self, services: ping }
  - { id: from-us, from: self, to: desk, services: ping }
END_OF_POLICY
up
zone desk ip -batch - <<END_OF_BATCH
addr flush dev eth0
link add br0 type bridge
link set eth0 master br0
link set br0 up
END_OF_BATCH
host() { # NAME MAC ADDRESS ...: one more host on the segment
	local space=$LAB_PREFIX$1 address
	ip netns add "$space"
	echo "$space" >>"$home/spaces" # gone with the lab
	zone desk ip link add "$1" type veth peer name eth0 address "$2" netns "$space"
	zone desk ip link set "$1" master br0 up
	zone "$1" ip link set lo up
	zone "$1" ip link set eth0 up
	zone "$1" sh -c 'for f in all default eth0; do echo 0 >/proc/sys/net/ipv6/conf/$f/accept_dad; done'
	for address in "${@:3}"; do zone "$1" ip addr add "$address" dev eth0; done
	zone "$1" ip route add default via 10.30.0.1 dev eth0 onlink
	zone "$1" ip -6 route add default via fd00:30::1 dev eth0 onlink
}
mac=02:00:00:00:30:0a
host alice "$mac" 10.30.0.11/24 10.30.0.12/24 fd00:30::11/64
host bob 02:00:00:00:30:0b 10.30.0.21/24 fd00:30::21/64
gw ip route replace 10.30.0.0/24 dev lan-desk
gw ip -6 route replace fd00:30::/64 dev lan-desk

reaches() { zone "$1" ping -n -q -c1 -W0.2 ${3:+-I "$3"} "$2"; } # SPACE TO [FROM]
from_alice() { # check|check_not|soon WHEN ADDRESS ...: to the servers and to the gateway
	local address
	for address in "${@:3}"; do
		if [[ $address == *:* ]]; then
			"$1" "$2: $address to a server" reaches alice 2001:db8:40::80 "$address"
			"$1" "$2: $address to the gateway" reaches alice fd00:30::1 "$address"
			"$1" "$2: a server to $address" zone dmz ping -n -q -c1 -W0.2 -I 2001:db8:40::80 "$address"
			"$1" "$2: the gateway to $address" gw ping -n -q -c1 -W0.2 "$address"
		else
			"$1" "$2: $address to a server" reaches alice 192.0.2.80 "$address"
			"$1" "$2: $address to the gateway" reaches alice 10.30.0.1 "$address"
			"$1" "$2: a server to $address" zone dmz ping -n -q -c1 -W0.2 -I 192.0.2.80 "$address"
			"$1" "$2: the gateway to $address" gw ping -n -q -c1 -W0.2 "$address"
		fi
	done
}
from_bob() {
	check "the neighbour, IPv4" reaches bob 192.0.2.80
	check "the neighbour, IPv6" reaches bob 2001:db8:40::80
	check "the neighbour to the gateway" reaches bob 10.30.0.1
}
# What arrives at the servers from other hosts than the neighbour.
zone dmz nft -f - <<END_OF_RULES
table inet seen {
	counter alice { }
	chain in {
		type filter hook prerouting priority -400; policy accept;
		ip saddr 10.30.0.0/24 ip saddr != 10.30.0.21 counter name alice
		ip6 saddr fd00:30::/64 ip6 saddr != fd00:30::21 counter name alice
	}
}
END_OF_RULES
seen() { zone dmz nft -j list counter inet seen alice | jq '.nftables[] | select(.counter).counter.packets'; }

from_alice check "before" 10.30.0.11 10.30.0.12 fd00:30::11
from_bob
talk alice tcp,tcp,192.0.2.80,5001,10.30.0.11 udp,udp,192.0.2.80,5001,10.30.0.12 \
	tcp6,tcp,2001:db8:40::80,5001 udp6,udp,2001:db8:40::80,5001
talk bob tcp,tcp,192.0.2.80,5001 udp6,udp,2001:db8:40::80,5001
for host in alice bob; do check "the connections of $host live" eventually all_answered $host; done

check "quarantine by MAC" sekisho quarantine "$mac" --yes --reason malware --own-judgment
before=$(seen)
for name in tcp udp tcp6 udp6; do check "$name is cut" eventually silent alice $name; done
from_alice check_not "quarantined" 10.30.0.11 10.30.0.12 fd00:30::11
zone alice ip -batch - <<END_OF_BATCH
addr del 10.30.0.12/24 dev eth0
addr add 10.30.0.99/24 dev eth0
addr add fd00:30::99/64 dev eth0 nodad
END_OF_BATCH
from_alice check_not "with another address" 10.30.0.99 fd00:30::99
same "not a packet arrives" "$before" "$(seen)"
from_bob
for name in tcp udp6; do check "the neighbour's $name loses nothing" eventually lossless bob $name; done
lab daemon kill
lab daemon start
from_alice check_not "after a restart" 10.30.0.99
same "it is on the list, by MAC" "mac $mac" "$(sekisho isolate list --json | jq -r '.isolations[] | "\(.kind) \(.name)"')"

check "reconnect" sekisho reconnect "$mac" --reason "cleaned"
soon() { check "$1" eventually "${@:2}"; } # neighbours that could not be found are looked for again
from_alice soon "reconnected" 10.30.0.11 10.30.0.99 fd00:30::11 fd00:30::99
all_goes_on() { (($(column alice udp6 4) < 400)); }
check "UDP goes on" eventually all_goes_on
done_
