// Events on their way to the keeper: bodies of records in one piece of memory, a newline after
// each. Those before `sent` are with the keeper and not acknowledged; they stay, to be sent again.
#ifndef SEKISHO_DAEMON_KEEPER_QUEUE_H
#define SEKISHO_DAEMON_KEEPER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keeper_queue {
	char *bytes;
	size_t size, head, sent, tail; // offsets
	uint64_t put, durable;	       // events, ever
};

int keeper_queue_init(struct keeper_queue *queue, size_t size);
void keeper_queue_done(struct keeper_queue *queue);

// False: it does not fit and leave `reserve` bytes free.
bool keeper_queue_put(struct keeper_queue *queue, const char *body, size_t size, size_t reserve);
// The next whole events that are not sent, at most `max` bytes; 0: none.  They count as sent.
size_t keeper_queue_next(struct keeper_queue *queue, size_t max, const char **ret_bytes,
			 uint32_t *ret_events);
void keeper_queue_unsend(struct keeper_queue *queue, size_t bytes); // the last that next() gave
void keeper_queue_unsend_all(struct keeper_queue *queue);
void keeper_queue_acknowledge(struct keeper_queue *queue, uint64_t durable); // of all ever put

static inline size_t keeper_queue_in_flight(const struct keeper_queue *queue)
{
	return queue->sent - queue->head;
}
static inline size_t keeper_queue_unsent(const struct keeper_queue *queue)
{
	return queue->tail - queue->sent;
}

#endif
