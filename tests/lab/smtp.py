#!/usr/bin/env python3
# A mail server that keeps nothing, and a client that takes its time.
#	smtp.py serve ADDRESS PORT            answers; tells on standard output "got BYTES SHA256" of each message
#	smtp.py mail ADDRESS PORT BYTES [pieces]
#	                                      sends one message at once, or with its commands in pieces; prints the
#	                                      reply, or what broke
#	smtp.py slow ADDRESS PORT FOLDER [SOURCE]
#	                                      sends a line of a message every 20 ms until FOLDER/end is there;
#	                                      FOLDER/lines has how many, FOLDER/reply the reply, or what broke
import hashlib
import os
import socket
import sys
import threading
import time


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def read_message(lines):
    size, digest = 0, hashlib.sha256()
    for line in lines:
        if line == b".\r\n":
            return f"{size} {digest.hexdigest()}"
        size += len(line)
        digest.update(line)
    return None


def serve_one(peer):
    lines = peer.makefile("rb")
    say = lambda text: peer.sendall(text.encode() + b"\r\n")
    try:
        say("220 sink.example ESMTP")
        for line in lines:
            verb = line[:4].upper()
            if verb == b"EHLO":
                say("250-sink.example\r\n250-SIZE 50000000\r\n250 8BITMIME")
            elif verb == b"DATA":
                say("354 go on")
                got = read_message(lines)
                if got is None:
                    return
                print("got", got, flush=True)
                say("250 2.0.0 " + got)
            elif verb == b"QUIT":
                say("221 2.0.0 bye")
                return
            else:
                say("250 2.0.0 fine")
    except OSError:
        pass
    finally:
        peer.close()


def serve(address, port):
    server = socket.create_server((address, port), family=family(address), backlog=128)
    while True:
        threading.Thread(target=serve_one, args=[server.accept()[0]], daemon=True).start()


class Client:
    def __init__(self, address, port, seconds, source=None, pieces=False):
        here = (source, 0) if source else None
        self.pieces = pieces
        self.socket = socket.create_connection((address, port), timeout=seconds, source_address=here)
        self.lines = self.socket.makefile("rb")
        self.reply()
        for command in ("EHLO client.example", "MAIL FROM:<a@city.example.jp>",
                        "RCPT TO:<b@city.example.jp>", "DATA"):
            self.send(command.encode() + b"\r\n")
            self.reply()

    def send(self, data):
        if self.pieces and len(data) < 100:
            self.socket.sendall(data[:5])
            time.sleep(0.05)
            data = data[5:]
        self.socket.sendall(data)

    def reply(self):
        while True:
            line = self.lines.readline()
            if not line:
                raise OSError("closed")
            if line[3:4] != b"-":
                break
        if line[:1] not in b"23":
            raise OSError("refused: " + line.decode().strip())
        return line.decode().strip()

    def finish(self):
        self.send(b".\r\n")
        reply = self.reply()
        self.send(b"QUIT\r\n")
        return reply


def write(folder, name, text):
    with open(f"{folder}/{name}.new", "w") as out:
        out.write(text + "\n")
    os.rename(f"{folder}/{name}.new", f"{folder}/{name}")


def mail(address, port, size, pieces=False):
    line = b"x" * 76 + b"\r\n"
    client = Client(address, port, 4, pieces=pieces)
    client.send(line * (size // len(line)))
    print(client.finish())


def slow(address, port, folder, source=None):
    client, n = Client(address, port, 4, source), 0
    while not os.path.exists(f"{folder}/end"):
        client.send(b"line %d\r\n" % n)
        n += 1
        write(folder, "lines", str(n))
        time.sleep(0.02)
    write(folder, "reply", client.finish())


what, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
try:
    if what == "serve":
        serve(address, port)
    elif what == "mail":
        mail(address, port, int(sys.argv[4]), "pieces" in sys.argv)
    else:
        slow(address, port, *sys.argv[4:])
except OSError as error:
    if what == "slow":
        write(sys.argv[4], "reply", f"broken: {error}")
    else:
        print("broken:", error)
        sys.exit(1)
