#!/bin/bash
# Mail on every way that a connection may take: source translation, both translations, a path whose MTU shrinks under a
# message, packets in pieces, IPv6 with an extension header.  What arrives is what was sent, and too much is refused.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
guards:
  mail: { protocol: smtp, domains: [city.example.jp], senders: office, size: 12MB, tls: clear-only,
          tls-reason: a leg of this test }
flows:
  - { id: mail, from: office, to: dmz/mail, services: smtp, guard: mail }
  - { id: mail-out, from: office, to: internet, services: smtp, guard: mail }
nat:
  - { id: office-out, kind: masquerade, from: office, to: internet }
  - { id: office-dmz, kind: source, from: office, to: dmz, target: 192.0.2.1 }
  - { id: seen, kind: forward, from: office, address: 203.0.113.25, services: smtp, target: dmz/mail }
END
up
for z in dmz internet; do
	mkdir "$work/$z"
	zone $z nft insert rule inet lab_answer answer tcp dport 25 accept
	background $z python3 "$here/mail_ends.py" server "$work/$z"
	check "a server listens in $z" eventually test -e "$work/$z/ready"
done
client() { zone "$1" timeout 120 python3 "$here/mail_ends.py" "${@:2}" 2>/dev/null; }
kept() { tail -n 1 "$work/$1/messages" 2>/dev/null | cut -d' ' -f1; }
count() { gw nft list counter inet seen "$1" | grep -o 'packets [0-9]*' | cut -d' ' -f2; }

# What came to the gate, before anything else.
gw nft -f - <<END
table inet seen {
	counter translated {}
	counter pieces {}
	counter options {}
	chain raw {
		type filter hook prerouting priority -500
		iifname lan-office ip frag-off & 0x3fff != 0 counter name pieces
		iifname lan-office exthdr dst exists counter name options
	}
	chain out {
		type filter hook postrouting priority 200
		tcp dport 25 ip saddr { 198.51.100.1, 192.0.2.1 } counter name translated
	}
}
END

whole() { # WHAT SERVER CLIENT CASE ADDRESS
	local said
	for size in 1000 3000000; do
		said=$(client "$3" "$4" "$5" $size)
		same "$1: $size bytes are taken" "* 250 2.0.0 taken" "$said"
		same "$1: as they were sent" "$(kept "$2")" "${said%% *}"
	done
}

whole "source translation" internet office honest 198.51.100.2
whole "both translations" dmz office honest 203.0.113.25
check "the addresses were translated" eval '(($(count translated) > 20))'
same "too much is refused behind both" "552 5.3.4 closed" "$(client office too_much 203.0.113.25 12500000)"

# --- an extension header.  One segment a packet: of larger ones some come out over the MTU with Linux 6.18, and the router
# drops them (PKT_TOO_BIG, before any rule), whoever inspects them or not.
zone office ip link set eth0 gso_max_segs 1
whole "destination options" dmz office options 2001:db8:40::25
check "they came to the gate" eval '(($(count options) > 20))'
same "too much is refused with them" "552 5.3.4 closed" "$(client office too_much 2001:db8:40::25 12500000)"

zone office ip link set eth0 gso_max_segs 65535

# --- a desk behind a router whose own line takes small packets: it cuts what the desk sends
zone office unshare -n sleep 600 &
desk=$!
children+=("$desk")
eventually eval '[[ $(readlink /proc/'$desk'/ns/net) != "$(readlink /proc/self/ns/net)" && $(cat /proc/'$desk'/comm) == sleep ]]'
at_desk() { nsenter --net=/proc/$desk/ns/net "$@"; }
zone office ip link add desk type veth peer name eth0 netns $desk
zone office sh -c 'ip link set desk up; ip addr add 10.20.9.1/32 dev desk; ip route add 10.20.9.9/32 dev desk
	sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.proxy_arp=1 net.ipv4.conf.eth0.proxy_arp=1
	ip link set eth0 mtu 700'
at_desk sh -c 'ip addr add 10.20.9.9/32 dev eth0; ip link set eth0 up; ip link set lo up
	ip route add 10.20.9.1/32 dev eth0; ip route add default via 10.20.9.1; sysctl -qw net.ipv4.ip_no_pmtu_disc=1'
said=$(at_desk timeout 120 python3 "$here/mail_ends.py" honest 192.0.2.25 300000 2>/dev/null)
same "in pieces: taken" "* 250 2.0.0 taken" "$said"
same "in pieces: as it was sent" "$(kept dmz)" "${said%% *}"
check "pieces came to the gate" eval '(($(count pieces) > 100))'
zone office ip link set eth0 mtu 1500

# --- a path that shrinks under a message
at_office() { zone office timeout 120 python3 "$here/mail_ends.py" shrinks 192.0.2.25 2000000 "$work/half" 2>/dev/null; }
at_office >"$work/shrunk" &
sender=$!
check "half a message is under way" eventually test -e "$work/half"
gw ip link set lan-dmz mtu 1000
touch "$work/half.go"
wait $sender
said=$(<"$work/shrunk")
same "over a path that shrinks: taken" "* 250 2.0.0 taken" "$said"
same "over a path that shrinks: as it was sent" "$(kept dmz)" "${said%% *}"
[[ $mode == proxy ]] || # where the gate's own TCP hears of it
	check "the sender heard of it" eval '[[ $(zone office ip route get 192.0.2.25) == *"mtu 1000"* ]]'
done_
