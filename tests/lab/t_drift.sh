#!/bin/bash
# Others change the kernel behind the gate's back: told with their name, and put right where it is ours.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                          (lte0)     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web, from: office, to: dmz/web, services: [http, dns] }
END
up
verdicts='
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz * | office fd00:20::9 2001:db8:40::80 tcp/80
	silent        | office 10.20.0.9 192.0.2.80 tcp/81
	silent        | wifi 172.16.0.9 192.0.2.80 tcp/80'
events() { grep "\"event\":\"$1\"" "$home/events"; }
told() { # KIND PATTERN [TIMES]: such events were written
	(($(events "$1" | grep -c "$2") >= ${3:-1}))
}
drift() { sekisho drift >"$work/drift" 2>&1; }
is() { drift; (($? == $1)); } # STATUS of sekisho drift

check "nothing weighs at first" eventually is 0
check "the rules are as they should be" grep -q '^rules .*as it should be' "$work/drift"
probes <<<"$verdicts"

# The table is the daemon's own: nobody else may touch it, and a flush leaves it alone.
chain=$(gw nft list chains inet | awk '/table inet sekisho /,/^}/' | awk '$1 == "chain" { print $2; exit }')
check_not "no rule into an owned table" gw nft insert rule inet sekisho "$chain" accept
gw nft insert rule inet sekisho "$chain" accept 2>"$work/refused"
check "the kernel says no" grep -q 'not permitted' "$work/refused"
check_not "nor can it be deleted" gw nft delete table inet sekisho
probes <<<"$verdicts"

# A flush by root, with traffic: nothing is lost, nothing leaks; the guard is made again.
"$BUILD/lab-stream" 5000 3 >"$work/stream" <<END &
office 10.20.0.9 192.0.2.80 udp/53
wifi 172.16.0.9 192.0.2.80 udp/53
END
stream=$!
for _ in 1 2 3; do
	sleep 0.5
	check "root flushes" gw nft flush ruleset
	check "the guard is there again" eventually gw nft list table inet sekisho_guard
done
wait "$stream"
mapfile -t results <"$work/stream"
read -r sent entered arrived <<<"${results[0]}"
same "allowed: all $sent arrive" "$sent $sent" "$entered $arrived"
read -r sent entered arrived <<<"${results[1]}"
same "denied: none of $sent arrives" "$sent 0" "$entered $arrived"
check "it is told who" eventually told drift 'guard table was removed, by nft (pid [0-9]*, uid 0.*"name":"nft"'
check "the rules were not touched" is 0
probes <<<"$verdicts"

# Tables of others: told of by what they can do, and left alone.
gw nft -f - <<END
table ip filter {
	chain INPUT { type filter hook input priority 0; policy accept; counter; }
}
END
check "one that counts is a note" eventually told foreign-table 'table ip filter .*"weight":"note"'
check "and no problem" is 0
check "but it is listed" grep -q 'SK782 foreign-table: table ip filter' "$work/drift"
gw nft -f - <<END
table inet other {
	chain raw { type filter hook prerouting priority raw; udp dport 9999 notrack; }
	chain nat { type nat hook postrouting priority 100; masquerade; }
	chain early { type filter hook prerouting priority -400; tcp dport 99 drop; }
}
END
check "one that goes around tracking is an alarm" eventually told foreign-table 'out of connection tracking.*"weight":"alarm"'
check "it is named with all it does" told foreign-table 'translates addresses.*drops packets'
check "that weighs" is 7
check "in the status too" eventually sh -c '"$@" | grep -q "problem *SK782"' sh "$here/lab" sekisho status
check "it is left alone" gw nft list table inet other
gw nft delete table inet other
gw nft delete table ip filter
check "gone is told too" eventually told drift-gone 'table inet other'
check "and weighs no more" eventually is 0

# Lines and routes that the policy does not know.
gw ip link add lte0 type veth peer name lte1
gw ip link set lte1 up
gw ip link set lte0 up
gw ip addr add 100.64.0.2/24 dev lte0
check "an interface of no zone" eventually told interface 'interface lte0 is up, has an address and belongs to no zone'
gw ip route add default via 100.64.0.1 dev lte0 metric 50
check "an undeclared uplink" eventually told uplink-undeclared 'the route to everywhere by 100.64.0.1 leads through lte0'
check "weighs" is 7
gw ip route add 172.16.4.0/24 via 10.20.0.2 dev lan-office
check "a route into another zone's network" eventually told route-contradicts '172.16.4.0/24 by 10.20.0.2 leads through lan-office, of zone office, but it is of zone wifi'
gw ip route del 172.16.4.0/24
gw ip addr add 192.0.2.200/32 dev lan-office
check "an address of another zone" eventually told address-contradicts 'lan-office of zone office has the address 192.0.2.200, which is of zone dmz'
gw ip addr del 192.0.2.200/32 dev lan-office
gw ip link del lte0
check "gone" eventually is 0
gw ip link set lan-wifi down
check "a zone's interface goes down" eventually told interface 'interface lan-wifi of zone wifi is down'
check "weighs" is 7
gw ip link set lan-wifi up
check "up again" eventually is 0

gw tc qdisc add dev lan-wifi clsact
check "traffic control before the rules" eventually told interface 'traffic control .* of lan-wifi'
gw tc qdisc del dev lan-wifi clsact
check "taken away" eventually is 0

# Settings of the kernel.
gw sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
check "forwarding is switched on again" eventually sh -c '[ "$("$@")" = 1 ]' sh "$here/lab" gw -- cat /proc/sys/net/ipv4/ip_forward
check "and told" eventually told drift-repaired 'net/ipv4/ip_forward is 1 again'
gw sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/forwarding'
check "for IPv6" eventually sh -c '[ "$("$@")" = 1 ]' sh "$here/lab" gw -- cat /proc/sys/net/ipv6/conf/all/forwarding
gw sh -c 'echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_loose'
check "connections without a beginning" eventually sh -c '[ "$("$@")" = 0 ]' sh "$here/lab" gw -- cat /proc/sys/net/netfilter/nf_conntrack_tcp_loose
probes <<<"$verdicts"
gw sh -c 'echo 1 >/proc/sys/net/ipv4/conf/wan-inet/rp_filter'
check "the path filter of a link" eventually told setting 'ipv4/conf/wan-inet/rp_filter was 0 at first and is 1 now'
gw sh -c 'echo 0 >/proc/sys/net/ipv4/conf/wan-inet/rp_filter'
gw sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet'
check "loopback addresses open to others" eventually told setting 'all/route_localnet was 0 at first and is 1 now: 127'
gw sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/route_localnet'
check "as they were" eventually is 0

# An apply is no drift.
check "apply" apply <<END
flows:
  - { id: web, from: office, to: dmz/web, services: [https] }
END
check "is as it should be" is 0
check_not "and nobody changed the rules" told drift 'table sekisho\|chain\|rule'

done_
