#!/bin/bash
# Anti-spoofing: a source address counts only where its zone is; redirects and source routes never.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web, from: [office, wifi, internet], to: dmz, services: [http, udp/80] }
  - { id: out, from: office, to: internet, services: https }
  - { id: admin, from: office, to: dmz, services: ssh }
END
up
probes <<END
	arrived dmz *  | office 10.20.0.9 192.0.2.80 tcp/80
	silent         | office 10.21.0.9 192.0.2.80 tcp/80
	silent         | office 172.16.0.9 192.0.2.80 tcp/80
	silent         | office 192.0.2.9 192.0.2.80 tcp/80
	silent         | office 10.19.255.255 192.0.2.80 tcp/80
	silent         | office 10.21.0.0 192.0.2.80 tcp/80
	silent         | office fd00:21::9 2001:db8:40::80 tcp/80
	silent         | office 2001:db8:40::9 2001:db8:40::80 tcp/80
	arrived dmz *  | office fd00:20::9 2001:db8:40::80 tcp/80
	arrived dmz *  | wifi 172.16.15.255 192.0.2.80 tcp/80
	silent         | wifi 172.16.16.0 192.0.2.80 tcp/80
	silent         | wifi 10.20.0.9 192.0.2.80 tcp/80
	silent         | wifi fd00:20::9 2001:db8:40::80 tcp/80
	arrived dmz *  | internet 9.9.9.9 192.0.2.80 tcp/80
	silent         | internet 10.20.0.9 192.0.2.80 tcp/80
	silent         | internet 172.16.3.3 192.0.2.80 tcp/80
	silent         | internet 192.0.2.7 192.0.2.80 tcp/80
	silent         | internet fd00:20::9 2001:db8:40::80 tcp/80
	arrived dmz *  | internet 2600::9 2001:db8:40::80 tcp/80
	silent         | internet 127.0.0.1 192.0.2.80 tcp/80
	silent         | internet 0.1.2.3 192.0.2.80 tcp/80
	silent         | internet 169.254.7.7 192.0.2.80 tcp/80
	silent         | internet 224.0.0.9 192.0.2.80 udp/80
	silent         | internet 240.0.0.1 192.0.2.80 tcp/80
	silent         | internet 255.255.255.255 192.0.2.80 udp/80
	silent         | internet ::1 2001:db8:40::80 tcp/80
	silent         | internet ::9 2001:db8:40::80 tcp/80
	silent         | internet ::ffff:9.9.9.9 2001:db8:40::80 tcp/80
	silent         | internet ff0e::9 2001:db8:40::80 udp/80
	silent         | office 10.20.0.9 240.0.0.1 tcp/443
	silent         | office 10.20.0.9 169.254.7.7 tcp/443
	silent         | office fe80::9 2001:db8:40::80 tcp/80
	silent         | office 127.0.0.1 192.0.2.80 tcp/80
	silent         | office 0.0.0.0 192.0.2.80 tcp/80
	silent         | office 10.20.0.9 192.0.2.80 tcp/80 options=8307040a14000200
	silent         | office 10.20.0.9 192.0.2.80 tcp/80 options=8907040a14000200
	arrived dmz *  | office 10.20.0.9 192.0.2.80 tcp/80 options=01010101
	silent         | office fd00:20::9 2001:db8:40::80 tcp/80 extension=43:0602000100000000fd0000200000000000000000000000aa
	silent         | office 10.20.0.9 10.20.0.1 icmp/5
END
check "the spoofed packets are counted" test "$(counter spoof_office)" -ge 7
check "also those that no host has" test "$(counter spoof_internet)" -ge 10
check "on their own zone" test "$(counter spoof_wifi)" -ge 2

# A management path from beyond the zone of its interface leads to the gateway, not through it.
cat >>"$home/sekisho.yaml" <<END
management: { interface: lan-office, prefix: 10.99.0.0/24 }
END
lab daemon kill
lab daemon start
check "an apply with a management path" sekisho apply
probes <<END
	arrived self * | office 10.99.0.9 10.20.0.1 tcp/22
	silent         | office 10.99.0.9 192.0.2.80 tcp/22
	silent         | office 10.99.0.9 10.20.0.1 tcp/23
	arrived dmz *  | office 10.20.0.9 192.0.2.80 tcp/22
END

done_
