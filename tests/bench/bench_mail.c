// Loads a mail path and takes the mail at its other end, with little work of its own: one thread
// each, epoll, one body made once.
//
//	bench_mail sink ADDRESS PORT
//	bench_mail source ADDRESS PORT SESSIONS MESSAGES SIZE new|kept|apart
//	bench_mail idle ADDRESS PORT CONNECTIONS BYTES-PER-SECOND [OWN-ADDRESS]
//	bench_mail scan PATH MESSAGES SIZE
//
// sink takes every message and says how many there were, and their bytes, when it is ended by
// SIGTERM; several sinks share a port.  source sends MESSAGES in all over SESSIONS sessions at a
// time, each message by a new connection or all of a session by one, and prints one line of JSON.
// Apart: by a new one, and the end of data (CRLF.CRLF) goes when all before it was acknowledged, so
// that last_reply_us has nothing of what still lay in its own buffer.
//
// idle greets, prints a line when every connection has its greeting, and keeps them open, saying
// bytes of a long command here and there if it is to.  SIGTERM: it asks each whether it is still
// there, and prints how many answered.
//
// scan gives the same messages to the clamd whose socket is PATH, one after the other.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	EVENTS = 256,
	LINE = 512,
	ROOM = 256 * 1024,
	PIECE = 64 * 1024, // that the scanner is given at once
	SESSIONS_MAX = 60000,
	STALL_MS = 30000,
	END_OF_DATA = 5, // CRLF.CRLF
	LOOK_NS = 50000, // how often it is looked whether all was acknowledged
	UNDER_WAY = 500, // idle: connections that have no greeting yet
	DRIP_MAX = 400,	 // bytes of one slow line
};

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "bench_mail: %s: %s\n", what, strerror(errno));
	exit(1);
}

struct end {
	struct sockaddr_storage addr;
	socklen_t size;
};

static struct end take_end(const char *address, const char *port)
{
	struct end end = { .size = 0 };
	struct sockaddr_in *v4 = (void *)&end.addr;
	struct sockaddr_in6 *v6 = (void *)&end.addr;
	uint16_t number = htons((uint16_t)atoi(port));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = number;
		end.size = sizeof(*v4);
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = number;
		end.size = sizeof(*v6);
	} else {
		errno = EINVAL;
		give_up(address);
	}
	return end;
}

static void many_files(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		give_up("open files");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void watch(int epoll, int op, int fd, uint32_t events, void *what)
{
	struct epoll_event event = { .events = events, .data.ptr = what };
	if (epoll_ctl(epoll, op, fd, &event) < 0)
		give_up("epoll");
}

static char room[ROOM];

// Readable when SIGTERM has come.
static int await_term(int epoll, void *what)
{
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	int fd = signalfd(-1, &term, 0);
	watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, what);
	return fd;
}

// --- sink

struct taker {
	int fd;
	bool in_data;
	char line[LINE], tail[5]; // the end of what came last
	size_t n_line;
};

static uint64_t sunk, sunk_bytes;

static bool say(struct taker *taker, const char *text)
{
	size_t n = strlen(text);
	return send(taker->fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool take_line(struct taker *taker)
{
	const char *line = taker->line;
	if (!strncasecmp(line, "EHLO", 4))
		return say(taker, "250-sink.example\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n"
				  "250-CHUNKING\r\n250 8BITMIME\r\n");
	if (!strncasecmp(line, "DATA", 4)) {
		taker->in_data = true;
		memset(taker->tail, 0, sizeof(taker->tail));
		return say(taker, "354 go on\r\n");
	}
	if (!strncasecmp(line, "QUIT", 4)) {
		say(taker, "221 bye\r\n");
		return false;
	}
	return say(taker, "250 fine\r\n");
}

// Its peer sends nothing behind the end of a message before the answer.
static bool take_data(struct taker *taker, const char *bytes, size_t n)
{
	char *tail = taker->tail;
	size_t keep = n < 5 ? 5 - n : 0;
	memmove(tail, tail + 5 - keep, keep);
	memcpy(tail + keep, bytes + n - (5 - keep), 5 - keep);
	sunk_bytes += n;
	if (memcmp(tail, "\r\n.\r\n", 5) != 0)
		return true;
	sunk++;
	taker->in_data = false;
	return say(taker, "250 taken\r\n");
}

static bool take_bytes(struct taker *taker, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (taker->in_data)
			return take_data(taker, bytes + i, n - i);
		if (taker->n_line + 1 >= LINE)
			return false;
		taker->line[taker->n_line++] = bytes[i];
		if (bytes[i] != '\n')
			continue;
		taker->line[taker->n_line] = '\0';
		taker->n_line = 0;
		if (!take_line(taker))
			return false;
	}
	return true;
}

static void greet(int epoll, int listener)
{
	int fd, one = 1;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct taker *taker = calloc(1, sizeof(*taker));
		if (!taker)
			give_up("memory");
		taker->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, taker);
		say(taker, "220 sink.example ESMTP\r\n");
	}
}

static int sink(const struct end *end)
{
	struct epoll_event events[EVENTS];
	int epoll = epoll_create1(0), one = 1;
	int listener = socket(end->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (bind(listener, (const void *)&end->addr, end->size) < 0 || listen(listener, 4096) < 0)
		give_up("listen");
	watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN, &listener);
	await_term(epoll, &sunk);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct taker *taker = events[i].data.ptr;
			if (events[i].data.ptr == &sunk) {
				printf("{\"messages\":%llu,\"bytes\":%llu}\n",
				       (unsigned long long)sunk, (unsigned long long)sunk_bytes);
				return 0;
			}
			if (events[i].data.ptr == &listener) {
				greet(epoll, listener);
				continue;
			}
			ssize_t got = recv(taker->fd, room, ROOM, 0);
			if (got > 0 && take_bytes(taker, room, (size_t)got))
				continue;
			if (got < 0 && errno == EAGAIN)
				continue;
			close(taker->fd);
			free(taker);
		}
	}
}

// --- source

enum step { GREETING, HELLO, MAIL, RCPT, DATA, BODY, QUIT };
static const char *const words[] = {
	[GREETING] = "EHLO source.example\r\n",
	[HELLO] = "MAIL FROM:<a@source.example>\r\n",
	[MAIL] = "RCPT TO:<b@city.example.jp>\r\n",
	[RCPT] = "DATA\r\n",
	[BODY] = NULL,
	[QUIT] = NULL,
};

struct giver {
	int fd;
	enum step step;
	size_t sent; // of the body
	uint64_t body_done_us;
	uint32_t events; // watched for
	bool again;	 // the session's greeting is over
	bool emptying;	 // the end of data waits until all before it was acknowledged
	bool asked;	 // idle: whether it is still there
	char line[LINE];
	size_t n_line;
};

struct load {
	const struct end *end, *own; // own: NULL, any
	int epoll;
	char *body;
	size_t size;
	bool kept, apart;
	long left, open, emptying;
	uint64_t done, failed, moved_ms;
	uint32_t *waits; // of the last reply, in microseconds
	char trouble[LINE];
};

static void open_giver(struct load *load, struct giver *giver)
{
	int one = 1;
	memset(giver, 0, sizeof(*giver));
	giver->fd = socket(load->end->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(giver->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (load->own) {
		setsockopt(giver->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		if (bind(giver->fd, (const void *)&load->own->addr, load->own->size) < 0)
			give_up("own address");
	}
	if (connect(giver->fd, (const void *)&load->end->addr, load->end->size) < 0 &&
	    errno != EINPROGRESS)
		give_up("connect");
	giver->events = EPOLLIN;
	watch(load->epoll, EPOLL_CTL_ADD, giver->fd, EPOLLIN, giver);
	load->open++;
}

static void close_giver(struct load *load, struct giver *giver)
{
	close(giver->fd);
	giver->fd = -1;
	load->open--;
	load->emptying -= giver->emptying;
	giver->emptying = false;
}

static void give_until(struct load *load, struct giver *giver, size_t end)
{
	while (giver->sent < end) {
		ssize_t n =
			send(giver->fd, load->body + giver->sent, end - giver->sent, MSG_NOSIGNAL);
		if (n < 0)
			break;
		giver->sent += (size_t)n;
		load->moved_ms = monotonic_ms();
	}
	uint32_t events = EPOLLIN | (giver->sent < end ? EPOLLOUT : 0);
	if (giver->sent == load->size)
		giver->body_done_us = monotonic_us();
	if (events != giver->events)
		watch(load->epoll, EPOLL_CTL_MOD, giver->fd, events, giver);
	giver->events = events;
}

static void give_body(struct load *load, struct giver *giver)
{
	size_t end = load->size - (load->apart ? END_OF_DATA : 0);
	give_until(load, giver, end);
	if (load->apart && giver->sent == end) {
		giver->emptying = true;
		load->emptying++;
	}
}

// The end goes to those that have everything else.
static void give_ends(struct load *load, struct giver *givers, long n)
{
	for (long i = 0; i < n; i++) {
		int waiting = 0;
		if (!givers[i].emptying || ioctl(givers[i].fd, SIOCOUTQ, &waiting) < 0 || waiting)
			continue;
		givers[i].emptying = false;
		load->emptying--;
		give_until(load, &givers[i], load->size);
	}
}

// False: the session is over.
static bool answered(struct load *load, struct giver *giver)
{
	bool fine = giver->line[0] == '2' || giver->line[0] == '3';
	if (!fine) {
		if (!load->trouble[0])
			strcpy(load->trouble, giver->line);
		load->failed++;
		return false;
	}
	if (giver->step == QUIT)
		return false;
	if (giver->step == BODY) {
		load->waits[load->done++] = (uint32_t)(monotonic_us() - giver->body_done_us);
		if (load->kept && load->left > 0) {
			load->left--;
			giver->step = HELLO;
		} else {
			giver->step = QUIT;
			return send(giver->fd, "QUIT\r\n", 6, MSG_NOSIGNAL) == 6;
		}
	}
	if (giver->step == DATA) {
		giver->step = BODY;
		giver->sent = 0;
		give_body(load, giver);
		return true;
	}
	const char *word = words[giver->step++];
	return send(giver->fd, word, strlen(word), MSG_NOSIGNAL) == (ssize_t)strlen(word);
}

static bool hear(struct load *load, struct giver *giver)
{
	ssize_t got = recv(giver->fd, room, ROOM, 0);
	if (got < 0 && errno == EAGAIN)
		return true;
	if (got <= 0) {
		load->failed += giver->step != QUIT;
		if (!load->trouble[0])
			snprintf(load->trouble, LINE, "closed in step %d: %s", giver->step,
				 got ? strerror(errno) : "end");
		return false;
	}
	load->moved_ms = monotonic_ms();
	for (ssize_t i = 0; i < got; i++) {
		if (giver->n_line + 1 >= LINE)
			return false;
		giver->line[giver->n_line++] = room[i];
		if (room[i] != '\n')
			continue;
		giver->line[giver->n_line] = '\0';
		bool last = giver->n_line > 3 && giver->line[3] == ' ';
		giver->n_line = 0;
		if (last && !answered(load, giver))
			return false;
	}
	return true;
}

static int by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

// A message with a file attached that is of no known kind, or a text if that has no room.
static void make_body(struct load *load, size_t size)
{
	static const char head[] =
		"From: a@b.example\r\nMIME-Version: 1.0\r\n"
		"Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n--=_b\r\n\r\nHello.\r\n"
		"--=_b\r\nContent-Type: application/octet-stream; name=\"measured.dat\"\r\n"
		"Content-Disposition: attachment; filename=\"measured.dat\"\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n";
	static const char tail[] = "\r\n--=_b--\r\n.\r\n";
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	enum { LETTERS = 76, ROOM_LEAST = sizeof(head) + sizeof(tail) + LETTERS };
	uint32_t random = 1;
	size_t at = 0, end = size + 3;
	load->size = end;
	load->body = malloc(end + LETTERS + 2);
	if (!load->body || size < 2)
		give_up("body");
	if (size >= ROOM_LEAST) {
		memcpy(load->body, head, sizeof(head) - 1);
		at = sizeof(head) - 1;
		end -= sizeof(tail) - 1;
	}
	while (at < end) {
		for (int i = 0; i < LETTERS; i++) {
			random = random * 1103515245 + 12345;
			load->body[at++] = letters[random >> 26];
		}
		memcpy(load->body + at, "\r\n", 2);
		at += 2;
	}
	if (size >= ROOM_LEAST)
		memcpy(load->body + end, tail, sizeof(tail) - 1);
	else
		memcpy(load->body + size - 2, "\r\n.\r\n", 5);
}

static int source(struct load *load, long sessions, long messages)
{
	struct epoll_event events[EVENTS];
	struct giver *givers = calloc((size_t)sessions, sizeof(*givers));
	uint64_t start = monotonic_us();
	load->waits = calloc((size_t)messages, sizeof(*load->waits));
	if (!givers || !load->waits)
		give_up("memory");
	load->left = messages;
	load->moved_ms = monotonic_ms();
	for (long i = 0; i < sessions && load->left > 0; i++, load->left--)
		open_giver(load, &givers[i]);
	while (load->open > 0 && monotonic_ms() - load->moved_ms < STALL_MS) {
		struct timespec wait = { .tv_sec = 1 };
		if (load->emptying)
			wait = (struct timespec){ .tv_nsec = LOOK_NS };
		int n = epoll_pwait2(load->epoll, events, EVENTS, &wait, NULL);
		give_ends(load, givers, load->emptying ? sessions : 0);
		for (int i = 0; i < n; i++) {
			struct giver *giver = events[i].data.ptr;
			if (events[i].events & EPOLLOUT)
				give_body(load, giver);
			if (!(events[i].events & ~(uint32_t)EPOLLOUT) || hear(load, giver))
				continue;
			close_giver(load, giver);
			if (load->left > 0) {
				load->left--;
				open_giver(load, giver);
			}
		}
	}
	double seconds = (double)(monotonic_us() - start) / 1e6;
	qsort(load->waits, load->done, sizeof(*load->waits), by_size);
	printf("{\"messages\":%llu,\"failed\":%llu,\"stalled\":%ld,\"seconds\":%.4f,"
	       "\"messages_per_s\":%.1f,\"mbytes_per_s\":%.2f,\"last_reply_us\":%u,\"trouble\":\"%.60s\"}\n",
	       (unsigned long long)load->done, (unsigned long long)load->failed, load->open,
	       seconds, (double)load->done / seconds,
	       (double)load->done * (double)load->size / seconds / 1e6,
	       load->done ? load->waits[load->done / 2] : 0, strtok(load->trouble, "\r\n") ?: "");
	return load->failed || load->open ? 1 : 0;
}

// --- idle

struct idlers {
	struct load *load;
	struct giver *givers;
	long wanted, opened, greeted, lost, answered;
	long asked; // and not answered yet
	long next;  // whose turn it is to say a byte
	int term;
	bool told, ends;
};

static void say_idle(const struct idlers *idlers)
{
	printf("{\"opened\":%ld,\"greeted\":%ld,\"lost\":%ld,\"answered\":%ld}\n", idlers->opened,
	       idlers->greeted, idlers->lost, idlers->answered);
	fflush(stdout);
}

static void hear_idle(struct idlers *idlers, struct giver *giver)
{
	ssize_t got = recv(giver->fd, room, ROOM, 0);
	if (got < 0 && errno == EAGAIN)
		return;
	idlers->load->moved_ms = monotonic_ms();
	if (got <= 0) {
		close_giver(idlers->load, giver);
		idlers->asked -= giver->asked;
		idlers->lost++;
	} else if (giver->step == GREETING) {
		send(giver->fd, words[GREETING], strlen(words[GREETING]), MSG_NOSIGNAL);
		giver->step = HELLO;
	} else if (!giver->again) {
		giver->again = true;
		idlers->greeted++;
	} else if (giver->asked) {
		giver->asked = false;
		idlers->asked--;
		idlers->answered++;
	}
}

// A byte of a line that does not come to its end, after a beginning that every server knows.
static void drip(struct idlers *idlers)
{
	struct giver *giver = &idlers->givers[idlers->next++ % idlers->wanted];
	if (!giver->again || giver->fd < 0 || giver->sent >= DRIP_MAX)
		return;
	const char *word = giver->sent ? "x" : "NOOP ";
	if (send(giver->fd, word, strlen(word), MSG_NOSIGNAL) > 0)
		giver->sent += strlen(word);
}

static void ask_idle(struct idlers *idlers)
{
	watch(idlers->load->epoll, EPOLL_CTL_DEL, idlers->term, 0, NULL);
	for (long i = 0; i < idlers->opened; i++) {
		struct giver *giver = &idlers->givers[i];
		const char *word = giver->sent ? "\r\n" : "NOOP\r\n";
		if (giver->fd < 0 || !giver->again)
			continue;
		giver->asked = send(giver->fd, word, strlen(word), MSG_NOSIGNAL) > 0;
		idlers->asked += giver->asked;
		// What is asked at once finds no room in a queue.
		if (i % UNDER_WAY == UNDER_WAY - 1)
			usleep(50000);
	}
	idlers->load->moved_ms = monotonic_ms();
	idlers->ends = true;
}

static bool idle_over(struct idlers *idlers)
{
	bool stalled = monotonic_ms() - idlers->load->moved_ms > STALL_MS;
	if (!idlers->told && (idlers->greeted + idlers->lost >= idlers->wanted || stalled)) {
		idlers->told = true;
		say_idle(idlers);
	}
	return idlers->ends && (stalled || !idlers->asked);
}

static int idle(struct load *load, long connections, long bytes_per_s)
{
	struct epoll_event events[EVENTS];
	struct idlers idlers = { .load = load, .wanted = connections };
	uint64_t start = monotonic_ms();
	long dripped = 0;
	idlers.givers = calloc((size_t)connections, sizeof(*idlers.givers));
	if (!idlers.givers)
		give_up("memory");
	idlers.term = await_term(load->epoll, &idlers);
	load->moved_ms = start;
	while (!idle_over(&idlers)) {
		while (!idlers.told && idlers.opened < connections &&
		       idlers.opened - idlers.greeted - idlers.lost < UNDER_WAY)
			open_giver(load, &idlers.givers[idlers.opened++]);
		int n = epoll_wait(load->epoll, events, EVENTS, 20);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr != &idlers)
				hear_idle(&idlers, events[i].data.ptr);
			else
				ask_idle(&idlers);
		}
		long due = (long)((monotonic_ms() - start) * (uint64_t)bytes_per_s / 1000);
		for (; dripped < due && !idlers.ends; dripped++)
			drip(&idlers);
	}
	say_idle(&idlers);
	return idlers.answered < connections ? 1 : 0;
}

// --- scan

static void send_all(int fd, const void *bytes, size_t n)
{
	for (size_t sent = 0; sent < n;) {
		ssize_t more = send(fd, (const char *)bytes + sent, n - sent, MSG_NOSIGNAL);
		if (more <= 0)
			give_up("the scanner");
		sent += (size_t)more;
	}
}

static bool scan_one(const struct load *load, const struct sockaddr_un *where)
{
	char reply[LINE];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)where, sizeof(*where)) < 0)
		give_up(where->sun_path);
	send_all(fd, "zINSTREAM", 10);
	for (size_t at = 0, n; at < load->size; at += n) {
		n = load->size - at < PIECE ? load->size - at : PIECE;
		uint32_t head = htonl((uint32_t)n);
		send_all(fd, &head, sizeof(head));
		send_all(fd, load->body + at, n);
	}
	send_all(fd, "\0\0\0", 4);
	ssize_t got = recv(fd, reply, sizeof(reply), MSG_WAITALL);
	close(fd);
	return got == 11 && !memcmp(reply, "stream: OK", 11);
}

static int scan(struct load *load, const char *path, long messages)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	uint64_t start = monotonic_us();
	long failed = 0;
	snprintf(where.sun_path, sizeof(where.sun_path), "%s", path);
	for (long i = 0; i < messages; i++)
		failed += !scan_one(load, &where);
	double seconds = (double)(monotonic_us() - start) / 1e6;
	printf("{\"messages\":%ld,\"failed\":%ld,\"stalled\":0,\"mbytes_per_s\":%.2f}\n", messages,
	       failed, (double)messages * (double)load->size / seconds / 1e6);
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct end end;
	if (argc < 4) {
		fprintf(stderr, "usage: bench_mail sink|source|idle|scan ...\n");
		return 2;
	}
	many_files();
	if (!strcmp(argv[1], "scan") && argc == 5) {
		struct load scanned = { .epoll = -1 };
		make_body(&scanned, (size_t)atol(argv[4]));
		return scan(&scanned, argv[2], atol(argv[3]));
	}
	end = take_end(argv[2], argv[3]);
	struct load load = { .end = &end, .epoll = epoll_create1(0) };
	if (!strcmp(argv[1], "sink") && argc == 4)
		return sink(&end);
	long first = argc > 4 ? atol(argv[4]) : 0, second = argc > 5 ? atol(argv[5]) : 0;
	if (first < 1 || first > SESSIONS_MAX || second < 0) {
		fprintf(stderr, "bench_mail: numbers are missing\n");
		return 2;
	}
	struct end own;
	if (argc == 7) {
		own = take_end(argv[6], "0");
		load.own = &own;
	}
	if (!strcmp(argv[1], "idle") && (argc == 6 || argc == 7))
		return idle(&load, first, second);
	if (strcmp(argv[1], "source") != 0 || argc != 8 || !second)
		return 2;
	load.kept = !strcmp(argv[7], "kept");
	load.apart = !strcmp(argv[7], "apart");
	make_body(&load, (size_t)atol(argv[6]));
	return source(&load, first, second);
}
