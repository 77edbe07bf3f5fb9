# What every lab test begins with: a lab of its own, gone at the end whatever happens, and checks
# that count.  A test is a script t_NAME.sh that sources this, gives a policy, and ends with "done_".
set -u
# Debian's own Python: one of a version manager takes half a second to begin, and tests begin hundreds.
PATH=/usr/bin:$PATH
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export BUILD=${BUILD:-$root/build}
BUILD=$(realpath -m "$BUILD")
export LAB_PREFIX=${LAB_PREFIX_BASE:-t}$$-
home=${LAB_HOME:-/run/sekisho-lab}/$LAB_PREFIX
work=$(mktemp -d "/tmp/sekisho-lab.XXXXXX")
chmod 755 "$work"
rules=$work/rules
passed=0 failed=0
children=()

tidy() {
	local pid
	for pid in "${children[@]}"; do # one that ended long ago may be somebody else by now
		[[ $(ps -o ppid= -p "$pid") -ne $$ ]] || kill "$pid" 2>/dev/null
	done
	"$here/lab" down
	rm -rf "$work"
}
trap tidy EXIT
trap 'echo "FAILED somebody sent a signal"; exit 1' INT TERM

lab() { "$here/lab" "$@"; }
gw() { nsenter --net="/run/netns/${LAB_PREFIX}gw" "$@"; }
zone() { # ZONE COMMAND ...
	local space=/run/netns/$LAB_PREFIX$1
	shift
	nsenter --net="$space" "$@"
}
probe() { "$BUILD/lab-probe" -- "$@"; }
# Every apply is confirmed at once, unless a test sets unconfirmed.
sekisho() {
	lab sekisho "$@"
	local status=$?
	if [[ $1 =~ ^(apply|rollback)$ && $status =~ ^[07]$ && ! -v unconfirmed ]]; then
		lab sekisho confirm >"$work/confirm" 2>&1 || [[ $? == 9 ]] || cat "$work/confirm"
	fi
	return $status
}

# How guards of mail inspect: a test that sets mode=proxy, or a run with LAB_MODE=proxy, has the same
# checks in proxy mode.
mode=${mode:-${LAB_MODE:-flow}}

# Four zones, for what a test adds on standard input.
policy() {
	mkdir -p "$rules"
	zones_and | in_mode >"$rules/policy.yaml"
}

# A policy that names modes keeps them.
in_mode() {
	local text
	text=$(cat)
	[[ $mode != flow && $text != *mode:* ]] || { echo "$text" && return; }
	echo "$text" | sed "s/^\( *\)protocol: smtp$/&\n\1mode: $mode/; /mode:/!s/protocol: smtp,/& mode: $mode,/"
}

zones_and() {
	cat <<-END
	version: 1
	zones:
	  office:   { interfaces: [lan-office], networks: [10.20.0.0/16, "fd00:20::/64"] }
	  dmz:      { role: server, interfaces: [lan-dmz], networks: [192.0.2.0/24, "2001:db8:40::/64"] }
	  wifi:     { role: public, interfaces: [lan-wifi], networks: [172.16.0.0/20] }
	  internet: { role: external, interfaces: [wan-inet] }
	networks:
	  dmz/web:      [192.0.2.80, "2001:db8:40::80"]
	  dmz/mail:     [192.0.2.25, "2001:db8:40::25"]
	  office/admin: [10.20.9.0/24, "fd00:20::9:0/112"]
	END
	cat
}

# While no daemon runs: somebody listens where the rules bring connections in proxy mode.
proxied() {
	gw nft list ruleset | grep -q tproxy || return
	background gw python3 "$here/transparent.py" 15025
	check "a listener is there" eventually eval "gw ss -Hltn sport = 15025 | grep -qF '[::]'"
}

up() { # [OPTIONS of lab up]
	lab up "$rules" "$@" || {
		echo "FAILED the lab does not come up"
		exit 1
	}
}

# Changes the policy that the gateway's folder holds (standard input) and applies it.
apply() {
	zones_and >"$home/rules/policy.yaml"
	sekisho apply >"$work/apply" 2>&1
}

background() { # ZONE COMMAND ... (or gw): ended with the test
	nsenter --net="/run/netns/$LAB_PREFIX$1" "${@:2}" </dev/null >"$work/background.$((${#children[@]}))" 2>&1 &
	children+=($!)
}

good() { passed=$((passed + 1)); }
bad() {
	failed=$((failed + 1))
	echo "FAILED $*"
}

check() { # WHAT COMMAND ...: succeeds
	if "${@:2}" >"$work/check" 2>&1; then
		good
	else
		bad "$1"
		sed 's/^/    /' "$work/check" | tail -n 20
	fi
}

check_not() { # WHAT COMMAND ...: fails
	if "${@:2}" >"$work/check" 2>&1; then
		bad "$1"
		sed 's/^/    /' "$work/check" | tail -n 20
	else
		good
	fi
}

same() { # WHAT EXPECTED GOT
	if [[ $3 == $2 ]]; then # EXPECTED is a pattern
		good
	else
		bad "$1: expected '$2', got '$3'"
	fi
}

# Lines "PATTERN | PROBE": sends them all at once and compares what became of each.
probes() { # [OPTIONS of lab-probe]
	local patterns=() lines=() line answers i
	while IFS= read -r line; do
		[[ $line == *\|* ]] || continue
		patterns+=("$(sed 's/ *|.*//; s/^[ \t]*//' <<<"$line")")
		lines+=("$(sed 's/^[^|]*| *//' <<<"$line")")
	done
	mapfile -t answers < <(printf '%s\n' "${lines[@]}" | "$BUILD/lab-probe" "$@")
	for i in "${!lines[@]}"; do
		same "${lines[i]}" "${patterns[i]}" "${answers[i]:-nothing}"
	done
}

# Waits until COMMAND succeeds, at most five seconds.
eventually() {
	local end=$((SECONDS + 5))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		sleep 0.02
	done
}

counter() { # NAME: packets of a counter object in the kernel
	gw nft -j list counter inet sekisho "$1" 2>/dev/null | grep -o '"packets": *[0-9]*' | grep -o '[0-9]*$'
}

done_() {
	echo "$passed checks passed, $failed failed"
	exit $((failed > 0))
}
