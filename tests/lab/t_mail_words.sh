#!/bin/bash
# What must not leave: marks of importance and numbers of persons in mail, as mail programs of Japan write it.
#
#   office 10.20.0.0/16 ---- lan-office +---------+ wan-inet --- internet (everything else)
#                                       | sekisho |
. "$(dirname "$0")/case.sh"

policy <<END
guards:
  mail:
    protocol: smtp
    domains: [city.example.jp]
    senders: office
    attachments:
      - { direction: out, words: [重要性Ⅰ, 重要性Ⅱ, 機密], action: refuse }
      - { direction: out, personal-numbers: 2, action: refuse }
      - { direction: out, words: [内部資料], action: record }
    tls: clear-only
    tls-reason: a leg of this test
flows:
  - { id: mail-out, from: office, to: internet, services: smtp, guard: mail }
END
up
mkdir "$work/server"
: >"$work/server/messages"
zone internet nft insert rule inet lab_answer answer tcp dport 25 accept
background internet python3 "$here/mail_ends.py" server "$work/server"
check "the server listens" eventually test -e "$work/server/ready"
mail() { zone office timeout 60 python3 "$here/mail_words.py" 198.51.100.2 "$@"; }
last() { sekisho mail list --json --limit 1 | jq -r '.records[0] | "\(.verdict) \(.reason | split(":")[0])"'; }
arrived() { wc -l <"$work/server/messages"; }
refused() { # WORD MAIL...
	local before
	before=$(arrived)
	[[ $(mail "${@:2}") == 550* ]] && eventually eval "[[ \$(last) == 'refused attachment-$1' ]]" &&
		[[ $(arrived) == "$before" ]]
}

same "honest mail" 250 "$(mail iso-2022-jp 会議の件 "明日の会議は十時からです。番号は 1234-5678-9018 です。")"
same "arrives" 1 "$(arrived)"
for charset in utf-8 iso-2022-jp shift_jis euc-jp; do
	check "a mark in a body of $charset" refused words $charset 資料 "これは機密の資料です。"
done
check "a mark over two lines, spaced" refused words utf-8 資料 "【重　要
性 Ⅰ】"
check "in the subject" refused words iso-2022-jp 機密資料の送付 "添付します。"
check "in a text that is attached" refused words cp932 資料 "重要性Ⅱ" 資料.txt
check "in the name of one" refused words utf-8 資料 "なし" "重要性Ⅰ_名簿.txt"
check "numbers of persons" refused personal utf-8 名簿 "123456789018
１２３４－５６７８－９０１８"
same "a word that is only recorded" 250 "$(mail utf-8 資料 "内部資料です。")"
check "is in the record" eventually eval '[[ $(sekisho mail show "$(sekisho mail list --json --limit 1 | jq -r ".records[0].mail")" --json | jq -r "[.attachments[].found] | flatten | join(\" \")") == *words* ]]'
done_
