#!/usr/bin/env python3
# Mail in the emulated machine: a server that offers TLS and keeps nothing, and a client.
#	mail.py serve ADDRESS PORT CHAIN KEY  tells of each message: "got tls|clear FROM-ADDRESS"
#	mail.py send ADDRESS PORT clear|ROOT [NAME]
#	                                      sends a message, by TLS if the file of a root is given, with a file NAME attached;
#	                                      prints the last reply
#	mail.py hold ADDRESS PORT FOLDER      is in the middle of a message until FOLDER/end is there; FOLDER/held, FOLDER/reply
#	mail.py modules                       the files of Python's own that it needs
import os
import smtplib
import socket
import ssl
import sys
import threading
import time

GATE = "gate.city.example.jp"


def serve_one(peer, source, context):
    lines, how = peer.makefile("rb"), "clear"
    say = lambda text: peer.sendall(text.encode() + b"\r\n")
    try:
        say("220 sink.example ESMTP")
        while line := lines.readline():
            verb = line[:8].upper().split()[0]
            if verb == b"EHLO":
                say("250-sink.example\r\n250-STARTTLS\r\n250 8BITMIME" if how == "clear" else "250 sink.example")
            elif verb == b"STARTTLS":
                say("220 2.0.0 begin")
                peer = context.wrap_socket(peer, server_side=True)
                lines, how = peer.makefile("rb"), "tls"
            elif verb == b"DATA":
                say("354 go on")
                while (line := lines.readline()) not in (b".\r\n", b""):
                    pass
                if not line:
                    return
                print("got", how, source, flush=True)
                say("250 2.0.0 taken")
            elif verb == b"QUIT":
                say("221 2.0.0 bye")
                return
            else:
                say("250 2.0.0 fine")
    except OSError:
        pass
    finally:
        peer.close()


def serve(address, port, chain, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.create_server((address, int(port)), family=family)
    while True:
        peer, name = server.accept()
        threading.Thread(target=serve_one, args=(peer, name[0], context), daemon=True).start()


def message(name):
    text = "From: a@city.example.jp\r\nTo: b@other.example\r\nSubject: a test\r\nMIME-Version: 1.0\r\n"
    if not name:
        return text + "\r\nWords.\r\n"
    return text + ("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nWords.\r\n--b\r\n"
                   f"Content-Disposition: attachment; filename={name}\r\n\r\nMZ or not\r\n--b--\r\n")


def client(address, port):
    return smtplib.SMTP(address, int(port), local_hostname="client.example", timeout=60)


def send(address, port, root, name=None):
    try:
        with client(address, port) as server:
            if root != "clear":
                server._host = GATE
                server.starttls(context=ssl.create_default_context(cafile=root))
            server.sendmail("a@city.example.jp", ["b@other.example"], message(name))
        print(250)
    except smtplib.SMTPResponseException as error:
        print(error.smtp_code, error.smtp_error.decode("utf-8", "replace"))
    except OSError as error:
        print("broken", error)


def hold(address, port, folder):
    reply = "broken"
    try:
        server = client(address, port)
        server.ehlo()
        server.mail("a@city.example.jp")
        server.rcpt("b@other.example")
        server.docmd("DATA")
        server.send(message(None))
        open(f"{folder}/held", "w").close()
        while not os.path.exists(f"{folder}/end"):
            time.sleep(0.2)
            server.send("more\r\n")
        server.send(".\r\n")
        reply = str(server.getreply()[0])
    except (OSError, smtplib.SMTPException) as error:
        reply = f"broken {error}"
    with open(f"{folder}/reply", "w") as file:
        print(reply, file=file)


def modules():
    "name".encode("idna")
    b"\xff".decode("utf-8", "replace")
    for module in list(sys.modules.values()):
        for name in (getattr(module, "__file__", None), getattr(module, "__cached__", None)):
            if name and os.path.isfile(name) and name != os.path.abspath(__file__):
                print(os.path.realpath(name))


if __name__ == "__main__":
    {"serve": serve, "send": send, "hold": hold, "modules": modules}[sys.argv[1]](*sys.argv[2:])
