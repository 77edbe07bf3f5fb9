#!/bin/bash
# Mail that is held: a marked document stays inside until a second person has released it, and goes out then bit by bit;
# what is rejected or forgotten never does; and nothing of it is lost or readable, whatever dies in between.
#
#   office 10.20.0.0/16 ---- lan-office +---------+ wan-inet --- internet (a server at 198.51.100.25)
#                                       | sekisho | --- the vault: encrypted files
. "$(dirname "$0")/case.sh"

guards() { # HOLD
	cat <<-END
	guards:
	  mail:
	    protocol: smtp
	    domains: [city.example.jp]
	    senders: office
	    own-sender: allow
	    attachments:
	      - { direction: out, words: [重要性Ⅰ, 機密], action: hold }
	      - { direction: out, kinds: [encrypted], action: hold }
	      - { direction: out, names: ["*.exe"], action: refuse }
	    hold: $1
	    tls: clear-only
	    tls-reason: a leg of this test
	flows:
	  - { id: mail-out, from: office, to: internet, services: smtp, guard: mail }
	END
}
guards "{ answer: accept, keep: 1h }" | policy
up internet=198.51.100.25
mkdir "$work/server"
zone internet nft insert rule inet lab_answer answer tcp dport 25 accept
background internet python3 "$here/mail_hold.py" serve 198.51.100.25 "$work/server"
check "the server listens" eventually test -e "$work/server/ready"
lab person tanaka approve
lab person sato approve
lab person hosoi view
make() { python3 "$here/mail_hold.py" make "$work/$1" "$2" "$3" "${4:-3000}"; } # FILE NAME TEXT [BYTES]
mail() { zone office timeout 60 python3 "$here/mail_hold.py" send 198.51.100.25 "$work/$1" a@city.example.jp "${@:2}"; }
held() { sekisho mail held "$@" --json; }
number() { held | jq -r '.rows[-1].held'; }
state() { held "$1" | jq -r .state; }
state_is() { [[ $(state "$1") == "$2" ]]; }
got() { find "$work/server" -name 'message-*' ! -name '*.new' | wc -l; }
last() { sekisho mail list --json --limit 1 | jq -r '.records[0] | "\(.verdict) \(.reason | split(":")[0])"'; }
last_is() { [[ $(last) == "$1" ]]; }
told() { sekisho log --json --lines 100000 --type "$1" | grep -q "$2"; }
says() { sekisho "${@:2}" | grep -q "$1"; } # PATTERN VERB ...
child() { ps -o pid=,args= --ppid "$(lab daemon pid)" | awk -v what="--$1" '$NF == what { print $1; exit }'; }
unread() { ! grep -qa "$1" "$work/server/seen"; } # nothing of it came to the server
on_disk() { ! grep -rqa "$1" "$home/log/vault"; }

# --- what is held, and what is not

make plain a.bin "会議の件です。"
make marked plan.bin "SECRETBEFORE"$'\r\n'"これは重要性Ⅰの資料です。SECRETBEHIND"
make program a.exe "これは機密です。"
same "ordinary mail passes" "250 2.0.0 taken" "$(mail plain b@other.example)"
same "a marked one is held, and its client is told" "250 2.0.0 The message is held*" "$(mail marked b@other.example c@other.example)"
check "its record says so" eventually last_is "held held"
check "with its attachments and why" grep -q "attachment-words.*held message 1\|held message 1.*attachment-words" <(sekisho mail list --json --limit 1)
check "the server got nothing from the mark on" unread SECRETBEHIND
same "nor any end of it" 1 "$(got)"
same "one is held" "1 waits a@city.example.jp" "$(held | jq -r '.rows[] | "\(.held) \(.state) \(.sender)"')"
check "the status says how many" says "held mail *at work, 1 messages" status
check "it is told" eventually told mail-held '"name":"1"'
check "looking is recorded" told mail-read "held messages"
check "one whole" says "recipient *c@other.example" mail held 1
check "with its file" says "file *plan.bin" mail held 1
check "of which type and sum" says "file *plan.bin.*application/octet-stream" mail held 1
check "with its subject, decoded, and nothing that a terminal obeys" says "header *Subject: 計画<U+001B>\[2J<U+202E>txt" mail held 1
check "from whom, to whom, when" says "header *Date: Thu, 26 Nov 2026" mail held 1
same "the list shows none of it" 0 "$(sekisho mail held | grep -c 計画)"
same "nor any text" 0 "$(sekisho mail held 1 | grep -c SECRET)"
check "that is recorded too" told mail-read "held message 1"
check_not "who may only look is not shown it" lab as hosoi mail held 1
check "the status says that somebody is to decide" says "1 wait for a decision, the oldest since" status
same "what is refused besides is refused" "550 5.7.1*" "$(mail program b@other.example)"
same "and not held" 1 "$(held | jq '.rows | length')"
check "nothing of it can be read on the disk" on_disk SECRETBE
check "not who sent it either" on_disk city.example.jp
same "the key is root's alone" "600 0" "$(stat -c "%a %u" "$home/state/keys/vault.key")"
same "the same once more is not held twice" "250 2.0.0 The message is held*" "$(mail marked b@other.example c@other.example)"
same "" 1 "$(held | jq '.rows | length')"

# --- two persons

check_not "who may only look decides nothing" lab as hosoi mail release 1 --reason x
check_not "not without a reason" lab as tanaka mail release 1
same "one is not enough" "*two persons*" "$(lab as tanaka mail release 1 --reason 課長の許可 2>&1)"
check_not "twice the same is one" lab as tanaka mail release 1 --reason 課長の許可
same "it waits" waits "$(state 1)"
check "who asked is shown" says "asked to release *tanaka" mail held
check "and why" says "reason *課長の許可" mail held
same "nothing has gone" 1 "$(got)"
check "a second person releases it" lab as sato mail release 1 --reason 確認した
check "it is delivered" eventually state_is 1 delivered
same "" 2 "$(got)"
check "bit by bit" cmp "$work/marked" "$work/server/message-2"
same "to all" "MAIL FROM:<a@city.example.jp> RCPT TO:<b@other.example> RCPT TO:<c@other.example>" \
	"$(tr '\n' ' ' <"$work/server/envelope-2" | sed 's/ $//')"
check "both are told" told mail-released '"actor":"sato.*"ordered_by":"tanaka\|"ordered_by":"tanaka.*"actor":"sato'
check "and recorded" eventually last_is "passed held-delivered"
check "its files are gone" eventually eval '! ls "$home"/log/vault/*.mail >/dev/null 2>&1'
same "no more is held" 0 "$(held | jq '.rows | length')"
check_not "nor decided again" sekisho mail reject 1 --reason x

# --- rejected

make second two.bin "二つ目の機密です。"
mail second b@other.example >/dev/null
n=$(number)
check "one person rejects" lab as tanaka mail reject "$n" --reason 不許可
same "it is gone" rejected "$(state "$n")"
check "and recorded" eventually last_is "refused held-rejected"
same "the same again" "550 5.7.1*" "$(mail second b@other.example)"
same "never came" 2 "$(got)"

# --- some recipients refused, some put off

make third three.bin "三つ目の機密です。"
mail third b@other.example c@other.example d@other.example >/dev/null
n=$(number)
echo c@other.example >"$work/server/refuse"
echo d@other.example >"$work/server/defer"
lab as tanaka mail release "$n" --reason 許可 >/dev/null 2>&1
lab as sato mail release "$n" --reason 許可 >/dev/null
tried() { [[ $(held "$n" | jq -r .tries) == 1 ]]; }
check "tried" eventually tried
same "one has it" 3 "$(got)"
same "one is refused, one waits" "b@other.example done 250,c@other.example done 550,d@other.example open 450" \
	"$(held "$n" | jq -r '[.rows[] | select(.recipient) | "\(.recipient[0]) \(.state) \(.reply_code)"] | join(",")')"
check "with the server's words" says "nobody of that name" mail held "$n"
same "it is tried again later" released "$(state "$n")"

# --- the vault dies in the middle, and between

make large large.bin "大きな機密です。" 3000000
mkdir "$work/slow"
zone office timeout 120 python3 "$here/mail_hold.py" slow 198.51.100.25 "$work/large" "$work/slow" a@city.example.jp b@other.example \
	>"$work/slow/reply" &
slow=$!
eventually test -e "$work/slow/half"
kill -9 "$(child vault)"
touch "$work/slow/go"
wait $slow
same "the client comes again" "451 4.3.0*" "$(cat "$work/slow/reply")"
back() { [[ -n $(child vault) ]] && sekisho status | grep -q "held mail *at work"; }
check "another vault is there" eventually back
check "without what was half there" eventually eval '! ls "$home"/log/vault/.coming* >/dev/null 2>&1'
same "what was held is there" released "$(state "$n")"
same "and it holds" "250 2.0.0 The message is held*" "$(mail large b@other.example)"
large=$(number)
kill -9 "$(child vault)"
check "after its end too" eventually back
same "the message waits" waits "$(state "$large")"
lab daemon kill
lab daemon start
check "after the daemon's" eventually back
same "it waits as well" waits "$(state "$large")"
lab as tanaka mail release "$large" --reason 許可 >/dev/null 2>&1
lab as sato mail release "$large" --reason 許可 >/dev/null
check "and is delivered" eventually state_is "$large" delivered
check "bit by bit" cmp "$work/large" "$work/server/message-4"

# --- the client keeps it, until it is decided; one person; an end to it

guards "{ answer: later, keep: 10m, persons: 1, messages: 3 }" | apply
make later later.bin "後で送る機密です。"
same "its client is to come again" "451 4.7.1 The message is held*" "$(mail later b@other.example)"
same "and hears the same" "451 4.7.1 The message is held*" "$(mail later b@other.example)"
n=$(number)
check "one person releases" lab as tanaka mail release "$n" --reason 許可
check "it is delivered" eventually state_is "$n" delivered
same "its client hears that it is done" "250 2.0.0*" "$(mail later b@other.example)"
same "and it came once" 5 "$(got)"
for i in 1 2 3; do
	make "many$i" many.bin "機密 $i"
	mail "many$i" b@other.example >"$work/many.$i"
done
same "there is an end to the room" "451 4.3.1*" "$(cat "$work/many.3")"
same "and the others are held" 2 "$(held | jq '[.rows[] | select(.state == "waits")] | length')"

# --- the vault cannot write down that a message was delivered

guards "{ persons: 1 }" | apply
make full full.bin "満杯の機密です。"
lab daemon kill
SEKISHO_FAULT=vault-write:3=ENOSPC lab daemon start # held, released, delivered
check "the vault is there" eventually back
mail full b@other.example >/dev/null
n=$(number)
check "it is released" lab as tanaka mail release "$n" --reason 許可
check "and in the end noted as delivered" eventually state_is "$n" delivered
same "and came once" 6 "$(got)"
done_
