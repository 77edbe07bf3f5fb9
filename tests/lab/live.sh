# Connections that live long (live.py), one process a zone, and what becomes of them.
talk() { # ZONE SPEC ...: long-lived connections, whose standing is asked for with `standing`
	mkfifo "$work/$1.ask"
	nsenter --net="/run/netns/$LAB_PREFIX$1" python3 "$here/live.py" "${@:2}" \
		<"$work/$1.ask" >"$work/$1.out" 2>"$work/$1.err" &
	children+=($!)
	eval "exec $((next++))>\"$work/$1.ask\""
}
next=20
standing() { # ZONE: "NAME SENT ANSWERED SILENT" lines
	local before
	before=$(grep -c '^\.$' "$work/$1.out")
	echo >"$work/$1.ask"
	eventually more_dots "$work/$1.out" "$before"
	tac "$work/$1.out" | sed -n '2,/^\.$/p' | sed '/^\.$/d'
}
more_dots() { (($(grep -c '^\.$' "$1") > $2)); }
all_answered() { # ZONE: every connection has been answered
	local lines
	lines=$(standing "$1")
	[[ -n $lines ]] && awk '$3 < 20 { exit 1 }' <<<"$lines"
}
column() { standing "$1" | awk -v name="$2" -v n="$3" '$1 == name { print $n }'; }
silent() { (($(column "$1" "$2" 4) > 400)); } # ZONE NAME
lossless() { # ZONE NAME: answered to the last number, until now
	standing "$1" | awk -v name="$2" '$1 == name { print "sent " $2 " answered " $3 " silent " $4
		exit !($2 > 0 && $2 == $3 && $4 < 400) }'
}
events() { jq -c "select(.event == \"$1\")" "$home/events"; } # KIND
