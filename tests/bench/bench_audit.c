// Events a second that the gate's side accepts and the keeper makes durable, through the real
// process: made as records, chained, written, synced in groups, acknowledged.  Beside it the disk:
// the same bytes written and synced once, without chain or process.
//	bench_audit FOLDER
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/journal.h"
#include "daemon/keeper.h"
#include "event/json.h"

enum { EVENTS = 200000, RUNS = 5, NOBODY = 65534 };

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void make_event(struct event *event, unsigned i, char source[16])
{
	snprintf(source, 16, "10.20.%u.%u", i / 250 % 250, i % 250);
	event_init(event, EVENT_PACKET_ALLOWED, journal_now_usec());
	event_number(event, EVENT_GENERATION, 12);
	event_text(event, EVENT_FLOW, "office-mail-out");
	event_text(event, EVENT_FROM, "office");
	event_text(event, EVENT_TO, "dmz");
	event_text(event, EVENT_INPUT, "lan-of");
	event_text(event, EVENT_OUTPUT, "lan-dmz");
	event_text(event, EVENT_PROTOCOL, "tcp");
	event_text(event, EVENT_SOURCE, source);
	event_number(event, EVENT_SOURCE_PORT, 1024 + i % 60000);
	event_text(event, EVENT_DESTINATION, "192.0.2.25");
	event_number(event, EVENT_DESTINATION_PORT, 25);
	event_number(event, EVENT_LENGTH, 60);
}

static double run(struct keeper *keeper, struct stamp_clock *clock, size_t *ret_bytes)
{
	double start = seconds();
	*ret_bytes = 0;
	for (unsigned i = 0; i < EVENTS; i++) {
		struct event event;
		struct event_stamp stamp;
		char source[16], body[EVENT_LINE_MAX];
		make_event(&event, i, source);
		stamp_now(clock, &stamp);
		size_t n = event_write_record(&event, &stamp, body, sizeof(body));
		*ret_bytes += n + 90; // its number and hash
		// A full queue is waited for: all are to be kept.
		while (!keeper_put(keeper, EVENT_APPLIED, body, n)) {
			keeper_lost_told(keeper, 1);
			keeper_flush(keeper, 10000);
		}
	}
	if (keeper_flush(keeper, 60000) < 0) {
		fprintf(stderr, "bench_audit: not everything was acknowledged\n");
		exit(1);
	}
	return seconds() - start;
}

static double bare(const char *folder, size_t bytes)
{
	char path[256], *block = calloc(1, 48 * 1024);
	double start = seconds();
	snprintf(path, sizeof(path), "%s/bare", folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	for (size_t at = 0; at < bytes; at += 48 * 1024)
		if (write(fd, block, 48 * 1024) < 0)
			exit(1);
	if (fdatasync(fd) < 0)
		exit(1);
	close(fd);
	unlink(path);
	free(block);
	return seconds() - start;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

// One event at a time, each waited for: what an order costs that must be on the disk first.
static double one_by_one(struct keeper *keeper, struct stamp_clock *clock)
{
	enum { N = 200 };
	static double took[N];
	for (unsigned i = 0; i < N; i++) {
		struct event event;
		struct event_stamp stamp;
		char source[16], body[EVENT_LINE_MAX];
		double start = seconds();
		make_event(&event, i, source);
		stamp_now(clock, &stamp);
		size_t n = event_write_record(&event, &stamp, body, sizeof(body));
		keeper_put(keeper, EVENT_APPLIED, body, n);
		keeper_flush(keeper, 10000);
		took[i] = seconds() - start;
	}
	qsort(took, N, sizeof(*took), compare);
	return took[N / 2];
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], KEEPER_ARGUMENT) == 0)
		return keeper_main();
	if (argc != 2) {
		fprintf(stderr, "usage: bench_audit FOLDER\n");
		return 2;
	}
	struct keeper_options options = {
		.folder = argv[1],
		.uid = NOBODY,
		.gid = NOBODY,
		.state_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	};
	struct keeper *keeper;
	struct failure failure;
	struct stamp_clock clock;
	double took[RUNS], disk[RUNS];
	size_t bytes = 0;
	chmod(argv[1], 0755);
	stamp_clock_init(&clock);
	if (keeper_start(NULL, &options, &failure, &keeper) < 0) {
		fprintf(stderr, "bench_audit: %s\n", failure.text);
		return 1;
	}
	keeper_flush(keeper, 1000);
	for (int i = 0; i < RUNS; i++) {
		took[i] = run(keeper, &clock, &bytes);
		disk[i] = bare(argv[1], bytes);
	}
	double single = one_by_one(keeper, &clock);
	keeper_stop(keeper);
	qsort(took, RUNS, sizeof(*took), compare);
	qsort(disk, RUNS, sizeof(*disk), compare);
	double rate = EVENTS / took[RUNS / 2], limit = EVENTS / disk[RUNS / 2];
	printf("{\"what\":\"audit events accepted and acknowledged\",\"peer\":\"the same bytes, one "
	       "write and one sync\",\"value\":%.0f,\"unit\":\"1/s\",\"ratio\":%.3f}\n",
	       rate, rate / limit);
	printf("{\"what\":\"one audit event until it is on the disk\",\"peer\":\"none\",\"value\":%.0f,\"unit\":\"us\",\"ratio\":null}\n",
	       single * 1e6);
	return rate >= 50000 ? 0 : 1;
}
