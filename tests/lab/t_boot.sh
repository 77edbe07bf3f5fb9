#!/bin/bash
# Boot: closed until the last good generation was read back; with none, or a damaged one, closed.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web, from: office, to: [dmz, self], services: [http, ssh] }
  - { id: out, from: self, to: dmz, services: http }
END
up
shut='
	silent | office 10.20.0.9 192.0.2.80 tcp/80
	silent | office fd00:20::9 2001:db8:40::80 tcp/80
	silent | office 10.20.0.9 10.20.0.1 tcp/22
	silent | self 192.0.2.1 192.0.2.2 tcp/80'
open='
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz * | office fd00:20::9 2001:db8:40::80 tcp/80
	arrived self * | office 10.20.0.9 10.20.0.1 tcp/22
	arrived dmz * | self 192.0.2.1 192.0.2.2 tcp/80
	silent        | office 10.20.0.9 192.0.2.80 tcp/81'
reboot_() { # the box without power and again: no rules, no forwarding, no daemon
	lab daemon stop
	gw nft flush ruleset
	gw sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding'
}
boot() { gw "$BUILD/sekishod" --boot --config "$home/sekisho.yaml" --log "$home/events"; }
forwarding() { gw cat /proc/sys/net/ipv4/ip_forward; }
probes <<<"$open"

reboot_
check "boot loads the last good generation" boot
probes <<<"$open"
same "and switches forwarding on" 1 "$(forwarding)"
lab daemon start
probes <<<"$open"

# A policy that wants every event recorded: closed until the daemon has a keeper.
cp "$home/rules/policy.yaml" "$work/policy.yaml"
echo 'record: { keep: 400d, when-full: close }' >>"$home/rules/policy.yaml"
check "when-full: close, applied" sekisho apply
reboot_
same "boot loads it and stays closed" 7 "$(boot; echo $?)"
probes <<<"$shut"
lab daemon start
probes <<<"$open"
cp "$work/policy.yaml" "$home/rules/policy.yaml"
check "and continue again" sekisho apply

reboot_
mv "$home/state/last-good" "$work/"
check_not "without a generation boot fails" boot
same "forwarding stays off" 0 "$(forwarding)"
gw sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' # even if somebody switches it on
probes <<<"$shut"
lab daemon start
probes <<<"$shut"
check "the first apply opens it" sekisho apply
probes <<<"$open"

reboot_
for file in "$home"/state/last-good/compiled; do
	printf damaged | dd of="$file" bs=1 seek=100 conv=notrunc status=none
done
check_not "with a damaged generation boot fails" boot
gw sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
probes <<<"$shut"

done_
