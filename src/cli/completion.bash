# bash completion for sekisho
_sekisho_names() { # flows or zones of the default policy
	sekisho "$1" /etc/sekisho/rules --json 2>/dev/null | sed -n 's/^ *"id": "\([^"]*\)".*/\1/p'
}

_sekisho() {
	local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local verbs="check print show query replay diff explain apply status flows zones drift connections \
		confirm rollback history propose proposals proposal approve reject review incident \
		isolate quarantine reconnect geo mail"

	COMPREPLY=()
	verbs="$verbs log"
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$verbs --help --version" -- "$word")
		return
	fi
	case $previous in
	--expect)
		local answers="allow deny"
		[ "$verb" = diff ] && answers="same different"
		mapfile -t COMPREPLY < <(compgen -W "$answers" -- "$word")
		return
		;;
	--verdict)
		mapfile -t COMPREPLY < <(compgen -W "passed refused rejected broken-off ended unread held" -- "$word")
		return
		;;
	--flow)
		mapfile -t COMPREPLY < <(compgen -W "$(_sekisho_names flows)" -- "$word")
		return
		;;
	--zone)
		mapfile -t COMPREPLY < <(compgen -W "$(_sekisho_names zones)" -- "$word")
		return
		;;
	--country)
		mapfile -t COMPREPLY < <(compgen -W "all $(sekisho geo --country all 2>/dev/null | awk '$1 ~ /^[A-Z][A-Z]$/ { print $1 }')" -- "$word")
		return
		;;
	--diff)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
		;;
	--socket | --heads | --key | --countries)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	esac
	case $word in
	--*)
		local options=--json
		case $verb in
		query) options="--json --expect --source-port --countries" ;;
		replay)
			options="--json --interface --self --connections --packets --propose --diff --countries"
			;;
		diff) options="--json --socket --expect --generation --countries" ;;
		connections) options="--json --socket --zone" ;;
		apply) options="--json --socket --confirm --wait --at --reason --request --emergency" ;;
		rollback) options="--json --socket --confirm --wait --reason --emergency" ;;
		propose) options="--json --socket --reason --request" ;;
		reject | review) options="--json --socket --reason" ;;
		confirm | history | proposals | proposal | approve) options="--json --socket" ;;
		status | drift) options="--json --socket" ;;
		mail)
			options="--json --socket --since --until --from --to --client --flow --verdict"
			options="$options --limit --reason --for"
			;;
		flows | zones) options="--json --socket --countries" ;;
		incident) options="--json --socket --reason --prevention --source --mask" ;;
		geo) options="--json --countries --country" ;;
		print | show) options=--countries ;;
		check) options="--json --countries" ;;
		log)
			options="--json --since --until --type --zone --flow --actor --follow --lines"
			options="$options --log-dir --heads --key"
			;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$word")
		return
		;;
	esac
	case $verb in
	incident)
		if [ "$COMP_CWORD" -eq 2 ]; then
			mapfile -t COMPREPLY < <(compgen -W "list show open note close export" -- "$word")
		elif [ "$COMP_CWORD" -eq 3 ]; then
			mapfile -t COMPREPLY < <(compgen -W "$(sekisho incident list --json 2>/dev/null | sed -n 's/^ *"incident": *\([0-9]*\).*/\1/p')" -- "$word")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
		fi
		;;
	show)
		[ "$COMP_CWORD" -eq 2 ] && mapfile -t COMPREPLY < <(compgen -W "ruleset guards schema manual" -- "$word")
		[ "$COMP_CWORD" -gt 2 ] && mapfile -t COMPREPLY < <(compgen -d -- "$word")
		;;
	query)
		if [ "$COMP_CWORD" -le 3 ]; then
			mapfile -t COMPREPLY < <(compgen -W "$(_sekisho_names zones)" -- "$word")
		elif [ "$COMP_CWORD" -eq 5 ]; then
			mapfile -t COMPREPLY < <(compgen -d -- "$word")
		fi
		;;
	replay)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		;;
	log)
		[ "$COMP_CWORD" -eq 2 ] && mapfile -t COMPREPLY < <(compgen -W "verify head export" -- "$word")
		[ "$COMP_CWORD" -gt 2 ] && mapfile -t COMPREPLY < <(compgen -d -- "$word")
		;;
	mail)
		[ "$COMP_CWORD" -eq 2 ] && mapfile -t COMPREPLY < <(compgen -W "list show held release reject status stop resume" -- "$word")
		if [[ ${COMP_WORDS[2]} == stop || ${COMP_WORDS[2]} == resume ]]; then
			if [ "$COMP_CWORD" -eq 3 ]; then
				mapfile -t COMPREPLY < <(compgen -W "source sender zone direction all" -- "$word")
			elif [ "$COMP_CWORD" -eq 4 ] && [ "${COMP_WORDS[3]}" = zone ]; then
				mapfile -t COMPREPLY < <(compgen -W "$(_sekisho_names zones)" -- "$word")
			elif [ "$COMP_CWORD" -eq 4 ] && [ "${COMP_WORDS[3]}" = direction ]; then
				mapfile -t COMPREPLY < <(compgen -W "in out" -- "$word")
			fi
		fi
		;;
	explain)
		mapfile -t COMPREPLY < <(compgen -W "$(sekisho explain 2>/dev/null | cut -d' ' -f1)" -- "$word")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		;;
	esac
}
complete -F _sekisho sekisho
