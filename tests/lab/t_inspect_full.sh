#!/bin/bash
# The queue runs full while the ferry stands still: what finds no room is dropped, counted and told.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
mode=flow # Queues of packets have no part in proxy mode.
. "$here/inspect.sh"

check "a server is there" eventually mail_passes
check "unguarded traffic" slow web 80 192.0.2.80

# --- the ferry stops, and the queue runs full

cat >"$work/flood.py" <<-END
	import socket, struct
	s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
	to = socket.inet_aton("192.0.2.25")
	for i in range(12000):
	    source = socket.inet_aton("10.20.%d.%d" % (100 + i // 250, 1 + i % 250))
	    tcp = struct.pack("!HHIIBBHHH", 1024 + i, 25, i, 0, 0x50, 2, 1024, 0, 0)
	    sum = 0
	    for word in struct.unpack("!16H", source + to + struct.pack("!HH", 6, 20) + tcp):
	        sum += word
	    sum = (sum & 0xffff) + (sum >> 16)
	    sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff
	    tcp = tcp[:16] + struct.pack("!H", sum) + tcp[18:]
	    s.sendto(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, source, to) + tcp, ("192.0.2.25", 0))
END
kill -STOP "$(child ferry)"
zone office python3 "$work/flood.py"
check "what finds no room is counted" eventually eval '(($(number inspect_queue_full) > 0))'
check "told" eventually told inspection-full dropped
same "and a problem of the status" "*SK811*" "$(sekisho status)"
check "a silent ferry is replaced, and mail passes" eventually mail_passes
check "unguarded traffic has gone on" goes_on web

done_
