#!/usr/bin/env python3
# A scanner of a few words, for what the real one cannot be made to say.
#	clamd.py PATH FOLDER
# Speaks clamd's INSTREAM and VERSION on the socket PATH.  FOLDER/version is its answer to VERSION;
# FOLDER/verdict what it says of a message ("hang": nothing), and FOLDER/scanned counts them;
# FOLDER/delay: seconds before that; FOLDER/slow: it takes 400 KB a second.  FOLDER/last is the last message as it came.
import os
import socket
import struct
import sys
import threading
import time

path, folder = sys.argv[1:3]


def word(name, otherwise):
    try:
        with open(os.path.join(folder, name)) as file:
            return file.read().rstrip("\n")
    except FileNotFoundError:
        return otherwise


def exactly(peer, n):
    got = b""
    while len(got) < n:
        more = peer.recv(min(16384, n - len(got)))
        if not more:
            raise EOFError
        got += more
        if os.path.exists(os.path.join(folder, "slow")):
            time.sleep(len(more) / 400000)
    return got


def message(peer):
    got = bytearray()
    while True:
        (n,) = struct.unpack(">I", exactly(peer, 4))
        if n == 0:
            return bytes(got)
        got += exactly(peer, n)


def serve(peer):
    try:
        command = b""
        while not command.endswith(b"\0"):
            command += exactly(peer, 1)
        if command == b"zVERSION\0":
            peer.sendall(word("version", "Fake 1").encode() + b"\0")
            return
        got = message(peer)
        with open(os.path.join(folder, "last"), "wb") as file:
            file.write(got)
        with open(os.path.join(folder, "scanned"), "a") as file:
            file.write("x")
        time.sleep(float(word("delay", "0")))
        verdict = word("verdict", "stream: OK")
        if verdict == "hang":
            peer.recv(1)
        else:
            peer.sendall(verdict.encode() + b"\0")
    except (EOFError, OSError):
        pass
    finally:
        peer.close()


with socket.socket(socket.AF_UNIX) as server:
    server.bind(path)
    os.chmod(path, 0o666)
    server.listen(64)
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
