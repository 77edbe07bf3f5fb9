"""Says lines of SMTP and prints the answers: "COMMAND -> CODE TEXT" each, "closed" at the end.

    smtp_say.py ADDRESS [PORT [OWN-ADDRESS]] <LINES

A line is sent with CRLF and its answer awaited.  "raw TEXT" sends TEXT (with Python's escapes) as it
is and waits for nothing; "wait" waits for an answer, "pause SECONDS" for none.  Lines are taken as
they come, so that a session can be led from outside.
"""
import itertools
import socket
import sys
import time


def answer(file):
    last = ""
    while True:
        line = file.readline(2000)
        if not line:
            return None
        last = line.decode(errors="replace").rstrip("\r\n")
        if last[3:4] != "-":
            return last


def main():
    address, port = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 25
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as peer:
        peer.settimeout(8)
        if len(sys.argv) > 3:
            peer.bind((sys.argv[3], 0))
        peer.connect((address, port))
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = peer.makefile("rb")
        try:
            for line in itertools.chain(["wait"], map(str.rstrip, sys.stdin)):
                if line.startswith("raw "):
                    peer.sendall(line[4:].encode().decode("unicode_escape").encode("latin-1"))
                    continue
                if line.startswith("pause "):
                    time.sleep(float(line[6:]))
                    continue
                if line != "wait":
                    peer.sendall(line.encode() + b"\r\n")
                got = answer(file)
                if got is None:
                    print(f"{line} -> closed", flush=True)
                    return
                print(f"{line} -> {got}", flush=True)
        except TimeoutError:
            print("silence")
        except ConnectionError as error:
            print(f"closed: {error.strerror}")


main()
