#!/bin/bash
# The mail gate before servers of others: OpenSMTPD and Exim, which take mail and send it, with clients of others:
# Postfix, swaks, curl, Python's smtplib.
#
#   internet (everything else) ------------- wan-inet +---------+ lan-dmz ---- dmz 192.0.2.0/24
#     OpenSMTPD of bsd.other.example   198.51.100.25  |         |   OpenSMTPD of bsd.city.example.jp   192.0.2.25
#     Exim of exim.other.example       198.51.100.26  | sekisho |   Exim of exim.city.example.jp       192.0.2.26
#     Postfix of postfix.other.example 198.51.100.27  +---------+
. "$(dirname "$0")/case.sh"
. "$here/mail.sh"
. "$here/mta.sh"

policy <<END
guards:
  mail:
    protocol: smtp
    domains: ["*.city.example.jp"]
    senders: [dmz]
    size: 1MB
    tls: clear-only
    tls-reason: nothing of this test is secret
flows:
  - { id: mail-in, from: internet, to: dmz, services: [smtp], guard: mail }
  - { id: mail-out, from: dmz, to: internet, services: [smtp], guard: mail }
END
mta_package opensmtpd >/dev/null && mta_package exim4-daemon-light >/dev/null || exit 1
up internet=198.51.100.25
for z in dmz internet; do
	zone $z nft insert rule inet lab_answer answer tcp dport 25 accept
done
zone dmz ip addr add 192.0.2.26/32 dev lo
zone internet ip addr add 198.51.100.26/32 dev lo
zone internet ip addr add 198.51.100.27/32 dev lo
opensmtpd_up dmz 192.0.2.25 bsd.city.example.jp 198.51.100.26 </dev/null
MTA_LOCAL=127.0.0.2 exim_up dmz 192.0.2.26 exim.city.example.jp "* 198.51.100.25" </dev/null
opensmtpd_up internet 198.51.100.25 bsd.other.example 192.0.2.26 </dev/null
MTA_LOCAL=127.0.0.2 exim_up internet 198.51.100.26 exim.other.example "* 192.0.2.25" </dev/null
postfix_up internet 198.51.100.27 postfix.other.example <<<"smtpd_relay_restrictions = check_client_access static:permit, reject_unauth_destination
transport_maps = inline:{ bsd.city.example.jp=smtp:[192.0.2.25] exim.city.example.jp=smtp:[192.0.2.26] }"
listens() { nsenter --net="/run/netns/$LAB_PREFIX$1" nc -w 2 -z "$2" 25; }
soon() { eventually "$@" || eventually "$@" || eventually "$@" || eventually "$@"; }
for at in "dmz 192.0.2.25" "dmz 192.0.2.26" "internet 198.51.100.25" "internet 198.51.100.26" "internet 198.51.100.27"; do
	check "a server listens at ${at#* }" soon listens $at
done
say() { zone "$1" python3 "$here/smtp_say.py" "$2"; } # ZONE ADDRESS <LINES
last() { tail -n 1 <<<"$1"; }
got() { ls "$work/$1/mail/new" 2>/dev/null | wc -l; } # SERVER-ZONE
has() { (($(got "$1") == $2)); }

# --- what was sent is what arrives, but for the lines that the servers put in front

python3 - "$work" <<'END'
import random, sys
random.seed(11)
head = "From: a@sender.example\nTo: somebody@sender.example\nSubject: all of it\n" \
       "Date: Fri, 27 Nov 2026 09:00:00 +0900\nMessage-ID: <1@sender.example>\nMIME-Version: 1.0\n"
lines = ["." * random.randrange(1, 4) + "x" * random.randrange(0, 900) if random.random() < 0.1 else
         "".join(random.choice("abc .é漢") for _ in range(random.randrange(0, 200))) for _ in range(2000)]
body = head + "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n" + "\n".join(lines) + "\n"
jis = head + "Content-Type: text/plain; charset=ISO-2022-JP\n\n" + "\x1b$B2q5D$O==8a$+$i$G$9!#\x1b(B\n.\n..\n" * 50
open(sys.argv[1] + "/message", "wb").write(body.encode())
open(sys.argv[1] + "/jis", "wb").write(jis.encode())
open(sys.argv[1] + "/big", "wb").write((head + "\n" + ("x" * 70 + "\n") * 20000).encode())
END
cat >"$work/deliver.py" <<'END'
import smtplib, sys
data = open(sys.argv[3], "rb").read().replace(b"\n", b"\r\n")
with smtplib.SMTP(sys.argv[1], 25, timeout=30) as server:
    server.sendmail("a@sender.example", [sys.argv[2]], data, mail_options=["BODY=8BITMIME"])
END
python_() { zone "$1" timeout 60 python3 "$work/deliver.py" "$2" "$3" "$4"; } # ZONE ADDRESS RECIPIENT FILE
curl_() {
	zone "$1" curl -sS --max-time 60 --url "smtp://$2" --mail-from a@sender.example --mail-rcpt "$3" --upload-file "$4" --crlf
}
whole() { # SERVER-ZONE FILE NUMBER: so many messages are FILE, from its first line on
	local file n=0
	for file in "$work/$1"/mail/new/*; do
		sed '1,/^From: a@sender/{/^From: a@sender/!d}' "$file" | cmp -s - "$2" && n=$((n + 1))
	done
	((n == $3)) && return
	echo "$n of $(got "$1") are $2"
	for file in "$work/$1"/mail/new/*; do diff "$file" "$2" | head -c 400; done
	return 1
}

for server in "opensmtpd-dmz 192.0.2.25 bsd" "exim-dmz 192.0.2.26 exim"; do
	read -r folder address name <<<"$server"
	to=b@$name.city.example.jp
	check "$name: smtplib delivers" python_ internet $address $to "$work/message"
	check "$name: curl delivers" curl_ internet $address $to "$work/message"
	check "$name: curl delivers ISO-2022-JP" curl_ internet $address $to "$work/jis"
	check "$name: Postfix takes it" python_ internet 198.51.100.27 $to "$work/jis"
	check "$name: and the other" python_ internet 198.51.100.27 $to "$work/message"
	check "$name: all five arrive" soon has $folder 5
	check "$name: bit by bit" whole $folder "$work/message" 3
	check "$name: bit by bit, ISO-2022-JP" whole $folder "$work/jis" 2

	ehlo=$(zone internet timeout 20 bash -c "exec 3<>/dev/tcp/$address/25; read -r <&3; printf 'EHLO x\r\n' >&3
		while read -r line <&3; do echo \"\$line\"; [[ \$line == 250-* ]] || break; done")
	check "$name: SIZE is the gate's" grep -q '^250[- ]SIZE 0*1000000' <<<"$ehlo"
	check "$name: 8BITMIME stays" grep -q '^250[- ]8BITMIME' <<<"$ehlo"
	check_not "$name: no CHUNKING, no STARTTLS" grep -qiE 'CHUNKING|STARTTLS|PIPECONNECT' <<<"$ehlo"

	# The server never hears of the recipient that the gate refuses.
	talk=$(say internet $address <<<"EHLO x
MAIL FROM:<spam@sender.example>
RCPT TO:<victim@third.example>
RCPT TO:<victim%third.example@$name.city.example.jp>
RCPT TO:<$to>
DATA
raw Subject: one of three\r\n\r\ntext\r\n.\r\n
wait
QUIT")
	same "$name: no relay" "*<victim@third.example> -> 550 5.7.1*" "$talk"
	same "$name: no percent hack" "*<victim%*> -> 553 5.1.3*" "$talk"
	same "$name: the other is served" "*RCPT TO:<$to> -> 250*" "$talk"
	same "$name: and its message delivered" "*wait -> 250*QUIT -> 221*" "$talk"
	check "$name: it arrives" soon has $folder 6
	check "$name: its log names recipients" grep -rq "$to" "$work/$folder/log"
	check_not "$name: the server never heard of the others" grep -rq victim "$work/$folder/log" "$work/$folder/mail"

	same "$name: too large, declared" "*-> 552 5.3.4*" "$(say internet $address <<<"EHLO x
MAIL FROM:<a@sender.example> SIZE=1000001" | tail -n 1)"
	same "$name: too large, not declared" "*552*5.3.4*" "$(zone internet swaks --server $address --timeout 30 --suppress-data \
		--from a@sender.example --to $to --data "@$work/big" 2>&1 | grep '^<\*\*')"
	for data in '\n.\n' '\n.\r\n' '\r\n.\n' '\r.\r' '\r\n.\r'; do
		talk=$(say internet $address <<<"EHLO x
MAIL FROM:<a@sender.example>
RCPT TO:<$to>
DATA
raw Subject: smuggled\r\n\r\ntext${data}MAIL FROM:<c@sender.example>\r\n.\r\n
wait")
		same "$name: smuggled by $data" "wait -> 550 5.5.2*" "$(last "$talk")"
	done
	has $folder 6 || bad "$name: $(got $folder) messages, 6 were let in"
done

# --- pipelined: Exim offers it, OpenSMTPD does not

cat >"$work/pipeline.py" <<'END'
import socket, sys
sock = socket.create_connection((sys.argv[1], 25), timeout=30)
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
lines, codes = sock.makefile("rb"), []
def reply():
    while (line := lines.readline())[3:4] == b"-":
        pass
    codes.append(line[:3].decode())
reply()
sock.sendall(b"EHLO x\r\n")
reply()
own, other = f"RCPT TO:<{sys.argv[2]}>\r\n", "RCPT TO:<b@third.example>\r\n"
sock.sendall(f"MAIL FROM:<a@sender.example>\r\n{own}{other}{own}{other}DATA\r\n".encode())
for _ in range(6):
    reply()
sock.sendall(b"Subject: pipelined\r\n\r\ntext\r\n.\r\nQUIT\r\n")
reply(), reply()
print(*codes)
END
same "pipelined, with refused ones" "220 250 250 250 550 250 550 354 250 221" \
	"$(zone internet timeout 60 python3 "$work/pipeline.py" 192.0.2.26 b@exim.city.example.jp 2>&1)"
check "it arrives" soon has exim-dmz 7

# --- they send, too: each in the dmz to both outside, and those outside to those in the dmz

send() { # LOCAL-ADDRESS RECIPIENT FILE: as somebody on the server's own machine
	python_ "$zone" "$1" "$2" "$3"
}
for zone in dmz internet; do
	other=$([[ $zone == dmz ]] && echo internet || echo dmz)
	domain=$([[ $zone == dmz ]] && echo other.example || echo city.example.jp)
	bsd_before=$(got opensmtpd-$other) exim_before=$(got exim-$other)
	bsd_whole=$([[ $other == dmz ]] && echo 3 || echo 0) bsd_jis=$([[ $other == dmz ]] && echo 2 || echo 0)
	for file in message jis; do
		check "OpenSMTPD in $zone takes what it is to send" send 127.0.0.1 c@exim.$domain "$work/$file"
		check "Exim in $zone takes what it is to send" send 127.0.0.2 c@bsd.$domain "$work/$file"
	done
	check "OpenSMTPD in $zone sends to Exim" soon has exim-$other $((exim_before + 2))
	check "Exim in $zone sends to OpenSMTPD" soon has opensmtpd-$other $((bsd_before + 2))
	check "bit by bit" whole exim-$other "$work/message" $((bsd_whole + 1))
	check "" whole exim-$other "$work/jis" $((bsd_jis + 1))
	check "" whole opensmtpd-$other "$work/message" $((bsd_whole + 1))
	check "" whole opensmtpd-$other "$work/jis" $((bsd_jis + 1))
done
zone=dmz
check "OpenSMTPD takes what is too large for outside" send 127.0.0.1 c@exim.other.example "$work/big"
check "so does Exim" send 127.0.0.2 c@bsd.other.example "$work/big"
check "OpenSMTPD reads the lowered SIZE" soon grep -q 'PermFail.*message too large for peer' "$work/opensmtpd-dmz/log/mail"
check "Exim hears why it cannot go" soon grep -q '552 5.3.4' "$work/exim-dmz/log/mainlog"
check "and nothing of it arrived" whole exim-internet "$work/big" 0
check "" whole opensmtpd-internet "$work/big" 0

done_
