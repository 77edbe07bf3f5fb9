#!/usr/bin/env python3
# Both ends of mail that may be held.
#	mail_hold.py serve ADDRESS FOLDER     every byte after DATA goes to FOLDER/seen as it comes, whole messages to
#	                                      FOLDER/message-N with FOLDER/envelope-N; a recipient that stands in
#	                                      FOLDER/refuse is refused, in FOLDER/defer put off
#	mail_hold.py send ADDRESS FILE FROM TO...    says FILE as it is, without the dot at its end; prints the reply
#	mail_hold.py slow ADDRESS FILE FOLDER FROM TO...    the same, and stops in the middle until FOLDER/go is there
#	mail_hold.py make FILE NAME TEXT BYTES       a message with a text and one attachment of random bytes
import base64
import os
import random
import socket
import sys
import threading
import time


def names(folder, name):
    try:
        with open(f"{folder}/{name}") as file:
            return file.read().split()
    except OSError:
        return []


lock, count = threading.Lock(), 0


def take(folder, lines, sender, recipients):
    global count
    message = []
    with open(f"{folder}/seen", "ab", buffering=0) as seen:
        for line in lines:
            if line == b".\r\n":
                break
            seen.write(line)
            message.append(line)
        else:
            return False
    with lock:
        count += 1
        with open(f"{folder}/message-{count}.new", "wb") as file:
            file.writelines(message)
        with open(f"{folder}/envelope-{count}", "w") as file:
            file.write("\n".join([sender] + recipients) + "\n")
        os.rename(f"{folder}/message-{count}.new", f"{folder}/message-{count}")
    return True


def serve_one(peer, folder):
    lines = peer.makefile("rb")
    say = lambda text: peer.sendall(text.encode() + b"\r\n")
    sender, recipients = "", []
    try:
        say("220 sink.example ESMTP")
        for line in lines:
            text = line.decode(errors="replace").strip()
            verb = text[:4].upper()
            if verb == "EHLO":
                say("250-sink.example\r\n250-8BITMIME\r\n250 DSN")
            elif verb == "MAIL":
                sender, recipients = text, []
                say("250 2.1.0 fine")
            elif verb == "RCPT":
                address = text[text.find("<") + 1 : text.find(">")]
                if address in names(folder, "refuse"):
                    say("550 5.1.1 nobody of that name")
                elif address in names(folder, "defer"):
                    say("450 4.2.0 not now")
                else:
                    recipients.append(text)
                    say("250 2.1.5 fine")
            elif verb == "DATA":
                say("354 go on")
                if not take(folder, lines, sender, recipients):
                    return
                say("250 2.0.0 taken")
            elif verb == "QUIT":
                say("221 2.0.0 bye")
                return
            else:
                say("250 2.0.0 fine")
    except OSError:
        pass
    finally:
        peer.close()


def serve(address, folder):
    server = socket.create_server((address, 25), backlog=128)
    open(f"{folder}/ready", "w").close()
    while True:
        peer, _ = server.accept()
        threading.Thread(target=serve_one, args=(peer, folder), daemon=True).start()


def send(address, name, sender, recipients, folder=None):
    peer = socket.create_connection((address, 25), timeout=60)
    lines = peer.makefile("rb")

    def reply():
        text = b""
        while True:
            line = lines.readline()
            text += line
            if not line or line[3:4] != b"-":
                return text.decode().strip()

    reply()
    for command in ["EHLO client.example", f"MAIL FROM:<{sender}>"] + [f"RCPT TO:<{to}>" for to in recipients] + ["DATA"]:
        peer.sendall(command.encode() + b"\r\n")
        answer = reply()
    if not answer.startswith("354"):
        print(answer)
        return
    with open(name, "rb") as file:
        message = file.read()
    try:
        if folder:
            peer.sendall(message[: len(message) // 2])
            open(f"{folder}/half", "w").close()
            while not os.path.exists(f"{folder}/go"):
                time.sleep(0.02)
            message = message[len(message) // 2 :]
        peer.sendall(message + b".\r\n")
        print(reply())
    except OSError as error:
        print(error)


def make(name, attachment, text, size):
    random.seed(f"{name} {text}")
    encoded = base64.encodebytes(random.randbytes(size)).replace(b"\n", b"\r\n")
    head = f"From: a@city.example.jp\r\nTo: b@other.example\r\nSubject: =?UTF-8?B?6KiI55S7?= =?UTF-8?Q?=1B[2J=E2=80=AEtxt?=\r\nDate: Thu, 26 Nov 2026 10:00:00 +0900\r\nMessage-ID: <{random.random()}@x>\r\n"
    head += "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
    head += f"\r\n{text}\r\n..a line with a dot\r\n--b\r\nContent-Type: application/octet-stream\r\n"
    head += f'Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="{attachment}"\r\n\r\n'
    with open(name, "wb") as file:
        file.write(head.encode() + encoded + b"--b--\r\n")


if sys.argv[1] == "serve":
    serve(sys.argv[2], sys.argv[3])
elif sys.argv[1] == "send":
    send(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
elif sys.argv[1] == "slow":
    send(sys.argv[2], sys.argv[3], sys.argv[5], sys.argv[6:], sys.argv[4])
else:
    make(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
