#!/bin/bash
# Mail in proxy mode: the gate accepts, connects onward with the client's own address, and reads between two sockets.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"
mode=proxy
. "$here/inspect.sh"

# Of the server's connections, the clients' addresses.
peers() { zone dmz ss -Htn state established "sport = 25" | awk '{ print $4 }' | sed 's/:[0-9]*$//' | sort -u; }
reached() { zone "$1" nc -w 1 -z "$2" "$3"; } # ZONE ADDRESS PORT
routed() { gw ip rule | grep -q 'lookup 15025' && gw ip -6 rule | grep -q 'lookup 15025' && gw ip route show table 15025 | grep -q '^local default'; }
sessions() { number proxy_sessions; }
none_left() { [[ $(sessions) == 0 ]]; }
calm() { [[ $(sekisho status --json | jq -r .state) == running ]]; }

# --- a session, both families

for address in 192.0.2.25 2001:db8:40::25; do
	check "mail passes to $address" eval "eventually mail_passes $address || eventually mail_passes $address"
	check "a long one too" mail_passes $address 3000000
done
check "each is recorded" eventually recorded 4
check "sessions are counted" eventually eval '(($(number proxy_given) >= 4))'
check "and have ended" eventually none_left
same "none was brought by nobody" 0 "$(number proxy_strangers)"
same "nothing was queued" 0 "$(number inspected)"
slow long
same "the server sees the client's address" 10.20.0.2 "$(peers)"
same "the message arrives" "250*" "$(ends long)"
check "the flow counts connections, not packets" eval '(($(counter f_mail) >= 5 && $(counter f_mail) < 30))'
check "the guard is shown with its mode" eval "sekisho show guards '$home/rules' | grep -q 'mode *proxy'"
check "and what becomes of a packet" eval "sekisho query office/10.20.0.2 dmz/192.0.2.25 smtp --expect allow"
check "nothing is found around the policy, or in the rules" sekisho drift
check "all is well" eventually calm

# --- who accepts may nothing else

porter=$(child porter) inspector=$(child inspect)
same "the porter may have sockets of others, and nothing else" 0000000000001000 "$(of "$porter" CapEff)"
same "it is sealed" 2 "$(of "$porter" Seccomp)"
same "and gets no new rights" 1 "$(of "$porter" NoNewPrivs)"
check_not "it is not root" test "$(of "$porter" Uid)" = 0

# --- nobody comes to the listener but who is brought

for from in office wifi dmz internet; do
	check_not "$from does not reach the listener" reached $from "$(lab address $from 2>/dev/null || echo 10.20.0.1)" 15025
done
check_not "nor at a server's address" reached office 192.0.2.25 15025
check_not "another zone does not reach the server" reached wifi 192.0.2.25 25
check_not "nor another port" reached office 192.0.2.25 587
check_not "nor another server" reached office 192.0.2.26 25
same "none was brought by nobody" 0 "$(number proxy_strangers)"

# --- an apply, and another one, leave a message alone

slow live
check "the same policy again" eval "guarded <<<'  - { id: more, from: office, to: dmz, services: ntp }' | apply"
check "a message goes on" goes_on live
same "the message arrives" "250*" "$(ends live)"

# --- the porter is killed: what it gave goes on, new ones wait for the next

slow live
kill -9 "$porter"
check "another is started" replaced porter "$porter"
check "a message goes on" goes_on live
same "the message arrives" "250*" "$(ends live)"
check "new mail passes" eventually mail_passes
check "it is told" eventually told inspection-restarted "the porter"
porter=$(child porter)
kill -STOP "$porter"
check "one that stands still is replaced" eventually eval '[[ -n $(child porter) && $(child porter) != "$porter" ]]'
check "new mail passes" eventually mail_passes

# --- an inspector is killed: its sessions end

slow live
kill -9 "$inspector"
check "another is started" replaced inspect "$inspector"
same "the message is not passed on" "broken*" "$(ends live)"
check "new mail passes" eventually mail_passes
check "no session is left over" eventually none_left

# --- the routes are taken away: nothing passes by, and they come back

slow live
gw ip rule del pref 98
gw ip route flush table 15025
check "they are made again" eventually routed
check "a message goes on" goes_on live
same "the message arrives" "250*" "$(ends live)"
check "it is told" eventually told inspection-restarted "the routes"

# --- the daemon is killed: proxied mail stops, and comes back with it

check "" lab daemon kill
check_not "no mail passes" mail_passes
# With so few descriptors that not all can be held which could be.
check "it is back" eval '(ulimit -n 4096 && lab daemon start)'
check "and mail passes" eventually mail_passes
same "the limit of descriptors bounds what is held" 1848 "$(number proxy_room)"
check "which the status says" grep -q "LimitNOFILE=20880" <(sekisho status)
check "and the daemon when it starts" grep -q "holds 1848 sessions" "$home/sekishod.log"

# --- isolated: the host, the zone, the server

cuts() { # WHAT ISOLATED AS ...
	slow live
	check "$1 is isolated" sekisho isolate "${@:2}" --yes --own-judgment --reason drill
	touch "$work/live/end"
	sleep 1
	check_not "$1: the message does not arrive" test -s "$work/live/reply"
	check_not "$1: nor does a new one" mail_passes
	check "$1: reconnected" sekisho reconnect "${@:2}" --reason drill
	check "$1: mail passes" eventually mail_passes
}
cuts "the client" host 10.20.0.2
cuts "its zone" zone office
cuts "the server" host 192.0.2.25

# --- another mode: what began in one mode does not go on in the other

slow live
check "packets again" eval "mode=flow guarded </dev/null | apply"
check "what lives is judged by it" eventually reviewed
same "the message is not passed on" "broken*" "$(ends live)"
check "mail passes" eventually mail_passes
check "by packets" eventually eval '(($(number inspected) > 0))' # the ferry tells its numbers now and then
check "nobody accepts any more" eventually eval '[[ -z $(child porter) ]]'
check "and the routes are gone" eventually eval "! gw ip rule | grep -q 15025 && ! gw ip -6 rule | grep -q 15025"
slow live
check "sockets again" eval "guarded </dev/null | apply"
check "what lives is judged by it" eventually reviewed
check "what was read by packets is cut" told connection-cut mail
same "the message is not passed on" "broken*" "$(ends live)"
check "mail passes" eventually mail_passes
check "all is well" eventually calm
done_
