#!/bin/bash
# Archives that a process of its own opens, one for each: what is found in them counts like what inspectors find, and
# one that is killed or hangs makes that file unread and nothing else.
#
#   internet (everything else) ---------------------------------- wan-inet +---------+
#   dmz 192.0.2.0/24 (Postfix of city.example.jp at 192.0.2.25) -- lan-dmz | sekisho |
#                                                                          +---------+
. "$(dirname "$0")/case.sh"
. "$here/mail.sh"

mail_leg <<END
size: 2MB
attachments:
  - { kinds: [executable, unread], action: refuse }
  - { words: [機密], action: refuse }
  - { personal-numbers: 1, action: refuse }
END
mkdir "$work/files"
python3 "$here/mail_content.py" "$work/files"
cp "$here/../unpack/files/a.7z" "$work/files/program.7z"
delivered() { find "$work/postfix-dmz/mail" -path '*/new/*' -type f 2>/dev/null | wc -l; }
same_count() { [[ $(delivered) == "$1" ]]; }
n=0
mail() { # FILE...: the reply of the server or the gate stands in $work/said.
	local file attached=()
	n=$((n + 1))
	for file in "$@"; do
		attached+=(--attach-name "$file" --attach-type application/octet-stream --attach "@$work/files/$file")
	done
	zone internet swaks --server 192.0.2.25 --protocol ESMTP --timeout 100 --from "a$n@other.example" \
		--to b@city.example.jp --header "Subject: test $n" --body text "${attached[@]}" >"$work/said" 2>&1
}
refused() { # WORD FILE...
	! mail "${@:2}" && grep -qE "^<(\*\*|~\*|~~| -|  ) *550" "$work/said" && eventually last_is "refused attachment-$1"
}
last() { sekisho mail list --json --limit 1 --from "a$n@other.example" | jq -r "$1"; }
last_is() { [[ $(last '.records[0] | "\(.verdict) \(.reason | split(":")[0])"') == "$1" ]]; }
file_is() { # EXPRESSION WANTED
	[[ $(sekisho mail show "$(last '.records[0].mail')" --json | jq -r ".attachments | $1") == "$2" ]]
}
child() { ps -o pid=,args= --ppid "$(lab daemon pid)" | awk -v what="--$1" '$NF == what { print $1; exit }'; }
# A signal to the next extractor; its number in $work/hit.
hit() { # SIGNAL
	local i pid
	rm -f "$work/hit"
	for i in {1..3000}; do
		pid=$(child extract)
		[[ -z $pid ]] || ! kill "-$1" "$pid" 2>/dev/null || { echo "$pid" >"$work/hit"; return; }
		sleep 0.01
	done
}

inspector=$(child inspect)
check "a program in a 7z" refused program program.7z
check "is recorded in its place" file_is 'map("\(.depth) \(.attachment)") | join(", ")' "0 program.7z, 1 memo.txt, 1 tool"
check "a program in a tar" refused program program.tgz
check "a program in a tar in a zip, among others" refused program plain.tgz tar.zip plain.docx
check "is recorded to its depth, and the others beside it" file_is 'map("\(.depth) \(.attachment)") | join(", ")' \
	"0 plain.tgz, 1 plain.tar, 2 memo.txt, 0 tar.zip, 1 b.tgz, 2 b.tar, 3 setup.dat, 0 plain.docx"
check "a word in a text in a tar" refused words words.tgz
check "a number of a person in a workbook in a tar" refused personal numbers.tgz
check "tars with nothing of it pass" mail plain.tgz plain.tgz plain.tgz
check "and arrive" eventually same_count 1
hit KILL &
check "a file whose extractor is killed was not read" refused unread slow.txt.xz
wait $!
check "it was killed" test -s "$work/hit"
check "and is told" eventually eval 'sekisho log --type inspection-restarted | grep -q "an extractor"'
hit STOP &
check "nor was one whose extractor hangs" refused unread slow.txt.xz
wait $!
check "it was stopped" test -s "$work/hit"
check "and ended" eventually eval '! kill -0 "$(cat "$work/hit")" 2>/dev/null'
same "the inspector noticed nothing" "$inspector" "$(child inspect)"
check "and the next mail passes" mail plain.tgz
check "and arrives" eventually same_count 2
done_
