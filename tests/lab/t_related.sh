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

done_
