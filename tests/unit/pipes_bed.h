// An inspector's pairs of real sockets, with a porter and two ends of the test's own: what each
// gets and how its connection ends, with an engine that does what the lines say (stream_script.h),
// or with that of SMTP.
#ifndef SEKISHO_TESTS_PIPES_BED_H
#define SEKISHO_TESTS_PIPES_BED_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/inspection_wire.h"
#include "daemon/pipes.h"
#include "daemon/porter_wire.h"
#include "inspect/pipe.h"
#include "event/mail_record.h"
#include "smtp_profile.h"
#include "stream_script.h"

enum { ROUNDS = 20000, LISTED = 64 };

static struct {
	struct inspector *inspector;
	struct pipes *pipes;
	int porter; // its end
	uint64_t now_ms, serial;
	uint64_t done[LISTED];
	unsigned n_done, n_troubles, n_records;
	char trouble[32], reason[64];
	bool tls;      // as the last record has it
	uint64_t most; // memory that was in use
} bed;

static struct town bed_town; // of SMTP
static const struct tls_context *(*bed_tls_of)(void *arg, const struct engine_peer *peer,
					       enum engine_side side, const char **ret_name);

static inline void on_trouble(void *arg, const char *word, const struct engine_peer *peer)
{
	(void)arg;
	assert_non_null(peer);
	bed.n_troubles++;
	snprintf(bed.trouble, sizeof(bed.trouble), "%s", word);
}

static inline void on_record(void *arg, const struct mail_record *record)
{
	(void)arg;
	bed.n_records++;
	bed.tls = record->tls;
	snprintf(bed.reason, sizeof(bed.reason), "%.*s", (int)strcspn(record->reason, ":"),
		 record->reason);
}

static inline void on_decided(void *arg, struct flight *flight)
{
	(void)arg;
	(void)flight;
}

static inline void give_porter(void)
{
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	pipes_give_porter(bed.pipes, pair[0]);
	bed.porter = pair[1];
}

static inline void begin_with(bool smtp, uint32_t pairs, uint64_t memory)
{
	static struct profiles profiles;
	const struct inspector_options options = { .connections_max = 10,
						   .memory_max = 1 << 20,
						   .held_max = 10,
						   .decided = on_decided,
						   .record = on_record };
	memset(&bed, 0, sizeof(bed));
	bed.now_ms = 1000000;
	town_init(&bed_town);
	bed_town.profile.sizes = bed_town.sizes;
	bed_town.profile.n_sizes = 3;
	profiles = (struct profiles){ &bed_town.flow, 1 };
	assert_int_equal(smtp ? inspector_new(&options, &bed.inspector)
			      : inspector_new_with(&options, &script_kind, &bed.inspector),
			 0);
	assert_int_equal(inspector_set_profiles(bed.inspector, smtp ? &profiles : &script_profiles,
						NULL, NULL),
			 0);
	const struct pipes_options of_pipes = { .sessions = inspector_sessions(bed.inspector),
						.epoll = epoll_create1(EPOLL_CLOEXEC),
						.pairs_max = pairs,
						.memory_max = memory,
						.trouble = on_trouble,
						.tls = bed_tls_of };
	assert_true(of_pipes.epoll >= 0);
	assert_int_equal(pipes_new(&of_pipes, &bed.pipes), 0);
	give_porter();
}

static inline int begin(void **state)
{
	(void)state;
	begin_with(false, 100, 1 << 30);
	return 0;
}

static inline int begin_smtp(void **state)
{
	(void)state;
	begin_with(true, 100, 1 << 30);
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	pipes_free(bed.pipes);
	inspector_free(bed.inspector);
	close(bed.porter);
	return 0;
}

// --- the ends

struct ends {
	int client, server;
	uint64_t serial;
};

static inline void not_blocking(int fd)
{
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

static int narrow; // bytes that sockets hold, or 0: as they like

static inline int listen_at(struct sockaddr_in *at)
{
	socklen_t size = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	*at = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (narrow)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &narrow, sizeof(narrow));
	assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
	assert_int_equal(listen(fd, 10), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &size), 0);
	return fd;
}

// [0] connected to [1].
static inline void connect_two(int fds[2])
{
	struct sockaddr_in at;
	int listener = listen_at(&at);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (narrow)
		setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &narrow, sizeof(narrow));
	assert_int_equal(connect(fds[0], (struct sockaddr *)&at, sizeof(at)), 0);
	fds[1] = accept(listener, NULL, NULL);
	assert_true(fds[1] >= 0);
	close(listener);
	not_blocking(fds[0]);
	not_blocking(fds[1]);
}

static inline uint64_t hand_over(uint32_t mark, int client, int server)
{
	struct porter_pair word = { .word = PORTER_PAIR,
				    .mark = mark,
				    .client_port = 40000,
				    .server_port = 25,
				    .serial = ++bed.serial,
				    .client = town_addr("203.0.113.9"),
				    .server = town_addr("10.1.1.25") };
	int fds[2] = { client, server };
	assert_int_equal(inspection_send(bed.porter, &word, sizeof(word), NULL, 0, fds, 2), 0);
	close(client);
	close(server);
	return word.serial;
}

static inline void hear_done(void)
{
	struct porter_done done;
	ssize_t n;
	while ((n = recv(bed.porter, &done, sizeof(done), MSG_DONTWAIT)) > 0) {
		assert_int_equal(done.word, PORTER_DONE);
		assert_int_equal(n, offsetof(struct porter_done, serials) + done.n * 8);
		for (uint32_t i = 0; i < done.n && bed.n_done < LISTED; i++)
			bed.done[bed.n_done++] = done.serials[i];
	}
}

static inline bool work(void);

// What takes the kernel a moment to bring over.
#define eventually(condition)                                                                      \
	do {                                                                                       \
		for (unsigned tries_ = 0; !(condition) && tries_ < 5000; tries_++) {               \
			if (!work())                                                               \
				usleep(1000);                                                      \
		}                                                                                  \
		assert_true(condition);                                                            \
	} while (0)

static inline bool work(void)
{
	struct inspector_numbers numbers = { 0 };
	bool moved;
	inspector_clock(bed.inspector, bed.now_ms * 1000);
	moved = pipes_work(bed.pipes, bed.now_ms);
	pipes_numbers(bed.pipes, &numbers);
	bed.most = numbers.bytes > bed.most ? numbers.bytes : bed.most;
	hear_done();
	return moved;
}

// The kernel takes a moment to bring a packet over.
static inline void settle(void)
{
	for (unsigned quiet = 0, i = 0; quiet < 3 && i < ROUNDS; i++) {
		quiet = work() ? 0 : quiet + 1;
		if (quiet)
			usleep(500);
	}
}

static inline void later(uint64_t seconds)
{
	bed.now_ms += seconds * 1000;
	pipes_tick(bed.pipes, bed.now_ms);
	settle();
}

static inline struct ends open_pair(void)
{
	int to_gate[2], to_server[2];
	struct ends ends;
	connect_two(to_gate);
	connect_two(to_server);
	ends = (struct ends){ to_gate[0], to_server[1], hand_over(1, to_gate[1], to_server[0]) };
	settle();
	return ends;
}

static inline void close_ends(struct ends *ends)
{
	close(ends->client);
	close(ends->server);
	eventually(pipes_count(bed.pipes) == 0);
}

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	settle();
}

// What recv() says once it says something.
static inline ssize_t hear_from(int fd, void *bytes, size_t room)
{
	ssize_t n = -1;
	for (unsigned tries = 0; tries < 5000; tries++) {
		n = recv(fd, bytes, room, 0);
		if (n >= 0 || errno != EAGAIN)
			return n;
		if (!work())
			usleep(1000);
	}
	return n;
}

static inline void gets(int fd, const char *text)
{
	char got[2048];
	size_t n = 0, want = strlen(text);
	while (n < want) {
		ssize_t more = hear_from(fd, got + n, sizeof(got) - 1 - n);
		if (more <= 0)
			break;
		n += (size_t)more;
	}
	got[n] = '\0';
	assert_string_equal(got, text);
}

static inline void gets_nothing(int fd)
{
	char byte;
	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

static inline void gets_end(int fd)
{
	char byte;
	assert_int_equal(hear_from(fd, &byte, 1), 0);
}

static inline void gets_reset(int fd)
{
	char bytes[4096];
	ssize_t n;
	while ((n = hear_from(fd, bytes, sizeof(bytes))) > 0)
		;
	assert_int_equal(n, -1);
	assert_int_equal(errno, ECONNRESET);
}

static inline void reset_end(int *fd)
{
	const struct linger linger = { .l_onoff = 1 };
	setsockopt(*fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(*fd);
	*fd = socket(AF_INET, SOCK_STREAM, 0); // something to close
	settle();
}

#endif
