#!/bin/bash
# A header line that says what was found, added in proxy mode: the message arrives as it was sent but for that line.
#
#   internet (everything else) ----- wan-inet +---------+ lan-dmz --- dmz 192.0.2.0/24 (mail at .25)
#                                             | sekisho |
#                                             +---------+
. "$(dirname "$0")/case.sh"

policy <<END
guards:
  mail:
    protocol: smtp
    mode: proxy
    domains: [city.example.jp]
    habits:
      - { look-alike: domain, action: mark }
      - { forwarded: true, action: mark }
      - { look-alike: name, names: [霞市長], action: record }
    tls: clear-only
    tls-reason: a leg of this test
flows:
  - { id: mail-in, from: internet, to: dmz/mail, services: smtp, guard: mail }
END
up
mkdir "$work/dmz"
: >"$work/dmz/messages"
zone dmz nft insert rule inet lab_answer answer tcp dport 25 accept
background dmz python3 "$here/mail_ends.py" server "$work/dmz"
check "the server listens" eventually test -e "$work/dmz/ready"
mail() { printf '%s\n' "$@"; } # LINE...
send() { zone internet timeout 60 python3 "$here/mail_say.py" 192.0.2.25 a@other.example b@city.example.jp; }
arrived() { tail -n 1 "$work/dmz/messages"; }
sum() { # of a message on stdin, as mail_ends.py writes it
	sed 's/$/\r/' >"$work/wanted"
	echo "$(sha256sum <"$work/wanted" | cut -d ' ' -f 1) $(stat -c %s "$work/wanted")"
}
shown() { sekisho mail show "$(sekisho mail list --json --limit 1 | jq -r '.records[0].mail')" --json; }
last() { shown | jq -r '"\(.verdict) \(.reason | split(":")[0]) \(.control // "")"'; }
recorded() { eventually eval "[[ \$(last) == '$1' ]]"; }

same "honest mail passes" 250 "$(mail "From: a@other.example" "Subject: a" "" text | send)"
same "as it was sent" "$(mail "From: a@other.example" "Subject: a" "" text | sum)" "$(arrived)"
same "a look-alike passes" 250 "$(mail "From: a@city.examp1e.jp" "Subject: a" "" text | send)"
same "with the line" "$(mail "From: a@city.examp1e.jp" "Subject: a" "X-Sekisho-Notice: look-alike" "" text | sum)" "$(arrived)"
check "which is recorded" recorded "passed habit-marked MAIL-11"
same "by what was found" "look-alike marked" \
	"$(shown | jq -r '.attachments[0].found | if type == "array" then join(" ") else . end')"
body=$(seq 1 20000)
same "two at once, before a long body" 250 "$(mail "From: a@city.examp1e.jp" "Resent-From: x@other.example" "" "$body" | send)"
same "in one line" \
	"$(mail "From: a@city.examp1e.jp" "Resent-From: x@other.example" "X-Sekisho-Notice: forwarded, look-alike" "" "$body" | sum)" "$(arrived)"
same "what is only recorded" 250 "$(mail 'From: "霞市長" <a@other.example>' "" text | send)"
same "stays as it is" "$(mail 'From: "霞市長" <a@other.example>' "" text | sum)" "$(arrived)"
check "and is in the record" recorded "passed habit-recorded MAIL-11"
done_
