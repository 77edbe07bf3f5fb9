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
    size: 1000000
    tls: clear-only
    tls-reason: the leg between relay and store of this test
flows:
  - { id: mail-in, from: internet, to: dmz/mail, services: [smtp], guard: mail }
  - { id: mail-out, from: dmz/mail, to: internet, services: [smtp], guard: mail }
  - { id: mail-office, from: office, to: dmz/mail, services: [smtp], guard: mail }
END
up internet:198.51.100.25
for z in dmz internet; do
	zone $z nft insert rule inet lab_answer answer tcp dport 25 accept
done
postfix_up dmz 192.0.2.25 city.example.jp <<<"message_size_limit = 20480000
mynetworks = 127.0.0.0/8, 10.20.0.0/16
transport_maps = inline:{ other.example=smtp:[198.51.100.25] }"
postfix_up internet 198.51.100.25 other.example <<<"message_size_limit = 20480000
transport_maps = inline:{ city.example.jp=smtp:[192.0.2.25] }"
mail() { zone "$1" swaks --server "$2" --protocol ESMTP --timeout 20 --hide-all "${@:3}" 2>&1; }
got() { ls "$work/postfix-$1/mail/all/new" 2>/dev/null | wc -l; }
arrived() { eventually eval "((\$(got $1) == $2))"; }
answer() { mail "$@" --show-all | grep '^<\*\* ' | head -1; }

# --- honest mail

check "mail comes in" mail internet 192.0.2.25 --from a@other.example --to b@city.example.jp --body honest
check "and is delivered" arrived dmz 1
check "mail goes out" mail office 192.0.2.25 --from b@city.example.jp --to a@other.example --body honest
check "and is delivered there" arrived internet 1

done_
