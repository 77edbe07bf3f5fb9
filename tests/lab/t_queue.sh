#!/bin/bash
# A guarded flow goes to the inspection queue, and is closed while nobody listens there: here the daemon is away,
# then another program has the queue.  Isolation stops what waits in it.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
guards: { mail: { protocol: smtp, senders: [office] } }
flows:
  - { id: mail, from: office, to: dmz/mail, services: smtp, guard: mail }
  - { id: web, from: office, to: dmz, services: http }
END
up
check "the daemon is stopped, and who inspects with it" lab daemon stop
probes <<END
	silent        | office 10.20.0.9 192.0.2.25 tcp/25
	silent        | office fd00:20::9 2001:db8:40::25 tcp/25
	arrived dmz * | office 10.20.0.9 192.0.2.25 tcp/80
END
probes -q 100 <<END
	queued        | office 10.20.0.9 192.0.2.25 tcp/25
	queued        | office fd00:20::9 2001:db8:40::25 tcp/25
	silent        | office 10.20.0.9 192.0.2.26 tcp/25
	arrived dmz * | office 10.20.0.9 192.0.2.25 tcp/80
END
check "query says so" sekisho query office dmz/mail smtp
same "INSPECT" "*INSPECT*" "$(sekisho query office dmz/mail smtp)"

# --- what waits in the queue when its zone is cut off stays behind, whatever the verdict

mkdir "$work/hold"
background gw python3 "$here/hold.py" 100 "$work/hold"
holder=$!
check "the queue has a listener" eventually test -e "$work/hold/held"
check "the daemon is back" lab daemon start
check "and says that the queue is another's" eventually eval 'sekisho status | grep -q "SK810.*another listener"'
zone dmz nft -f - <<END
table inet seen {
	counter mail { }
	chain seen { type filter hook prerouting priority -400; tcp dport 25 tcp flags & (syn | ack) == syn counter name mail; }
}
END
held() { (($(<"$work/hold/held") >= $1)); } # answers of the far end are held as well
go() { touch "$work/hold/go" && eventually test ! -e "$work/hold/go"; }
seen() { zone dmz nft -j list counter inet seen mail | jq '.nftables[1].counter.packets'; }
knock() { zone office timeout 2 python3 -c "
import socket
s = socket.socket(socket.AF_INET6 if ':' in '$1' else socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(0.3)
try: s.connect(('$1', 25))
except OSError: pass"; } # one SYN
knock 192.0.2.25
check "a packet is held" eventually held 1
check "and let go" go
check "it arrives" eventually eval '(($(seen) == 1))'
check "" go
knock 192.0.2.25
knock 2001:db8:40::25
check "two are held" eventually held 2
check "their zone is cut off" sekisho isolate zone office --yes --reason drill --own-judgment
check "they are let go" go
check "reconnected" sekisho reconnect office --reason drill
knock 192.0.2.25
check "" eventually held 1
check "" go
check "of all of them only the last one arrived" eventually eval '(($(seen) == 2))'

# --- the queue is free again

kill $holder
check "who inspects takes it" eventually eval '[[ $(sekisho status --json | jq .inspectors) == 1 ]]'

done_
