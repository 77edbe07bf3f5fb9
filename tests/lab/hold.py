#!/usr/bin/env python3
# Holds the packets of an NFQUEUE and accepts them when told.
#	hold.py QUEUE FOLDER
# FOLDER/held has the number of packets that are held; when FOLDER/go appears they are accepted, one
# by one, and FOLDER/go goes away.  Ends after a minute.
import os
import socket
import struct
import sys
import time

queue, folder = int(sys.argv[1]), sys.argv[2]
NETFILTER, QUEUE, REQUEST, PACKET, VERDICT, CONFIG = 12, 3, 1, 0, 1, 2
BIND, COPY_PACKET, ACCEPT = 1, 2, 1


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def message(kind, attributes):
    body = struct.pack("=BBH", 0, 0, socket.htons(queue)) + attributes
    return struct.pack("=IHHII", 16 + len(body), QUEUE << 8 | kind, REQUEST, 0, 0) + body


def packet_id(data):
    at = 20  # after the netlink and the netfilter head
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if kind & 0x3FFF == 1:  # NFQA_PACKET_HDR
            return struct.unpack_from("!I", data, at + 4)[0]
        at += max(4, (length + 3) & ~3)
    return None


kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETFILTER)
kernel.bind((0, 0))
kernel.send(message(CONFIG, attribute(1, struct.pack("!BBH", BIND, 0, 0))))
kernel.send(message(CONFIG, attribute(2, struct.pack("!IB", 128, COPY_PACKET))))
kernel.setblocking(False)
held, end = [], time.monotonic() + 60


def tell():
    with open(f"{folder}/held.new", "w") as out:
        out.write(f"{len(held)}\n")
    os.rename(f"{folder}/held.new", f"{folder}/held")


tell()
while time.monotonic() < end:
    try:
        data = kernel.recv(65536)
        if struct.unpack_from("=H", data, 4)[0] == (QUEUE << 8 | PACKET):
            held.append(packet_id(data))
            tell()
    except BlockingIOError:
        time.sleep(0.005)
    if os.path.exists(f"{folder}/go"):
        for number in held:
            kernel.send(message(VERDICT, attribute(2, struct.pack("!II", ACCEPT, number))))
        held.clear()
        tell()
        os.unlink(f"{folder}/go")
