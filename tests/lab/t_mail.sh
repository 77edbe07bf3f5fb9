#!/bin/bash
# The mail gate on real mail servers: no open relay, sizes, smuggling, and honest mail untouched.
#
#   internet (everything else; Postfix of other.example at 198.51.100.25) ---- wan-inet +---------+
#   office 10.20.0.0/16, fd00:20::/64 ---------------------------------------- lan-office| sekisho |
#   dmz 192.0.2.0/24 (Postfix of city.example.jp at 192.0.2.25) -------------- lan-dmz  +---------+
. "$(dirname "$0")/case.sh"
. "$here/mail.sh"

policy <<END
guards:
  mail:
    protocol: smtp
    domains: [city.example.jp, "*.city.example.jp"]
    senders: [office, dmz/mail]
    size: 1MB
    tls: clear-only
    tls-reason: the leg between relay and store of this test
flows:
  - { id: mail-in, from: internet, to: dmz/mail, services: [smtp], guard: mail }
  - { id: mail-out, from: dmz/mail, to: internet, services: [smtp], guard: mail }
  - { id: mail-office, from: office, to: dmz/mail, services: [smtp], guard: mail }
END
up internet=198.51.100.25
for z in dmz internet; do
	zone $z nft insert rule inet lab_answer answer tcp dport 25 accept
done
postfix_up dmz 192.0.2.25 city.example.jp <<<"message_size_limit = 20480000
smtpd_relay_restrictions = check_client_access inline:{ 10.20.0.2=permit }, reject_unauth_destination
transport_maps = inline:{ other.example=smtp:[198.51.100.25] }"
postfix_up internet 198.51.100.25 other.example <<<"message_size_limit = 20480000
transport_maps = inline:{ city.example.jp=smtp:[192.0.2.25] }"
mail() { zone "$1" swaks --server "$2" --protocol ESMTP --timeout 20 --hide-all "${@:3}" 2>&1; }
got() { ls "$work/postfix-$1/mail/all/new" 2>/dev/null | wc -l; }
arrived() { eventually eval "((\$(got $1) == $2))" || eventually eval "((\$(got $1) == $2))"; }

say() { zone "$1" python3 "$here/smtp_say.py" "$2"; } # ZONE ADDRESS <LINES
last() { tail -n 1 <<<"$1"; }

# --- honest mail

check "mail comes in" mail internet 192.0.2.25 --from a@other.example --to b@city.example.jp --body honest
check "and is delivered" arrived dmz 1
check "mail goes out" mail office 192.0.2.25 --from b@city.example.jp --to a@other.example --body honest
check "and is delivered there" arrived internet 1

# What was sent is what arrived, but for the lines that the servers put in front.
python3 - "$work/message" <<'END'
import random, sys
random.seed(7)
lines = ["From: a@other.example", "To: b@city.example.jp", "Subject: all of it", ""]
lines += ["." * random.randrange(1, 4) + "x" * random.randrange(0, 900) if random.random() < 0.1 else
          "".join(random.choice("abc .é漢") for _ in range(random.randrange(0, 200))) for _ in range(3000)]
open(sys.argv[1], "wb").write("\n".join(lines).encode() + b"\n")
END
cat >"$work/deliver.py" <<'END'
import smtplib, sys
data = open(sys.argv[2], "rb").read().replace(b"\n", b"\r\n")
with smtplib.SMTP(sys.argv[1], 25, timeout=20) as server:
    server.sendmail("a@other.example", ["b@city.example.jp"], data, mail_options=["BODY=8BITMIME"])
END
check "Python's smtplib delivers" zone internet python3 "$work/deliver.py" 192.0.2.25 "$work/message"
check "curl delivers" zone internet curl -s --max-time 20 --url smtp://192.0.2.25 --mail-from a@other.example \
	--mail-rcpt b@city.example.jp --upload-file "$work/message" --crlf
check "both arrive" arrived dmz 3
whole() { # every message that has the subject, without what was put in front, is the one sent
	local file n=0
	for file in "$work"/postfix-dmz/mail/all/new/*; do
		grep -q '^Subject: all of it' "$file" || continue
		sed '1,/^From: a@other/{/^From: a@other/!d}' "$file" | cmp - "$work/message" || return 1
		n=$((n + 1))
	done
	((n == 2))
}
check "bit by bit" whole

# --- no relay: from outside only to those inside, however the address is written

while read -r address; do
	got=$(say internet 192.0.2.25 <<<"EHLO x
MAIL FROM:<spam@other.example>
RCPT TO:$address
DATA")
	same "no relay to $address" "*RCPT TO:* -> 5[05][0-9] 5.*" "$(grep '^RCPT' <<<"$got")"
	check_not "and no data for it" grep -q '^DATA -> 354' <<<"$got"
done <<'END'
<victim@third.example>
<victim%third.example@city.example.jp>
<@city.example.jp:victim@third.example>
<@city.example.jp,@other.example:victim@third.example>
<third.example!victim@city.example.jp>
<"victim@third.example">
<"victim@third.example"@city.example.jp>
<"victim%third.example"@city.example.jp>
<victim@third.example@city.example.jp>
<victim@[198.51.100.25]>
<victim@[IPv6:2001:db8::1]>
<victim@city.example.jp.third.example>
<victim@notcity.example.jp>
<victim@third.example(@city.example.jp)>
<victim>
<victim@third.example.>
END
for sender in '<>' '<postmaster@third.example>' '<spam@[192.0.2.25]>'; do
	got=$(say internet 192.0.2.25 <<<"EHLO x
MAIL FROM:$sender
RCPT TO:<victim@third.example>")
	same "no relay from $sender" "*-> 550 5.7.1*" "$(last "$got")"
done
got=$(say internet 192.0.2.25 <<<"EHLO x
MAIL FROM:<spam@other.example>
RCPT TO:<victim@third.example>
RCPT TO:<b@city.example.jp>
DATA
raw Subject: one of two\r\n\r\ntext\r\n.\r\n
wait
QUIT")
same "the other recipient is served" "*QUIT -> 221*" "$got"
same "" "*RCPT TO:<b@city.example.jp> -> 250*" "$got"
same "postmaster inside may be written to" "*RCPT TO:<POSTMASTER@City.Example.JP> -> 250*" "$(say internet 192.0.2.25 <<<"EHLO x
MAIL FROM:<>
RCPT TO:<POSTMASTER@City.Example.JP>")"

# --- what the gate leaves of an answer to EHLO

ehlo=$(zone internet timeout 5 bash -c 'exec 3<>/dev/tcp/192.0.2.25/25; read -r <&3; printf "EHLO x\r\nQUIT\r\n" >&3; cat <&3')
check "SIZE is the gate's" grep -q '^250[- ]SIZE 0*1000000' <<<"$ehlo"
check_not "no CHUNKING" grep -qi CHUNKING <<<"$ehlo"
check_not "no STARTTLS" grep -qi STARTTLS <<<"$ehlo"

# --- sizes

body() { # BYTES of DATA, as raw lines of smtp_say.py
	python3 -c "
n = $1
print('raw ' + ('x' * 76 + '\\\\r\\\\n') * (n // 78) + 'y' * (n % 78 - 2) + '\\\\r\\\\n.\\\\r\\\\n' if n % 78 > 1 else
      'raw ' + ('x' * 76 + '\\\\r\\\\n') * (n // 78 - 1) + 'z' * (76 + n % 78) + '\\\\r\\\\n.\\\\r\\\\n')"
}
send_size() { # BYTES [PARAMETER]
	{
		printf 'EHLO x\nMAIL FROM:<a@other.example>%s\nRCPT TO:<b@city.example.jp>\nDATA\n' "${2:+ $2}"
		body "$1"
		echo wait
	} | say internet 192.0.2.25 | tail -n 1
}
same "one byte below the cap" "wait -> 250*" "$(send_size 999999)"
same "at the cap" "wait -> 250*" "$(send_size 1000000)"
same "one above" "wait -> 552 5.3.4*" "$(send_size 1000001)"
same "one above, another size declared" "wait -> 552 5.3.4*" "$(send_size 1000001 SIZE=1000)"
same "far above" "wait -> 552 5.3.4*" "$(send_size 5000000)"
same "declared" "*-> 552 5.3.4*" "$(say internet 192.0.2.25 <<<"EHLO x
MAIL FROM:<a@other.example> SIZE=1000001" | tail -n 1)"
head -c 1500000 /dev/zero | tr '\0' x | fold -w 70 >"$work/big"
same "swaks says why" "*552*5.3.4*" "$(zone internet swaks --server 192.0.2.25 --timeout 20 --suppress-data --from a@other.example --to b@city.example.jp \
	--data "@$work/big" 2>&1 | grep '^<\*\*')"
same "outward as well" "*-> 552 5.3.4*" "$(zone dmz python3 "$here/smtp_say.py" 198.51.100.25 25 192.0.2.25 <<<"EHLO x
MAIL FROM:<b@city.example.jp> SIZE=1000001" | tail -n 1)"

# --- smuggling, and what is not SMTP

while IFS='|' read -r what data; do
	before=$(got dmz)
	got=$(say internet 192.0.2.25 <<END
EHLO x
MAIL FROM:<a@other.example>
RCPT TO:<b@city.example.jp>
DATA
raw Subject: smuggled\r\n\r\ntext$data\r\n.\r\n
wait
END
)
	same "$what is refused" "wait -> 5*" "$(last "$got")"
done <<'END'
LF.LF|\n.\nMAIL FROM:<c@other.example>\r\n
LF.CRLF|\n.\r\nMAIL FROM:<c@other.example>\r\n
CRLF.LF|\r\n.\nMAIL FROM:<c@other.example>\r\n
CR.CR|\r.\rMAIL FROM:<c@other.example>\r\n
CRLF.CR|\r\n.\rMAIL FROM:<c@other.example>\r\n
a bare LF|a\nb
a bare CR|a\rb
a NUL|a\0b
END
same "another protocol" "*closed*" "$(say internet 192.0.2.25 <<<"GET / HTTP/1.1
QUIT")"
check "and honest mail passes still" mail internet 192.0.2.25 --from a@other.example --to b@city.example.jp --body honest

# --- an inspector that dies in mid-message

pid() { pgrep -f -P "$(lab daemon pid)" -- --inspect | head -1; }
old=$(pid)
{ printf 'EHLO x\nMAIL FROM:<a@other.example>\nRCPT TO:<b@city.example.jp>\nDATA\nraw half a message\\r\\n\npause 3\nraw the other half\\r\\n.\\r\\n\n'; echo wait; } |
	say internet 192.0.2.25 >"$work/half" &
half=$!
eventually grep -q 354 "$work/half" || sleep 1
kill -9 "$old"
wait $half
same "its connection ends" "*closed*" "$(last "$(<"$work/half")")"
fresh() { [[ $(pid) && $(pid) != "$old" ]]; }
check "there is another one" eventually fresh
check "which lets honest mail through" mail internet 192.0.2.25 --from a@other.example --to b@city.example.jp --body honest

done_
