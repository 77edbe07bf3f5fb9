#!/bin/bash
# The control socket: others than root, garbage and half messages harm nobody but themselves.
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
nobody() { gw setpriv --reuid=65534 --regid=65534 --clear-groups "$BUILD/sekisho" "$@" --socket "$home/run/control.sock"; }
chmod o+x "$home/run" 2>/dev/null
check_not "nobody may not apply" nobody apply "$home/rules"
check_not "nobody may not see" nobody status
check "root may" sekisho apply
probes <<END
	arrived dmz * | office 10.20.0.9 192.0.2.80 tcp/80
	silent        | wifi 172.16.0.9 192.0.2.80 tcp/80
END

done_
