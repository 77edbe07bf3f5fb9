#!/bin/bash
# Remote maintenance only from Japan: packets follow the database of countries, also when it is
# exchanged under them; a database that is damaged, stale or gone leaves what runs and refuses an apply.
#
#   dmz 192.0.2.0/24, 2001:db8:40::/64 ---- lan-dmz +---------+ wan-inet ---- internet (everything else)
#                                                   | sekisho |
#                                                   +---------+
. "$(dirname "$0")/case.sh"
. "$here/live.sh"

policy <<<''
up
db=$home/countries.mmdb
world() { # EXTRA ...: twenty prefixes of Japan in turns with Korea's, of both families
	local i prefixes=()
	for i in {0..19}; do
		prefixes+=("133.$((2 * i)).0.0/16=JP" "133.$((2 * i + 1)).0.0/16=KR")
		prefixes+=("2400:$((20 + 2 * i))::/32=JP" "2401:$((20 + 2 * i))::/32=KR")
	done
	"$BUILD/lab-countries" "${options[@]}" "$db" "${prefixes[@]}" 198.51.100.0/24=JP 8.0.0.0/8=US "$@"
}
options=()
flows='
  internet/japan: { country: [JP] }
flows:
  - { id: maintenance, from: internet/japan, to: dmz/web, services: [tcp/22], log: true }
  - { id: reports, from: dmz, to: internet/japan, services: [tcp/5001] }
  - { id: web-in, from: internet, to: dmz/web, services: [http] }'
refused() { apply <<<"$flows"; [[ $? == 3 ]] && grep -q "$1" "$work/apply"; }
changes() { events countries-changed | wc -l; }
changed() { (($(changes) == $1)); }
alarmed() { sekisho status | grep -q "$1"; }
not_alarmed() { ! sekisho status | grep -q SK793; }

check "no database: refused" refused SK286
world
check "with one it is applied" apply <<<"$flows"
probes <<END
	arrived dmz * answered | internet 133.4.0.9 192.0.2.80 tcp/22
	silent                 | internet 133.5.0.9 192.0.2.80 tcp/22
	silent                 | internet 8.8.8.8 192.0.2.80 tcp/22
	silent                 | internet 198.51.100.9 192.0.2.80 tcp/22
	arrived dmz * answered | internet 2400:20::9 2001:db8:40::80 tcp/22
	silent                 | internet 2401:20::9 2001:db8:40::80 tcp/22
	silent                 | internet 133.4.0.9 192.0.2.80 tcp/23
	arrived dmz * answered | internet 133.5.0.9 192.0.2.80 tcp/80
	arrived dmz * answered | internet 9.9.9.9 192.0.2.80 tcp/80
	arrived internet *     | dmz 192.0.2.7 133.4.0.9 tcp/5001
	silent                 | dmz 192.0.2.7 133.5.0.9 tcp/5001
END
check "the accepted packet's record names the country" \
	eventually grep -q '"packet-allowed".*"source_country": *"JP"' "$home/events"
check "so does the denied one's" eventually grep -q '"packet-denied".*"source_country": *"KR"' "$home/events"
same "query names it" "*133.4.0.9*from *JP Japan*" \
	"$(sekisho query --countries "$db" 133.4.0.9 dmz/web tcp/22 "$home/rules")"

before=$(sekisho status --json | jq .generation)
# Parts of Japan go to Korea, others come; records have 32 bits now.
elsewhere() {
	"$BUILD/lab-countries" "${options[@]}" -b 32 "$db" 133.4.0.0/16=JP 133.6.0.0/16=KR 133.5.0.0/16=JP \
		$(for i in {0..20}; do echo "150.$((2 * i)).0.0/16=JP"; done) 2401:20::/32=JP 2400:20::/32=KR
}
elsewhere
check "an exchange is told of" eventually changed 1
probes <<END
	silent                 | internet 133.6.0.9 192.0.2.80 tcp/22
	arrived dmz * answered | internet 133.5.0.9 192.0.2.80 tcp/22
	arrived dmz * answered | internet 133.4.0.9 192.0.2.80 tcp/22
	arrived dmz * answered | internet 150.40.0.9 192.0.2.80 tcp/22
	arrived dmz * answered | internet 2401:20::9 2001:db8:40::80 tcp/22
	silent                 | internet 2400:20::9 2001:db8:40::80 tcp/22
END
same "the event has date, sum and counts" true "$(events countries-changed | jq '.built != null and
	(.sha256 | length) == 64 and .ranges_before == 40 and .ranges == 23')"
check "and is in the audit log" grep -q 'addresses of countries changed' <(sekisho log --type countries-changed)
same "the generation is the same" "$before" "$(sekisho status --json | jq .generation)"
check "nothing differs from what should run" sekisho drift

talk dmz stay,tcp,133.4.0.9,5001 go,tcp,133.5.0.9,5001
check "connections to Japan live" eventually all_answered dmz
world
check "it is exchanged under them" eventually changed 2
check "the connection that is no longer Japan's is cut" eventually silent dmz go
check "the other one loses nothing" lossless dmz stay
same "the record says why" "countries" "$(events connection-cut | jq -r .cause | head -1)"
kill "${children[-1]}"

lab daemon stop && lab daemon start
check "after a restart the same runs" sekisho drift
same "and nothing was exchanged again" 2 "$(changes)"
lab daemon kill && lab daemon start
check "after a crash too" sekisho drift

head -c 300 "$db" >"$db.new" && mv "$db.new" "$db"
check "a truncated database is an alarm" eventually alarmed SK793
check "and an apply is refused" refused SK286
options=(-t $((100 * 24 * 3600)))
world
check "a stale one" eventually alarmed 'days ago'
check "refuses too" refused SK287
truncate -s 200M "$db.new" && mv "$db.new" "$db"
check "an oversized one" eventually alarmed 'more than 128 MiB'
rm "$db" && mkfifo "$db"
check "a pipe" eventually alarmed 'not an ordinary file'
rm "$db" && mkdir "$db"
check "a folder" eventually alarmed 'not an ordinary file'
rmdir "$db" && ln -s /dev/zero "$db"
check "a link to a device that never ends" eventually alarmed 'not an ordinary file'
ln -sf countries.mmdb "$db"
check "a link to itself" eventually alarmed 'symbolic links'
rm "$db" && truncate -s 1T "$db.new" && mv "$db.new" "$db"
check "a terabyte" eventually alarmed 'more than 128 MiB'
rm "$db"
check "a missing one" eventually alarmed 'No such file'
probes <<END
	arrived dmz * answered | internet 133.6.0.9 192.0.2.80 tcp/22
	silent                 | internet 133.5.0.9 192.0.2.80 tcp/22
END
same "nothing was exchanged by any of them" 2 "$(changes)"
# The box's clock is behind, by two days and a few seconds; nobody touches the file again.
options=(-t $((-2 * 24 * 3600 - 6)))
elsewhere
check "one from the future" eventually alarmed 'is the clock right'
check "refuses too" refused SK287
later() { eventually "$@" || eventually "$@"; }
check "when the clock is right, the same file ends the alarm" later not_alarmed
check "and is put in force" eventually changed 3
probes <<END
	silent                 | internet 133.6.0.9 192.0.2.80 tcp/22
	arrived dmz * answered | internet 133.5.0.9 192.0.2.80 tcp/22
END
done_
