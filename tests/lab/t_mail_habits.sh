#!/bin/bash
# Habits of senders, through the real daemon between real TCPs: what a mailbox's rule sends on, recipients that see
# one another, free mail, senders that seem to be others, links that lie and pages that act are refused or recorded.
#
#   office 10.20.0.0/16 ----------- lan-office +---------+ wan-inet --- internet (everything else)
#   dmz 192.0.2.0/24 (mail at .25) --- lan-dmz | sekisho |
. "$(dirname "$0")/case.sh"

policy <<END
clauses:
  - { id: 61-1, article: 第61条第1項 }
  - { id: 82-3, article: 第82条第3号, controls: [MAIL-11] }
  - { id: 60-1, article: 第60条第1項, controls: [MAIL-01] }
record: { keep: 400d }
guards:
  mail:
    protocol: smtp
    domains: [city.example.jp]
    senders: office
    own-sender: allow
    habits:
      - { direction: out, recipients: [sister.example.net], forwarded: true, action: record }
      - { direction: out, forwarded: true, action: refuse, clause: 61-1 }
      - { hops-over: 30, action: refuse }
      - { direction: out, outside-recipients-over: 3, action: refuse }
      - { direction: out, recipient-domains: [gmail.com, yahoo.co.jp], action: refuse, clause: 61-1 }
      - { direction: in, senders: [partner.example.net], look-alike: [domain, name], action: allow }
      - { direction: in, look-alike: [domain, name, own-domain], names: [市長], action: refuse }
      - { direction: in, link-domains: [click.example.org], link-differs: true, action: allow }
      - { direction: in, link-differs: true, action: refuse }
      - { link-domains: [drive.google.com], action: record }
      - { direction: in, active-content: true, action: refuse }
    tls: clear-only
    tls-reason: a leg of this test
flows:
  - { id: mail-out, from: office, to: internet, services: smtp, guard: mail }
  - { id: mail-in, from: internet, to: dmz/mail, services: smtp, guard: mail, clause: [60-1] }
END
up
for zone in internet dmz; do
	mkdir "$work/$zone"
	: >"$work/$zone/messages"
	zone $zone nft insert rule inet lab_answer answer tcp dport 25 accept
	background $zone python3 "$here/mail_ends.py" server "$work/$zone"
	check "the server of $zone listens" eventually test -e "$work/$zone/ready"
done
send_out() { zone office timeout 60 python3 "$here/mail_say.py" 198.51.100.2 "$@"; }   # SENDER RECIPIENT... <MESSAGE
send_in() { zone internet timeout 60 python3 "$here/mail_say.py" 192.0.2.25 "$@"; }
shown() { sekisho mail show "$(sekisho mail list --json --limit 1 | jq -r '.records[0].mail')" --json; }
last() { shown | jq -r '"\(.verdict) \(.reason | split(":")[0]) \(.control // "")"'; }
found() { # what the last record's message shows: "sign: evidence", a line each
	shown | jq -r '.attachments[]? | select(.type == "habit") | "\(.found | if type == "array" then join(" ") else . end): \(.attachment)"'
}
recorded() { eventually eval "[[ \$(last) == '$1' ]]"; }
arrived() { wc -l <"$work/$1/messages"; }
# The message on stdin is refused with CODE, recorded as WORD, and never at the server.
refused() { # WAY CODE RECORD [SENDER RECIPIENT...]
	local way=$1 code=$2 record=$3 before said
	before=$(arrived "$([[ $way == out ]] && echo internet || echo dmz)")
	said=$("send_$way" "${@:4}")
	[[ $said == "$code"* ]] || { echo "said: $said" >&2; return 1; }
	recorded "$record" && [[ $(arrived "$([[ $way == out ]] && echo internet || echo dmz)") == "$before" ]]
}
own=taro@city.example.jp
mail() { printf '%s\n' "$@"; } # LINE...

# Out.
same "ordinary mail out" 250 "$(mail "From: $own" "To: x@other.example" "Subject: a" "" text | send_out $own x@other.example)"
check "is passed" recorded "passed passed "
same "and arrives" 1 "$(arrived internet)"
check "Gmail's forward" refused out 550 "refused forwarded MAIL-07" $own x@other.example < <(
	mail "X-Forwarded-To: x@other.example" "X-Forwarded-For: $own x@other.example" "From: $own" "" text)
same "what shows it" "forwarded: X-Forwarded-To: x@other.example" "$(found)"
same "by the clause of the rule" 61-1 "$(shown | jq -r .clause)"
check "Postfix's, which keeps the sender" refused out 550 "refused forwarded MAIL-07" a@foreign.example x@other.example < <(
	mail "Delivered-To: $own" "From: a@foreign.example" "To: $own" "" text)
same "a forward that is only recorded" 250 \
	"$(mail "Resent-From: $own" "From: a@foreign.example" "" text | send_out $own x@sister.example.net)"
check "is in the record" recorded "passed habit-recorded MAIL-07"
check "three recipients outside may see one another" eval \
	'[[ $(mail "From: $own" "To: a@x.example, b@x.example" "Cc: c@x.example, d@city.example.jp" "" text | send_out $own a@x.example) == 250* ]]'
check "four may not" refused out 550 "refused outside-recipients MAIL-08" $own a@x.example < <(
	mail "From: $own" "To: a@x.example, b@x.example" "Cc: c@x.example, d@x.example" "" text)
check "free mail" refused out "x@gmail.com=550" "refused recipient-domain MAIL-05" $own x@gmail.com < <(mail "From: $own" "" text)
same "of two recipients the other gets it" "250 x@mail.yahoo.co.jp=550" \
	"$(mail "From: $own" "" text | send_out $own y@x.example x@mail.yahoo.co.jp)"

# In.
to=kikaku@city.example.jp
check "a domain like ours" refused in 550 "refused look-alike MAIL-11" a@city.examp1e.jp $to < <(
	mail "From: a@city.examp1e.jp" "To: $to" "" text)
same "which" "look-alike: city.examp1e.jp" "$(found)"
check "Cyrillic letters, in From alone" refused in 550 "refused look-alike MAIL-11" a@other.example $to < <(
	mail "From: a@city.ex$(printf '\u0430')mple.jp" "To: $to" "" text)
check "a name that shows an own address" refused in 550 "refused look-alike MAIL-11" a@other.example $to < <(
	mail 'From: "mayor@city.example.jp" <a@other.example>' "To: $to" "" text)
check "a title in ISO-2022-JP" refused in 550 "refused look-alike MAIL-11" a@other.example $to < <(
	mail "From: =?iso-2022-jp?B?GyRCO1REORsoQg==?= <a@other.example>" "To: $to" "" text)
check "our own domain, from outside" refused in 550 "refused look-alike MAIL-11" a@other.example $to < <(
	mail "From: $own" "To: $to" "" text)
same "a partner whose name shows ours" 250 \
	"$(mail 'From: "for city.example.jp" <a@partner.example.net>' "To: $to" "" text | send_in a@partner.example.net $to)"
html() { mail "From: a@other.example" "To: $to" "MIME-Version: 1.0" "Content-Type: text/html; charset=utf-8" "" "$1"; }
check "a link that lies" refused in 550 "refused link-differs MAIL-11" a@other.example $to < <(
	html '<p><a href="https://evil.example/login">https://www.city.example.jp/</a></p>')
same "which" "link: www.city.example.jp -> evil.example" "$(found)"
same "one that a tracker counts" 250 \
	"$(html '<a href="https://a.click.example.org/1">https://www.city.example.jp/</a>' | send_in a@other.example $to)"
same "a link to a store of files, in a plain text" 250 \
	"$(mail "From: a@other.example" "To: $to" "" "https://drive.google.com/file/1" | send_in a@other.example $to)"
check "is recorded" recorded "passed habit-recorded MAIL-11"
same "with where it leads" "link: drive.google.com" "$(found)"
check "a script" refused in 550 "refused active-html MAIL-11" a@other.example $to < <(html '<script>x()</script>')
same "by the clause that answers the control, where the rule names none" 82-3 "$(shown | jq -r .clause)"
check "a form" refused in 550 "refused active-html MAIL-11" a@other.example $to < <(html '<form action="https://a.example">')
check "mail that goes round" refused in 554 "refused loop MAIL-07" a@other.example $to < <(
	mail "Delivered-To: $to" "From: a@other.example" "To: $to" "" text)
check "thirty-one hops" refused in 554 "refused loop MAIL-07" a@other.example $to < <(
	for i in {1..31}; do echo "Received: by host$i; Thu, 1 Jan 2026"; done
	mail "From: a@other.example" "To: $to" "" text)
same "a newsletter passes" 250 "$(html '<a href="https://www.other.example/">www.other.example</a>
<img src="https://www.other.example/a.png"><a href="https://www.other.example/2">続きを読む</a>' | send_in a@other.example $to)"
check "with nothing found" recorded "passed passed "
check "the words for people" eval '[[ $(sekisho show guards) == *"look-alike by domain or name or own domain or named 市長"* ]]'
check "found by what it was" eval '[[ $(sekisho mail list --found look-alike --json --limit 9 | jq ".records | length") == 5 ]]'
done_
