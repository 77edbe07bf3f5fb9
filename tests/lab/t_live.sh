#!/bin/bash
# Live connections are cut when their permission goes, and only those: their neighbours lose no
# packet.  TCP, UDP and ping, over both families, plain and translated.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
. "$here/live.sh"

nats='
nat:
  - { id: wifi-out, kind: masquerade, from: wifi, to: internet }
  - { id: web, kind: forward, from: internet, address: 203.0.113.80, services: http,
      target: dmz/web, port: 8080 }'
policy <<END
flows:
  - { id: stays, from: office, to: dmz, services: [tcp/5001, udp/5001, tcp/5003] }
  - { id: goes, from: office, to: dmz, services: [tcp/5002, udp/5002, ping] }
  - { id: wifi-stays, from: wifi, to: internet, services: udp/5001 }
  - { id: wifi-goes, from: wifi, to: internet, services: [tcp/5002, udp/5002] }
  - { id: web-in, from: internet, to: dmz/web, services: tcp/8080 }
  - { id: web-in-plain, from: internet, to: dmz/web, services: tcp/8081 }
$nats
END
up
talk office stay-tcp,tcp,192.0.2.10,5001 stay-udp,udp,192.0.2.10,5001 stay-tcp6,tcp,2001:db8:40::10,5001 \
	stay-udp6,udp,2001:db8:40::10,5001 go-tcp,tcp,192.0.2.10,5002 go-udp,udp,192.0.2.10,5002 \
	go-tcp6,tcp,2001:db8:40::10,5002 go-udp6,udp,2001:db8:40::10,5002 go-ping,icmp,192.0.2.10,0 \
	go-ping6,icmp,2001:db8:40::10,0
talk wifi stay-udp,udp,9.9.9.9,5001 go-tcp,tcp,9.9.9.9,5002 go-udp,udp,9.9.9.9,5002
talk internet go-web,tcp,203.0.113.80,80 stay-web,tcp,192.0.2.80,8081
for z in office wifi internet; do
	check "the connections of $z live" eventually all_answered $z
done
flow_of() { # ZONE PROTOCOL SOURCE PORT: what `sekisho connections` says
	sekisho connections --zone "$1" --json | jq -r --arg p "$2" --arg s "$3" --argjson d "$4" '.connections[] |
		select(.protocol == $p and .source == $s and .port == $d) | "\(.from[0]) \(.to[0]) \(.state) \(.flow)"'
}
same "connections names the flow" "office dmz allowed goes" "$(flow_of dmz tcp 10.20.0.2 5002)"
same "of one that is translated" "wifi internet allowed wifi-goes" "$(flow_of wifi udp 172.16.0.2 5002)"
same "of one by a forward" "internet dmz allowed web-in" "$(flow_of internet tcp 198.51.100.2 80)"
same "only those of the zone" "" "$(flow_of wifi tcp 10.20.0.2 5002)"
same "as a table too" "*tcp *office *10.20.0.2 * *dmz *192.0.2.10 5002 *goes*15 connections" "$(sekisho connections)"
check_not "a zone that is none" sekisho connections --zone nowhere
cat >"$work/after" <<END
nat:
  - { id: wifi-out, kind: masquerade, from: wifi, to: internet }
flows:
  - { id: stays, from: office, to: dmz, services: [tcp/5001, udp/5001, tcp/5003] }
  - { id: wifi-stays, from: wifi, to: internet, services: udp/5001 }
  - { id: web-in, from: internet, to: dmz/web, services: tcp/8080 }
  - { id: web-in-plain, from: internet, to: dmz/web, services: tcp/8081 }
END
check "a policy without their flows is applied" apply <"$work/after"
for name in go-{tcp,udp}{,6} go-ping{,6}; do
	check "$name of office is cut" eventually silent office $name
done
for name in go-tcp go-udp; do
	check "$name of wifi is cut, though it was translated" eventually silent wifi $name
done
check "a connection by a forward that is gone is cut" eventually silent internet go-web
for name in stay-{tcp,udp}{,6}; do
	check "$name of office loses nothing" eventually lossless office $name
done
check "a translated neighbour loses nothing" eventually lossless wifi stay-udp
check "a neighbour of the forward loses nothing" eventually lossless internet stay-web
same "each is recorded once" 9 "$(events connection-cut | wc -l)"
same "with what it was, why and by what" "goes office dmz tcp 10.20.0.2 192.0.2.10 5002 no-service apply 2" \
	"$(events connection-cut | jq -r 'select(.source == "10.20.0.2" and .protocol == "tcp") |
		"goes \(.from) \(.to) \(.protocol) \(.source) \(.destination) \(.port) \(.reason) \(.cause) \(.generation)"')"
same "a lost translation is the reason" translation \
	"$(events connection-cut | jq -r 'select(.source == "198.51.100.2") | .reason')"
same "the pass is recorded" "9 apply" "$(events connections-reviewed | jq -r 'select(.cut > 0) | "\(.cut) \(.cause)"')"

# What a rollback, and a return of what nobody confirmed, take away again is cut as well.
back_to_before() { # NAME CAUSE COMMAND ...: takes back a generation that lets NAME through
	check "a generation that lets $1 through is applied" apply_with_more
	talk dmz "$1,tcp,10.20.0.2,5005"
	check "$1 lives" eventually all_answered dmz
	check "it is taken back ($2)" "${@:3}"
	check "$1 is cut" eventually silent dmz "$1"
	same "and recorded as such" "10.20.0.2 5005 $2" "$(events connection-cut | tail -n 1 |
		jq -r '"\(.destination) \(.port) \(.cause)"')"
}
apply_with_more() {
	{
		cat "$work/after"
		echo "  - { id: more, from: dmz, to: office, services: tcp/5005 }"
	} | apply
}
back_to_before rolled-back rollback sekisho rollback

# The daemon dies between the commit and the cut: the next one cuts when it starts.
dead() { [[ ! $(ps -o stat= -p "$(lab daemon pid)") =~ ^[^Z] ]]; }
starts() { events connections-reviewed | jq -r 'select(.cause == "start") | .cause' | wc -l; }
one_more_start() { (($(starts) > $1)); }
dies_at() { # POINT FLOWS...: applies them with a daemon that dies there, then starts another
	local before
	lab daemon kill
	before=$(starts)
	check "the daemon starts ($1)" env SEKISHO_FAULT="$1" "$here/lab" daemon start
	check "and looks ($1)" eventually one_more_start "$before"
	printf '%s\n' flows: "${@:2}" "nat:" \
		"  - { id: wifi-out, kind: masquerade, from: wifi, to: internet }" | apply
	check "it dies ($1)" eventually dead
	check "another starts ($1)" lab daemon start
	sekisho confirm >"$work/confirm" 2>&1
}
stays='  - { id: stays, from: office, to: dmz, services: [tcp/5001, udp/5001] }'
wifi_stays='  - { id: wifi-stays, from: wifi, to: internet, services: udp/5001 }'
dies_at live-begun:2 "$stays" "$wifi_stays"
check "what a daemon that died at once left is cut" eventually silent internet stay-web
dies_at live-judged:2 "$stays"
check "what a daemon that died later left is cut" eventually silent wifi stay-udp
for name in stay-{tcp,udp}{,6}; do
	check "$name of office loses nothing by all that" eventually lossless office $name
done
# Or while it cuts: whatever it had cut is recorded by the next one.
more='  - { id: more, from: dmz, to: office, services: [tcp/5006, udp/5006] }'
told() { # PROTOCOL: how often the audit log itself has that it was cut
	cat "$home"/log/audit/*.jsonl | jq -c "select(.event == \"connection-cut\" and
		.protocol == \"$1\" and .destination == \"10.20.0.2\" and .port == 5006 and .generation == $2)" | wc -l
}
for point in live-intended live-cut live-recorded; do
	printf '%s\n' flows: "$stays" "$more" | apply
	rm "$work/dmz.ask" "$work/dmz.out"
	talk dmz "$point-tcp,tcp,10.20.0.2,5006" "$point-udp,udp,10.20.0.2,5006"
	check "they live ($point)" eventually all_answered dmz
	dies_at "$point" "$stays"
	for kind in tcp udp; do
		check "$kind is cut ($point)" eventually silent dmz "$point-$kind"
		check "and recorded ($point, $kind)" test "$(told "$kind" "$(sekisho status --json | jq .generation)")" -ge 1
	done
	check "no list is left ($point)" eventually test ! -e "$home/state/live-cut"
done
for name in stay-{tcp,udp}{,6}; do
	check "$name of office loses nothing by that either" eventually lossless office $name
done
done_
