#include "daemon/turns.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { OPEN, ACCEPTED, DONE };

void turns_init(struct turns *turns, const struct turns_queue *queue)
{
	turns->queue = *queue;
	turns->first = turns->end = turns->n_run = 0;
}

static struct turn *at(struct turns *turns, uint32_t turn)
{
	return &turns->ring[turn % TURNS_MAX];
}

uint32_t turns_waiting(const struct turns *turns)
{
	return turns->end - turns->first;
}

uint32_t turns_arrive(struct turns *turns, uint32_t id)
{
	*at(turns, turns->end) = (struct turn){ .id = id, .state = OPEN };
	return turns->end++;
}

void turns_accept(struct turns *turns, uint32_t turn)
{
	at(turns, turn)->state = ACCEPTED;
	turns->run[turns->n_run++] = turn;
}

// Passes those at the front that need no verdict of their own.  True with the youngest that one for
// all of them has to name.
static bool pass_front(struct turns *turns, uint32_t *ret_id)
{
	bool any = false;
	while (turns->first != turns->end && at(turns, turns->first)->state != OPEN) {
		struct turn *turn = at(turns, turns->first++);
		if (turn->state != ACCEPTED)
			continue;
		*ret_id = turn->id;
		any = true;
	}
	return any;
}

int turns_flush(struct turns *turns)
{
	uint32_t before = turns->first, id;
	int r = 0;
	if (pass_front(turns, &id))
		r = turns->queue.accept_until(turns->queue.arg, id);
	for (uint32_t i = 0; i < turns->n_run; i++) {
		struct turn *turn = at(turns, turns->run[i]);
		const struct queue_answer answer = { .id = turn->id, .verdict = QUEUE_ACCEPT };
		if (turns->run[i] - before < turns->first - before) // went with the others
			continue;
		turn->state = DONE;
		if (r == 0)
			r = turns->queue.answer(turns->queue.arg, &answer);
	}
	turns->n_run = 0;
	return r;
}

int turns_answer(struct turns *turns, uint32_t turn, struct queue_answer *answer)
{
	int r = turns_flush(turns);
	answer->id = at(turns, turn)->id;
	at(turns, turn)->state = DONE;
	return r < 0 ? r : turns->queue.answer(turns->queue.arg, answer);
}
