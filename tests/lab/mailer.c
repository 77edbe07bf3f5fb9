// lab-mailer PID N [FROM [TO [VERDICT]]]: sends N mail records to the book of the daemon PID, on
// the socket that the daemon itself uses; with N "junk", messages that no inspector makes.  Prints
// how many were taken.  TO may be several addresses with commas between them.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/mail_book.h"

enum { DESCRIPTORS_MAX = 1024, NOT_OURS = -1 };

// The one socket of whole messages that has room for as much as MAIL_BOOK_SOCKET_BYTES; the kernel
// tells twice what was asked for.
static int is_writer(int fd)
{
	int type = 0, domain = 0, room = 0;
	socklen_t size = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &size) == 0 && type == SOCK_SEQPACKET &&
	       domain == AF_UNIX && room == 2 * MAIL_BOOK_SOCKET_BYTES;
}

static int find_writer(int pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	for (int i = 0; pidfd >= 0 && i < DESCRIPTORS_MAX; i++) {
		int fd = (int)syscall(SYS_pidfd_getfd, pidfd, i, 0);

		if (fd >= 0 && is_writer(fd))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return NOT_OURS;
}

static int send_junk(int fd)
{
	static uint8_t junk[MAIL_WIRE_MAX];
	static const size_t sizes[] = { 1, 100, 112, 4096, sizeof(junk) };
	size_t n = sizeof(sizes) / sizeof(sizes[0]), taken = 0;

	memset(junk, 0x5a, sizeof(junk));
	for (size_t i = 0; i < n; i++)
		taken += send(fd, junk, sizes[i], MSG_DONTWAIT) == (ssize_t)sizes[i];
	printf("%zu\n", taken);
	return taken == n ? 0 : 1;
}

static size_t take_recipients(char *list, struct mail_recipient *recipients)
{
	size_t n = 0;

	for (char *each = strtok(list, ","); each && n < MAIL_RECIPIENTS_KEPT;
	     each = strtok(NULL, ",")) {
		snprintf(recipients[n].address, MAIL_ADDRESS_MAX, "%s", each);
		recipients[n++].code = 250;
	}
	return n;
}

static int send_records(int fd, unsigned long n, struct mail_record *record)
{
	static uint8_t wire[MAIL_WIRE_MAX];
	unsigned long taken = 0;

	for (unsigned long i = 0; i < n; i++) {
		record->began_us = wall_us() - 120000;
		record->ended_us = wall_us();
		record->client_port = (uint16_t)(1024 + i % 60000);
		size_t size = mail_wire_pack(record, wire);

		taken += send(fd, wire, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size;
	}
	printf("%lu\n", taken);
	return taken == n ? 0 : 1;
}

int main(int argc, char **argv)
{
	static struct mail_recipient recipients[MAIL_RECIPIENTS_KEPT];
	static const struct mail_file files[] = {
		{ .part = 1,
		  .has_sha256 = true,
		  .sha256 = { 0xab, 0xcd },
		  .size = 48213,
		  .name = "請求書.zip",
		  .type = "application/zip",
		  .found = "archive" },
		{ .part = 1,
		  .depth = 1,
		  .action = MAIL_FILE_REFUSED,
		  .rule = 2,
		  .size = 80384,
		  .name = "in/Invoice.pdf.exe",
		  .found = "executable misleading" },
		{ .part = 2, .size = 12, .type = "text/x-note" },
	};
	struct mail_record record = {
		.client = { ADDR_V4, 0xcb007109 }, // 203.0.113.9
		.server = { ADDR_V4, 0xc0000219 }, // 192.0.2.25
		.server_port = 25,
		.flow = "mail-in",
		.guard = "mail",
		.clause = "第8条第2項",
		.control = "MAIL-01",
		.from_zone = "internet",
		.to_zone = "dmz",
		.helo = "mx.example.net",
		.recipients = recipients,
		.declared = 2048,
		.size = 2000,
		.code = 250,
		.reason = "ok",
	};
	int verdict = argc > 5 ? mail_verdict_find(argv[5]) : MAIL_PASSED;

	if (argc < 3 || verdict < 0) {
		fputs("usage: lab-mailer PID N|junk [FROM [TO [VERDICT]]]\n", stderr);
		return 2;
	}
	int fd = find_writer(atoi(argv[1]));

	if (fd == NOT_OURS) {
		fputs("lab-mailer: that process has no book of mail\n", stderr);
		return 1;
	}
	if (strcmp(argv[2], "junk") == 0)
		return send_junk(fd);
	snprintf(record.sender, sizeof(record.sender), "%s",
		 argc > 3 ? argv[3] : "tanaka@example.net");
	record.n_recipients = argc > 4 ? take_recipients(argv[4], recipients) : 0;
	record.verdict = (enum mail_verdict)verdict;
	if (verdict == MAIL_REFUSED) {
		record.code = 550;
		strcpy(record.reason, "relay 外から外への中継");
		record.files = files;
		record.n_files = 3;
	}
	return send_records(fd, strtoul(argv[2], NULL, 10), &record);
}
