#!/bin/bash
# What is denied is dropped or refused as the policy says for the pair.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web, from: [office, wifi], to: dmz, services: http }
settings:
  default: drop
  defaults:
    - { from: office, action: reject }
END
up
probes <<END
	reset      | office 10.20.0.9 192.0.2.80 tcp/81
	reset      | office fd00:20::9 2001:db8:40::80 tcp/81
	error 3 *  | office 10.20.0.9 192.0.2.80 udp/81
	error 1 *  | office fd00:20::9 2001:db8:40::80 udp/81
	error 3 *  | office 10.20.0.9 8.8.8.8 icmp/8
	reset      | office 10.20.0.9 8.8.8.8 tcp/80
	reset      | office 10.20.0.9 10.20.0.1 tcp/22
	silent     | wifi 172.16.0.9 192.0.2.80 tcp/81
	silent     | wifi 172.16.0.9 10.20.0.9 udp/81
	silent     | internet 9.9.9.9 10.20.0.9 tcp/80
	silent     | office 11.0.0.1 192.0.2.80 tcp/81
END
check_not "a client learns at once" zone office timeout 1 nc -w 5 192.0.2.80 81
same "and not by its own time-out" 1 "$(zone office timeout 1 nc -w 5 192.0.2.80 81; echo $?)"

done_
