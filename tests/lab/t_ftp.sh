#!/bin/bash
# The ftp helper: data connections are let in for the flow that names it, and for no other.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: files, from: office, to: dmz, services: ftp, helpers: [ftp] }
  - { id: no-help, from: wifi, to: dmz, services: ftp }
END
up
lab answer dmz off
lab answer office off
lab answer wifi off
background dmz python3 "$here/ftp.py" serve
eventually grep -q ready "$work/background.0"
get() { zone "$1" python3 "$here/ftp.py" get "$2" "$3"; }
same "passive, IPv4" data "$(get office 192.0.2.2 passive)"
same "active, IPv4" data "$(get office 192.0.2.2 active)"
same "passive, IPv6" data "$(get office 2001:db8:40::2 passive)"
same "active, IPv6" data "$(get office 2001:db8:40::2 active)"
same "without the helper, passive" blocked "$(get wifi 192.0.2.2 passive)"
same "without the helper, active" blocked "$(get wifi 192.0.2.2 active)"
probes <<END
	silent | office 10.20.0.2 192.0.2.2 tcp/40000
	silent | dmz 192.0.2.2 10.20.0.2 tcp/20:40000
END

done_
