#!/usr/bin/env python3
# A session of which one command is held by the gate, since the server is slow to answer the one before.
#	mail_held.py server ADDRESS FOLDER    answers MAIL when FOLDER/answer is there; lines go to FOLDER/server
#	mail_held.py client ADDRESS FOLDER    sends RSET after MAIL when FOLDER/more is there; answers go to FOLDER/client
# Both end when FOLDER/end is there.
import os
import socket
import sys
import time

role, address, folder = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET


def there(name):
    return os.path.exists(f"{folder}/{name}")


def wait_for(name):
    while not there(name) and not there("end"):
        time.sleep(0.01)


def note(line):
    with open(f"{folder}/{role}", "ab") as file:
        file.write(line)


def serve(peer):
    peer.sendall(b"220 slow.example ESMTP\r\n")
    for line in peer.makefile("rb"):
        note(line)
        if line.startswith(b"MAIL"):
            wait_for("answer")
        peer.sendall(b"250 fine\r\n")


def lead(peer):
    lines = peer.makefile("rb")
    lines.readline()
    peer.sendall(b"EHLO client.example\r\n")
    note(lines.readline())
    peer.sendall(b"MAIL FROM:<a@city.example.jp>\r\n")
    wait_for("more")
    peer.sendall(b"RSET\r\n")
    while True:
        note(lines.readline())


def main():
    if role == "server":
        with socket.create_server((address, 25), family=family) as server:
            peer = server.accept()[0]
    else:
        peer = socket.create_connection((address, 25))
    if os.fork() == 0:
        (serve if role == "server" else lead)(peer)
        os._exit(0)
    child = True
    while child and not there("end"):
        time.sleep(0.02)
    os.killpg(0, 9)


os.setpgid(0, 0)
main()
