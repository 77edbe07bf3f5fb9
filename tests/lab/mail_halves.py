#!/usr/bin/env python3
# Clients that begin commands and never end them, each in many small packets, which the gate has to hold.
#	mail_halves.py ADDRESS CONNECTIONS FOLDER SOURCE ...    FOLDER/ready once all are there; goes on until it is ended
import socket
import sys
import time

address, n, folder, sources = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
peers = []
for i in range(n):
    peer = socket.create_connection((address, 25), timeout=10, source_address=(sources[i % len(sources)], 0))
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.recv(1000)
    peers.append(peer)
for _ in range(10):
    for peer in peers:
        try:
            peer.send(b"x")
        except OSError:
            pass
open(f"{folder}/ready", "w").close()
while True:
    time.sleep(0.2)
    for peer in peers:
        try:
            peer.send(b"x")
        except OSError:
            pass
