#!/bin/bash
# MSS clamping: the segment size that a zone can carry is told to both ends.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

mkdir -p "$rules"
cat >"$rules/policy.yaml" <<END
zones:
  office:   { interfaces: [lan-office], networks: [10.20.0.0/16, "fd00:20::/64"] }
  dmz:      { role: server, interfaces: [lan-dmz], networks: [192.0.2.0/24, "2001:db8:40::/64"] }
  internet: { role: external, interfaces: [wan-inet], mss: 1200 }
flows:
  - { id: out, from: office, to: [internet, dmz], services: http }
END
up
segment() { # ADDRESS: the segment size that the client learns
	zone office python3 -c '
import socket, sys
s = socket.create_connection((sys.argv[1], 80), 3)
print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))' "$1"
}
# With time stamps 12 bytes of each segment are spoken for.
same "IPv4 to the internet" 1188 "$(segment 9.9.9.9)"
same "IPv6 to the internet" 1188 "$(segment 2600::1)"
same "elsewhere it stays" 1448 "$(segment 192.0.2.80)"

done_
