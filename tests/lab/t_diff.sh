#!/bin/bash
# What the command line says of two small policies, word for word, as text and as JSON; and that the
# difference told is the one that packets meet.
#
#   office 10.20.0.0/16 ---- gateway ---- dmz 192.0.2.0/24, wifi, internet
. "$(dirname "$0")/case.sh"

policy <<-END
owners: { it: { title: 情報政策課 }, hr: { title: 人事課 } }
guards: { mail: { protocol: smtp, senders: [office] } }
flows:
  - { id: mail-out, title: 送信, from: office, to: dmz/mail, services: smtp, guard: mail, owner: it }
  - { id: web, from: office, to: dmz/web, services: [http, https], owner: hr, review: 2027-03-31 }
  - { id: wifi-dns, from: wifi, to: internet, services: dns }
END
mkdir -p "$work/new"
sed -e 's/, guard: mail//' -e 's/\[http, https\]/[https, ssh]/' -e 's/2027-03-31/2028-03-31/' \
	-e '/wifi-dns/d' "$rules/policy.yaml" >"$work/new/policy.yaml"
cat >>"$work/new/policy.yaml" <<-END
  - { id: office-out, from: office/admin, to: internet, services: https, owner: it }
settings: { log-denied: false }
END
cd "$work" || exit 1

cat >expected <<-'END'
OPENS    office/admin (10.20.9.0/24, fd00:20::9:0/112) → internet  https (tcp/443)
         flow office-out  new/policy.yaml:16  owner 情報政策課  weight heavy: opens to an uplink or external zone
OPENS    office → dmz/web (192.0.2.80, 2001:db8:40::80)  ssh (tcp/22)
         flow web  new/policy.yaml:15  owner 人事課  weight heavy: opens from or to a zone of class I

CLOSES   office → dmz/web (192.0.2.80, 2001:db8:40::80)  http (tcp/80)
         flow web  rules/policy.yaml:15  owner 人事課  weight light: only closes
CLOSES   wifi → internet     dns (tcp/53, udp/53)
         flow wifi-dns  rules/policy.yaml:16  weight light: only closes

CHANGES  office → dmz/mail (192.0.2.25, 2001:db8:40::25)  smtp (tcp/25)  (guard mail removed)
         flow mail-out  new/policy.yaml:14  owner 情報政策課  weight heavy: takes a guard away
CHANGES  setting log-denied  no; before: yes
         weight heavy: changes what is recorded

WORDS    flow web            review: 2028-03-31; before: 2027-03-31
         new/policy.yaml:15  owner 人事課  weight light: no packet notices

2 open, 2 close, 2 change, 1 only in words; weight heavy
END
"$BUILD/sekisho" diff rules new >told 2>err
check "the difference as text" diff -u expected told
check "and no word besides" cmp -s err /dev/null
same "JSON: its weight and counts" "false heavy 2 2 2 1" \
	"$("$BUILD/sekisho" diff rules new --json |
		jq -r '[.same, .weight, .opens, .closes, .changes, .words] | map(tostring) | join(" ")')"
same "JSON: a row" 'opens heavy office-out internet https (tcp/443) new/policy.yaml 16' \
	"$("$BUILD/sekisho" diff rules new --json |
		jq -r '.differences[0] | "\(.kind) \(.weight) \(.flow) \(.to) \(.services) \(.file) \(.line)"')"
same "a policy and itself" "no difference" "$("$BUILD/sekisho" diff rules rules)"
check "are the same" "$BUILD/sekisho" diff rules rules --expect same
mkdir other && { echo "# another word"; cat rules/policy.yaml; } >other/policy.yaml
same "a comment is no difference" "no difference to any packet or flow; only the files differ" \
	"$("$BUILD/sekisho" diff rules other --expect same)"
"$BUILD/sekisho" diff rules new --expect same >/dev/null 2>&1
same "what is not as expected is 4" 4 $?
"$BUILD/sekisho" diff rules /nowhere >/dev/null 2>&1
same "a folder that is none is 3" 3 $?

# The running one: the same lines, with the places of what is stored.
up
places() { sed -e "s|$work/new/|new/|" -e "s|generation [0-9]*/|rules/|"; }
sekisho diff "$work/new" 2>err | places >told
check "the running policy and a folder" diff -u expected told
check "and no word besides" cmp -s err /dev/null
same "what runs and its own folder" "no difference" "$(sekisho diff "$rules" --expect same)"
cp new/policy.yaml "$home/rules/policy.yaml"
check "the change is applied" sekisho apply
sekisho diff --generation 1 | places | sed 's|rules/policy.yaml:16  owner 情報政策課  weight heavy|new/&|' >told
same "from the generation before to what runs" "2 open, 2 close, 2 change, 1 only in words; weight heavy" \
	"$(tail -1 told)"
same "nothing is left to change" "no difference" "$(sekisho diff "$work/new")"
sekisho diff --generation 77 >/dev/null 2>err
same "a generation that is not kept is told" "1 *SK801*" "$? $(cat err)"
echo "flows: [{ id: nonsense }]" >>"$work/other/policy.yaml"
sekisho diff "$work/other" >told 2>err
same "a policy with faults has its places" "3 *other/policy.yaml:*SK*" "$? $(cat err)"
check "and no difference" cmp -s told /dev/null
sekisho diff --generation 0 >/dev/null 2>&1
same "no generation is 2" 2 $?

# The daemon reads a folder as root, so it does not for everybody.
lab person viewer view
lab person operator operate
chmod -R a+rX "$work" "$home/run"
check "who may see may compare generations" lab as viewer diff --generation 1
check_not "but no folder" lab as viewer diff "$work/new"
refused() { grep '"call-refused"' "$home/events" | grep -q '"method":"diff"'; }
check "and that is recorded" eventually refused
check "an operator may" lab as operator diff "$work/new"

done_
