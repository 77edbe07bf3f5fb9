// What the record of incidents reads: its two files, a copy of the ring, a capture, the answer of
// the gathering child, and the kernel's packet records.  The first byte says which.
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "daemon/collect.h"
#include "daemon/ring.h"
#include "keep/incident.h"
#include "keep/mask.h"
#include "keep/pcapng.h"
#include "kernel/nflog.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static volatile uint8_t touched;

static void touch(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		touched ^= bytes[i];
}

static void read_about(const uint8_t *bytes, size_t size)
{
	struct json_object *about = NULL;

	if (incident_parse_about((const char *)bytes, size, &about) == 0)
		json_object_put(about);
}

static void read_timeline(const uint8_t *bytes, size_t size)
{
	struct json_object *steps = NULL;
	size_t torn;

	if (incident_parse_timeline((const char *)bytes, size, &steps, &torn) == 0)
		json_object_put(steps);
}

static void read_ring(const uint8_t *bytes, size_t size)
{
	struct ring_packet packet;
	const uint8_t *part;
	size_t at = 0;

	while (ring_read(bytes, size, &at, &packet, &part) == 1)
		touch(part, packet.size);
}

static int take(void *arg, const struct pcapng_packet *packet)
{
	(void)arg;
	touch(packet->bytes, packet->size);
	return 0;
}

static void read_capture(const uint8_t *bytes, size_t size)
{
	pcapng_read(bytes, size, take, NULL);
}

static void read_answer(const uint8_t *bytes, size_t size)
{
	json_object_put(collect_read_answer(bytes, size));
}

static void read_record(const uint8_t *bytes, size_t size)
{
	static _Alignas(8) uint8_t message[65536];
	struct nflog_record record;

	memcpy(message, bytes, size < sizeof(message) ? size : sizeof(message));
	if (nflog_parse(message, size < sizeof(message) ? size : sizeof(message), &record) == 0)
		touch(record.whole, record.whole_size);
}

static void mask(const uint8_t *bytes, size_t size)
{
	struct mask *masks = mask_new();
	char *text;
	size_t length;

	if (mask_text(masks, (const char *)bytes, size, &text, &length) == 0)
		free(text);
	mask_free(masks);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static void (*const readers[])(const uint8_t *bytes, size_t size) = {
		read_about, read_timeline, read_ring, read_capture, read_answer, read_record, mask,
	};

	if (size)
		readers[bytes[0] % (sizeof(readers) / sizeof(readers[0]))](bytes + 1, size - 1);
	return 0;
}
