#!/bin/bash
# Mass mail: a burst stops its source and nobody else, many sources stop a direction, the policy says when all mail stops;
# it is resumed by itself, by hand and by two; nothing of it is lost by a restart; and few hosts outside cannot stop
# others' mail.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#                                                     | sekisho | wan-inet --- internet 198.18.0.0/15, 2001:db8:1000::/36
#                                                     +---------+
. "$(dirname "$0")/case.sh"

guards() { # MASS [OTHERS]
	cat <<-END
	guards:
	  mail:
	    protocol: smtp
	    domains: [city.example.jp]
	    senders: [office]
	    own-sender: allow
	    tls-reason: the store of this test
	    limits: { transactions: 0, sessions: 0, invalid-recipients: 0 }
	    mass: [$1]
	${2-}
	flows:
	  - { id: mail, from: [office, internet], to: dmz/mail, services: smtp, guard: mail }
	END
}
source_row='{ by: source, over: 20/h, for: 10s }'
in_row='{ by: direction, direction: in, over: 30/h, sources: 5, for: until-resumed }'
all_row='{ by: direction, direction: out, over: 60/h, stops: all, for: until-resumed }'
guards "$source_row, $in_row, $all_row" | policy
up internet=198.18.0.0/15 internet=2001:db8:1000::/36
zone dmz nft insert rule inet lab_answer answer tcp dport 25 accept
stand() { # ZONE ADDRESS ...: hosts of it
	printf 'addr add %s dev lo\n' "${@:2}" | zone "$1" ip -batch -
}
stand office 10.20.0.{5..8} 10.20.0.{31..36} 10.20.0.{41..44}
stand internet 198.18.{1,101,102,103,104,105,106,200}.1 198.18.66.6 198.18.77.{1..60}
stand internet 2001:db8:1666::{1..200}/128 2001:db8:1777::1/128
for address in 192.0.2.25 2001:db8:40::25; do
	background dmz python3 "$here/smtp.py" serve $address 25
done

own=b@city.example.jp other=b@other.example
burst() { # ZONE MESSAGES RECIPIENT SOURCE ...
	local server=192.0.2.25
	[[ $4 == *:* ]] && server=2001:db8:40::25
	zone "$1" python3 "$here/mail_burst.py" $server "$2" "$3" "${@:4}"
}
passes_for_c() { SENDER=c@city.example.jp passes office $other 10.20.0.44; }
twice() { lab as tanaka "$@"; lab as sato "$@"; }
passes() { [[ $(burst "$1" 1 "$2" "$3") == "1 250"* ]]; }
stopped() { [[ $(burst "$1" 1 "$2" "$3") == "0 451 4.7.1"* ]]; }
stops() { sekisho mail status --json | jq -r '[.rows[] | select(.kind) | "\(.kind) \(.name // "")"] | sort | join(", ")'; }
are() { [[ $(stops) == "$1" ]]; }
told() { sekisho log --json --lines 100000 --type "$1" | grep -q "$2"; }
says() { sekisho "${@:2}" | grep -q "$1"; } # PATTERN VERB ...
child() { ps -o pid=,args= --ppid "$(lab daemon pid)" | awk -v what="--$1" '$NF == what { print $1; exit }'; }

# --- one PC of the office

check "mail passes" eventually passes office $own 10.20.0.5
check "no mail is stopped" says "no mail is stopped" mail status
check "the limits are shown" says "limit of guard mail: over 20 messages an hour by source: stop source for 10s" mail status
zone office python3 "$here/smtp_say.py" 192.0.2.25 25 10.20.0.5 < <(
	echo "EHLO kept.example"
	until [[ -e $work/stopped ]]; do sleep 0.05; done
	echo "MAIL FROM:<a@city.example.jp>"
) >"$work/kept" 2>&1 &
children+=($!)
eventually grep -q EHLO "$work/kept"
same "a burst is answered with 451" "[1-9][0-9]* 451 4.7.1 *" "$(burst office 2000 $own 10.20.0.5)"
touch "$work/stopped"
check "in a session that was open too" eventually grep -q "MAIL.* -> 451 4.7.1" "$work/kept"
check "and in new ones" stopped office $own 10.20.0.5
check "another PC's mail passes" passes office $own 10.20.0.6
check "and mail from outside" passes internet $own 198.18.1.1
same "it alone is stopped" "source 10.20.0.5" "$(stops)"
check "the status says so" says "MAIL STOPPED *source 10.20.0.5 until" status
check "it is told" eventually told mail-stopped '"name":"source 10.20.0.5"'
check "what was answered so is recorded" eventually says "451 stopped" mail list --client 10.20.0.5
waited() { local i; for i in 1 2 3 4 5 6; do eventually "$@" && return; done; return 1; }
check "it resumes by itself" waited passes office $own 10.20.0.5
check "which is told" waited told mail-resumed "its time is over"
check "and nothing is stopped" waited are ""

# --- by hand, over restarts

check_not "not without a reason" sekisho mail stop source 10.20.0.6
check_not "nor what is not there" sekisho mail stop zone nowhere --reason test
check_not "nor what is no source" sekisho mail stop source somebody --reason test
check "a source" sekisho mail stop source 10.20.0.6 --reason "迷惑メールの疑い" --for 2h
check "a zone" sekisho mail stop zone internet --reason 点検
check "is stopped" eventually stopped office $own 10.20.0.6
check "and the zone" stopped internet $own 198.18.1.1
check "nobody else" passes office $own 10.20.0.7
lab daemon kill
echo "inspectors: 3" >>"$home/sekisho.yaml" # from here on what one cannot know is counted over three
lab daemon start
at_work() { [[ $(sekisho status --json | jq .inspectors) == 3 ]]; }
check "three inspectors" eventually at_work
check "a restart keeps it" eventually stopped office $own 10.20.0.6
check "and lets others pass" eventually passes office $own 10.20.0.7
kill -9 $(child inspect)
check "another is there" eventually at_work
check "another inspector knows it too" eventually stopped office $own 10.20.0.6
check "and the rest" eventually passes office $own 10.20.0.7
check "of the zone as well" stopped internet $own 198.18.1.1
same "both are shown" "source 10.20.0.6, zone internet" "$(stops)"
check "with why" says "迷惑メールの疑い" mail status
check_not "not resumed without a reason" sekisho mail resume source 10.20.0.6
check_not "nor what is not stopped" sekisho mail resume source 10.20.0.8 --reason 確認済み
check "resumed" sekisho mail resume source 10.20.0.6 --reason 確認済み
check "it passes" eventually passes office $own 10.20.0.6
check "the zone" sekisho mail resume zone internet --reason 点検終了
check "passes too" eventually passes internet $own 198.18.1.1
check "all is told" told mail-resumed 点検終了

# --- from outside: one host, and one /64 with as many addresses as it likes

same "one host is stopped" "* 451 4.7.1 *" "$(burst internet 2000 $own 198.18.66.6)"
same "a /64 is one source" "*0 451 4.7.1 *" \
	"$(burst internet 20 $own 2001:db8:1666::{1..200} | tail -n 1)"
same "what is refused never counts for more than its source" 0 \
	"$(burst internet 1 $other 198.18.77.{1..60} | grep -vc "^0 550")"
same "nothing else is stopped" "source 198.18.66.6, source 2001:db8:1666::/64" "$(stops)"
check "mail from outside passes" passes internet $own 198.18.1.1
check "by IPv6 too" passes internet $own 2001:db8:1777::1
check "mail of the office as well" passes office $other 10.20.0.7
check "and within" passes office $own 10.20.0.7

# --- many networks outside

burst internet 6 $own 198.18.{101..106}.1 >"$work/many"
check "inward mail stops" eventually stopped internet $own 198.18.200.1
check "the direction" grep -q "direction in" <(stops)
check "from everybody" stopped internet $own 2001:db8:1777::1
check "to own domains from inside too" stopped office $own 10.20.0.7
check "outward mail goes on" passes office $other 10.20.0.7
check "resumed" sekisho mail resume direction in --reason 収まった
check "inward mail passes" eventually passes internet $own 198.18.200.1

# --- and all

burst office 15 $other 10.20.0.{31..36} >"$work/all"
check "all mail stops" eventually stopped office $other 10.20.0.7
check "from outside too" stopped internet $own 198.18.200.1
check "so it is shown" grep -qw all <(stops)

# --- two persons, where the policy wants two to reconnect

guards "$source_row" "isolation: { second-person-to-reconnect: true }" | apply
lab person tanaka operate view
lab person sato operate view
lab person hosoi view
check_not "who may only look" lab as hosoi mail resume all --reason 収まった
same "one is not enough" "*two persons*" "$(lab as tanaka mail resume all --reason 収まった 2>&1)"
check_not "twice the same is one" lab as tanaka mail resume all --reason 収まった
check "all is still stopped" stopped internet $own 198.18.200.1
check "who asked is shown" says "asked to resume *tanaka" mail status
check "another one" lab as sato mail resume all --reason 確かめた
check "mail passes" eventually passes internet $own 198.18.200.1
check "both are told" told mail-resumed '"actor":"sato.*"ordered_by":"tanaka\|"ordered_by":"tanaka.*"actor":"sato'

# --- a sender beyond what is usual, and an alarm

guards '{ by: sender, direction: out, over: learned, at-least: 15, for: 1h }, { by: zone, over: 10/h, action: alarm }' \
	"isolation: { second-person-to-reconnect: true }" | apply
same "a sender is stopped wherever it writes" "* 451 4.7.1 *" "$(burst office 200 $other 10.20.0.41 10.20.0.42 | tail -n 1)"
check "from another PC too" stopped office $other 10.20.0.43
check "another sender's mail passes" eventually passes_for_c
check "so does what it sends within" passes office $own 10.20.0.41
same "it alone is stopped" "sender #*" "$(stops)"
check "a zone's alarm is told" eventually told mail-mass '"name":"zone office"'
check "resumed by its address" twice mail resume sender A@city.example.jp --reason 確かめた
check "it passes" eventually passes office $other 10.20.0.41
lab daemon stop
check "what is usual is kept" eventually test -s "$home/state/mail-usual"
lab daemon start
check "and mail passes again" eventually passes office $own 10.20.0.41
check_not "without a fault" told failed mail-usual

# --- the file of stops is damaged

lab daemon stop
echo nonsense >"$home/state/mail-stops"
lab daemon start
check "it is told" eventually told failed "mail-stops makes no sense"
check "and mail passes" eventually passes office $own 10.20.0.41
done_
