"""Connections that live long: each sends numbers, 200 a second, and hears them echoed.

    live.py SPEC ...          SPEC: NAME,tcp|udp|icmp,ADDRESS,PORT[,SOURCE]

Each line on standard input is answered with a line per connection, and "." last:
    NAME SENT ANSWERED SILENT   numbers sent (but for those of the last 200 ms, which may be under
                                way) and how many of these were answered; SILENT: milliseconds
                                since the last answer
A TCP connection sends only after the answer to the number before."""
import selectors
import socket
import struct
import sys
import time

STEP = 0.005
UNDER_WAY = 0.2


class Connection:
	def __init__(self, spec):
		words = spec.split(",")
		self.name, self.kind, address, port = words[:4]
		self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
		self.sent, self.answered, self.last = [], set(), 0.0
		self.buffer = b""
		self.identity = (hash(spec) & 0x7FFF) + 1
		kinds = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM, "icmp": socket.SOCK_RAW}
		protocol = 0
		if self.kind == "icmp":
			protocol = 58 if self.family == socket.AF_INET6 else 1
		self.socket = socket.socket(self.family, kinds[self.kind], protocol)
		if len(words) > 4:
			self.socket.bind((words[4], 0))
		self.socket.settimeout(3)
		self.socket.connect((address, int(port)))
		self.socket.setblocking(False)

	def echo_request(self, number):
		data = b"%d\n" % number
		kind = 128 if self.family == socket.AF_INET6 else 8
		head = struct.pack("!BBHHH", kind, 0, 0, self.identity, number & 0xFFFF)
		if kind == 8:  # the kernel does the checksum for IPv6
			whole = head + data + b"\0" * (len(data) % 2)
			total = sum(struct.unpack("!%dH" % (len(whole) // 2), whole))
			total = (total & 0xFFFF) + (total >> 16)
			total = (total & 0xFFFF) + (total >> 16)
			head = struct.pack("!BBHHH", kind, 0, ~total & 0xFFFF, self.identity, number & 0xFFFF)
		return head + data

	def send(self, now):
		if self.kind == "tcp" and len(self.sent) > len(self.answered):
			return
		number = len(self.sent)
		try:
			if self.kind == "icmp":
				self.socket.send(self.echo_request(number))
			else:
				self.socket.send(b"%d\n" % number)
		except OSError:
			if self.kind == "tcp":
				return
		self.sent.append(now)

	def hear(self, now):
		try:
			data = self.socket.recv(65536)
		except OSError:
			return
		if self.kind == "icmp":
			data = data[(data[0] & 15) * 4:] if self.family == socket.AF_INET else data
			if len(data) < 8 or data[0] not in (0, 129) or data[4:6] != struct.pack("!H", self.identity):
				return
			data = data[8:]
		lines = (self.buffer + data).split(b"\n")
		self.buffer = lines.pop() if self.kind == "tcp" else b""
		for line in lines:
			if line.isdigit() and int(line) < len(self.sent):
				self.answered.add(int(line))
				self.last = now

	def report(self, now):
		old = [i for i, when in enumerate(self.sent) if when < now - UNDER_WAY]
		answered = sum(1 for i in old if i in self.answered)
		return "%s %d %d %d" % (self.name, len(old), answered, (now - self.last) * 1000)


def main():
	connections = [Connection(spec) for spec in sys.argv[1:]]
	selector = selectors.DefaultSelector()
	for connection in connections:
		selector.register(connection.socket, selectors.EVENT_READ, connection)
	selector.register(sys.stdin, selectors.EVENT_READ, None)
	due = time.monotonic()
	while True:
		for key, _ in selector.select(max(0, due - time.monotonic())):
			if key.data:
				key.data.hear(time.monotonic())
				continue
			if not sys.stdin.readline():
				return
			for connection in connections:
				print(connection.report(time.monotonic()))
			print(".", flush=True)
		now = time.monotonic()
		if now >= due:
			for connection in connections:
				connection.send(now)
			due = max(due + STEP, now - 10 * STEP)


main()
