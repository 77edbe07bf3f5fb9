// Steady streams of packets, to find out whether anything is lost or leaks while something changes.
//
//   lab-stream RATE SECONDS < LINES     lines as in wire/line.c, sent in turn, RATE packets a
//   second prints for each line: SENT ENTERED ARRIVED; and at last, as "rate N", the rate reached
//
// A machine that cannot keep up makes it slower, never counts wrong: no more are sent than so many
// that the gateway has not been seen to take in yet.  SIGTERM ends it before its time, with its
// report. Every packet has a token, so one that arrives twice or late counts once and on its own
// line.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wire/wire.h"

enum {
	STREAMS_MAX = 16,
	STREAM_BATCH_NS = 1000000,
	STREAM_QUIET_MS = 200,
	STREAM_AHEAD_MAX = 2000,
	STREAM_WAITS_MAX = 2000
};

struct stream {
	unsigned zone, link;
	struct wire_packet packet;
	size_t sent, entered, arrived;
};

struct session {
	struct wire wire;
	struct stream streams[STREAMS_MAX];
	size_t n, packets, sent, entered;
	uint8_t *seen; // a bit each for entered and arrived, by token
	uint32_t first_token;
};

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static void note(void *arg, const struct wire_event *event)
{
	struct session *session = arg;
	uint32_t i = event->token - session->first_token;
	if (i >= session->packets || (event->what != WIRE_ENTERED && event->what != WIRE_ARRIVED))
		return;
	struct stream *stream = &session->streams[i % session->n];
	uint8_t bit = event->what == WIRE_ENTERED ? 1 : 2;
	if (session->seen[i] & bit)
		return;
	session->seen[i] |= bit;
	if (bit == 1)
		stream->entered++, session->entered++;
	else
		stream->arrived++;
}

static void wait_until(struct timespec *next, long ns)
{
	next->tv_nsec += ns;
	if (next->tv_nsec >= 1000000000) {
		next->tv_sec++;
		next->tv_nsec -= 1000000000;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

// Waits, for a while, until the gateway has taken in most of what was sent.
static void hold_back(struct session *session, size_t sent)
{
	for (int i = 0; sent - session->entered > STREAM_AHEAD_MAX && i < STREAM_WAITS_MAX; i++)
		wire_collect(&session->wire, 1, note, session);
}

// A burst a millisecond, what came back read in between.
// Returns the seconds that sending took.
static double run(struct session *session, size_t rate)
{
	size_t a_batch = rate / 1000 ? rate / 1000 : 1, sent = 0;
	struct timespec next, begin, now;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	next = begin;
	while (sent < session->packets && !ended) {
		for (size_t k = 0; k < a_batch && sent < session->packets; k++, sent++) {
			struct stream *stream = &session->streams[sent % session->n];
			stream->packet.token = session->first_token + (uint32_t)sent;
			wire_send(&session->wire, stream->zone, stream->link, &stream->packet, 0);
			stream->sent++;
		}
		wire_collect(&session->wire, 0, note, session);
		hold_back(session, sent);
		wait_until(&next, STREAM_BATCH_NS);
	}
	session->sent = sent;
	clock_gettime(CLOCK_MONOTONIC, &now);
	wire_collect(&session->wire, STREAM_QUIET_MS, note, session);
	return (double)(now.tv_sec - begin.tv_sec) + (double)(now.tv_nsec - begin.tv_nsec) / 1e9;
}

int main(int argc, char **argv)
{
	static struct session session;
	char line[1024];
	if (argc != 3) {
		fprintf(stderr, "usage: lab-stream RATE SECONDS < LINES\n");
		return 2;
	}
	size_t rate = (size_t)atoi(argv[1]);
	signal(SIGTERM, end);
	wire_open(&session.wire);
	while (session.n < STREAMS_MAX && fgets(line, sizeof(line), stdin)) {
		struct stream *stream = &session.streams[session.n];
		if (!wire_parse_line(&session.wire, line, &stream->zone, &stream->link,
				     &stream->packet))
			continue;
		if (stream->packet.sport == 0)
			stream->packet.sport = (uint16_t)(30000 + session.n);
		session.n++;
	}
	session.packets = (size_t)(atof(argv[2]) * (double)rate);
	session.seen = calloc(session.packets + 1, 1);
	session.first_token = 0x40000000;
	if (!session.seen || session.n == 0)
		return 2;
	wire_fix_neighbours(&session.wire);
	double took = run(&session, rate);
	for (size_t i = 0; i < session.n; i++)
		printf("%zu %zu %zu\n", session.streams[i].sent, session.streams[i].entered,
		       session.streams[i].arrived);
	printf("rate %.0f\n", (double)session.sent / took);
	free(session.seen);
	wire_close(&session.wire);
	return 0;
}
