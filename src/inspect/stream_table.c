// Connections by their two ends, under a random key so that nobody can aim at one bucket; and in
// lists by the time they were last heard of.
#include "inspect/stream.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND = 1000000 };

static const struct {
	uint64_t seconds;
} lists[STREAM_LISTS] = {
	[LIST_OPENING] = { 20 },
	[LIST_OPEN] = { 3600 }, // SMTP waits ten minutes at the most (RFC 5321 4.5.3.2)
	[LIST_CLOSED] = { 60 },
	[LIST_TAKEN] = { 120 },
};

_Static_assert(crypto_shorthash_KEYBYTES == sizeof(((struct inspector *)0)->key), "key");

int table_init(struct inspector *inspector)
{
	uint32_t buckets = 64;
	while (buckets < inspector->options.connections_max && buckets < 1U << 24)
		buckets *= 2;
	inspector->table = calloc(buckets, sizeof(*inspector->table));
	if (!inspector->table)
		return -ENOMEM;
	inspector->buckets = buckets;
	randombytes_buf(inspector->key, sizeof(inspector->key));
	return 0;
}

void table_done(struct inspector *inspector)
{
	for (unsigned list = 0; list < STREAM_LISTS; list++) {
		while (inspector->lists[list].oldest)
			table_remove(inspector->lists[list].oldest);
	}
	free(inspector->table);
}

static size_t put_end(uint8_t *out, const struct addr *addr, uint16_t port)
{
	addr_to_bytes(ADDR_V6, addr->bits, out);
	out[16] = (uint8_t)(port >> 8);
	out[17] = (uint8_t)port;
	return 18;
}

// Both directions give the same bucket.
static uint32_t bucket_of(const struct inspector *inspector, const struct addr *a, uint16_t a_port,
			  const struct addr *b, uint16_t b_port)
{
	bool swap = a->bits > b->bits || (a->bits == b->bits && a_port > b_port);
	uint8_t key[37], hash[crypto_shorthash_BYTES];
	uint32_t bucket;
	size_t n = put_end(key, swap ? b : a, swap ? b_port : a_port);

	n += put_end(key + n, swap ? a : b, swap ? a_port : b_port);
	key[n++] = (uint8_t)a->family;
	crypto_shorthash(hash, key, n, inspector->key);
	memcpy(&bucket, hash, sizeof(bucket));
	return bucket & (inspector->buckets - 1);
}

static uint32_t packet_bucket(const struct inspector *inspector, const struct packet *packet)
{
	return bucket_of(inspector, &packet->from, packet->tcp.port[0], &packet->to,
			 packet->tcp.port[1]);
}

static bool is_end(const struct addr *a, uint16_t a_port, const struct addr *b, uint16_t b_port)
{
	return a_port == b_port && a->bits == b->bits && a->family == b->family;
}

struct stream *table_find(const struct inspector *inspector, const struct packet *packet,
			  uint8_t *ret_side)
{
	const uint16_t *port = packet->tcp.port;

	for (struct stream *stream = inspector->table[packet_bucket(inspector, packet)]; stream;
	     stream = stream->chain) {
		const struct engine_peer *peer = &stream->session.peer;
		if (is_end(&packet->from, port[0], &peer->client, peer->client_port) &&
		    is_end(&packet->to, port[1], &peer->server, peer->server_port)) {
			*ret_side = ENGINE_CLIENT;
			return stream;
		}
		if (is_end(&packet->from, port[0], &peer->server, peer->server_port) &&
		    is_end(&packet->to, port[1], &peer->client, peer->client_port)) {
			*ret_side = ENGINE_SERVER;
			return stream;
		}
	}
	return NULL;
}

static void leave_list(struct stream *stream)
{
	struct stream_ends *ends = &stream->inspector->lists[stream->list];

	*(stream->older ? &stream->older->newer : &ends->oldest) = stream->newer;
	*(stream->newer ? &stream->newer->older : &ends->newest) = stream->older;
	stream->older = stream->newer = NULL;
	ends->n--;
}

static void join_list(struct stream *stream, uint8_t list)
{
	struct stream_ends *ends = &stream->inspector->lists[list];

	stream->list = list;
	stream->older = ends->newest;
	*(ends->newest ? &ends->newest->newer : &ends->oldest) = stream;
	ends->newest = stream;
	ends->n++;
}

static uint8_t list_of(const struct stream *stream)
{
	const struct way *ways = stream->ways;

	switch ((enum stream_state)stream->state) {
	case STREAM_OPENING:
	case STREAM_ANSWERED:
		return LIST_OPENING;
	case STREAM_TAKEN:
		return stream->taken->done ? LIST_CLOSED : LIST_TAKEN;
	case STREAM_RESET:
		return stream->stray ? LIST_OPENING : LIST_CLOSED;
	default:
		break;
	}
	bool closed = ways[0].passed > ways[0].fin && ways[1].passed > ways[1].fin;
	return closed || stream->left ? LIST_CLOSED : LIST_OPEN;
}

void table_touch(struct stream *stream)
{
	uint8_t list = list_of(stream);

	// Nobody has anything to say any more: what there is to record is known.
	if (list == LIST_CLOSED)
		session_end(&stream->session);
	stream->seen_us = stream->inspector->now_us;
	leave_list(stream);
	join_list(stream, list);
}

// Who goes when all places are taken: those that are over, then the half-open ones, then those that
// said nothing for longest, so that nobody keeps others out by what costs nothing.  A stray makes
// no room for itself among those that may yet say something.
static struct stream *find_spare(const struct inspector *inspector, bool stray)
{
	static const struct {
		uint8_t list;
		uint64_t quiet_us;
		bool for_strays;
	} order[] = {
		{ LIST_CLOSED, 0, true },
		{ LIST_OPENING, 0, true },
		{ LIST_TAKEN, 30 * SECOND, false },
		{ LIST_OPEN, 30 * SECOND, false },
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct stream *oldest = inspector->lists[order[i].list].oldest;
		if (oldest && (!stray || order[i].for_strays) &&
		    oldest->seen_us + order[i].quiet_us <= inspector->now_us)
			return oldest;
	}
	return NULL;
}

// Half-open connections are a part of all and make room for one another only, so that a flood of
// them closes no established one.
static bool make_room(struct inspector *inspector, bool stray)
{
	const struct stream_ends *opening = &inspector->lists[LIST_OPENING];
	uint32_t most = inspector->options.connections_max / 4;
	bool full = inspector->numbers.connections >= inspector->options.connections_max ||
		    inspector->numbers.bytes >= inspector->options.memory_max;
	struct stream *spare = NULL;

	if (opening->n >= (most < 64 ? 64 : most))
		spare = opening->oldest;
	else if (full)
		spare = find_spare(inspector, stray);
	if (spare)
		table_remove(spare);
	return spare || !full;
}

bool table_has_memory(const struct stream *stream)
{
	struct inspector *inspector = stream->inspector;
	struct stream *spare;

	if (inspector->numbers.bytes < inspector->options.memory_max)
		return true;
	spare = find_spare(inspector, false);
	if (!spare || spare == stream)
		return false;
	table_remove(spare);
	return true;
}

struct stream *table_add(struct inspector *inspector, const struct packet *packet)
{
	uint32_t bucket = packet_bucket(inspector, packet);
	bool stray = !(packet->tcp.flags & TCP_SYN);
	struct stream *stream =
		make_room(inspector, stray) ? aligned_alloc(16, sizeof(*stream)) : NULL;

	if (!stream) {
		inspector->numbers.connections_refused++;
		return NULL;
	}
	memset(stream, 0, sizeof(*stream));
	stream->inspector = inspector;
	stream->session = (struct session){ .sessions = &inspector->sessions,
					    .calls = &stream_calls,
					    .peer = { .client = packet->from,
						      .server = packet->to,
						      .client_port = packet->tcp.port[0],
						      .server_port = packet->tcp.port[1] } };
	stream->ways[0].fin = stream->ways[1].fin = INT64_MAX;
	stream->chain = inspector->table[bucket];
	inspector->table[bucket] = stream;
	stream->seen_us = inspector->now_us;
	inspector->numbers.connections++;
	join_list(stream, LIST_OPENING);
	table_count(stream);
	return stream;
}

void table_remove(struct stream *stream)
{
	struct inspector *inspector = stream->inspector;
	const struct engine_peer *peer = &stream->session.peer;
	struct stream **at = &inspector->table[bucket_of(
		inspector, &peer->client, peer->client_port, &peer->server, peer->server_port)];

	while (*at != stream)
		at = &(*at)->chain;
	*at = stream->chain;
	hold_drop_all(stream);
	session_end(&stream->session);
	leave_list(stream);
	for (unsigned side = 0; side < 2; side++)
		trail_done(&stream->ways[side].trail);
	taken_free(stream->taken);
	session_drop_use(&stream->session);
	inspector->numbers.connections--;
	inspector->numbers.bytes -= stream->memory;
	free(stream);
}

// Those that were quiet for a second; those that were for long have rested before.
static void rest(struct inspector *inspector)
{
	enum { QUIET_US = SECOND, LONG_US = 8 * SECOND };

	if (inspector->now_us < inspector->rested_us + SECOND)
		return;
	inspector->rested_us = inspector->now_us;
	for (unsigned list = 0; list < STREAM_LISTS; list++) {
		for (struct stream *stream = inspector->lists[list].newest;
		     stream && stream->seen_us + LONG_US > inspector->now_us;
		     stream = stream->older) {
			if (stream->seen_us + QUIET_US > inspector->now_us)
				continue;
			trail_rest(&stream->ways[0].trail);
			trail_rest(&stream->ways[1].trail);
			table_count(stream);
		}
	}
}

void table_tick(struct inspector *inspector)
{
	rest(inspector);
	for (unsigned list = 0; list < STREAM_LISTS; list++) {
		struct stream *stream;
		while ((stream = inspector->lists[list].oldest) &&
		       stream->seen_us + lists[list].seconds * SECOND < inspector->now_us)
			table_remove(stream);
	}
}

void table_count(struct stream *stream)
{
	const struct way *ways = stream->ways;
	size_t memory = sizeof(*stream) + trail_memory(&ways[0].trail) +
			trail_memory(&ways[1].trail) +
			(size_t)(ways[0].n_held + ways[1].n_held) * sizeof(struct hold);

	memory += session_memory(&stream->session);
	if (stream->taken)
		memory += sizeof(*stream->taken) + stream->taken->room;
	stream->inspector->numbers.bytes += memory - stream->memory;
	stream->memory = (uint32_t)memory;
}
