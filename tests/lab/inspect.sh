# A guarded flow from office to a mail server, an unguarded one, and who carries and inspects; for t_inspect*.sh.

guarded() { # MORE FLOWS on standard input
	cat <<-END
	guards: { mail: { protocol: smtp, mode: ${mode:-flow}, domains: [city.example.jp], senders: [office], size: 40MB, tls: clear-only,
	                  tls-reason: the store of this test } }
	flows:
	  - { id: mail, from: office, to: dmz/mail, services: smtp, guard: mail }
	  - { id: web, from: office, to: dmz, services: http }
	END
	cat
}
guarded </dev/null | policy
up
zone dmz nft insert rule inet lab_answer answer tcp dport 25 accept
zone dmz nft insert rule inet lab_answer answer tcp dport 80 accept
smtp() { python3 "$here/smtp.py" "$@"; }
for address in 192.0.2.25 2001:db8:40::25; do
	background dmz python3 "$here/smtp.py" serve $address 25
done
background dmz python3 "$here/smtp.py" serve 192.0.2.80 80

mail() { zone office python3 "$here/smtp.py" mail "${1:-192.0.2.25}" 25 "${2:-1000}"; }
mail_passes() { [[ $(mail "$@" 2>&1) == 250* ]]; }
child() { ps -o pid=,args= --ppid "$(lab daemon pid)" | awk -v what="--$1" '$NF == what { print $1; exit }'; }
told() { sekisho log --type "$1" | grep -q "$2"; }
reviewed() { # what lives was judged by the policy that runs: within a second of its apply
	local generation
	generation=$(number generation)
	sekisho log --json --type connections-reviewed | jq -e "select(.generation == $generation)" >/dev/null
}
number() { sekisho status --json | jq ".$1 // 0"; }
of() { awk -v what="$2:" '$1 == what { print $2 }' "/proc/$1/status"; }
recorded() { (($(sekisho mail list --json | jq '[.. | objects | select(.flow? == "mail")] | length') >= $1)); }
slow() { # NAME [PORT ADDRESS]: a message that takes its time
	mkdir -p "$work/$1" && rm -f "$work/$1"/*
	background office python3 "$here/smtp.py" slow "${3:-192.0.2.25}" "${2:-25}" "$work/$1"
	eventually has_lines "$1" 3
}
has_lines() { [[ -s $work/$1/lines ]] && (($(<"$work/$1/lines") >= $2)); }
lines() { cat "$work/$1/lines"; }
goes_on() { local n && n=$(lines "$1") && eventually has_lines "$1" $((n + 10)); }
ends() { touch "$work/$1/end"; eventually test -s "$work/$1/reply" && cat "$work/$1/reply"; }
slow_twelve() { # messages m1 to m12, of a source each
	local i
	zone office sh -c 'for i in $(seq 1 12); do ip addr add 10.20.7.$i/32 dev eth0; done'
	for i in {1..12}; do
		mkdir -p "$work/m$i"
		background office python3 "$here/smtp.py" slow 192.0.2.25 25 "$work/m$i" 10.20.7.$i
	done
	for i in {1..12}; do
		check "message $i is under way" eval "eventually has_lines m$i 3 || eventually has_lines m$i 3"
	done
}
end_twelve() { # some were of one inspector that is gone, some of others
	local i whole=0 broken=0
	for i in {1..12}; do touch "$work/m$i/end"; done
	for i in {1..12}; do
		case $(ends m$i) in
		250*) whole=$((whole + 1)) ;;
		broken*) broken=$((broken + 1)) ;;
		esac
	done
	same "each ended one way or the other ($whole whole, $broken broken)" 12 $((whole + broken))
	check "some were another inspector's" eval "((whole > 0))"
	check "some were that one's" eval "((broken > 0))"
}
replaced() { # WHAT PID: another is there within a second
	local end=$(($(date +%s%N) + 1500000000)) now
	while (($(date +%s%N) < end)); do
		now=$(child "$1")
		[[ -n $now && $now != "$2" ]] && return 0
		sleep 0.02
	done
	return 1
}
