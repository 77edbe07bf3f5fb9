#!/bin/bash
# Attachments by what they are, through the real daemon to a real server: refused with words that
# help, recorded with name, sum and finding, and what is allowed arrives as it was sent.
#
#   internet (everything else) ---------------------------------- wan-inet +---------+
#   dmz 192.0.2.0/24 (Postfix of city.example.jp at 192.0.2.25) -- lan-dmz | sekisho |
#                                                                          +---------+
. "$(dirname "$0")/case.sh"
. "$here/mail.sh"

mail_leg <<END
size: 2MB
attachments:
  - { recipients: [lab@city.example.jp], action: allow }
  - { kinds: [executable, script, shortcut, disk-image, misleading], action: refuse }
  - { kinds: macro, action: refuse }
  - { kinds: encrypted, action: refuse }
  - { names: ["*.p7z"], action: refuse }
  - { over: 200KB, action: refuse }
  - { kinds: pdf, action: record }
END
mkdir "$work/files"
python3 "$here/mail_content.py" "$work/files"
delivered() { find "$work/postfix-dmz/mail" -path '*/new/*' -type f 2>/dev/null | wc -l; }
n=0
# NAME as its name, FILE what it is; the reply of the server or the gate stands in $work/said.
mail() { # NAME FILE [SWAKS ...]
	n=$((n + 1))
	zone internet swaks --server 192.0.2.25 --protocol ESMTP --timeout 20 --from "a$n@other.example" \
		--to b@city.example.jp --header "Subject: test $n" --body text --attach-name "$1" --attach-type \
		application/octet-stream --attach "@$work/files/$2" "${@:3}" >"$work/said" 2>&1
}
refused() { # CODE NAME FILE WORD [SWAKS ...]
	local code=$1 word=$4 before
	before=$(delivered)
	! mail "$2" "$3" "${@:5}" && grep -qE "^<(\*\*|~\*|~~| -|  ) *$code" "$work/said" &&
		eventually last_is "refused attachment-$word" && same_count "$before"
}
same_count() { [[ $(delivered) == "$1" ]]; }
last() { sekisho mail list --json --limit 1 --from "a$n@other.example" | jq -r "$1"; }
last_is() { [[ $(last '.records[0] | "\(.verdict) \(.reason | split(":")[0])"') == "$1" ]]; }
shown() { sekisho mail show "$(last '.records[0].mail')" --json; }
file_is() { # EXPRESSION WANTED
	[[ $(shown | jq -r ".attachments | $1") == "$2" ]] || { shown | jq -c .attachments >&2; false; }
}

check "a program under a harmless name" refused 550 report.dat program program
check "with a reason that a clerk understands" grep -q 'is a program or can start one' "$work/said"
check "and its record says so in Japanese" grep -q 'プログラム（実行できるもの）' <(last '.records[0].reason')
check "with its sum, though it was stopped before its end" file_is '.[0].sha256' \
	"$(sha256sum <"$work/files/program" | cut -d' ' -f1)"
check "and which rule refused it" file_is '.[0] | "\(.attachment) \(.action) \(.rule)"' "report.dat refused 2"
check "a zip in a zip in a zip" refused 550 photos.zip zip3.zip program
check "is recorded to its depth" file_is 'map("\(.depth) \(.attachment)") | join(", ")' \
	"0 photos.zip, 1 b.zip, 2 c.zip, 3 in/setup.dat"
check "with its sum, for it was read to its end" file_is '.[0].sha256' \
	"$(sha256sum <"$work/files/zip3.zip" | cut -d' ' -f1)"
check "a document with macros" refused 550 plan.docm macro.docm macro
check "whatever its name says" refused 550 plan.docx macro.docm macro
check "a zip with a password" refused 550 data.zip locked.zip encrypted
check "two extensions" refused 550 photo.jpg.exe program program
check "a name that is written from right to left" refused 550 $'photo\u202egpj.exe' program program
check "shown so that it is seen" file_is '.[0].attachment' 'photo<U+202E>gpj.exe'
check "a name" refused 550 mail.p7z plain.pdf name
check "a file that is too large" refused 552 list.txt large.txt size
check "an archive that breaks off, as the policy has it by itself" refused 550 a.zip broken.zip unread
check "a PDF passes" mail "予算.pdf" plain.pdf
check "and is recorded, with its sum" eventually last_is "passed attachment-recorded"
check "by its name and sum" file_is '.[0] | "\(.attachment) \(.action) \(.sha256)"' \
	"予算.pdf recorded $(sha256sum <"$work/files/plain.pdf" | cut -d' ' -f1)"
check "a document without macros passes" mail plan.docx plain.docx
check "a program passes to whom the policy lets it" mail report.dat program --to lab@city.example.jp
check "what passed arrives" eventually same_count 3
check "and to nobody besides" refused 550 report.dat program program --to lab@city.example.jp,c@city.example.jp

python3 - "$work/postfix-dmz/mail" "$work/files" >"$work/equal" <<'END'
import email, glob, os, sys
found = set()
for path in glob.glob(sys.argv[1] + "/**/new/*", recursive=True):
    message = email.message_from_binary_file(open(path, "rb"))
    for part in message.walk():
        data = part.get_payload(decode=True)
        for name in ("plain.pdf", "plain.docx", "program"):
            if data == open(os.path.join(sys.argv[2], name), "rb").read():
                found.add(name)
print(*sorted(found))
END
same "bit for bit as it was sent" "plain.docx plain.pdf program" "$(cat "$work/equal")"

same "found by name" 3 "$(sekisho mail list --json --attachment report.dat | jq '.records | length')"
check "by what was found" test "$(sekisho mail list --json --found macro | jq '.records | length')" = 2
check "and by sum" test "$(sekisho mail list --json --attachment "$(sha256sum <"$work/files/plain.pdf" | cut -d' ' -f1)" |
	jq '.records | length')" -ge 1
done_
