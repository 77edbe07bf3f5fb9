#!/bin/bash
# Proxy mode with translation of addresses: what servers see is what they would see without a proxy.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
guards: { mail: { protocol: smtp, mode: proxy, domains: [city.example.jp], senders: [office, dmz], tls-reason: a test } }
flows:
  - { id: office-out, from: office, to: internet, services: smtp, guard: mail }
  - { id: mail-out, from: dmz/mail, to: internet, services: smtp, guard: mail }
  - { id: mail-in, from: [internet, dmz], to: dmz/mail, services: [tcp/25, tcp/2525], guard: mail }
nat:
  - { id: hide, kind: masquerade, from: office, to: internet }
  - { id: source, kind: source, from: dmz/mail, to: internet, target: 203.0.113.25 }
  - { id: forward, kind: forward, from: internet, address: 203.0.113.80, services: smtp, target: dmz/mail,
      port: 2525, hairpin: true }
END
up internet=198.51.100.25
# A server that greets and says who it sees, and a client that prints that.
cat >"$work/server.py" <<'END'
import socket, sys, threading
def one(peer, name):
    peer.sendall(("220 %s sees you\r\n" % name[0]).encode())
    for line in peer.makefile("rb"):
        if line[:4].upper() == b"QUIT":
            break
        peer.sendall(b"250 fine\r\n")
    peer.sendall(b"221 bye\r\n")
    peer.close()
server = socket.create_server((sys.argv[1], int(sys.argv[2])), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
while True:
    peer, name = server.accept()
    threading.Thread(target=one, args=(peer, name), daemon=True).start()
END
cat >"$work/client.py" <<'END'
import socket, sys
peer = socket.create_connection((sys.argv[2], int(sys.argv[3])), 5, source_address=(sys.argv[1], 0))
lines = peer.makefile("rb")
greeting = lines.readline().decode().split()
peer.sendall(b"EHLO client.example\r\nQUIT\r\n")
lines.read()
print(greeting[0], greeting[1] if len(greeting) > 1 else "")
END
for at in "internet 198.51.100.25 25" "dmz 192.0.2.25 2525" "dmz 192.0.2.25 25"; do
	zone ${at%% *} nft insert rule inet lab_answer answer tcp dport "${at##* }" accept
	background ${at%% *} python3 "$work/server.py" ${at#* }
done
zone dmz ip addr add 192.0.2.77/24 dev eth0
seen() { zone "$1" timeout 8 python3 "$work/client.py" "${@:2}" 2>&1 | tail -n 1; } # ZONE FROM TO PORT
is_seen() { [[ $(seen "${@:2}") == "220 $1" ]]; }
soon() { eventually "$@" || eventually "$@"; }

check "a server sees the gate in place of the office" soon is_seen 198.19.255.1 office 10.20.0.2 198.51.100.25 25
check "and another address in place of the server's" soon is_seen 203.0.113.25 dmz 192.0.2.25 198.51.100.25 25
check "a forward leads to the server, which sees the client" soon is_seen 198.51.100.25 internet 198.51.100.25 203.0.113.80 25
check "one from the server's own zone sees the gate" soon is_seen 192.0.2.1 dmz 192.0.2.77 203.0.113.80 25
same "each was given to an inspector" 0 "$(($(sekisho status --json | jq '.proxy_failed + .proxy_unserved + .proxy_strangers')))"
same "none was queued" 0 "$(sekisho status --json | jq .inspected)"
check "the same policy again" sekisho apply
done_
