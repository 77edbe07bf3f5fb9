#!/bin/bash
# More packet records than are written one by one: the rest is summed by flow and zone, and not one
# is missing.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web, from: office, to: dmz/web, services: [http, dns], log: true }
settings: { log-rate: 10000, log-burst: 10000 }
END
up
n=1600
for ((i = 0; i < n; i++)); do
	echo "wifi 172.16.$((i / 250)).$((i % 250 + 1)) 192.0.2.80 udp/$((6000 + i))"
	echo "office 10.20.$((i / 250)).$((i % 250 + 1)) 192.0.2.80 udp/53"
done | "$BUILD/lab-probe" >"$work/flood"
same "denied" $n "$(grep -c silent "$work/flood")"
same "allowed" $n "$(grep -c arrived "$work/flood")"
check "the daemon ends" lab daemon stop # and tells what it has summed
log() { sekisho log --json --lines 100000 "$@"; }
sum() { jq -s "map(select($1) | .count) | add // 0"; }
for kind in denied:.from==\"wifi\" allowed:.flow==\"web\"; do
	one=$(log --type "packet-${kind%%:*}" | jq -c "select(${kind#*:})" | wc -l)
	summed=$(log --type log-suppressed | sum ".of == \"packet-${kind%%:*}\" and ${kind#*:}")
	lost=$(log --type log-lost | sum true)
	check "${kind%%:*}: some one by one" test "$one" -gt 0
	check "${kind%%:*}: most in sums" test "$summed" -gt 100
	check "${kind%%:*}: $one + $summed of $n, $lost lost in the kernel" test $((one + summed + lost)) -ge $n
	check "and none twice" test $((one + summed)) -le $n
done
check "the log verifies" sekisho log verify

done_
