#!/bin/bash
# A route that changes under a connection does not lead it out another way: when the line to one zone
# goes down and the default route takes over, its packets are denied, not sent to the Internet.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: data, from: office, to: dmz, services: udp/5000 }
  - { id: out, from: office, to: internet, services: any }
  - { id: own, from: self, to: dmz, services: udp/5000 }
  - { id: mail, from: office, to: dmz, services: smtp, guard: mail }
guards: { mail: { protocol: smtp, senders: [office] } }
END
up
# One socket a line of standard input: asks, waits for the answer, then asks once a line.
talk='
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], 5000))
s.settimeout(1)
for line in sys.stdin:
	s.send(b"?")
	try:
		s.recv(100)
		print("answered", flush=True)
	except OSError:
		print("silence", flush=True)
'
ask() { # DESCRIPTOR FILE: one more question; prints what became of it
	local before
	before=$(wc -l <"$2")
	echo >&"$1"
	eventually more_lines "$2" "$before"
	tail -n 1 "$2"
}
more_lines() { (($(wc -l <"$1") > $2)); }
begin() { # NAME SPACE ADDRESS
	mkfifo "$work/$1"
	nsenter --net="/run/netns/$LAB_PREFIX$2" python3 -c "$talk" "$3" <"$work/$1" >"$work/$1.out" 2>&1 &
	children+=($!)
}
received() { # UDP datagrams that the internet got
	zone internet nft list counter inet lab_reroute got | grep -o 'packets [0-9]*'
}

begin office4 office 192.0.2.2
begin office6 office 2001:db8:40::2
begin own4 gw 192.0.2.2
exec 7>"$work/office4" 8>"$work/office6" 9>"$work/own4"
same "a connection over IPv4" answered "$(ask 7 "$work/office4.out")"
same "a connection over IPv6" answered "$(ask 8 "$work/office6.out")"
same "a connection of the gateway" answered "$(ask 9 "$work/own4.out")"
zone internet nft -f - <<END
table inet lab_reroute {
	counter got { }
	chain before { type filter hook prerouting priority -400; udp dport 5000 counter name got; }
}
END
gw ip route flush 192.0.2.0/24
gw ip route flush root 192.0.2.0/24
gw ip -6 route flush root 2001:db8:40::/64
check "the default route leads to the internet" grep -q wan-inet <(gw ip route get 192.0.2.2)
check "that of IPv6 as well" grep -q wan-inet <(gw ip route get 2001:db8:40::2)
ask 7 "$work/office4.out" >/dev/null
ask 8 "$work/office6.out" >/dev/null
ask 9 "$work/own4.out" >/dev/null
same "none of it got there" "packets 0" "$(received)"
check "it is counted as denied" test "$(counter d_office)" -ge 2
# As if it were under inspection: nobody is to see what may not go there, let alone release it.
check "a connection is marked" gw conntrack -U -p udp -s 10.20.0.2 -d 192.0.2.2 --mark 1/1
before=$(counter d_office)
ask 7 "$work/office4.out" >/dev/null
same "packets under inspection are checked before they are queued" $((before + 1)) "$(counter d_office)"
exec 7>&- 8>&- 9>&-

done_
