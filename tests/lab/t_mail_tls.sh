#!/bin/bash
# TLS in proxy mode: the gate ends it with the body's own certificate and begins it anew towards a real server, so that
# what comes by TLS is read and goes on by TLS.  By STARTTLS and from the first byte; who has to prove a name; what the
# signer does and does not; a certificate put in the place of another.
#
#   office 10.20.0.0/16 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24 (Postfix of city.example.jp at 192.0.2.25:
#                                       | sekisho |              25, 465; as another server at 192.0.2.80)
#                                       +---------+
. "$(dirname "$0")/case.sh"
. "$here/mail.sh"

# --- certificates: a root of the test's own, the gate's, the server's

tls=$work/tls
mkdir -p "$tls" && chmod 755 "$tls"
made() { # NAME SUBJECT [RSA]
	local kind=(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)
	[[ -z ${3:-} ]] || kind=(-algorithm RSA -pkeyopt rsa_keygen_bits:2048)
	openssl genpkey "${kind[@]}" -out "$tls/$1.key" 2>/dev/null
	openssl req -new -key "$tls/$1.key" -subj "/CN=$2" -out "$tls/$1.csr"
	openssl x509 -req -in "$tls/$1.csr" -CA "$tls/root.pem" -CAkey "$tls/root.key" -CAcreateserial -days 30 \
		-extfile <(echo "subjectAltName=DNS:$2") -out "$tls/$1.pem" 2>/dev/null
	chmod 600 "$tls/$1.key"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tls/root.key" -out "$tls/root.pem" \
	-subj "/CN=root of the test" -days 30 2>/dev/null
made gate gate.city.example.jp
made next gate.city.example.jp rsa
made server mail.city.example.jp rsa

guards() { # NAME THAT 192.0.2.80 HAS TO PROVE [MORE OF mail]
	cat <<-END
	guards:
	  mail: { protocol: smtp, mode: proxy, domains: [city.example.jp], senders: [office], tls: inspect, certificate: gate,
	          attachments: [{ kinds: [executable, script], action: refuse }, { words: [SECRETWORD], action: hold }],
	          hold: { persons: 1 }${2:+, $2} }
	  named: { protocol: smtp, mode: proxy, domains: [city.example.jp], senders: [office], tls: inspect, certificate: gate,
	           tls-verify: [{ servers: [dmz/web], name: $1 }] }
	flows:
	  - { id: mail, from: office, to: dmz/mail, services: [smtp, tcp/465], guard: mail }
	  - { id: named, from: office, to: dmz/web, services: smtp, guard: named }
	END
}
policy <<<"flows: [{ id: mail, from: office, to: dmz/mail, services: [smtp, tcp/465] }]"
up
sekisho_restarts() { lab daemon stop && lab daemon start; }
problem_has() { sekisho status --json | jq -r '.problems // [] | .[]' | grep -q "$1"; }
offers() { zone office swaks --server 192.0.2.25 --protocol ESMTP --timeout 10 --quit-after EHLO 2>&1 | grep -q STARTTLS; }
cat >>"$home/sekisho.yaml" <<END
certificates: { gate: { chain: $tls/gate.pem, key: $tls/gate.key } }
tls-roots: $tls/root.pem
END
check "the daemon is started with a certificate" sekisho_restarts
guards mail.city.example.jp | apply
for port in 25 465; do zone dmz nft insert rule inet lab_answer answer tcp dport $port accept; done
services='465 inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
tlsmgr unix - - n 1000? 1 tlsmgr
'
postfix_up dmz "192.0.2.25, 192.0.2.80" city.example.jp <<END
smtpd_tls_security_level = may
smtpd_tls_cert_file = $tls/server.pem
smtpd_tls_key_file = $tls/server.key
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
END

child() { ps -o pid=,args= --ppid "$(lab daemon pid)" | awk -v what="--$1" '$NF == what { print $1; exit }'; }
n=0
mail() { # [SWAKS ...]
	n=$((n + 1))
	zone office swaks --server "${to:-192.0.2.25}" --protocol ESMTP --timeout 30 --from "a$n@other.example" --to b@city.example.jp \
		--header "Subject: test $n" "$@" >"$work/said" 2>&1 || { tail -n 6 "$work/said" | cut -c1-200; false; }
}
said() { grep -qE "$1" "$work/said"; }
stopped() { ! mail "${@:2}" && said "^<[-*~ ]*$1"; } # CODE ...
last() { sekisho mail list --json --limit 1 --from "a$n@other.example" | jq -r "$1"; }
shown_of_last() { sekisho mail show "$(last '.records[0].mail // 0')" --json | jq -r "$1"; }
last_is() { [[ "$(last '.records[0] | "\(.verdict) \(.reason | split(":")[0])"') $(shown_of_last '.tls // false')" == "$1" ]]; }
agreed() { # CLIENT SERVER
	local text
	text=$(shown_of_last '"\(.tls_client)|\(.tls_server)"')
	[[ $text == "$1"*"|$2"* ]] || { echo "$text"; false; }
}
recorded() { eventually last_is "$1" || { last . >&2; false; }; }
arrived() { eventually grep -rqs "^Subject: test $n\$" "$work/postfix-dmz/mail"; }
by_tls() { arrived && grep -rhs -B 30 "^Subject: test $n\$" "$work/postfix-dmz/mail" | grep -q "using TLSv1.[23]"; }
status() { sekisho status --json | jq -r ".$1"; }
is_in_use() { (($(status certificates) == 1)); }
shows() { # OPTIONS OF s_client: the subject and version that a client sees
	zone office timeout 20 openssl s_client -connect 192.0.2.25:25 -starttls smtp -name client.example "$@" </dev/null 2>&1
}
shown() { shows "${@:2}" | grep -qE "$1"; }

check "the certificate is in use" eventually is_in_use
check "the server answers" eventually eval 'mail --quit-after EHLO'

# --- STARTTLS

check "mail by TLS passes, and the client can tell whose certificate it is" mail --tls --tls-verify --tls-ca-path "$tls/root.pem"
check "it went on by TLS" by_tls
check "and is recorded" recorded "passed passed true"
check "with what was agreed on, on both sides" eval 'agreed "TLS 1.3 TLS_AES_128_GCM_SHA256" "TLS 1.3 TLS_AES_"'
check "the client sees the body's certificate" shown 'subject=CN *= *gate.city.example.jp' -tls1_3
check "by TLS 1.2 too" shown 'Protocol *: TLSv1.2' -tls1_2
for old in -tls1 -tls1_1; do
	check_not "not by older ones ($old)" shown 'Cipher is [A-Z]*_|Cipher is ECDHE' $old -cipher ALL:@SECLEVEL=0
done
check "what is in it is read" stopped 550 --tls --body text --attach-name a.sh --attach-type text/plain --attach "$(printf '#!/bin/sh\nrm -r /\n')"
check "which is recorded" recorded "refused attachment-program true"
check "who has no TLS sends in clear" mail
check "and is recorded so" recorded "passed passed false"
head -c 3000000 /dev/urandom | base64 >"$work/large"
check "a large message passes" mail --tls --body text --attach-name l.txt --attach-type text/plain --attach "@$work/large"
check "and arrives" by_tls
injected() { # a command in clear, behind STARTTLS
	zone office python3 - <<-'END'
	import socket, sys
	s = socket.create_connection(("192.0.2.25", 25), 10)
	f = s.makefile("rb")
	f.readline()
	s.sendall(b"EHLO a\r\n")
	while f.readline()[3:4] == b"-": pass
	s.sendall(b"STARTTLS\r\nMAIL FROM:<x@other.example>\r\n")
	sys.exit(0 if f.readline().startswith(b"503") else 1)
	END
}
check "what is sent along with STARTTLS ends the session" injected

# --- from the first byte

check "mail to port 465 passes" mail --tlsc --port 465 --tls-verify --tls-ca-path "$tls/root.pem"
check "and goes on by TLS" by_tls
check "and is recorded" recorded "passed passed true"

# --- servers that have to prove who they are

to=192.0.2.80
check "one that does gets mail" mail --tls
check "by TLS" by_tls
check "in clear it gets none" stopped 530
check "which is recorded" recorded "refused tls-required false"
guards other.city.example.jp | apply
check "one that is somebody else gets none" eval '! mail --tls'
check "and the session's record says why" eventually eval \
	'sekisho mail list --json --limit 1 | jq -r ".records[0].reason" | grep -q "^tls-server:"'
unset to
guards mail.city.example.jp "tls-required: true" | apply
check "where TLS is demanded, mail without it is refused" stopped 530
check "and with it passes" mail --tls

guards mail.city.example.jp | sed 's/certificate: gate/certificate: other/' | apply
check "that the certificate is not there that the guard names is a problem before anybody asks for it" eventually problem_has 'the certificate "other"'
check_not "without it TLS is not offered" offers
guards mail.city.example.jp | apply
check "with it it is" eventually offers

# --- held mail goes on by TLS too

number() { sekisho mail held --json | jq -r '.rows[-1].held'; }
is_delivered() { [[ $(sekisho mail held "$1" --json | jq -r .state) == delivered ]]; }
for how in --tls ''; do
	mail $how --body "a SECRETWORD in it" >/dev/null # the gate closes behind its reply
	check "a message ${how:-in clear} is held" said "250 2.0.0 The message is held"
	held=$(number)
	check "and released" sekisho mail release "$held" --reason "a test"
	check "it is delivered" eventually is_delivered "$held"
	check "by TLS" by_tls
	check "as its record says" eventually agreed "$([[ -n $how ]] && echo TLS || echo null)" "TLS 1.3 TLS_AES_"
done

# --- the key

finds_key() { # PID: whether the secret number of the gate's key is in its memory
	python3 - "$1" <(openssl ec -in "$tls/gate.key" -text -noout 2>/dev/null) <<-'END'
	import re, sys
	text = open(sys.argv[2]).read()
	secret = bytes.fromhex(re.sub(r"[^0-9a-f]", "", text.split("priv:")[1].split("pub:")[0]))[-32:]
	mem, found = open(f"/proc/{sys.argv[1]}/mem", "rb"), False
	for line in open(f"/proc/{sys.argv[1]}/maps"):
	    where, rights = line.split()[:2]
	    if "rw" not in rights: continue
	    a, b = (int(x, 16) for x in where.split("-"))
	    try: mem.seek(a); data = mem.read(b - a)
	    except (OSError, ValueError, OverflowError): continue
	    found = found or secret in data or secret[::-1] in data
	sys.exit(0 if found else 1)
	END
}
check "the signer has the key" finds_key "$(child sign)"
check_not "the inspector has it not" finds_key "$(child inspect)"
check_not "nor has the gate" finds_key "$(lab daemon pid)"
check "the signer has no right" eval '(($(awk "/^CapEff/ { print \$2 }" /proc/$(child sign)/status) == 0))'
check "and signed" eval '(($(status signatures) > 5))'
check "and refused nothing" eval '(($(status signatures_refused) == 0))'
signer=$(child sign)
kill -9 "$signer"
back() { [[ -n $(child sign) && $(child sign) != "$signer" ]] && is_in_use; }
check "a signer that is gone comes back" eventually back
check "and signs" eventually mail --tls
signer=$(child sign)
kill -STOP "$signer"
check_not "without a signature in time there is no TLS" mail --tls
kill -CONT "$signer"
check "a signer that was only late is asked again" eventually mail --tls
same "and is the same" "$signer" "$(child sign)"

# --- another certificate

chmod 644 "$tls/gate.key"
waits() { local end=$((SECONDS + 40)); until "$@" >/dev/null 2>&1; do ((SECONDS < end)) || return 1; sleep 0.2; done; }
check "a key that others may read is a problem" waits problem_has "others may read it"
check "the one before stays in use" mail --tls
cp "$tls/next.pem" "$tls/new" && mv "$tls/new" "$tls/gate.pem"
cp -p "$tls/next.key" "$tls/new" && mv "$tls/new" "$tls/gate.key"
serial=$(openssl x509 -in "$tls/next.pem" -serial -noout)
is_next() { shows | openssl x509 -serial -noout 2>/dev/null | grep -qx "$serial"; }
check "a new one is put in use by itself" waits is_next
check "the problem is gone" eventually eval '! problem_has SK814'
check "and mail passes by it" mail --tls --tls-verify --tls-ca-path "$tls/root.pem"

# --- no roots

to=192.0.2.80
mv "$tls/root.pem" "$tls/away"
lacks_roots() { ! mail --tls && problem_has "the file of tls-roots"; }
check "without roots a server that has to prove his name gets no mail, which is a problem" waits lacks_roots
mv "$tls/away" "$tls/root.pem"
check "with them it does" waits mail --tls
check "and the problem is gone" eventually eval '! problem_has SK814'
done_
