#!/bin/bash
# Mail records: written by a process without rights, read by those who may and never unrecorded;
# the writer killed, the disk full, nonsense sent.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
trap 'umount -l "$home/log" 2>/dev/null; tidy' EXIT

policy <<END
flows:
  - { id: web, from: office, to: dmz/web, services: http }
END
up
book() { ps -o pid=,args= --ppid "$(lab daemon pid)" | awk '/--mail-book/ { print $1 }'; }
mailer() { "$BUILD/lab-mailer" "$(lab daemon pid)" "$@"; }
status() { sekisho status --json | jq -r ".$1"; }
is() { [[ $(status "$1") == "$2" ]]; }
ids() { sekisho mail list --json "$@" | jq -r '.records[].mail' | xargs; }
recorded() { sekisho log --json --lines 100000 | grep -q "$@"; }

same "nothing at first" "no records" "$(sekisho mail list)"
same "the status says so" written "$(status mail_book)"
check "three records" mailer 1 tanaka@example.net suzuki@example.jp
mailer 1 Tanaka@Example.NET 日本@example.jp,sato@example.jp refused >/dev/null
mailer 1 "" postmaster@example.org rejected >/dev/null
check "are written within a second" eventually is mail_records 3

# Processes: rights, user, folder.
same "the book has no rights" 0 "$(awk '/^CapEff/ { print $2 + 0 }' "/proc/$(book)/status")"
same "and is not root" nobody "$(stat -c %U "/proc/$(book)")"
same "and is sealed" 2 "$(awk '/^Seccomp:/ { print $2 }' "/proc/$(book)/status")"
same "nobody else reads the file" "600 nobody" "$(stat -c '%a %U' "$home/log/mail/mail.db")"
same "or looks into the folder" "700 nobody" "$(stat -c '%a %U' "$home/log/mail")"

# Filters.
same "the newest first" "3 2 1" "$(ids)"
same "a sender, however it is written" "2 1" "$(ids --from tanaka@EXAMPLE.net)"
same "a domain" "2 1" "$(ids --from @example.net)"
same "no sender" 3 "$(ids --from '<>')"
same "a recipient" 2 "$(ids --to sato@example.jp)"
same "the recipients' domain" "2 1" "$(ids --to @example.jp)"
same "a verdict" 2 "$(ids --verdict refused)"
same "a client's network" "3 2 1" "$(ids --client 203.0.113.0/24)"
same "another client" "" "$(ids --client 203.0.113.10)"
same "a flow" "3 2 1" "$(ids --flow mail-in)"
same "another flow" "" "$(ids --flow web)"
same "a limit" "3 2" "$(ids --limit 2)"
same "of the last hour" "3 2 1" "$(ids --since 1h)"
same "of before" "" "$(ids --until 2020-01-01)"
same "a file that was attached" 2 "$(ids --attachment 請求書.ZIP)"
same "one in an archive, without its folder" 2 "$(ids --attachment 'invoice.*' --from @example.net)"
same "one by its SHA-256" 2 "$(ids --attachment abcd$(printf '%060d' 0))"
same "another" "" "$(ids --attachment 請求書)"
same "what was found" 2 "$(ids --found executable)"
same "what was not" "" "$(ids --found macro)"
check_not "two words for what was found" sekisho mail list --found "executable macro"
same "several at once" 1 "$(ids --from @example.net --verdict passed --to @example.jp)"
check_not "a verdict that is none" sekisho mail list --verdict good
check_not "a client that is none" sekisho mail list --client somebody
check_not "a limit that is too high" sekisho mail list --limit 10001
check_not "a time that is none" sekisho mail list --since yesterday-ish
check_not "a record that is not there" sekisho mail show 4

# For people: times here, columns of Japanese text.
TZ=Asia/Tokyo sekisho mail list >"$work/list"
check "local times" grep -qE '^ *3  20[0-9-]+ [0-9:]+ \+0900  203\.0\.113\.9' "$work/list"
check "more recipients are counted" grep -q '+1 日本@example.jp' "$work/list"
same "columns stand where they should, wide characters too" 1 "$(python3 - "$work/list" <<'END'
import sys, unicodedata
def place(line, word):
    at = line.index(word)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line[:at])
lines = open(sys.argv[1]).read().splitlines()
print(len({place(lines[0], "verdict"), place(lines[1], "rejected"), place(lines[2], "refused"), place(lines[3], "passed")}))
END
)"
sekisho mail show 2 >"$work/show"
check "a record in words" grep -q 'verdict *refused by the gate' "$work/show"
check "with its clause" grep -q 'clause *第8条第2項' "$work/show"
check "and each recipient" grep -q 'sato@example.jp  (250)' "$work/show"
check "each file" grep -qF 'files       請求書.zip, application/zip, 48213 bytes: archive' "$work/show"
check "its SHA-256" grep -q 'SHA-256 abcd0000' "$work/show"
check "what lay in it, what was found, and which rule decided" \
	grep -qF '  in/Invoice.pdf.exe, 80384 bytes: executable misleading; refused by rule 2' "$work/show"
check "one without a name" grep -qF '(no name), text/x-note, 12 bytes' "$work/show"
same "for programs, a list of its own" "in/Invoice.pdf.exe 1 refused 2" \
	"$(sekisho mail show 2 --json | jq -r '.attachments[1] | "\(.attachment) \(.depth) \(.action) \(.rule)"')"
same "beside the recipients" 2 "$(sekisho mail show 2 --json | jq '.to | length')"

# Who may, and what is recorded of it.
lab person kansa audit
lab person unten operate view
check "an auditor reads" lab as kansa mail list --to suzuki@example.jp --reason 照会-12
check_not "an operator does not" lab as unten mail list
check_not "nor one record" lab as unten mail show 1
check "who read what and why is in the audit log" recorded \
	'"event":"mail-read".*"message":"to suzuki@example.jp, at most 100".*"actor":"kansa.*"method":"mail-list".*"reason":"照会-12"'
check "each record that was shown too" recorded '"event":"mail-read".*"message":"record 2"'
check "and who was refused" eventually recorded '"event":"call-refused".*"method":"mail-list"'

# Who answers telephones: one message at a time, named by both of its ends; others' mail never.
lab person mado desk
desk() { lab as mado mail "$@" --reason 電話; }
between=(--from tanaka@example.net --to sato@example.jp)
same "a message that is named" 2 "$(desk list "${between[@]}" --json | jq -r '.records[].mail' | xargs)"
same "with nobody else's name" sato@example.jp "$(desk list "${between[@]}" --json | jq -r '.records[].recipient | join(" ")')"
desk show 2 "${between[@]}" >"$work/desk"
check "what became of it" grep -q 'verdict *refused by the gate' "$work/desk"
check "for this recipient" grep -q 'sato@example.jp  (250)' "$work/desk"
check_not "and no other" grep -q 日本 "$work/desk"
says() { grep -q "$1" <(desk "${@:2}" 2>&1); }
for few in "" "--from tanaka@example.net" "--to sato@example.jp" "--from @example.net --to sato@example.jp" \
	"--from tanaka@example.net --to @example.jp" "--from <> --to postmaster@example.org"; do
	check "not by less: $few" says "name the message by both of its ends" list $few
	check_not "nor that" desk list $few
done
check "nor by what was found" says "for sekisho-audit" list "${between[@]}" --found executable
check "and not without a reason" grep -q "say why" <(lab as mado mail list "${between[@]}" 2>&1)
check "a record between others" says "there is no mail record 1" show 1 "${between[@]}"
check_not "is not shown" desk show 1 "${between[@]}"
check_not "nor without its ends" desk show 2
check_not "nothing else may be seen" lab as mado status
check "all of it is recorded" recorded \
	'"event":"mail-read".*"message":"record 1, from tanaka@example.net, to sato@example.jp".*"actor":"mado.*"reason":"電話"'

# Counts name nobody.
month=$(TZ=Asia/Tokyo date +%Y-%m)
counts() { sekisho mail counts "$@" --json | jq -r "$query"; }
query='[.counts[] | select(.verdict) | "\(.verdict) \(.reason) \(.total)"] | join(", ")'
same "what became of mail" "passed *1, refused *1, rejected *1" "$(counts)"
query='[.counts[] | select(.found) | "\(.found) \(.action) \(.total)"] | sort | join(", ")'
same "what was found" "archive passed 1, executable refused 1, misleading refused 1" "$(counts "$month" "$month")"
check "for people" grep -qE "^$month +refused +" <(TZ=Asia/Tokyo sekisho mail counts)
same "another month" "no mail" "$(sekisho mail counts 2020-01)"
check "for every role" lab as unten mail counts
check_not "nobody's address" grep -q @ <(sekisho mail counts --json)
check_not "a month that is none" sekisho mail counts 2026-13
check_not "months in the wrong order" sekisho mail counts 2026-02 2026-01

# The book killed.
before=$(book)
kill -9 "$before"
another() { local now=$(book) && [[ -n $now && $now != "$before" ]]; }
start=$EPOCHREALTIME
check "another one comes" eventually another
check "within a second" awk "BEGIN { exit !($EPOCHREALTIME - $start < 1) }"
mailer 100 a@example.net b@example.jp >/dev/null
check "writes on" eventually is mail_records 103
check "which is recorded" eventually recorded mail-book-restarted
same "nothing was lost" 0 "$(status mail_lost)"

# A book that stands still: what has no room is the senders' to count, the rest is written.
kill -STOP "$(book)"
mailer 2000 c@example.net d@example.jp >"$work/taken"
check "look-ups go on beside it" sekisho mail show 1
kill -CONT "$(book)"
check "all that was taken is written" eventually is mail_records $((103 + $(<"$work/taken")))

# Nonsense.
same "nonsense is taken" 5 "$(mailer junk)"
check "counted" eventually is mail_lost 5
check "and told" eventually recorded '"event":"mail-records-lost".*made no sense.*"count":[1-5]'
same "and costs nothing else" written "$(status mail_book)"

# The policy lets addresses be kept as pseudonyms only.
apply <<END
flows:
  - { id: web, from: office, to: dmz/web, services: http }
record: { keep: 400d, mail: { keep: 90d, hash-addresses: true } }
END
mailer 1 kakushi@example.net mienai@example.jp >/dev/null
found() { [[ -n $(ids --from kakushi@example.net --to mienai@example.jp) ]]; }
check "who types an address finds it" eventually found
check "but is shown a pseudonym" grep -qE 'from *#[0-9a-f]{32}@example.net$' \
	<(sekisho mail show "$(ids --from kakushi@example.net)")
check_not "and the files do not tell it" grep -aqE 'kakushi|mienai' "$home"/log/mail/mail.db*

# The daemon stopped and started: what waits is written, the book goes on.
mailer 50 e@example.net f@example.jp >/dev/null
lab daemon stop
lab daemon start
check "all is there" eventually is mail_records $((154 + $(<"$work/taken")))

# No audit log, no look-up.
has_problem() { sekisho status | grep -q SK850; }
lab daemon stop
mount -t tmpfs -o size=64k none "$home/log"
lab daemon start
cat /dev/zero >"$home/log/full" 2>/dev/null
check "a full disk is a problem in the status" eventually has_problem
refused() { sekisho mail list 2>&1 | grep -q SK720; } # once the log's last block is full
check "nobody reads unrecorded" eventually refused
done_
