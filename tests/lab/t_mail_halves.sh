#!/bin/bash
# Clients that begin commands and never end them: whatever they make the gate hold, honest mail flows on.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
. "$here/inspect.sh"

check "a server is there" eventually mail_passes
check "mail in pieces passes" zone office timeout 20 python3 "$here/smtp.py" mail 192.0.2.25 25 1000 pieces
mkdir "$work/halves"
zone office sh -c 'for i in $(seq 1 30); do ip addr add 10.20.7.$i/32 dev eth0; done'
background office python3 "$here/mail_halves.py" 192.0.2.25 300 "$work/halves" 10.20.7.{1..30}
check "three hundred clients that never end a line" eventually test -e "$work/halves/ready"
if [[ $mode == proxy ]]; then
	check "all of them wait at the gate" eventually eval '(($(number proxy_sessions) >= 300))'
else
	check "as much is held as may be" eventually eval '(($(number inspect_held) > 700))'
fi
old=$(child inspect)
for i in 1 2 3; do
	check "mail passes" mail_passes
	check "mail whose commands come in pieces passes" zone office timeout 20 python3 "$here/smtp.py" mail 192.0.2.25 25 1000 pieces
	check "and by another way in" mail_passes 2001:db8:40::25
done
same "by the same inspector" "$old" "$(child inspect)"
done_
