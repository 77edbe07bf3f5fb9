#!/usr/bin/env python3
# Two ends of mail for tests of the way between them.
#	mail_ends.py server FOLDER          keeps each message and how each session ended
#	mail_ends.py CASE ADDRESS [SIZE]    a client; prints what a test compares
import hashlib
import os
import socket
import sys
import threading
import time


class Lines:
    def __init__(self, sock):
        self.sock, self.rest = sock, b""

    def line(self):
        while b"\r\n" not in self.rest:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError
            self.rest += more
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line.decode("latin-1")

    def until(self, mark):
        parts, tail = [self.rest], self.rest[-8:]
        while mark not in tail and mark not in parts[-1]:
            more = self.sock.recv(1 << 20)
            if not more:
                raise EOFError
            parts.append(more)
            tail = (tail + more)[-len(more) - 8:]
        data = b"".join(parts)
        body, self.rest = data.split(mark, 1)
        return body


def serve(folder, sock, number):
    lines, ended = Lines(sock), "quit"

    def say(text):
        sock.sendall(text.encode() + b"\r\n")

    try:
        say("220 mail.city.example.jp ESMTP")
        while True:
            line = lines.line()
            word = line.upper()
            if word.startswith("EHLO"):
                say("250-mail.city.example.jp\r\n250-PIPELINING\r\n250-SIZE 20480000\r\n"
                    "250-CHUNKING\r\n250 8BITMIME")
            elif word.startswith("RCPT") and "refuse@" in line:
                say("550 5.1.1 no such person here")
            elif word.startswith(("MAIL", "RCPT", "RSET", "NOOP", "HELO")):
                say("250 2.0.0 fine")
            elif word == "DATA":
                say("354 go ahead")
                body = lines.until(b"\r\n.\r\n") + b"\r\n"
                with open(f"{folder}/messages", "a") as out:
                    out.write(hashlib.sha256(body).hexdigest() + f" {len(body)}\n")
                say("250 2.0.0 taken")
            elif word == "QUIT":
                say("221 2.0.0 bye")
                break
            else:
                say("500 5.5.1 what?")
    except EOFError:
        ended = "closed"
    except ConnectionResetError:
        ended = "reset"
    sock.close()
    with open(f"{folder}/sessions", "a") as out:
        out.write(f"{ended}\n")


def server(folder):
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", 25))
    listener.listen(100)
    open(f"{folder}/ready", "w").close()
    number = 0
    while True:
        sock, _ = listener.accept()
        number += 1
        threading.Thread(target=serve, args=(folder, sock, number), daemon=True).start()


class Client:
    def __init__(self, address, options=b""):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        if options:
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, options)
        if "CONGESTION" in os.environ:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, os.environ["CONGESTION"].encode())
        self.sock.connect((address, 25))
        self.lines = Lines(self.sock)
        self.answer()

    def answer(self):
        said = []
        while True:
            line = self.lines.line()
            said.append(line)
            if line[3:4] != "-":
                return said

    def command(self, text):
        self.sock.sendall(text.encode() + b"\r\n")
        return self.answer()

    def begin(self, to="b@city.example.jp", size=""):
        self.command("EHLO client.example")
        self.command("MAIL FROM:<a@other.example>" + size)
        return self.command(f"RCPT TO:<{to}>")[-1]

    def message(self, size):
        body = (b"x" * 70 + b"\r\n") * (size // 72 + 1)
        body = body[: size - 2] + b"\r\n"
        self.command("DATA")
        self.sock.sendall(body + b".\r\n")
        return hashlib.sha256(body).hexdigest(), self.answer()[-1]

    def ends(self):
        try:
            return "closed" if self.sock.recv(1) == b"" else "more"
        except ConnectionResetError:
            return "reset"


def honest(client, size):
    client.begin()
    digest, answer = client.message(size)
    client.command("QUIT")
    print(digest, answer)


# The same, with destination options (RFC 8200 4.6) in every packet: PadN.
def options(client, size):
    honest(client, size)


# Half of the message, a pause until FILE.go is there, and the rest.
def shrinks(client, size):
    client.begin()
    client.command("DATA")
    body = (b"x" * 70 + b"\r\n") * (size // 72)
    half = len(body) // 2
    client.sock.sendall(body[:half])
    open(sys.argv[4], "w").close()
    for _ in range(6000):
        if os.path.exists(sys.argv[4] + ".go"):
            break
        time.sleep(0.01)
    client.sock.sendall(body[half:] + b".\r\n")
    print(hashlib.sha256(body).hexdigest(), client.answer()[-1])


def extensions(client, _):
    print(" ".join(client.command("EHLO client.example")))


# A refusal by the gate is longer than the server's answer: all that follows is shifted.
def shifted(client, size):
    print(client.begin("c@third.example")[:9])
    print(client.begin("refuse@city.example.jp")[:9], client.command("RSET")[-1][:3])
    for _ in range(3):
        client.begin()
        print(client.command("RCPT TO:<d@third.example>")[-1][:9])
        print(*client.message(size))
    print(client.command("QUIT")[-1])


# More than may pass: the gate takes the client over.  It has to get the answer, see the end, and be
# able to close.
def too_much(client, size):
    client.begin()
    _, answer = client.message(size)
    print(answer[:9], client.ends())
    client.sock.shutdown(socket.SHUT_RDWR)
    client.sock.close()
    time.sleep(0.5)


# Every byte by itself, each waiting for the acknowledgement of the one before (Nagle).
def drops(client, _):
    text = b"EHLO client.example\r\nMAIL FROM:<a@other.example>\r\nRCPT TO:<b@city.example.jp>\r\n"
    for i in range(len(text)):
        client.sock.sendall(text[i : i + 1])
    for _ in range(3):
        answer = client.answer()
    print(answer[-1][:3])
    for part in (b"DA", b"TA\r", b"\n"):
        client.sock.sendall(part)
        time.sleep(0.01)
    print(client.answer()[-1][:3])
    body = b"one\r\ntwo\r\n"
    for part in (b"on", b"e\r", b"\ntwo\r\n", b".", b"\r", b"\n"):
        client.sock.sendall(part)
        time.sleep(0.01)
    print(hashlib.sha256(body).hexdigest(), client.answer()[-1])


if sys.argv[1] == "server":
    server(sys.argv[2])
else:
    begin = time.monotonic()
    padding = bytes([0, 0, 1, 4, 0, 0, 0, 0]) if sys.argv[1] == "options" else b""
    globals()[sys.argv[1]](Client(sys.argv[2], padding), int((sys.argv + [1000])[3]))
    print(f"{time.monotonic() - begin:.2f} s", file=sys.stderr)
