#!/bin/bash
# A client over its limit of sessions hears 421, and its server never hears of it, also when the client does not
# acknowledge a word.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
. "$here/inspect.sh"

check "a server is there" eventually mail_passes
check "one session at a time" apply < <(guarded </dev/null | sed 's/size: 40MB,/size: 40MB, limits: { sessions: 1 },/')
check "a source is let in" eventually mail_passes
slow live
for address in 192.0.2.25 2001:db8:40::25; do
	[[ $address == *:* ]] && slow live6 25 $address
	same "one more is told" "*421 4.7.0*" "$(zone office python3 "$here/smtp_say.py" $address </dev/null)"
done
refused() { sekisho mail list --json | jq '[.. | objects | select(.reason? // "" | test("^sessions"))] | length'; }
check "each is recorded" eventually eval '(($(refused) == 2))'

# --- SYN and its acknowledgement leave the client, and nothing more

zone office nft -f - <<END
table inet mute {
	chain mute { type filter hook output priority 0; tcp sport 40001 tcp dport 25 quota over 130 bytes drop; }
}
END
cat >"$work/mute.py" <<-END
	import socket, time
	peer = socket.create_connection(("192.0.2.25", 25), source_address=("0.0.0.0", 40001))
	print(peer.recv(100), flush=True)
	time.sleep(60)
END
background office python3 "$work/mute.py"
told_mute() { grep -q "421 4.7.0" "$work"/background.*; }
check "it is told" eventually told_mute
sleep 1
at_server() { zone dmz ss -Htn state "$1" sport = 25 dport = 40001 | wc -l; }
same "the server has no such session" 0 "$(at_server established)"
check "the first one goes on" goes_on live
same "and is delivered" "250*" "$(ends live)"
check "then there is room" eventually mail_passes
done_
