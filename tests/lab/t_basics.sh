#!/bin/bash
# What a flow permits gets through, what none permits does not: IPv4 and IPv6, every protocol.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web, from: office, to: dmz/web, services: [http, https] }
  - { id: names, from: office, to: dmz, services: dns }
  - { id: ping, from: office, to: dmz, services: [icmp/echo-request, icmpv6/echo-request] }
  - { id: range, from: office/admin, to: dmz, services: [tcp/8000-8010, sctp/5000, ip/esp, ip/gre] }
  - { id: out, from: office, to: internet, services: any,
      except: { services: [tcp/25] } }
  - { id: admin, from: office/admin, to: self, services: ssh }
  - { id: clock, from: self, to: internet, services: ntp }
END
up
probes <<END
	arrived dmz 10.20.0.9 * answered      | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz fd00:20::9 * answered     | office fd00:20::9 2001:db8:40::80 tcp/443
	silent                                | office 10.20.0.9 192.0.2.80 tcp/81
	silent                                | office 10.20.0.9 192.0.2.81 tcp/80
	silent                                | office fd00:20::9 2001:db8:40::81 tcp/80
	silent                                | office 10.20.0.9 192.0.2.80 udp/80
	arrived dmz * answered                | office 10.20.255.255 192.0.2.0 udp/53
	arrived dmz * answered                | office 10.20.0.0 192.0.2.255 tcp/53
	arrived dmz * answered                | office fd00:20:: 2001:db8:40:: udp/53
	arrived dmz * answered                | office 10.20.0.9 192.0.2.3 icmp/8
	silent                                | office 10.20.0.9 192.0.2.3 icmp/13
	arrived dmz * answered                | office fd00:20::9 2001:db8:40::3 icmpv6/128
	arrived dmz *                         | office 10.20.9.0 192.0.2.3 tcp/8000
	arrived dmz *                         | office 10.20.9.255 192.0.2.3 tcp/8010
	silent                                | office 10.20.9.0 192.0.2.3 tcp/7999
	silent                                | office 10.20.9.0 192.0.2.3 tcp/8011
	silent                                | office 10.20.8.255 192.0.2.3 tcp/8005
	silent                                | office 10.20.10.0 192.0.2.3 tcp/8005
	arrived dmz *                         | office fd00:20::9:ffff 2001:db8:40::3 tcp/8005
	silent                                | office fd00:20::a:0 2001:db8:40::3 tcp/8005
	arrived dmz *                         | office 10.20.9.1 192.0.2.3 sctp/5000
	arrived dmz *                         | office 10.20.9.1 192.0.2.3 50
	arrived dmz *                         | office 10.20.9.1 192.0.2.3 47
	silent                                | office 10.20.8.1 192.0.2.3 50
	arrived internet *                    | office 10.20.0.9 8.8.8.8 tcp/443
	arrived internet *                    | office fd00:20::9 2600::1 udp/4500
	silent                                | office 10.20.0.9 8.8.8.8 tcp/25
	arrived self *                        | office 10.20.9.9 10.20.0.1 tcp/22
	arrived self *                        | office fd00:20::9:9 fd00:20::1 tcp/22
	silent                                | office 10.20.8.9 10.20.0.1 tcp/22
	silent                                | office 10.20.9.9 10.20.0.1 tcp/23
	silent                                | office 10.20.9.9 10.20.0.1 icmp/8
	arrived internet *                    | self 198.51.100.1 198.51.100.2 udp/123
	silent                                | self 198.51.100.1 198.51.100.2 udp/53
	silent                                | self 10.20.0.1 10.20.0.2 udp/123
	silent                                | dmz 192.0.2.80 10.20.0.9 tcp/80
	silent                                | internet 198.51.100.2 192.0.2.80 tcp/80
	silent                                | wifi 172.16.0.9 192.0.2.80 tcp/80
	silent                                | wifi 172.16.0.9 8.8.8.8 tcp/443
END
check "curl to the web server" zone office curl -sS -m 3 http://192.0.2.80/
check "curl by IPv6" zone office curl -sS -m 3 'http://[2001:db8:40::80]/'
check_not "curl from the wifi" zone wifi curl -sS -m 1 http://192.0.2.80/
check "the folder says the same" sekisho query office dmz/web http --expect allow
check "and that the wifi may not" sekisho query wifi dmz/web http --expect deny
check "a source of no zone is denied to all of a zone" sekisho query office/8.8.8.8 dmz ping --expect deny
check "and a destination from all of one" sekisho query office dmz/8.8.8.8 ping --expect deny

done_
