#!/bin/bash
# IPv6 essentials: neighbours are found, routers are heard where the policy says, headers are few.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web, from: office, to: dmz, services: http }
  - { id: routes, from: self, to: office, services: udp/521 }
settings: { hear-router-advertisements: [internet] }
END
up
gw ip neigh flush all
zone office ip neigh flush all
zone dmz ip neigh flush all
check "neighbours are found though no flow says so" zone office curl -sS -m 3 'http://[2001:db8:40::80]/'
rest=00000000
probes <<END
	arrived self * | internet fe80::9 ff02::1 icmpv6/134 ttl=255
	silent         | internet fe80::9 ff02::1 icmpv6/134 ttl=64
	silent         | office fe80::9 ff02::1 icmpv6/134 ttl=255
	silent         | office fe80::9 fd00:20::1 icmpv6/137 ttl=255
	arrived self * | office fe80::9 fd00:20::1 icmpv6/135 ttl=255
	silent         | office fe80::9 fd00:20::1 icmpv6/135 ttl=64
	arrived self * | office fd00:20::9 fd00:20::1 icmpv6/136 ttl=255
	silent         | office fd00:20::9 fd00:20::1 icmpv6/128
	silent         | office fe80::9 2001:db8:40::80 tcp/80
	arrived dmz *  | office fd00:20::9 2001:db8:40::80 tcp/80 extension=60:0600010400000000
	silent         | office fd00:20::9 2001:db8:40::80 tcp/80 extension=0:0600010400000000
	silent         | office fd00:20::9 2001:db8:40::80 tcp/80 extension=43:0600000000000000
	silent         | office fd00:20::9 2001:db8:40::80 tcp/80 extension=135:0600000000000000
END

# A routing daemon or a DHCP server on the gateway speaks to the link, with a flow from self.
zone office nft -f - <<END
table inet lab_link {
	counter got { }
	chain before { type filter hook prerouting priority -400; udp dport { 521, 522 } counter name got; }
}
END
gw python3 - <<END
import socket
for address in "224.0.0.9", "255.255.255.255":
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.SOL_SOCKET, 25, b"lan-office")
    for port in 521, 522:
        try:
            s.sendto(b"x", (address, port))
        except PermissionError:
            pass
for address in "ff02::9", "fe80::9:9":
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, 25, b"lan-office")
    for port in 521, 522:
        try:
            s.sendto(b"x", (address, port, 0, socket.if_nametoindex("lan-office")))
        except PermissionError:
            pass
END
got() { zone office nft list counter inet lab_link got | grep -o 'packets [0-9]*'; }
# The fourth, to fe80::9:9, waits for a neighbour that is not there.
same "the gateway's packets to the link arrive, those that no flow names do not" "packets 3" "$(got)"

done_
