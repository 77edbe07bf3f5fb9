#!/usr/bin/env python3
# Many messages, each source in a session of its own.
#	mail_burst.py ADDRESS MESSAGES RECIPIENT SOURCE ...		(SENDER in the environment)
# Prints for each source how many were taken and the last reply: "20 451 4.7.1 ...".  A session ends at the first
# message that is not taken; where the recipient is refused, or the session is, another is not tried.
import os
import socket
import sys

SENDER = os.environ.get("SENDER", "a@city.example.jp")


def reply(lines):
    while True:
        line = lines.readline().decode(errors="replace").rstrip()
        if line[3:4] != "-":
            return line or "closed"


def send(peer, lines, recipient):
    for command in (f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{recipient}>", "DATA", "Subject: x\r\n\r\nx\r\n."):
        peer.sendall(command.encode() + b"\r\n")
        got = reply(lines)
        if got[0] not in "23":
            return got
    return got


def burst(address, messages, recipient, source):
    taken, got = 0, ""
    with socket.create_connection((address, 25), timeout=8, source_address=(source, 0)) as peer:
        lines = peer.makefile("rb")
        reply(lines)
        peer.sendall(b"EHLO client.example\r\n")
        reply(lines)
        while taken < messages:
            got = send(peer, lines, recipient)
            if got[0] != "2":
                break
            taken += 1
    print(taken, got, flush=True)


for source in sys.argv[4:]:
    try:
        burst(sys.argv[1], int(sys.argv[2]), sys.argv[3], source)
    except OSError as error:
        print("0 broken:", error, flush=True)
