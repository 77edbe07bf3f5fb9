#!/bin/bash
# Address translation: masquerade, source, port forwarding with hairpin, IPv6 prefixes.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: out, from: [office, wifi], to: internet, services: any }
  - { id: mail-out, from: dmz/mail, to: internet, services: smtp }
  - { id: web-in, from: [internet, office, dmz], to: dmz/web, services: [tcp/8080, https] }
nat:
  - { id: wifi-out, kind: masquerade, from: wifi, to: internet }
  - { id: mail-source, kind: source, from: dmz/mail, to: internet, target: 203.0.113.25 }
  - { id: web, kind: forward, from: [internet, office], address: 203.0.113.80, services: http,
      target: dmz/web, port: 8080, hairpin: true }
  - { id: web6, kind: forward, from: internet, address: "2001:db8:99::80", services: https,
      target: dmz/web }
END
up
probes <<END
	arrived internet 198.51.100.1 * 9.9.9.9 443 answered   | wifi 172.16.0.9 9.9.9.9 tcp/443
	arrived internet 198.51.100.1 * answered               | wifi 172.16.0.9 9.9.9.9 udp/443
	arrived internet 198.51.100.1 * answered               | wifi 172.16.0.9 9.9.9.9 icmp/8
	arrived internet 10.20.0.9 *                           | office 10.20.0.9 9.9.9.9 tcp/443
	arrived internet 203.0.113.25 * answered               | dmz 192.0.2.25 9.9.9.9 tcp/25
	arrived internet 2001:db8:40::25 *                     | dmz 2001:db8:40::25 2600::1 tcp/25
	arrived dmz 9.9.9.9 * 192.0.2.80 8080 answered         | internet 9.9.9.9 203.0.113.80 tcp/80
	silent                                                 | internet 9.9.9.9 203.0.113.80 tcp/8080
	silent                                                 | internet 9.9.9.9 203.0.113.80 tcp/443
	arrived dmz 10.20.0.9 * 192.0.2.80 8080 answered       | office 10.20.0.9 203.0.113.80 tcp/80
	arrived internet *                                     | wifi 172.16.0.9 203.0.113.80 tcp/80
	arrived dmz 192.0.2.1 * 192.0.2.80 8080 answered       | dmz 192.0.2.77 203.0.113.80 tcp/80
	arrived dmz 2600::1 * 2001:db8:40::80 443 answered     | internet 2600::1 2001:db8:99::80 tcp/443
	arrived dmz *                                          | internet 9.9.9.9 192.0.2.80 tcp/8080
	silent                                                 | internet 9.9.9.9 192.0.2.81 tcp/8080
END
same "the server sees the masqueraded wifi" "internet sees 198.51.100.1 *" \
	"$(zone wifi curl -sS -m 3 http://9.9.9.9/)"
if sekisho status | grep -q 'netmap *yes'; then
	check "prefix translation applies" apply <<-END
	flows:
	  - { id: out, from: office, to: internet, services: any }
	  - { id: in, from: internet, to: office, services: https }
	nat:
	  - { id: npt, kind: prefix, from: office, to: internet, prefix: "fd00:20::/64",
	      target: "2001:db8:77:1::/64" }
	END
	probes <<-END
	arrived internet 2001:db8:77:1::9 * answered       | office fd00:20::9 2600::1 udp/443
	arrived office 2600::1 * fd00:20::7 443 answered   | internet 2600::1 2001:db8:77:1::7 tcp/443
	silent                                             | internet 2600::1 2001:db8:77:1::7 tcp/80
	END
fi

done_
