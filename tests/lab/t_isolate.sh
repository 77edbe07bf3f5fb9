#!/bin/bash
# Isolation: what is cut is silent at once, in both directions, live connections too; what is not
# cut loses nothing; and it stays so whatever happens to the daemon, the rules and the box.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END_OF_POLICY
flows:
  - { id: web, from: [office, wifi], to: dmz/web, services: any }
  - { id: back, from: dmz/web, to: [office, wifi], services: any }
  - { id: out, from: [office, wifi], to: internet, services: any }
  - { id: in, from: internet, to: dmz/web, services: https }
  - { id: to-us, from: [office, wifi], to: self, services: [ping, ssh, tcp/2222] }
  - { id: from-us, from: self, to: [office, wifi, dmz], services: any }
nat:
  - { id: wifi-out, kind: masquerade, from: wifi, to: internet }
  - { id: published, kind: forward, from: internet, address: 203.0.113.80, services: https, target: dmz/web }
END_OF_POLICY
up
cut() { sekisho isolate "$@" --yes --reason drill --own-judgment; }
join() { sekisho reconnect "$@" --reason "it was a drill"; }

# --- a zone: forwarded, translated, to and from the gateway, IPv4 and IPv6

office_open='
	arrived dmz *      | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz *      | office fd00:20::9 2001:db8:40::80 tcp/80
	arrived office *   | dmz 192.0.2.80 10.20.0.9 udp/4000
	arrived internet * | office 10.20.0.9 9.9.9.9 tcp/443
	arrived self *     | office 10.20.0.9 10.20.0.1 icmp/8'
others_open='
	arrived internet * | wifi 172.16.0.9 9.9.9.9 tcp/443
	arrived dmz *      | internet 9.9.9.9 203.0.113.80 tcp/443
	arrived dmz *      | wifi 172.16.0.9 192.0.2.80 tcp/80'
silent() { sed 's/.*|/silent |/'; }
probes <<<"$office_open$others_open"
check "isolate a zone" cut zone office
probes < <(silent <<<"$office_open")
probes <<<"$others_open"
check_not "from the gateway, IPv4" gw ping -n -c1 -W1 10.20.0.2
check_not "from the gateway, IPv6" gw ping -n -c1 -W1 fd00:20::2
same "status says 10" 10 "$(sekisho status >"$work/status" 2>&1; echo $?)"
check "in its first line" grep -q 'ISOLATED.*zone office.*drill' <(head -1 "$work/status")
check "and in JSON" test "$(sekisho status --json | jq -r '.isolated | length')" = 1
same "the list says 10 too" 10 "$(sekisho isolate list >/dev/null; echo $?)"
check "who logs in is told" eventually grep -q 'ISOLATED: zone office' "$home/run/motd"
check "it is recorded with its reason" eventually grep -q '"event":"isolated".*"reason":"drill"' "$home/events"
check "and opens an incident" eventually grep -q '"incident": *1' "$home/state/isolation"

# --- it survives

check "an apply" apply <<END_OF_POLICY
flows:
  - { id: web, from: [office, wifi], to: dmz/web, services: any }
  - { id: out, from: [office, wifi], to: internet, services: any }
END_OF_POLICY
probes < <(silent <<<"$office_open")
lab daemon stop
probes < <(silent <<<"$office_open")
lab daemon start
probes < <(silent <<<"$office_open")
lab daemon kill
lab daemon start
probes < <(silent <<<"$office_open")
gw nft flush ruleset
probes < <(silent <<<"$office_open")
same "status sees it" 10 "$(sekisho status >/dev/null 2>&1; echo $?)"
check "the guard is made again" gw sh -c 'nft list table inet sekisho_guard | grep -q "isolate zone office"'
check "and somebody is told" grep -q SK702 "$home/events"
lab daemon kill
gw nft delete table inet sekisho_guard
gw nft delete table inet sekisho_mirror
gw nft delete table inet sekisho
check "the box boots" gw "$BUILD/sekishod" --config "$home/sekisho.yaml" --boot --log "$work/boot"
probes < <(silent <<<"$office_open")
probes <<END_OF_PROBES
	arrived dmz *      | wifi 172.16.0.9 192.0.2.80 tcp/80
END_OF_PROBES
lab daemon start
probes < <(silent <<<"$office_open")
same "still isolated" 10 "$(sekisho status >/dev/null 2>&1; echo $?)"

# --- reconnecting

check_not "needs a reason" sekisho reconnect office
check_not "is about something isolated" join dmz
check "reconnect" join zone office
probes <<END_OF_PROBES
	arrived dmz *      | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz *      | office fd00:20::9 2001:db8:40::80 tcp/80
END_OF_PROBES
same "status is fine" 0 "$(sekisho status >/dev/null 2>&1; echo $?)"
check "nobody is told any more" eventually test ! -s "$home/run/motd"
check "it is recorded" grep -q '"event":"reconnected"' "$home/events"
check_not "the guard is empty" gw sh -c 'nft list table inet sekisho_guard | grep -q drop'
lab daemon kill
lab daemon start
same "and stays reconnected" 0 "$(sekisho status >/dev/null 2>&1; echo $?)"

# --- a link, a host, everything

check "a link" cut link lan-wifi
probes <<END_OF_PROBES
	silent             | wifi 172.16.0.9 192.0.2.80 tcp/80
	arrived dmz *      | office 10.20.0.9 192.0.2.80 tcp/80
END_OF_PROBES
check "a host by IPv4" cut host 10.20.0.9
check "a host by IPv6" sekisho quarantine fd00:20::9 --yes --reason malware --ordered-by "the mayor"
probes <<END_OF_PROBES
	silent             | office 10.20.0.9 192.0.2.80 tcp/80
	silent             | office fd00:20::9 2001:db8:40::80 tcp/80
	arrived dmz *      | office 10.20.0.10 192.0.2.80 tcp/80
	arrived dmz *      | office fd00:20::a 2001:db8:40::80 tcp/80
END_OF_PROBES
check "three are in force" test "$(sekisho isolate list --json | jq '.isolations | length')" = 3
check "by incident" join "$(sekisho isolate list --json | jq '.isolations[] | select(.name == "lan-wifi").incident')"
check "by name" join 10.20.0.9
check "by kind and name" join host fd00:20::9
check "everything" cut all
probes <<END_OF_PROBES
	silent             | office 10.20.0.9 192.0.2.80 tcp/80
	silent             | wifi 172.16.0.9 192.0.2.80 tcp/80
	silent             | office fd00:20::9 2001:db8:40::80 tcp/80
END_OF_PROBES
check "everything again" join all
probes <<END_OF_PROBES
	arrived dmz *      | office 10.20.0.9 192.0.2.80 tcp/80
	arrived dmz *      | wifi 172.16.0.9 192.0.2.80 tcp/80
END_OF_PROBES

# --- the wrong order changes nothing

check_not "no such zone" cut zone cellar
check_not "no such interface" cut link eth99
check_not "no such host" cut host 10.20.0.300
refused() { # WHAT WORDS: is no host, and why
	same "no host: $1" 2 "$(cut host "$1" >"$work/refused" 2>&1; echo $?)"
	check "which is $2" grep -q "$1 is $2" "$work/refused"
	same "nor for sekisho-isolate: $1" 2 "$(gw "$BUILD/sekisho-isolate" --state "$home/state" host "$1" >"$work/refused" 2>&1; echo $?)"
}
refused 0.0.0.0 "no address of any host"
refused :: "no address of any host"
refused 127.0.0.1 "the box's traffic"
refused ::1 "the box's traffic"
refused 224.0.0.1 "a multicast address"
refused ff02::1 "a multicast address"
refused 255.255.255.255 "the broadcast address"
refused 10.20.0.1 "the gateway's own address"
refused fd00:20::1 "the gateway's own address"
gw ip addr add 10.20.200.1/24 brd + dev lan-office
refused 10.20.200.255 "a broadcast address"
gw ip addr del 10.20.200.1/24 dev lan-office
check_not "nor to quarantine" sekisho quarantine ::ffff:10.20.0.1 --yes --reason drill --own-judgment
check "an IPv4 address within an IPv6 one" cut host ::ffff:10.20.0.9
same "is that IPv4 address" 10.20.0.9 "$(sekisho isolate list --json | jq -r '.isolations[].name')"
probes <<END_OF_PROBES
	silent             | office 10.20.0.9 192.0.2.80 tcp/80
END_OF_PROBES
check "reconnected by that name" join ::ffff:10.20.0.9
check_not "--total is for all" cut zone office --total
check_not "no reason" sekisho isolate zone office --yes --own-judgment
check_not "nobody's judgment" sekisho isolate zone office --yes --reason drill
check_not "no limit in time without the policy's" cut zone office --for 1h
same "nothing is isolated" 0 "$(sekisho status >/dev/null 2>&1; echo $?)"
check "a preview" sekisho isolate zone office --preview
check "counts connections" test "$(sekisho isolate zone office --preview --json | jq .total)" -ge 1
gw "$BUILD/lab-connections" 70000 10.20.100.1 192.0.2.10 5201 >/dev/null
sekisho isolate zone office --preview --json >"$work/preview"
check "very many too, or as many as a second counts" jq -e '.total >= 70000 or (.more_than and .total > 0)' "$work/preview"
check "in words too" grep -qE 'connections +(more than )?[0-9]+ live ones' <(sekisho isolate all --preview)
gw conntrack -D -s 10.20.0.0/16 -p tcp --dport 5201 >/dev/null 2>&1
same "cuts nothing" 0 "$(sekisho status >/dev/null 2>&1; echo $?)"

# --- what others would stumble over

check "a reason of two lines" sekisho isolate zone wifi --yes --own-judgment --reason $'drill\n*** all is well'
check "is told to who logs in" eventually grep -q 'ISOLATED: zone wifi' "$home/run/motd"
same "on one line" 2 "$(wc -l <"$home/run/motd")"
lab daemon kill
gw nft delete table inet sekisho_guard
gw nft delete table inet sekisho_mirror
lab daemon start
same "and is read back after a boot" "wifi" "$(sekisho isolate list --json | jq -r '.isolations[].name')"
check "" join wifi
check_not "the box's traffic with itself" cut link lo
places=0
while cut host "10.20.77.$places" >/dev/null 2>&1; do places=$((places + 1)); done
same "hosts do not take every place" 48 "$places"
check "a zone has one" cut zone wifi
check "and all of it too" cut all
lab daemon kill
lab daemon start
probes <<END_OF_PROBES
	silent             | office 10.20.0.9 192.0.2.80 tcp/80
END_OF_PROBES
check "" join all
check "" join wifi
while ((places-- > 0)); do join "10.20.77.$places" >/dev/null 2>&1; done
same "nothing is isolated" 0 "$(sekisho status >/dev/null 2>&1; echo $?)"

# --- a neighbour loses nothing

"$BUILD/lab-stream" 4000 2 >"$work/stream" <<END_OF_STREAMS &
wifi 172.16.0.9 192.0.2.80 udp/53
END_OF_STREAMS
stream=$!
for i in 1 2 3 4 5; do
	cut zone office >/dev/null 2>&1
	join office >/dev/null 2>&1
done
wait "$stream"
read -r sent entered arrived <"$work/stream"
same "a neighbour's stream of $sent loses nothing" "$sent $sent" "$entered $arrived"

# --- live connections stop, both ways, and the neighbour's go on

lab answer dmz off
background dmz python3 "$here/talk.py" serve 192.0.2.80 7000
background dmz python3 "$here/talk.py" serve 2001:db8:40::80 7000
check "the servers" eventually zone dmz sh -c 'test "$(ss -lun | grep -c ":7000 ")" = 2'
talk() { background "$1" python3 "$here/talk.py" talk "$2" "$3" 7000 "$work/$4"; }
talk office tcp 192.0.2.80 office-tcp
talk office udp 2001:db8:40::80 office-udp
talk wifi tcp 192.0.2.80 wifi-tcp
grows() { local n=$(<"$work/$1"); eventually eval "((\$(<'$work/$1') > ${n:-0} + 5))"; }
for flow in office-tcp office-udp wifi-tcp; do
	check "$flow talks" eventually test -s "$work/$flow"
	check "$flow goes on" grows "$flow"
done
check "isolated while it talks" cut zone office
check "the neighbour talks on" grows wifi-tcp
before=$(cat "$work/office-tcp" "$work/office-udp") # answers that were there already are read by now
check "and on" grows wifi-tcp
same "the isolated are silent" "$before" "$(cat "$work/office-tcp" "$work/office-udp")"
check "reconnected" join office
check "UDP goes on" grows office-udp
# --- the interface as well

check "with the link down" cut zone wifi --link-down
is_up() { gw ip -o link show lan-wifi | grep -q '[<,]UP[,>]'; }
check_not "it is down" is_up
check "reconnect brings it up" join wifi
check "it is up" is_up

# --- by MAC: who is directly attached, with the addresses he has now

mac=$(zone office ip -o link show eth0 | grep -o 'link/ether [^ ]*')
gw ip neigh replace 10.20.0.2 lladdr "${mac#* }" dev lan-office nud permanent
same "a router's is refused" 1 "$(sekisho quarantine "${mac#* }" --yes --reason drill --own-judgment >"$work/mac" 2>&1; echo $?)"
check "and says so" grep -q 'router' "$work/mac"
check_not "one that nobody has" sekisho quarantine 02:99:99:99:99:99 --yes --reason drill --own-judgment
gw ip neigh replace 10.20.3.3 lladdr 02:00:00:00:33:33 dev lan-office nud permanent
check "by MAC" sekisho quarantine 02:00:00:00:33:33 --yes --reason malware --own-judgment
check "his address is cut too" gw sh -c 'nft list table inet sekisho_guard | grep -q "ip daddr 10.20.3.3 drop"'
check "reconnect by MAC" join 02:00:00:00:33:33
gw ip neigh del 10.20.3.3 dev lan-office

# --- ordered twice: the second is recorded as its own, the incident is one, and a boot knows it

check "a reason of two lines" sekisho isolate zone office --yes --reason $'two\nlines' --own-judgment
incident() { sekisho isolate list --json | jq '.isolations[0].incident // 0'; }
check "it has an incident" eventually eval '(($(incident) > 0))'
before=$(incident)
check "ordered again, for another reason" sekisho isolate zone office --yes --reason leak --ordered-by "the mayor"
check "recorded with its own reason" eventually grep -q '"event":"isolated".*"reason":"leak"' "$home/events"
same "in the same incident" "$before" "$(incident)"
check "whose timeline has it" eventually eval 'sekisho incident show "$before" --json | grep -q "isolated again: leak"'
lab daemon kill
lab daemon start
check_not "the file makes sense" test -e "$home/state/isolation.damaged"
same "who and why are known" "two lines" "$(sekisho isolate list --json | jq -r '.isolations[0].reason')"
check "reconnect" join office

done_
