#!/bin/bash
# Agreement: the reference evaluator, `query` and the kernel say the same of thousands of packets, for
# the policies that ship and for a crooked small one.  SEED chooses other packets.
#
#   every zone of the policy ---- gateway ---- every zone of the policy
. "$(dirname "$0")/case.sh"

seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "seed $seed"

agree() { # DIR COUNT LEAST
	local report sent
	lab up "$1" || { bad "$1 does not come up"; return; }
	report=$("$BUILD/lab-agree" "$home/rules" --seed "$seed" --count "$2" 2>&1)
	check "$1: all agree" test $? = 0
	tail -n 100 <<<"$report"
	sent=$(grep -o '[0-9]* as real packets' <<<"$report" | grep -o '^[0-9]*')
	check "$1: at least $3 real packets (${sent:-0})" test "${sent:-0}" -ge "$3"
	lab down
}

agree "$root/rules/municipality" 3400 3000
agree "$root/rules/branch-office" 3400 3000

mkdir -p "$rules"
cat >"$rules/policy.yaml" <<END
version: 1
zones:
  a: { interfaces: [lan-a, "vlan*"], networks: [10.0.0.0-10.0.2.200, "fd00:a::/64", 10.9.0.0/30] }
  b: { interfaces: [lan-b], networks: ["fd00:b::/64"] }
  c: { role: server, interfaces: [lan-c], networks: [192.0.2.0/26, 192.0.2.128-192.0.2.254] }
  d: { role: public, interfaces: [lan-d], networks: [172.16.0.0/12, "2001:db8:d::/48"] }
  up: { role: uplink, interfaces: [wan-up] }
  out: { role: external, interfaces: [wan-out] }
networks:
  a/desk: { addresses: [10.0.0.5-10.0.0.77, "fd00:a::5-fd00:a::77"], except: [10.0.0.32/28] }
  a/odd: [10.0.1.1, 10.0.1.3, 10.0.1.5, "fd00:a::ffff"]
  c/www: [192.0.2.10]
  c/pool: [192.0.2.129-192.0.2.140]
  out/partner: [203.0.113.0/25, "2001:db8:99::/48"]
services:
  odd: { members: [tcp/1-7, tcp/9, udp/9-11, tcp/65535, udp/65535] }
  from-low: { members: [udp/2000-2010], source-ports: [100-200] }
guards: { web: { protocol: http }, mail: { protocol: smtp } }
flows:
  - { id: one, from: a/desk, to: c, services: [odd, icmp/echo-request] }
  - { id: two, from: a, to: c/www, services: [tcp/80-90, tcp/5], log: true, guard: none }
  - { id: three, from: [a/odd, d], to: c/www, services: http, guard: web }
  - { id: three-plain, from: a, to: c/www, services: tcp/80, guard: none }
  - { id: four, from: [a, b], to: out, services: any, except: [{ to: out/partner }, { services: [smtp, odd] }] }
  - { id: five, from: a/odd, to: out/partner, services: [odd, ip/esp, ip/gre, sctp/1-5] }
  - { id: six, from: up, to: [a/desk, self], services: [from-low, icmpv6/echo-request, ssh] }
  - { id: seven, from: d, to: [out, up], services: [udp, tcp/443] }
  - { id: eight, from: self, to: [out, up, c], services: [ntp, dns, icmp] }
  - { id: nine, from: out, to: c/www, services: [tcp/8080, smtp], guard: mail }
  - { id: ten, from: [c, d], to: self, services: any, except: { from: c/pool, services: tcp/22 } }
nat:
  - { id: in, kind: forward, from: out, address: 203.0.113.200, services: tcp/80, target: c/www, port: 8080 }
  - { id: masq, kind: masquerade, from: [a, d], to: out }
  - { id: src, kind: source, from: c, to: up, target: 198.51.100.77 }
settings:
  defaults: [{ from: a, action: reject }, { from: d, to: self, action: reject }]
END
agree "$rules" 3600 3000

done_
