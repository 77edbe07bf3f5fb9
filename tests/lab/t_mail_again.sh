#!/bin/bash
# A connection that was let go unread is the only one: what connection tracking takes for the same one, after a reset by
# the server, does not pass by the gate.
#
#   internet (everything else; a client at 198.51.100.25) ---- wan-inet +---------+
#   dmz 192.0.2.0/24 (a mail server at 192.0.2.25) ------------ lan-dmz | sekisho |
#                                                                      +---------+
. "$(dirname "$0")/case.sh"
mode=flow # Between sockets nothing goes by unread, and each connection has a port of its own.

policy <<END
guards:
  mail: { protocol: smtp, domains: [city.example.jp], size: 1MB, tls: allow-blind, tls-servers: [dmz/mail] }
flows:
  - { id: mail-in, from: internet, to: dmz/mail, services: [smtp], guard: mail }
END
up internet=198.51.100.25
zone dmz nft insert rule inet lab_answer answer tcp dport 25 accept
background dmz python3 "$here/mail_again.py" server 192.0.2.25 "$work/lines"
again() { zone internet timeout 30 python3 "$here/mail_again.py" client 192.0.2.25 "$1"; }
lets_go() { again 40001 >/dev/null; grep -q STARTTLS "$work/lines"; }
check "STARTTLS goes on" eventually lets_go
for port in 40002 40003; do
	same "the next connection of that port waits" "broken: timed out" "$(again $port)"
done
check_not "and no relaying reaches the server" grep -q victim "$work/lines"
sleep 11
before=$(grep -c STARTTLS "$work/lines")
again 40002 >/dev/null
same "when the old one is forgotten the port is served again" $((before + 1)) "$(grep -c STARTTLS "$work/lines")"
done_
