#!/usr/bin/env python3
# Listens at PORT of every address, for what is brought there, and accepts nothing.
import signal
import socket
import sys

TRANSPARENT = {socket.AF_INET: (socket.IPPROTO_IP, 19), socket.AF_INET6: (socket.IPPROTO_IPV6, 75)}
sockets = []
for family, option in TRANSPARENT.items():
    one = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.setsockopt(*option, 1)
    one.bind(("", int(sys.argv[1])))
    one.listen()
    sockets.append(one)
signal.pause()
