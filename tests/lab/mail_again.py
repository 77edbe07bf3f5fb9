#!/usr/bin/env python3
# Two connections between the same ends, one after the other; the first is let go unread after STARTTLS.
#	mail_again.py server ADDRESS FILE   a server that breaks off after STARTTLS; FILE has the lines that it got
#	mail_again.py client ADDRESS PORT   the same port of its own twice; prints the last answer, or what broke
import socket
import struct
import sys


def serve(address, name):
    server = socket.create_server((address, 25))
    while True:
        peer, _ = server.accept()
        lines = peer.makefile("rb")
        peer.sendall(b"220 mail.city.example.jp ESMTP\r\n")
        for line in lines:
            with open(name, "a") as out:
                out.write(line.decode())
            if line.startswith(b"EHLO"):
                peer.sendall(b"250-mail.city.example.jp\r\n250-STARTTLS\r\n250 CHUNKING\r\n")
            elif line.startswith(b"STARTTLS"):
                peer.sendall(b"220 go on\r\n")
                peer.recv(100)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                break
            else:
                peer.sendall(b"250 2.0.0 fine\r\n")
        lines.close()
        peer.close()


def connect(address, port):
    peer = socket.socket()
    peer.settimeout(3)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    peer.bind(("", port))
    peer.connect((address, 25))
    peer.recv(1000)
    return peer


def say(peer, line):
    peer.sendall(line + b"\r\n")
    answer = peer.recv(1000)
    if not answer:
        raise OSError("closed")
    return answer.decode().splitlines()[-1]


def client(address, port):
    first = connect(address, port)
    say(first, b"EHLO client.example")
    say(first, b"STARTTLS")
    first.sendall(b"\x16\x03\x01" + b"x" * 200)
    try:
        first.recv(100)
    except ConnectionResetError:
        pass
    first.close()
    second = connect(address, port)
    for line in (b"EHLO client.example", b"MAIL FROM:<a@other.example>"):
        say(second, line)
    print(say(second, b"RCPT TO:<victim@third.example>"))


if sys.argv[1] == "server":
    serve(sys.argv[2], sys.argv[3])
try:
    client(sys.argv[2], int(sys.argv[3]))
except OSError as error:
    print("broken:", error)
