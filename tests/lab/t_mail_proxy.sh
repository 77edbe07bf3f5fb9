#!/bin/bash
# Mail in proxy mode: the gate accepts, connects onward with the client's own address, and reads between two sockets.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
mode=proxy
. "$here/inspect.sh"

peer() { zone dmz ss -Htn state established "sport = $1" | awk '{ print $4 }'; } # of the server's connections
porter=$(child porter) inspector=$(child inspect)

# --- a session, both families

for address in 192.0.2.25 2001:db8:40::25; do
	check "mail passes to $address" eventually mail_passes $address
	check "a long one too" mail_passes $address 3000000
done
check "each is recorded" eventually recorded 4
check "sessions are counted" eventually eval '(($(number proxy_given) >= 4))'
check "and have ended" eventually eval '(($(number proxy_sessions) == 0))'
same "none was brought by nobody" 0 "$(number proxy_strangers)"
slow long
same "the server sees the client's address" "10.20.0.2:*" "$(peer 25 | head -n 1)"
ends long
done_
