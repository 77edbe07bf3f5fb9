#!/bin/bash
# The control socket: garbage, half messages and crowds harm nobody but themselves; who may what goes
# by role.
#
#   office 10.20.0.0/16, fd00:20::/64 ---- lan-office +---------+ lan-dmz ---- dmz 192.0.2.0/24, 2001:db8:40::/64
#   wifi 172.16.0.0/20 ------------------- lan-wifi   | sekisho | wan-inet --- internet (everything else)
#                                                     +---------+
. "$(dirname "$0")/case.sh"

policy <<END
flows:
  - { id: web, from: office, to: dmz/web, services: http }
END
up
pid=$(lab daemon pid)
hostile=$(gw python3 - "$home/run/control.sock" <<'END'
import os, socket, struct, sys
path = sys.argv[1]
MAGIC, PROTOCOL = 0x314b5353, 1
def head(method=1, length=0, magic=MAGIC, protocol=PROTOCOL, flags=0):
    return struct.pack("=IHHIHHII", magic, protocol, method, 7, flags, 0, length, 0)
packets = [b"", b"x", b"\0" * 23, b"\xff" * 24, head()[:10], head(magic=1), head(protocol=99),
    head(method=999), head(method=2, length=4000000000), head(method=2, length=5),
    head(method=2, length=4) + b"\xff\xff\xff\xff", head(method=3, length=65000) + b"A" * 65000,
    head(flags=1), head(flags=0xffff), os.urandom(60000)]
ended = 0
for packet in packets:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(3)
    s.connect(path)
    try:
        if packet:
            s.send(packet)
        s.shutdown(socket.SHUT_WR)
        while s.recv(1 << 20):
            pass
        ended += 1
    except ConnectionError:
        ended += 1
    except TimeoutError:
        print("hangs on", packet[:24].hex())
crowd = []
try:
    for _ in range(300):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.setblocking(False)
        s.connect(path)
        crowd.append(s)
except OSError:
    pass
print("ended", ended, "of", len(packets))
END
)
same "every bad client is ended" "ended 15 of 15" "$hostile"
check "the daemon answers still" sekisho status
same "the same one" "$pid" "$(lab daemon pid)"
check "it is alive" kill -0 "$pid"
chmod o+x "$home/run" 2>/dev/null

# Who may what: each role, by the groups of the person who calls; what is refused is recorded.
for who in guest: viewer:view clerk:isolate operator:operate approver:approve \
	auditor:audit both:"operate audit"; do
	lab person "${who%%:*}" ${who#*:}
done
refused() { ! lab as "$@" >"$work/refused" 2>&1 && grep -q "you may not call" "$work/refused"; }
for who in viewer clerk operator approver auditor both; do
	check "$who may see" lab as "$who" status
done
check "a guest may not see" refused guest status
for who in guest viewer clerk approver auditor both; do
	check "$who may not apply" refused "$who" apply "$home/rules"
done
check "it names the group" grep -q sekisho-operate "$work/refused"
same "and the attempt is recorded with the person" 1 \
	"$(grep '"call-refused"' "$home/events" | grep '"actor":"clerk"' | grep -c '"method":"apply"')"
check_not "an operator may apply" refused operator apply "$home/rules"

# A thousand clients at once, all of root: each is answered.  A guest's crowd shuts nobody out.
crowd=$(gw python3 - "$home/run/control.sock" <<'END'
import os, socket, struct, sys
path, MAGIC = sys.argv[1], 0x314b5353
ping = struct.pack("=IHHIHHII", MAGIC, 1, 1, 7, 0, 0, 0, 0)
def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(20)
    s.connect(path)
    return s
crowd = [connect() for _ in range(1000)]
for s in crowd:
    s.send(ping)
print(sum(1 for s in crowd if len(s.recv(1 << 16)) > 24), "answered")
for s in crowd:
    s.close()
if os.fork() == 0: # a guest
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    held = []
    try:
        for _ in range(300):
            held.append(connect())
            held[-1].send(ping)
            held[-1].setblocking(True)
    except OSError:
        pass
    open_still = 0
    for s in held:
        try:
            open_still += len(s.recv(1 << 16)) > 0
        except OSError:
            pass
    os._exit(0 if 0 < open_still <= 32 else 1)
print("guest", os.waitstatus_to_exitcode(os.wait()[1]))
s = connect()
s.send(ping)
print("root", len(s.recv(1 << 16)) > 24)
END
)
same "a thousand clients" "1000 answered*guest 0*root True" "$(tr '\n' ' ' <<<"$crowd" | sed 's/ $//')"

# Requests broken at random, of somebody who may see and of somebody who may nothing.
seed=${SEED:-$RANDOM}
echo "seed $seed"
viewer=$(awk -F: '$1 == "viewer" { print $3 }' "$home/etc/passwd")
for who in "$viewer" 65534; do
	fuzzed=$(gw python3 "$here/socket_fuzz.py" "$home/run/control.sock" 2000 "$seed" "$who")
	same "2000 broken requests of uid $who (seed $seed)" "*, 0 silent" "$fuzzed"
done
same "the same daemon" "$pid" "$(lab daemon pid)"
check "root may" sekisho apply
probes <<END
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80
	silent        | wifi 172.16.0.9 192.0.2.80 tcp/80
END

done_
