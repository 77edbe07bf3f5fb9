"""A file server and client that are just enough of FTP (RFC 959, RFC 2428) to need a helper.

ftp.py serve                              control on port 21, v4 and v6
ftp.py get ADDRESS passive|active         prints "data", or "blocked"
"""
import re
import socket
import sys
import threading

TIMEOUT = 1.5


def endpoint(sock):
    address, port = sock.getsockname()[:2]
    return address.removeprefix("::ffff:"), port


def six(address, port):
    return ",".join(address.split(".") + [str(port >> 8), str(port & 255)])


def parse(text):
    extended = re.search(r"\|\|\|(\d+)\|", text)
    if extended:
        return None, int(extended[1])
    full = re.search(r"\|\d\|([^|]+)\|(\d+)\|", text)
    if full:
        return full[1], int(full[2])
    numbers = re.search(r"(\d+,\d+,\d+,\d+),(\d+),(\d+)", text)
    return numbers[1].replace(",", "."), int(numbers[2]) * 256 + int(numbers[3])


def send_data(connection):
    connection.sendall(b"data")
    connection.close()


def serve_client(control):
    address, _ = endpoint(control)
    control.sendall(b"220 ready\r\n")
    for line in control.makefile("r", encoding="ascii", newline="\r\n"):
        if line.startswith("USER"):
            control.sendall(b"230 welcome\r\n")
        elif line.startswith(("PASV", "EPSV")):
            listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
            _, port = endpoint(listener)
            reply = f"227 Entering Passive Mode ({six(address, port)})" if line[0] == "P" \
                else f"229 Entering Extended Passive Mode (|||{port}|)"
            control.sendall(reply.encode() + b"\r\n")
            listener.settimeout(TIMEOUT)
            try:
                send_data(listener.accept()[0])
            except TimeoutError:
                pass
        elif line.startswith(("PORT", "EPRT")):
            control.sendall(b"200 ok\r\n")
            try:
                send_data(socket.create_connection(parse(line), TIMEOUT, (address, 0)))
            except OSError:
                pass


def serve_one(control):
    try:
        serve_client(control)
    except ConnectionError:
        pass


def serve():
    listener = socket.create_server(("::", 21), family=socket.AF_INET6, dualstack_ipv6=True)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_one, args=(connection,), daemon=True).start()


def get(address, mode):
    control = socket.create_connection((address, 21), TIMEOUT)
    lines = control.makefile("r", encoding="ascii", newline="\r\n")
    lines.readline()
    control.sendall(b"USER guest\r\n")
    lines.readline()
    v6 = ":" in address
    try:
        if mode == "passive":
            control.sendall(b"EPSV\r\n" if v6 else b"PASV\r\n")
            _, port = parse(lines.readline())
            data = socket.create_connection((address, port), TIMEOUT)
        else:
            own, _ = endpoint(control)
            listener = socket.create_server((own, 0), family=control.family)
            listener.settimeout(TIMEOUT)
            port = endpoint(listener)[1]
            command = f"EPRT |2|{own}|{port}|" if v6 else f"PORT {six(own, port)}"
            control.sendall(command.encode() + b"\r\n")
            data, _ = listener.accept()
        data.settimeout(TIMEOUT)
        print(data.recv(10).decode())
    except OSError:
        print("blocked")


if sys.argv[1] == "serve":
    serve()
else:
    get(sys.argv[2], sys.argv[3])
