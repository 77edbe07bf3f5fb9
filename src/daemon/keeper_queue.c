// Memory that is moved down when its end is reached; what is acknowledged is at its beginning.
#include "daemon/keeper_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int keeper_queue_init(struct keeper_queue *queue, size_t size)
{
	*queue = (struct keeper_queue){ .bytes = malloc(size), .size = size };
	return queue->bytes ? 0 : -ENOMEM;
}

void keeper_queue_done(struct keeper_queue *queue)
{
	free(queue->bytes);
	queue->bytes = NULL;
}

static void move_down(struct keeper_queue *queue)
{
	memmove(queue->bytes, queue->bytes + queue->head, queue->tail - queue->head);
	queue->sent -= queue->head;
	queue->tail -= queue->head;
	queue->head = 0;
}

bool keeper_queue_put(struct keeper_queue *queue, const char *body, size_t size, size_t reserve)
{
	if (queue->tail - queue->head + size + 1 + reserve > queue->size)
		return false;
	if (queue->tail + size + 1 > queue->size)
		move_down(queue);
	memcpy(queue->bytes + queue->tail, body, size);
	queue->tail += size;
	queue->bytes[queue->tail++] = '\n';
	queue->put++;
	return true;
}

size_t keeper_queue_next(struct keeper_queue *queue, size_t max, const char **ret_bytes,
			 uint32_t *ret_events)
{
	const char *start = queue->bytes + queue->sent, *end = queue->bytes + queue->tail,
		   *at = start;
	uint32_t events = 0;
	while (at < end) {
		const char *next = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
		if ((size_t)(next - start) > max)
			break;
		at = next;
		events++;
	}
	*ret_bytes = start;
	*ret_events = events;
	queue->sent += (size_t)(at - start);
	return (size_t)(at - start);
}

void keeper_queue_unsend(struct keeper_queue *queue, size_t bytes)
{
	queue->sent -= bytes;
}

void keeper_queue_unsend_all(struct keeper_queue *queue)
{
	queue->sent = queue->head;
}

void keeper_queue_acknowledge(struct keeper_queue *queue, uint64_t durable)
{
	while (queue->durable < durable && queue->head < queue->tail) {
		const char *at = queue->bytes + queue->head;
		const char *newline = memchr(at, '\n', queue->tail - queue->head);
		queue->head += (size_t)(newline - at) + 1;
		queue->durable++;
	}
	if (queue->sent < queue->head)
		queue->sent = queue->head;
	if (queue->head == queue->tail)
		queue->head = queue->sent = queue->tail = 0;
}
