#!/bin/bash
# An apply is atomic: while one policy follows another, 20,000 packets a second that all of them allow
# lose none, and of 20,000 that all of them deny none leaks. One flow changes and changes back, and
# whole policies replace each other. Every packet is the first of its connection, as the rules see it.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

# What stays: flows in hashes (ten of the same lengths), in maps of intervals, in rules, logged.
write() { # NAME [FLOW ...]: a policy of what stays and some flows more
	local i flow
	{
		zones_and </dev/null
		for i in {0..9}; do
			echo "  office/n$i: [10.20.$i.0/24, \"fd00:20::$i:0/112\"]"
		done
		echo "  office/odd: [10.20.100.3-10.20.100.9]"
		echo "flows:"
		echo "  - { id: web, from: office, to: dmz/web, services: [http, dns] }"
		echo "  - { id: out, from: office, to: internet, services: [https, udp/443] }"
		echo "  - { id: wide, from: office/odd, to: dmz/mail, services: [tcp/20000-29999, udp/7000-7999, tcp/465] }"
		echo "  - { id: logged, from: office/n3, to: dmz/mail, services: tcp/2525, log: true }"
		for i in {0..9}; do
			echo "  - { id: net$i, from: office/n$i, to: dmz/web, services: tcp/300$i }"
		done
		for flow in "${@:2}"; do
			echo "  - { $flow }"
		done
		echo "settings: { log-rate: 5, log-burst: 5 }"
	} >"$work/$1"
}

write one
write hash "id: x, from: office/n7, to: dmz/web, services: tcp/4000"
write wider "id: x, from: office/odd, to: dmz/mail, services: tcp/30000-30100"
write across "id: x, from: [office, wifi], to: dmz, services: tcp/1000-2000"
write treated "id: x, from: office/n3, to: dmz/web, services: tcp/4001, log: true"
write inside "id: x, from: office/n3, to: dmz/mail, services: [tcp/465, udp/7500-7600]"
write two "id: x, from: [office, wifi], to: dmz, services: [tcp/1000-2000, smtp]" \
	"id: y, from: internet, to: dmz/web, services: https" "id: z, from: wifi, to: internet, services: https"
echo "nat: [{ id: wifi-out, kind: masquerade, from: wifi, to: internet }]" >>"$work/two"
mkdir -p "$rules" && cp "$work/one" "$rules/policy.yaml"
up
cat >"$work/lines" <<END
office 10.20.0.9 192.0.2.80 tcp/80
office 10.20.3.9 192.0.2.80 tcp/3003
office 10.20.100.5 192.0.2.25 tcp/22222
office fd00:20::9 2001:db8:40::80 udp/53
office 10.20.100.5 192.0.2.25 udp/7550
office 10.20.0.9 9.9.9.9 udp/443
office 10.20.3.9 192.0.2.25 tcp/2525
office 10.20.0.9 192.0.2.80 tcp/81
wifi 172.16.0.9 192.0.2.80 tcp/80
internet 9.9.9.9 10.20.0.9 udp/53
office 10.21.0.9 192.0.2.80 tcp/80
office 10.20.4.9 192.0.2.80 tcp/3003
office 10.20.100.10 192.0.2.25 tcp/22222
office fd00:20::9 2001:db8:40::25 udp/7550
END
"$BUILD/lab-stream" 40000 300 <"$work/lines" >"$work/stream" & # until it is ended
stream=$!
applies=0
for ((cycle = 0; cycle < ${CYCLES:-2}; cycle++)); do
	for policy in hash one wider one across one treated one inside one two one two hash wider across; do
		cp "$work/$policy" "$home/rules/policy.yaml"
		sekisho apply >"$work/apply" 2>&1 || bad "apply of $policy: $(<"$work/apply")"
		applies=$((applies + 1))
	done
done
check "the stream went on to the end" kill -TERM "$stream"
wait "$stream"
mapfile -t results <"$work/stream"
mapfile -t lines <"$work/lines"
for i in {0..6}; do
	read -r sent entered arrived <<<"${results[i]}"
	same "allowed, ${lines[i]}: all $sent arrive" "$sent $sent" "$entered $arrived"
done
for i in {7..13}; do
	read -r sent entered arrived <<<"${results[i]}"
	same "denied, ${lines[i]}: none of $sent arrives" "$sent 0" "$entered $arrived"
done
echo "${results[14]} packets a second, $applies applies"

done_
