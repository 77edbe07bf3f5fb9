#!/usr/bin/env python3
"""A conversation that goes on: a line every few milliseconds, over TCP or UDP, and its echo.

talk.py serve ADDRESS PORT             answers on both
talk.py talk tcp|udp ADDRESS PORT FILE writes to FILE how many echoes have come back so far
"""
import os, select, socket, sys, time

def serve(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    tcp = socket.create_server((address, port), family=family)
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.bind((address, port))
    clients = []
    while True:
        for ready in select.select([tcp, udp] + clients, [], [])[0]:
            if ready is tcp:
                clients.append(tcp.accept()[0])
            elif ready is udp:
                data, sender = udp.recvfrom(100)
                udp.sendto(data, sender)
            else:
                try:
                    data = ready.recv(1000)
                    ready.sendall(data)
                except OSError:
                    data = b""
                if not data:
                    clients.remove(ready)
                    ready.close()

def talk(protocol, address, port, path):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    talker = socket.socket(family, kind)
    talker.connect((address, port))
    talker.setblocking(False)
    fd = os.open(path, os.O_CREAT | os.O_WRONLY)
    got = 0
    while True:
        try:
            talker.send(b"words\n")
        except (BlockingIOError, ConnectionRefusedError, PermissionError):
            pass
        if select.select([talker], [], [], 0.003)[0]:
            try:
                got += len(talker.recv(65536)) // 6
            except OSError:
                pass
        os.pwrite(fd, b"%d\n" % got, 0)
        time.sleep(0.002)

if sys.argv[1] == "serve":
    serve(sys.argv[2], int(sys.argv[3]))
else:
    talk(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
