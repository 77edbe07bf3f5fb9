#!/bin/bash
# Replies and the errors that belong to a connection come back; nothing else does.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web, from: office, to: dmz, services: [http, dns] }
END
up
check "a connection's replies" zone office curl -sS -m 3 http://192.0.2.80/
check "UDP replies" test -n "$(echo x | zone office nc -u -w 1 192.0.2.80 53)"
lab answer dmz off
# Port unreachable comes back to the socket that asked.
refused=$(zone office python3 - <<END
import socket
for family, address in ((socket.AF_INET, "192.0.2.2"), (socket.AF_INET6, "2001:db8:40::2")):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(2)
    s.connect((address, 53))
    s.send(b"x")
    try:
        s.recv(10)
        print("data")
    except ConnectionRefusedError:
        print("refused")
    except TimeoutError:
        print("timeout")
END
)
same "ICMP port unreachable comes back, v4 and v6" $'refused\nrefused' "$refused"
# A smaller path behind the server's side: what is too big is told to the sender.
lab answer dmz on
zone dmz ip link set eth0 mtu 1280
gw ip link set lan-dmz mtu 1280
mtu=$(zone office python3 - <<END
import socket, time
for family, level, option, want, address in (
        (socket.AF_INET, socket.IPPROTO_IP, 10, 14, "192.0.2.80"),
        (socket.AF_INET6, socket.IPPROTO_IPV6, 23, 24, "2001:db8:40::80")):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(level, option, 2)  # discover
    s.connect((address, 53))
    for i in range(20):
        try:
            s.send(b"x" * 1400)
        except OSError:
            break
        time.sleep(0.02)
    print(s.getsockopt(level, want))
END
)
same "path MTU is discovered, v4 and v6" $'1280\n1280' "$mtu"
probes <<END
	silent | dmz 192.0.2.80 10.20.0.9 icmp/3
	silent | dmz 192.0.2.80 10.20.0.9 icmp/0
	silent | dmz 192.0.2.80 10.20.0.9 tcp/9999 flags=12
	silent | dmz 192.0.2.80 10.20.0.9 tcp/9999 flags=10
	silent | dmz 2001:db8:40::80 fd00:20::9 icmpv6/1
	silent | office 10.20.0.9 192.0.2.80 tcp/80 flags=10
	silent | office 10.20.0.9 192.0.2.80 tcp/80 flags=12
	silent | office 10.20.0.9 192.0.2.80 tcp/80 flags=3f
	silent | office 10.20.0.9 192.0.2.80 tcp/80 flags=29
	silent | office 10.20.0.9 192.0.2.80 tcp/80 flags=03
END

# An error about a live connection from a zone that has no flow with the one it goes to is no error.
error_from() { # ZONE SOURCE DESTINATION INNER_SOURCE INNER_DESTINATION SPORT: sends it
	zone "$1" python3 - "${@:2}" <<END
import socket, struct, sys
source, to, one, other = (socket.inet_aton(a) for a in sys.argv[1:5])
def total(data):
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    s = (s >> 16) + (s & 0xffff)
    return ~(s + (s >> 16)) & 0xffff
def header(length, protocol, a, b):
    h = struct.pack("!BBHHHBBH4s4s", 0x45, 0, length, 1, 0, 64, protocol, 0, a, b)
    return h[:10] + struct.pack("!H", total(h)) + h[12:]
sport = int(sys.argv[5])
inner = header(128, 17, one, other) + struct.pack("!HHHH", sport, 53, 108, 0) + b"STOWAWAY" * 12
message = struct.pack("!BBHI", 3, 1, 0, 0) + inner[:128]
message = message[:2] + struct.pack("!H", total(message)) + message[4:]
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
s.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
s.sendto(header(20 + len(message), 1, source, to) + message, (sys.argv[2], 0))
END
}
stowaways() { # ZONE: errors that it got
	zone "$1" nft list counter inet lab_related got | grep -o 'packets [0-9]*'
}
for zone in office dmz; do
	zone $zone nft -f - <<END
table inet lab_related {
	counter got { }
	chain before { type filter hook prerouting priority -400; icmp type 3 counter name got; }
}
END
done
lab answer dmz on
zone office python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.20.0.2", 47000)); s.settimeout(2); s.connect(("192.0.2.80", 53)); s.send(b"x"); s.recv(99)'
error_from dmz 192.0.2.9 10.20.0.2 10.20.0.2 192.0.2.80 47000
check "an error of the other end's zone comes back" eventually test "$(stowaways office)" = "packets 1"
error_from wifi 172.16.0.2 10.20.0.2 10.20.0.2 192.0.2.80 47000
error_from wifi 172.16.0.2 192.0.2.80 192.0.2.80 10.20.0.2 47000
error_from internet 203.0.113.9 10.20.0.2 10.20.0.2 192.0.2.80 47000
sleep 0.1
same "those of other zones do not reach the one end" "packets 1" "$(stowaways office)"
same "nor the other" "packets 0" "$(stowaways dmz)"

done_
