#!/usr/bin/env python3
# Well-formed requests of the control socket, broken at random, against a living daemon.
#	socket_fuzz.py SOCKET COUNT SEED UID
# Prints how many packets were answered, how many ended their client, and how often nothing came.
import os
import random
import socket
import struct
import sys

path, count, seed, uid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
MAGIC, METHODS, TAGS = 0x314B5353, 40, 120
dice = random.Random(seed)
if uid:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def field(tag, kind, value):
    return struct.pack("=HBBI", tag, kind, 0, len(value)) + value + b"\0" * (-len(value) % 8)


def fields():
    out = b""
    for _ in range(dice.randrange(6)):
        kind = dice.randrange(6)
        long = dice.choice([0, 1, 8, 8, 8, 24, 300, 2000])
        out += field(dice.randrange(1, TAGS), kind, dice.randbytes(8 if 0 < kind < 4 else long))
    return out


def broken(packet):
    packet = bytearray(packet)
    for _ in range(dice.randrange(4)):
        what = dice.randrange(4)
        at = dice.randrange(len(packet)) if packet else 0
        if what == 0 and packet:
            packet[at] = dice.randrange(256)
        elif what == 1 and packet:
            packet[at] ^= 1 << dice.randrange(8)
        elif what == 2:
            del packet[at:]
        else:
            packet[at:at] = dice.randbytes(dice.randrange(1, 40))
    return bytes(packet)


def packet():
    body = fields()
    head = struct.pack("=IHHIHHII", MAGIC, 1, dice.randrange(METHODS), dice.randrange(1 << 32), 0, 0, len(body), 0)
    return broken(head + body)


answered = ended = silent = 0
for _ in range(count):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.settimeout(20)
    client.connect(path)
    try:
        client.send(packet() or b"\0")
        client.shutdown(socket.SHUT_WR)
        got = client.recv(1 << 17)
        answered += len(got) > 0
        ended += len(got) == 0
    except ConnectionError:
        ended += 1
    except TimeoutError:
        silent += 1
    client.close()
print(f"{answered} answered, {ended} ended, {silent} silent")
