#!/usr/bin/env python3
# Sessions that take an inspector's memory: commands that wait for the answer to EHLO, from a server that gives none.
#	mute.py serve ADDRESS         greets, and says nothing more
#	mute.py fill ADDRESS FOLDER   opens one session after the other until FOLDER/end is there, 2000 at the most;
#	                              FOLDER/sessions has how many.  Their sources are 10.20.8.0/24
import os
import resource
import socket
import sys

PORT, SESSIONS_MAX, WAITING = 25, 2000, b"EHLO client.example\r\n" + b"NOOP\r\n" * 2000

role, address = sys.argv[1:3]
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
peers = []
if role == "serve":
    server = socket.create_server((address, PORT), backlog=1024)
    while True:
        peers.append(server.accept()[0])
        peers[-1].sendall(b"220 mute.example ESMTP\r\n")
while not os.path.exists(f"{sys.argv[3]}/end") and len(peers) < SESSIONS_MAX:
    try:
        source = f"10.20.8.{len(peers) % 250 + 1}"
        peer = socket.create_connection((address, PORT), timeout=2, source_address=(source, 0))
        peer.recv(100)
        peer.sendall(WAITING)
        peers.append(peer)
    except OSError:
        pass  # the inspector was just replaced
    with open(f"{sys.argv[3]}/sessions", "w") as file:
        print(len(peers), file=file)
