#!/bin/bash
# The daemon killed: the kernel goes on filtering; started again it takes over without a gap.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web, from: office, to: dmz/web, services: [http, dns] }
  - { id: mail, from: office, to: dmz/mail, services: smtp, guard: mail }
guards: { mail: { protocol: smtp, domains: [霞野町.example.jp], senders: [office] } }
END
up
verdicts='
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz * | office fd00:20::9 2001:db8:40::80 tcp/80
	silent        | office 10.20.0.9 192.0.2.80 tcp/81
	silent        | wifi 172.16.0.9 192.0.2.80 tcp/80
	silent        | office 11.1.1.1 192.0.2.80 tcp/80'
guarded() { probes <<<"$1 | office 10.20.0.9 192.0.2.25 tcp/25"; } # closed while nobody inspects
probes <<<"$verdicts"
guarded 'arrived dmz *'
generation=$(gw nft list chains inet | grep -o 'generation_[0-9]*')
"$BUILD/lab-stream" 5000 3 >"$work/stream" <<END &
office 10.20.0.9 192.0.2.80 udp/53
wifi 172.16.0.9 192.0.2.80 udp/53
END
stream=$!
lab daemon kill
probes <<<"$verdicts"
guarded silent
check_not "no daemon answers" sekisho status
same "which status tells by 8" 8 "$(sekisho status >/dev/null 2>&1; echo $?)"
lab daemon start
wait "$stream"
mapfile -t results <"$work/stream"
read -r sent entered arrived <<<"${results[0]}"
same "allowed: all $sent arrive" "$sent $sent" "$entered $arrived"
read -r sent entered arrived <<<"${results[1]}"
same "denied: none of $sent arrives" "$sent 0" "$entered $arrived"
same "the same generation runs" "$generation" "$(gw nft list chains inet | grep -o 'generation_[0-9]*')"
check "it took over what ran" grep -q '"event":"\(adopted\|loaded\)"' "$home/events"
check "status is fine" eventually sekisho status # once its inspector is there
probes <<<"$verdicts"
guarded 'arrived dmz *'
check "and it applies again" apply <<END
flows:
  - { id: web, from: office, to: dmz/web, services: [https] }
END
probes <<END
	silent        | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/443
END

# A second daemon ends at once and changes nothing, whatever of the first it comes upon.
second() { # FOLDERS
	printf 'rules: %s\nstate: %s\nrun: %s\nuser: nobody\n' "$home/rules" "$1" "$2" >"$work/second.yaml"
	gw timeout 5 "$BUILD/sekishod" --config "$work/second.yaml" "${@:3}" --log "$work/second"
}
tables() { gw nft -s list tables; gw nft -s list table inet sekisho_guard; gw nft -s list chains inet; }
tables >"$work/before" 2>&1
second "$home/state" "$work/run"
same "the same state folder" 1 "$?"
second "$work/state" "$home/run"
same "the same run folder" 1 "$?"
second "$work/state" "$work/run"
same "the same kernel" 1 "$?"
second "$work/state" "$work/run" --boot
same "at boot" 1 "$?"
same "all of them say why" 4 "$(grep -c SK664 "$work/second")"
tables >"$work/after" 2>&1
check "nothing is changed" cmp "$work/before" "$work/after"
check "the first goes on" sekisho status
probes <<END
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/443
END

# One that was killed may end thread by thread, and hold its folders until the last is gone.
lab daemon stop
flock "$home/state" sleep 0.7 &
flock "$home/run" sleep 0.5 &
check "a successor waits for what its predecessor still holds" lab daemon start
wait

# One that hangs.
kill -STOP "$(lab daemon pid)"
start=$SECONDS
same "status does not wait for ever" 8 "$(sekisho status >/dev/null 2>"$work/hangs"; echo $?)"
check "but ten seconds" test $((SECONDS - start)) -le 15
check "it says so" grep -q SK690 "$work/hangs"
kill -CONT "$(lab daemon pid)"
check "and works again" eventually sekisho status

done_
