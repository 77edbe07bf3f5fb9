// What the kernel's queue costs by itself: takes what rules give to one, as the ferry does (the
// same batches, flags, lengths and rooms, and as long a look before it sleeps), looks at nothing
// and accepts it all.
//
//	bench_queue_floor
//
// Ends by SIGTERM and says how many packets there were.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/compile.h"
#include "daemon/ferry.h"
#include "daemon/lane.h"
#include "daemon/linger.h"
#include "kernel/queue.h"

enum { BATCH_FIRST = 8 }; // packets of one call, while it is not full: as the ferry asks

static uint8_t rooms_bytes[QUEUE_BATCH][LANE_SLOT_BYTES];
static volatile sig_atomic_t ends;

static void on_term(int signal)
{
	(void)signal;
	ends = 1;
}

static _Noreturn void give_up(const char *what, int r)
{
	fprintf(stderr, "bench_queue_floor: %s: %s\n", what, strerror(-r));
	exit(1);
}

// How many there were to take.
static int pass_batch(struct queue *queue)
{
	static unsigned batch = BATCH_FIRST;
	struct queue_room rooms[QUEUE_BATCH];
	struct queue_packet packets[QUEUE_BATCH];
	uint32_t last = 0;
	int r = 0, got;
	for (unsigned i = 0; i < batch; i++)
		rooms[i] = (struct queue_room){ .bytes = rooms_bytes[i], .size = LANE_SLOT_BYTES };
	got = queue_receive(queue, rooms, batch, packets);
	batch = got == (int)batch ? QUEUE_BATCH : BATCH_FIRST;
	if (got == -ENOBUFS)
		return 1;
	if (got < 0)
		give_up("the queue", got);
	for (int i = 0; i < got; i++)
		if (rooms[i].used)
			last = packets[i].id;
	if (last)
		r = queue_accept_until(queue, last);
	if (r == 0)
		r = queue_send(queue);
	if (r < 0)
		give_up("verdicts", r);
	return got;
}

int main(void)
{
	const struct queue_options options = { .number = QUEUE_FIRST,
					       .length = FERRY_QUEUE_LENGTH,
					       .whole = true,
					       .socket_bytes = FERRY_SOCKET_BYTES };
	const struct sigaction term = { .sa_handler = on_term };
	struct queue_numbers numbers;
	struct linger looks = { 0 };
	struct queue *queue;
	int r = queue_open(&options, &queue);
	if (r < 0)
		give_up("the queue", r);
	sigaction(SIGTERM, &term, NULL);
	while (!ends) {
		struct pollfd fd = { .fd = queue_fd(queue), .events = POLLIN };
		if (!linger(&looks, pass_batch(queue) > 0) && poll(&fd, 1, 1000) < 0 &&
		    errno != EINTR)
			give_up("waiting", -errno);
	}
	queue_numbers(queue, &numbers);
	printf("{\"packets\":%llu,\"sends\":%llu,\"overruns\":%llu}\n",
	       (unsigned long long)numbers.packets, (unsigned long long)numbers.sends,
	       (unsigned long long)numbers.overruns);
	queue_close(queue);
	return 0;
}
