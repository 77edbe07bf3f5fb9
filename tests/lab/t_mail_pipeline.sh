#!/bin/bash
# Commands sent in one packet, of which some are refused or have to wait for replies to the others:
# all are answered, in order and soon, by Postfix behind the gate.
#
#   internet (everything else) ---- wan-inet +---------+ lan-dmz ---- dmz 192.0.2.0/24
#                                            | sekisho |              (Postfix of city.example.jp
#                                            +---------+               at 192.0.2.25)
. "$(dirname "$0")/case.sh"
. "$here/mail.sh"

policy <<END
guards:
  mail:
    protocol: smtp
    domains: [city.example.jp]
    size: 1MB
    tls: clear-only
    tls-reason: nothing of this test is secret
flows:
  - { id: mail-in, from: internet, to: dmz/mail, services: [smtp], guard: mail }
END
up
zone dmz nft insert rule inet lab_answer answer tcp dport 25 accept
postfix_up dmz 192.0.2.25 city.example.jp <<<"smtpd_peername_lookup = no"
check "Postfix listens" eventually zone dmz nc -z 192.0.2.25 25

cat >"$work/talk.py" <<'END'
# Each argument is one packet, sent when the codes before it have come ("220:EHLO a|" waits for 220,
# "|" is CRLF).  Prints the codes of all replies, and whether it took less than two seconds.
import socket, sys, time
sock = socket.create_connection(("192.0.2.25", 25), timeout=10)
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
lines, codes = sock.makefile("rb"), []
def reply():
    while True:
        line = lines.readline()
        if not line:
            return None
        if line[3:4] != b"-":
            codes.append(line[:3].decode())
            return codes[-1]
for packet in sys.argv[1:]:
    code, text = packet.split(":", 1)
    while reply() not in (code, None):
        pass
    began = time.monotonic()
    sock.sendall(text.replace("|", "\r\n").encode())
while reply():
    pass
print(" ".join(codes), "soon" if time.monotonic() - began < 2 else "late")
END
talk() { zone internet timeout 30 python3 "$work/talk.py" "$@"; }
envelope='MAIL FROM:<a@other.example>|'
in='RCPT TO:<b@city.example.jp>|' out='RCPT TO:<b@other.example>|'

same "honest mail" "220 250 250 250 354 250 221 soon" \
	"$(talk "220:EHLO a|" "250:$envelope${in}DATA|" "354:Subject: x||x|.|QUIT|")"
same "one recipient of three refused" "220 250 250 250 550 250 354 250 221 soon" \
	"$(talk "220:EHLO a|" "250:$envelope$in$out${in}DATA|" "354:x|.|QUIT|")"
same "twelve refused in a packet" "220 250 250 $(printf '550 %.0s' {1..12})250 354 250 221 soon" \
	"$(talk "220:EHLO a|" "250:$envelope$(printf "$out%.0s" {1..12})${in}DATA|" "354:x|.|QUIT|")"
same "the next message along with the last" "220 250 250 250 354 250 250 250 354 250 221 soon" \
	"$(talk "220:EHLO a|" "250:$envelope${in}DATA|" "354:x|.|$envelope${in}DATA|" "354:y|.|QUIT|")"
same "everything with EHLO" "220 250 250 550 250 221 soon" \
	"$(talk "220:EHLO a|$envelope${out}RSET|QUIT|")"
same "a command that the gate does not know" "220 250 500 502 250 221 soon" \
	"$(talk "220:EHLO a|FOOBAR|XCLIENT a=b|NOOP|QUIT|")"
check "all five messages were delivered" eventually eval '(($(ls "$work/postfix-dmz/mail/all/new" | wc -l) == 5))'

done_
