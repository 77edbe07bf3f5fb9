// How long a stream of 100,000 packets a second goes on after it was ordered to be cut off.
//
//   bench_isolate FROM TO ADDRESS PORT RUNS [--for SECONDS] switch|rested INTERFACE
//   bench_isolate FROM TO ADDRESS PORT RUNS [--for SECONDS] client SOCKET INTERFACE JOIN
//   bench_isolate FROM TO ADDRESS PORT RUNS [--for SECONDS] command CUT JOIN
// CUT is a command in words; JOIN is a line for the shell.
//
// Run in the gateway's namespace; the stream goes from the namespace FROM to ADDRESS, which TO has.
// "switch": the order is given in this process, as the daemon's switch thread does, ready since a
// client connected; "rested": the same, from a processor at rest; "client": by a connection to the
// daemon's switch, counted from the sending of the request; "command": by a command line, counted
// from before it is started.  Prints for each run the microseconds from the
// order to the last packet that arrived, by the kernel's own stamp on arrival.  A run in which the
// stream itself paused, since its processor was taken away, says nothing and is done again.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control/client.h"
#include "kernel/switch.h"

enum {
	RATE_NS = 10000,	   // between packets
	SETTLE_US = 3000,	   // packets flow before an order
	REST_US = 200000,	   // after a command, for what it set going
	AFTER_US = 20000,	   // and are waited for after it
	BUFFER_BYTES = 1 << 28,	   // of the receiver
	PAYLOAD_BYTES = 22,	   // of a 64-byte frame
	PAUSE_NS = 60000,	   // of the stream, which spoils a run
	COMMAND_PAUSE_NS = 500000, // of a command's, which takes longer
	TRIES = 10,		   // for each run, at most
	AHEAD_NS = 150000,	   // that the command line connects before it asks
	SENT_MAX = 1 << 16,	   // times of sending that are kept
	LINE_BYTES = 1024,
	WORDS_MAX = 32, // of a command
};

extern char **environ;
static atomic_bool stop;
static int sender, receiver;
static uint64_t sent[SENT_MAX]; // by number of the packet
static atomic_size_t n_sent;
static uint64_t pause_ns = PAUSE_NS;

static void fail(const char *what)
{
	fprintf(stderr, "bench_isolate: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void enter(const char *space)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", space);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		fail(path);
	close(fd);
}

static void open_sockets(const char *from, const char *to, const char *address, const char *port)
{
	struct sockaddr_in far = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), on = 1, bytes = BUFFER_BYTES;

	if (inet_pton(AF_INET, address, &far.sin_addr) != 1)
		fail(address);
	enter(from);
	sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sender < 0 || connect(sender, (struct sockaddr *)&far, sizeof(far)) < 0)
		fail("the sender");
	enter(to);
	receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (receiver < 0 || bind(receiver, (struct sockaddr *)&far, sizeof(far)) < 0 ||
	    setsockopt(receiver, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    setsockopt(receiver, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
		fail("the receiver");
	if (setns(here, CLONE_NEWNET) < 0)
		fail("the way back");
	close(here);
}

static void *stream(void *arg)
{
	static const char payload[PAYLOAD_BYTES];
	uint64_t next;

	setpriority(PRIO_PROCESS, 0, -20); // of this thread; it is not to pause
	next = now_ns(CLOCK_MONOTONIC);
	while (!stop) {
		while (now_ns(CLOCK_MONOTONIC) < next)
			;
		if (send(sender, payload, sizeof(payload), 0) < 0 && errno != EAGAIN &&
		    errno != ECONNREFUSED)
			fail("send");
		sent[n_sent % SENT_MAX] = now_ns(CLOCK_REALTIME);
		n_sent++;
		next += RATE_NS;
	}
	return arg;
}

// How many packets are there, and when the last of them came; and the last of those until a time.
static size_t drain(uint64_t until, uint64_t *ret_before, uint64_t *ret_last)
{
	size_t n = 0;

	for (;; n++) {
		char payload[PAYLOAD_BYTES], control[CMSG_SPACE(sizeof(struct timespec))];
		struct iovec part = { payload, sizeof(payload) };
		struct msghdr message = { .msg_iov = &part,
					  .msg_iovlen = 1,
					  .msg_control = control,
					  .msg_controllen = sizeof(control) };
		struct timespec stamp;
		struct cmsghdr *c;

		if (recvmsg(receiver, &message, 0) < 0)
			return n;
		c = CMSG_FIRSTHDR(&message);
		if (!c || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
		*ret_last = (uint64_t)stamp.tv_sec * 1000000000 + (uint64_t)stamp.tv_nsec;
		if (*ret_last <= until)
			*ret_before = *ret_last;
	}
}

// Did the stream go on from before the order until after the last packet?
static bool was_steady(uint64_t from, uint64_t to)
{
	uint64_t before = 0;

	for (size_t i = n_sent > SENT_MAX / 2 ? n_sent - SENT_MAX / 2 : 0; i < n_sent; i++) {
		uint64_t at = sent[i % SENT_MAX];

		if (before >= from - pause_ns && before && before < to + pause_ns &&
		    at - before > pause_ns)
			return false;
		before = at;
	}
	return before > to + pause_ns;
}

struct way {
	const char *cut, *join; // commands, or NULL
	const char *socket;	// of "client", or NULL
	bool rested;
	struct guard_switch *guard; // of "switch"
	struct guard_found found;   // the guard as it is
	struct isolation isolation;
	struct isolations all;
	struct control_client *client;
	struct control_writer request;
};

static void run(char *const *words, const posix_spawn_file_actions_t *actions)
{
	pid_t pid;
	int status;

	if (posix_spawnp(&pid, words[0], actions, NULL, words, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		fail(words[0]);
}

// By a shell.
static void run_line(const char *line)
{
	char copy[LINE_BYTES], shell[] = "/bin/sh", option[] = "-c";
	char *words[] = { shell, option, copy, NULL };

	snprintf(copy, sizeof(copy), "%s", line);
	run(words, NULL);
}

// As a shell starts a command: its own start is not to be counted.
static void run_command(const char *command)
{
	char copy[LINE_BYTES], *words[WORDS_MAX + 1], *next = copy;
	posix_spawn_file_actions_t actions;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", command);
	while (n < WORDS_MAX && (words[n] = strsep(&next, " ")))
		n++;
	words[n] = NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	run(words, &actions);
	posix_spawn_file_actions_destroy(&actions);
}

static void wait_awake(uint64_t ns)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + ns;

	while (now_ns(CLOCK_MONOTONIC) < end)
		;
}

// What comes before the order.
static void prepare(struct way *way)
{
	if (way->cut || way->rested)
		return;
	if (way->socket) {
		control_writer_init(&way->request, CTL_REQUEST_MAX);
		control_put_text(&way->request, CTL_KIND, "link");
		control_put_text(&way->request, CTL_NAME, way->isolation.name);
		control_put_text(&way->request, CTL_REASON, "drill");
		control_put_bool(&way->request, CTL_OWN_JUDGMENT, true);
		if (control_connect(way->socket, &way->client) < 0)
			fail(way->socket);
	} else {
		switch_rehearse(way->guard);
	}
	wait_awake(AHEAD_NS);
}

static void ask(struct way *way)
{
	struct control_reply reply;
	int r = control_call(way->client, CTL_ISOLATE, &way->request, -1, &reply);

	if (r < 0 || control_reply_exit(&reply) != 0)
		fail("the switch");
	control_reply_done(&reply);
	control_writer_done(&way->request);
	control_close(way->client);
}

static void cut(struct way *way)
{
	const struct guard_want want = { .state = way->found.state,
					 .isolations = &way->found.isolations };
	int r;

	if (way->cut) {
		run_command(way->cut);
		return;
	}
	if (way->socket) {
		ask(way);
		return;
	}
	r = switch_isolate(way->guard, &want, &way->isolation);
	if (r < 0) {
		errno = -r;
		fail("isolate");
	}
}

static void join(struct way *way)
{
	const struct guard_want want = { .state = way->found.state,
					 .isolations = &way->found.isolations };

	if (way->join)
		run_line(way->join);
	else if (switch_guard_make(way->guard, &want, &way->isolation, &way->all) < 0)
		fail("reconnect");
}

static bool measure(struct way *way)
{
	uint64_t ordered, before = 0, last = 0;
	bool steady;

	for (int tries = 0; drain(0, &before, &last) < 100; tries++) {
		if (tries == 1000) {
			errno = ETIMEDOUT;
			fail("no packets arrive");
		}
		usleep(SETTLE_US);
	}
	drain(0, &before, &last);
	usleep(SETTLE_US + (useconds_t)(rand() % 1000));
	prepare(way);
	ordered = now_ns(CLOCK_REALTIME);
	cut(way);
	usleep(AFTER_US);
	drain(ordered, &before, &last);
	if (last < ordered)
		last = ordered;
	steady = ordered - before < pause_ns && was_steady(ordered, last);
	if (steady)
		printf("%.1f\n", (double)(last - ordered) / 1000);
	fflush(stdout);
	usleep(AFTER_US);
	if (drain(0, &before, &last) > 0) {
		errno = EBUSY;
		fail("packets still arrive");
	}
	join(way);
	if (way->join)
		usleep(REST_US);
	return steady;
}

static int take_way(struct way *way, int argc, char **argv)
{
	const char *interface = argv[1];

	if (argc == 3 && strcmp(argv[0], "command") == 0) {
		pause_ns = COMMAND_PAUSE_NS;
		way->cut = argv[1];
		way->join = argv[2];
		return 0;
	}
	if (argc == 4 && strcmp(argv[0], "client") == 0) {
		way->socket = argv[1];
		interface = argv[2];
		way->join = argv[3];
	} else if (argc != 2 ||
		   (strcmp(argv[0], "switch") != 0 && strcmp(argv[0], "rested") != 0)) {
		return -EINVAL;
	}
	way->rested = strcmp(argv[0], "rested") == 0;
	return isolation_init(&way->isolation, ISOLATION_LINK, interface);
}

int main(int argc, char **argv)
{
	static struct way way;
	uint64_t end = 0;
	pthread_t thread;
	int at = 6, runs;

	if (argc > 8 && strcmp(argv[at], "--for") == 0) {
		end = now_ns(CLOCK_MONOTONIC) + (uint64_t)(atof(argv[at + 1]) * 1e9);
		at += 2;
	}
	if (take_way(&way, argc - at, argv + at) < 0) {
		fputs("usage: bench_isolate FROM TO ADDRESS PORT RUNS [--for SECONDS] switch|rested "
		      "INTERFACE | client SOCKET INTERFACE JOIN | command CUT JOIN\n",
		      stderr);
		return 2;
	}
	runs = atoi(argv[5]);
	if (switch_open(&way.guard) < 0 || switch_guard_read(way.guard, &way.found) < 0)
		fail("the guard");
	mallopt(M_MMAP_THRESHOLD, 1 << 22);
	mallopt(M_TRIM_THRESHOLD, 1 << 22); // as the daemon does
	switch_rehearse(way.guard);
	open_sockets(argv[1], argv[2], argv[3], argv[4]);
	if (pthread_create(&thread, NULL, stream, NULL) != 0)
		fail("the stream");
	for (int i = 0, tries = 0;
	     end ? now_ns(CLOCK_MONOTONIC) < end : i < runs && tries < runs * TRIES; tries++)
		i += measure(&way);
	stop = true;
	pthread_join(thread, NULL);
	switch_close(way.guard);
	return 0;
}
