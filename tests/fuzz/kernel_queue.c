// Messages of the kernel's queue, the first bytes of longer ones too, and lines of its state.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void parse(const uint8_t *bytes, size_t size, size_t whole)
{
	struct queue_packet packet;
	uint8_t *copy = malloc(size + 1);

	if (!copy)
		return;
	memcpy(copy, bytes, size);
	if (queue_parse(copy, size, whole, &packet) == 0 &&
	    (packet.offset > size || packet.offset + (size_t)packet.size > whole ||
	     packet.whole < packet.size))
		abort();
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct queue_state state;
	char line[256] = "";
	uint16_t number;

	parse(bytes, size < QUEUE_HEAD ? size : QUEUE_HEAD, size);
	if (size > 2)
		parse(bytes + 2, size - 2, size - 2 + (size_t)(bytes[0] << 8 | bytes[1]));
	memcpy(line, bytes, size < sizeof(line) - 1 ? size : sizeof(line) - 1);
	queue_state_parse(line, &number, &state);
	return 0;
}
