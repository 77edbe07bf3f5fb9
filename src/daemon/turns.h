// The order in which packets came out of the first queue, and their verdicts there.
//
// Accepting is cheapest for many at once, but such a verdict decides every packet of the queue that
// is as old or older.  So those that are accepted as they are gather here; what of them is older
// than any packet without a verdict goes in one, the others one by one:
//
//	queue   1 2 3 4 5 6        decided: accept 1 2 3 5 6, 4 still waits
//	verdicts: up to 3; 5; 6
//
// A packet that is held leaves the queue before a younger one is accepted in this way, for it has
// no verdict yet.
#ifndef SEKISHO_DAEMON_TURNS_H
#define SEKISHO_DAEMON_TURNS_H

#include <stdint.h>

#include "kernel/queue.h"

enum { TURNS_MAX = 131072 }; // from the oldest packet without a verdict on

// Where verdicts go: queue_answer() and queue_accept_until(), but in tests.
struct turns_queue {
	int (*answer)(void *arg, const struct queue_answer *answer);
	int (*accept_until)(void *arg, uint32_t id);
	void *arg;
};

struct turns {
	struct turns_queue queue;
	struct turn {
		uint32_t id;
		uint8_t state;
	} ring[TURNS_MAX];
	uint32_t first, end;
	uint32_t run[TURNS_MAX]; // turns accepted as they are, whose verdicts have not gone
	uint32_t n_run;
};

void turns_init(struct turns *turns, const struct turns_queue *queue);
uint32_t turns_waiting(const struct turns *turns);
// At most TURNS_MAX at a time; ids only grow.  Returns its turn.
uint32_t turns_arrive(struct turns *turns, uint32_t id);
void turns_accept(struct turns *turns, uint32_t turn);
// Any other verdict, after all that were accepted before it.  answer->id is filled in.
int turns_answer(struct turns *turns, uint32_t turn, struct queue_answer *answer);
int turns_flush(struct turns *turns);

#endif
