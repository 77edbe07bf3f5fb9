#!/bin/bash
# Killed at any step of an exchange of the database of countries, the next daemon comes to its end.
#
#   dmz 192.0.2.0/24, 2001:db8:40::/64 ---- lan-dmz +---------+ wan-inet ---- internet (everything else)
#                                                   | sekisho |
#                                                   +---------+
. "$(dirname "$0")/case.sh"

policy <<<''
up
db=$home/countries.mmdb
world() { # FIRST: Japan has every second /16 of 133.0.0.0/8 from there on
	"$BUILD/lab-countries" -4 "$db" $(for i in {0..19}; do echo "133.$(($1 + 2 * i)).0.0/16=JP"; done)
}
world 0
check "applied" apply <<'END'
  internet/japan: { country: [JP] }
flows:
  - { id: maintenance, from: internet/japan, to: dmz/web, services: [tcp/22] }
END
generation=$(sekisho status --json | jq .generation)
dead() { ! kill -0 "$(<"$home/sekishod.pid")"; }
follows() { # FIRST: what packets do
	probes <<-END
		arrived dmz * | internet 133.$((4 + $1)).0.9 192.0.2.80 tcp/22
		silent        | internet 133.$((5 - $1)).0.9 192.0.2.80 tcp/22
	END
}
in_force() { # FIRST
	gw nft get element inet sekisho "$(gw nft list sets | grep -o 'country_japan_4[.0-9a-f]*' | head -1)" "{ 133.$((4 + $1)).0.9 }"
}
first=0
for point in countries-committed countries-compiled countries-about countries-stored; do
	first=$((1 - first))
	lab daemon stop
	SEKISHO_FAULT=$point lab daemon start
	world $first
	check "$point: dies" eventually dead
	rm -f "$home/sekishod.pid"
	lab daemon start
	check "$point: the new ranges are in force" eventually in_force $first
	follows $first
	check "$point: nothing differs" sekisho drift
	same "$point: the same generation" "$generation running" \
		"$(sekisho status --json | jq -r '"\(.generation) \(.state)"')"
done
lab daemon stop && lab daemon start
check "and a last restart changes nothing" in_force $first
done_
