#!/bin/bash
# What inspectors see of real mail stands in the records: passed, refused by the gate, rejected by the
# server, and broken off.
#
#   internet (everything else) ---------------------------------- wan-inet +---------+
#   dmz 192.0.2.0/24 (Postfix of city.example.jp at 192.0.2.25) -- lan-dmz | sekisho |
#                                                                          +---------+
. "$(dirname "$0")/case.sh"
. "$here/mail.sh"

mail_leg "smtpd_recipient_restrictions = check_recipient_access inline:{ gone@city.example.jp=REJECT }" <<END
size: 1MB
END
mail() { zone internet swaks --server 192.0.2.25 --protocol ESMTP --timeout 20 --hide-all "$@" >/dev/null 2>&1; }
found() { # PATTERN FILTER ...: the newest record that the filter finds
	[[ $(sekisho mail list --json --limit 1 "${@:2}" |
		jq -r '.records[0] | "\(.verdict) \(.reply_code) \(.sender) \(.recipient | join(","))"') == $1 ]]
}

check "mail that passes" mail --from a@other.example --to b@city.example.jp,c@city.example.jp --body honest
check "has a record" eventually found "passed 250 a@other.example b@city.example.jp,c@city.example.jp" --from a@other.example
check_not "relaying is refused" mail --from a2@other.example --to x@third.example --body no
check "and has one" eventually found "refused 5?? a2@other.example x@third.example" --from a2@other.example
check_not "what the server rejects" mail --from a3@other.example --to gone@city.example.jp --body no
check "too" eventually found "rejected 5?? a3@other.example gone@city.example.jp" --from a3@other.example
check "a session without mail" zone internet swaks --server 192.0.2.25 --timeout 20 --hide-all --ehlo quiet.example \
	--quit-after EHLO
quiet() { sekisho mail list --json --limit 5 | grep -q 'no-mail'; }
check "is recorded at its end" eventually quiet
sekisho mail show 1 >"$work/show"
check "with the flow, its zones and the size" grep -qE '^flow *mail-in$' "$work/show"
check "its zones" grep -qE '^client *198\.51\.100\.[0-9]+ port [0-9]+, zone internet$' "$work/show"
check "and its size" grep -qE '^size *[1-9][0-9]* bytes' "$work/show"
done_
