#!/bin/bash
# An apply is atomic: under traffic nothing that both policies allow is lost, nothing that both deny leaks.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

flows='
flows:
  - { id: web, from: office, to: dmz/web, services: [http, dns] }
  - { id: out, from: office, to: internet, services: [https, udp/443] }'
policy <<END
$flows
END
up
cp "$home/rules/policy.yaml" "$work/one"
{ zones_and; echo "$flows
  - { id: extra, from: [office, wifi], to: dmz, services: [tcp/1000-2000, smtp] }
  - { id: more, from: internet, to: dmz/web, services: [https] }
nat:
  - { id: wifi-out, kind: masquerade, from: wifi, to: internet }"; } >"$work/two" <<<""
applies=0
"$BUILD/lab-stream" 20000 6 >"$work/stream" <<END &
office 10.20.0.9 192.0.2.80 tcp/80
office fd00:20::9 2001:db8:40::80 udp/53
office 10.20.0.9 9.9.9.9 udp/443
office 10.20.0.9 192.0.2.80 tcp/81
wifi 172.16.0.9 192.0.2.80 tcp/80
internet 9.9.9.9 10.20.0.9 udp/53
office 10.21.0.9 192.0.2.80 tcp/80
END
stream=$!
while kill -0 "$stream" 2>/dev/null; do
	for policy in two one; do
		cp "$work/$policy" "$home/rules/policy.yaml"
		sekisho apply >"$work/apply" 2>&1 || bad "apply: $(<"$work/apply")"
		applies=$((applies + 1))
	done
done
wait "$stream"
mapfile -t results <"$work/stream"
for i in 0 1 2; do
	read -r sent entered arrived <<<"${results[i]}"
	same "allowed stream $i: all $sent arrive" "$sent $sent" "$entered $arrived"
done
for i in 3 4 5 6; do
	read -r sent entered arrived <<<"${results[i]}"
	same "denied stream $i: none of $sent arrives" "$sent 0" "$entered $arrived"
done
check "at least ten applies ($applies)" test "$applies" -ge 10

done_
