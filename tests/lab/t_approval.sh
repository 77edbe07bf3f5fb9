#!/bin/bash
# Two persons: who proposes, who approves, what counts as an approval and what does not, and that
# nothing is applied without it.
#
#   office --- gateway --- internet         suzuki, ito: operate
#              sekishod                     tanaka, sato: approve     mori: both
. "$(dirname "$0")/case.sh"

rules_of() { # a policy with the section approval, for what follows on standard input
	zones_and <<-END
	approval:
	  approvers: 1
	  confirm: 300s
	  emergency: ${emergency:-false}
	  groups: [kakaricho]
	  deputies: [{ for: kakaricho, deputy: kato, from: 2020-01-01, until: ${until:-2020-01-02} }]
	flows:
	  - { id: web, from: office, to: dmz/web, services: [http] }
	END
	cat
}
mkdir -p "$rules"
rules_of </dev/null >"$rules/policy.yaml"
up
for person in suzuki:operate ito:operate tanaka:approve sato:approve mori:operate,approve kato:view,approve; do
	IFS=, read -ra roles <<<"${person#*:}"
	lab person "${person%%:*}" "${roles[@]}"
done
# Of those who may approve at all, the policy takes the members of one group.
echo "kakaricho:x:62000:tanaka,sato,mori" >>"$home/etc/group"
as() { lab as "$@"; }
status() { sekisho status --json | jq -r ".$1"; }
events() { grep "\"event\":\"$1\"" "$home/events" | tail -n 1 | jq -r ".$2"; }
write() { rules_of >"$home/rules/policy.yaml"; }
propose() { # PERSON: the number of the proposal
	as "$1" propose "$home/rules" --reason "mail for the new office" --request "R-17" --json | jq -r .proposal
}
page() { as tanaka proposal "$1" --json; }
code() { page "$1" | jq -r .approval_code; }
exit_of() {
	"$@" >"$work/said" 2>&1
	echo $?
}
mail='  - { id: mail, title: mail, from: office, to: dmz/mail, services: [smtp] }'

# --- nothing goes without it

write <<<"$mail"
same "one person may not apply a change" 5 "$(exit_of as suzuki apply "$home/rules")"
same "and is told what to do" "*SK741*sekisho propose*" "$(tr '\n' ' ' <"$work/said")"
same "nor root" 5 "$(exit_of sekisho apply)"
same "nor a reload" 5 "$(kill -HUP "$(lab daemon pid)"; eventually grep -q '"event":"apply-refused".*"status":5' "$home/events" && echo 5)"
same "nor by calling it an emergency" "*SK754*" "$(as suzuki apply "$home/rules" --emergency fire 2>&1 | tr '\n' ' ')"
same "a proposal needs a reason" "*SK753*" "$(as suzuki propose "$home/rules" 2>&1)"
same "who may only approve proposes nothing" 1 "$(exit_of as tanaka propose "$home/rules" --reason x)"

number=$(propose suzuki)
check "a proposal is kept" test "$number" -gt 0
same "it is in the list" open "$(as ito proposals --json | jq -r ".proposals[] | select(.proposal == $number).state")"
same "and in the status" 1 "$(status open_proposals)"
as tanaka proposal "$number" >"$work/page" 2>&1
check "the page says the request" grep -q 'R-17' "$work/page"
check "who" grep -q 'by  *suzuki' "$work/page"
check "why" grep -q 'mail for the new office' "$work/page"
check "what opens" grep -qiE 'opens' "$work/page"
check "for whom" grep -qE 'flow mail' "$work/page"
check "which live connections would be cut" grep -qE 'live  *[0-9]+ of [0-9]+ connections would be cut' "$work/page"
check "that assertions hold" grep -qE '[0-9]+ assertions hold; [0-9]+ tests pass' "$work/page"
check "what is missing" grep -q '1 of 1 missing, by members of kakaricho' "$work/page"
check "and how to approve" grep -qE 'sekisho approve [0-9]+ [A-Z2-7]{8}' "$work/page"

# --- what does not count

same "it cannot be applied yet" 5 "$(exit_of as suzuki apply "$number")"
same "a made-up code" "*SK750*" "$(as tanaka approve "$number" AAAAAAAA 2>&1)"
same "is recorded" "tanaka" "$(events approval-refused actor)"
same "who may only operate does not approve" 1 "$(exit_of as ito approve "$number" "$(code "$number")")"
same "a deputy whose days are over" "*SK752*" "$(as kato approve "$number" "$(code "$number")" 2>&1)"
own=$(propose mori)
same "nobody approves his own" "*SK751*" "$(as mori approve "$own" "$(code "$own")" 2>&1)"
same "root without a login is no second person" "*SK751*" "$(sekisho approve "$number" "$(code "$number")" 2>&1)"
same "the code of another proposal" "*SK750*" "$(as tanaka approve "$number" "$(code "$own")" 2>&1)"
check "its author may withdraw it" as mori reject "$own" --reason "not needed"
same "" "*SK747*" "$(as tanaka approve "$own" AAAAAAAA 2>&1)"
same "somebody else may not reject" "*SK752*" "$(as ito reject "$number" --reason no 2>&1)"

# --- what does

write <<<"  # the folder changes after it was proposed"
first_code=$(code "$number")
check "another person approves" as tanaka approve "$number" "$first_code"
same "once" "*SK751*" "$(as tanaka approve "$number" "$first_code" 2>&1)"
same "approved" approved "$(page "$number" | jq -r .state)"
leave() { # PERSON GROUP: is no member any more; the file is mounted, so it stays the same one
	cp "$home/etc/group" "$work/group"
	sed "/^$2:/s/\([:,]\)$1\(,\|$\)/\1/; /^$2:/s/,$//" "$work/group" >"$home/etc/group"
}
leave tanaka kakaricho
same "who has left the group since approves nothing" 5 "$(exit_of as suzuki apply "$number")"
same "and is named" "*SK741*lacks 1 approval by members of kakaricho*what tanaka approved does not count*" \
	"$(tr '\n' ' ' <"$work/said")"
same "on the page too" 1 "$(as sato proposal "$number" | grep -c 'what tanaka approved does not count')"
same "it is open again" open "$(as sato proposal "$number" --json | jq -r .state)"
cat "$work/group" >"$home/etc/group"
same "back in the group, he counts" approved "$(page "$number" | jq -r .state)"
unconfirmed=1
check "then its author applies it" as suzuki apply "$number"
same "and it is what was proposed, not what the folder says now" 2 "$(status flows)"
same "the generation has the proposal's number" "$number" "$(status generation)"
check "it waits for its confirm" sekisho confirm
unset unconfirmed
same "the history knows all of it" "suzuki tanaka R-17" \
	"$(sekisho history --json | jq -r '.generations[0] | "\(.actor) \(.approved_by[0]) \(.request)"')"
same "so does the record" "mail for the new office" "$(events applied reason)"
same "a replayed approval finds it closed" "*SK747*" "$(as sato approve "$number" "$first_code" 2>&1)"
same "a replayed apply too" "*SK747*" "$(as suzuki apply "$number" 2>&1)"

# --- two at once, and files that change under a proposal

write <<<"$mail
  - { id: intra, from: office, to: dmz/web, services: [https] }"
one=$(propose suzuki)
write <<<"$mail
  - { id: ssh, from: office/admin, to: dmz/web, services: [ssh] }"
two=$(propose ito)
check "two proposals at once" test "$(status open_proposals)" = 2
check "both approved" as tanaka approve "$one" "$(code "$one")"
check "" as tanaka approve "$two" "$(code "$two")"
check "the first is applied" as suzuki apply "$one"
check "" sekisho confirm
same "the other is void: it was compared with what ran before" "*SK747*void*" "$(as ito apply "$two" 2>&1)"

write <<<"$mail"
kept=$(propose suzuki)
check "approved" as tanaka approve "$kept" "$(code "$kept")"
echo "# harmless" >>"$home/state/proposals/$kept/rules/policy.yaml"
same "files kept with it that change" "*SK748*" "$(as suzuki apply "$kept" 2>&1)"
same "make it void" void "$(as ito proposals --json | jq -r ".proposals[] | select(.proposal == $kept).state")"
kept=$(propose suzuki)
check "approved" as tanaka approve "$kept" "$(code "$kept")"
printf x | dd of="$home/state/proposals/$kept/compiled" bs=1 seek=2000 conv=notrunc status=none
same "what was compiled of it, too" "*SK748*" "$(as suzuki apply "$kept" 2>&1)"
kept=$(propose suzuki)
before=$(code "$kept")
again=$(propose suzuki)
same "proposed again, the older one is closed" superseded "$(as ito proposals --json | jq -r ".proposals[] | select(.proposal == $kept).state")"
check_not "with another code" test "$before" = "$(code "$again")"
sed -i "s/\"code\": *\"[A-Z2-7]*\"/\"code\":\"$before\"/; s/\"approvals\": *\[ *\]/\"approvals\":[{\"by\":{\"name\":\"tanaka\",\"uid\":60003,\"login_uid\":60003},\"when\":{\"boot\":\"\",\"usec\":1},\"code\":\"$before\"}]/" \
	"$home/state/proposals/$again/about"
same "an approval written into it by hand does not count" 5 "$(exit_of as suzuki apply "$again")"
ln -s /etc/passwd "$home/rules/link.yaml"
same "a link that leads out of the folder" 3 "$(exit_of as suzuki propose "$home/rules" --reason x)"
rm "$home/rules/link.yaml"
mkfifo "$home/rules/fifo.yaml"
same "a pipe" 3 "$(exit_of as suzuki propose "$home/rules" --reason x)"
rm "$home/rules/fifo.yaml"
truncate -s 20M "$home/rules/big.yaml"
same "a huge file" 3 "$(exit_of as suzuki propose "$home/rules" --reason x)"
rm "$home/rules/big.yaml"

# --- the rules of approval are changed like everything else

zones_and >"$home/rules/policy.yaml" <<END
approval: { approvers: 0 }
END
same "switching it off needs it" 5 "$(exit_of as suzuki apply "$home/rules")"
off=$(propose suzuki)
check "approved" as sato approve "$off" "$(code "$off")"
emergency=true until=2099-12-31
write <<<"$mail"
on=$(propose suzuki)
check "approved" as sato approve "$on" "$(code "$on")"
check "applied" as suzuki apply "$on"
check "" sekisho confirm

# --- an emergency

write <<<"$mail
  - { id: intra, from: office, to: dmz/web, services: [https] }"
deputy=$(propose suzuki)
check "a deputy approves within his days" as kato approve "$deputy" "$(code "$deputy")"
same "and counts, as the day was his" approved "$(page "$deputy" | jq -r .state)"

write <<<"  # less"
check "one person alone, where the policy has that way" as suzuki apply "$home/rules" --emergency "worm in the mail"
check "" sekisho confirm
alone=$(status generation)
same "it is to be reviewed" 1 "$(status open_reviews)"
same "recorded" "worm in the mail" "$(events emergency-applied reason)"
same "not by who did it" 1 "$(exit_of as suzuki review "$alone" --reason fine)"
check "by another person" as tanaka review "$alone" --reason "looked at it"
same "" 0 "$(status open_reviews)"

# --- one person may undo the newest change; older ones need approval

check "undo" as suzuki rollback --reason "mail is wanted"
check "" sekisho confirm
same "not further back" 5 "$(exit_of as suzuki rollback "$number")"

# --- by zone and by weight

emergency=true
zones_and >"$home/rules/policy.yaml" <<END
approval:
  approvers: 1
  groups: [kakaricho]
  rules: [{ zones: [internet], approvers: 2 }, { weight: light, approvers: 0 }]
flows:
  - { id: web, from: office, to: dmz/web, services: [http] }
END
ruled=$(propose suzuki)
check "rules by zone and weight, approved as a change of the rules" as tanaka approve "$ruled" "$(code "$ruled")"
check "applied" as suzuki apply "$ruled"
check "" sekisho confirm
flow() { # FLOW: the policy with it
	sed '/id: more/d' "$home/rules/policy.yaml" >"$work/policy"
	echo "  - { id: more, $1 }" >>"$work/policy"
	cat "$work/policy" >"$home/rules/policy.yaml"
}
needs() {
	local number
	number=$(propose suzuki)
	page "$number" | jq -r '"\(.weight) \(.needed)"'
}
sed -i 's/id: web, /id: web, title: another name, /' "$home/rules/policy.yaml"
same "a title is light" "light 0" "$(needs)"
unconfirmed=1
check "and goes through alone" as suzuki apply "$home/rules"
check "" sekisho confirm
unset unconfirmed
flow "from: office, to: dmz/mail, services: [smtp]"
same "inside, one person more" "* 1" "$(needs)"
flow "from: office, to: internet, services: [https]"
same "to the Internet, two" "* 2" "$(needs)"

# --- later

sed -i '/id: more/d; s/services: \[http\]/services: [http, https]/' "$home/rules/policy.yaml"
later=$(propose suzuki)
check "approved" as sato approve "$later" "$(code "$later")"
same "a time that has passed" "*SK756*" "$(as suzuki apply "$later" --at "2020-01-01 00:00" 2>&1)"
check "scheduled" as suzuki apply "$later" --at "$(date -d '+6 seconds' '+%Y-%m-%d %H:%M:%S')"
same "it is in the status" "$later" "$(status scheduled)"
applied() { [[ $(status generation) == "$later" ]]; }
slowly() { local n; for n in 1 2 3 4; do eventually applied && return; done; return 1; }
check "it is applied at that time" slowly
check "and waits for its confirm as any other" sekisho confirm
done_
