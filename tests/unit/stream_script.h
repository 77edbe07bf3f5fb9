// An engine for tests of streams that does what each line says by its first letter:
//
//	p	passes
//	o	is overwritten by capitals
//	r	is replaced by itself twice (server)
//	g	is replaced by itself six times (server)
//	e	is replaced by nothing (server)
//	h	waits for the next line
//	t	the client is taken over; all up to a line that begins with "." is swallowed, then
//		the client is answered and the connection closed
//	q	nothing more is looked at
//	x	ends both
#ifndef SEKISHO_TESTS_STREAM_SCRIPT_H
#define SEKISHO_TESTS_STREAM_SCRIPT_H

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/stream.h"

#define SCRIPT_REPLY "552 5.3.4 not that much\r\n"

enum { SCRIPT_LINE_MAX = 512 };

struct engine {
	struct engine_host host;
	struct {
		uint8_t line[2 * SCRIPT_LINE_MAX];
		size_t n;    // undecided
		size_t from; // of the line that is not yet complete
	} sides[2];
	bool taken, over;
};

static struct {
	uint64_t decided_out[2]; // bytes that may go on
	uint64_t fed[2];
	unsigned made, freed;
	bool closed[2];
} script;

static inline size_t script_out(uint8_t kind, const uint8_t *line, size_t n, uint8_t *out)
{
	static const uint8_t times[256] = { ['r'] = 2, ['g'] = 6 };
	size_t size = 0;

	if (kind == 'e')
		return 0;
	for (unsigned i = 0; i < (times[kind] ? times[kind] : 1); i++, size += n)
		memcpy(out + size, line, n);
	for (size_t i = 0; kind == 'o' && i < n; i++)
		out[i] = (uint8_t)toupper(out[i]);
	return size;
}

static inline void script_order(struct engine *engine, struct engine_order order)
{
	engine->host.order(engine->host.arg, &order);
}

static inline int script_make(const struct engine_peer *peer, const struct engine_host *host,
			      struct source_limits *limits, uint64_t now_us, struct engine **ret)
{
	(void)peer, (void)limits, (void)now_us;
	*ret = calloc(1, sizeof(**ret));
	(*ret)->host = *host;
	script.made++;
	return 0;
}

static inline void script_free(struct engine *engine, uint64_t now_us)
{
	(void)now_us;
	script.freed++;
	free(engine);
}

static inline void script_over(struct engine *engine, enum engine_verb verb)
{
	engine->over = true;
	script_order(engine, (struct engine_order){ .verb = verb });
}

// All lines that wait, the last of which is [from, n).
static inline void script_decide(struct engine *engine, enum engine_side side, const uint8_t *bytes,
				 size_t n)
{
	uint8_t out[6 * SCRIPT_LINE_MAX];
	struct engine_order order = { .verb = ENGINE_PASS, .side = side, .size = n };

	if (engine->taken) {
		order.verb = ENGINE_SWALLOW;
		script_order(engine, order);
		return;
	}
	if (bytes[0] == 'o' || bytes[0] == 'r' || bytes[0] == 'e' || bytes[0] == 'g') {
		order.verb = bytes[0] == 'o' ? ENGINE_OVERWRITE : ENGINE_REPLACE;
		order.bytes = out;
		order.n_bytes = script_out(bytes[0], bytes, n, out);
	}
	script.decided_out[side] += order.n_bytes || bytes[0] == 'e' ? order.n_bytes : n;
	script_order(engine, order);
}

static inline void script_line(struct engine *engine, enum engine_side side)
{
	size_t from = engine->sides[side].from, n = engine->sides[side].n;
	uint8_t *line = engine->sides[side].line;

	if (line[from] == 'h' && from == 0 && !engine->taken) {
		engine->sides[side].from = n;
		return;
	}
	if (line[from] == 't' && !engine->taken) {
		if (from)
			script_decide(engine, side, line, from);
		memmove(line, line + from, n - from);
		n -= from;
		from = 0;
		engine->taken = true;
		script.decided_out[ENGINE_SERVER] = INT64_MAX; // the reply
		script_order(engine, (struct engine_order){ .verb = ENGINE_TAKE, .side = side });
	}
	if (line[from] == 'x' || line[from] == 'q') {
		if (line[from] == 'q')
			script.decided_out[0] = script.decided_out[1] = INT64_MAX;
		script_over(engine, line[from] == 'x' ? ENGINE_END : ENGINE_RELEASE);
		return;
	}
	if (from)
		script_decide(engine, side, line, from);
	script_decide(engine, side, line + from, n - from);
	if (engine->taken && line[from] == '.') {
		script_order(engine, (struct engine_order){ .verb = ENGINE_REPLY,
							    .bytes = (const uint8_t *)SCRIPT_REPLY,
							    .n_bytes = sizeof(SCRIPT_REPLY) - 1 });
		script_over(engine, ENGINE_END);
	}
	engine->sides[side].n = engine->sides[side].from = 0;
}

static inline void script_feed(struct engine *engine, enum engine_side side, const uint8_t *bytes,
			       size_t size, uint64_t now_us)
{
	(void)now_us;
	script.fed[side] += size;
	for (size_t i = 0; i < size && !engine->over; i++) {
		engine->sides[side].line[engine->sides[side].n++] = bytes[i];
		if (bytes[i] == '\n')
			script_line(engine, side);
		else if (engine->sides[side].n == 2 * SCRIPT_LINE_MAX)
			script_over(engine, ENGINE_END);
	}
}

static inline void script_closed(struct engine *engine, enum engine_side side, uint64_t now_us)
{
	size_t n = engine->sides[side].n;

	(void)now_us;
	script.closed[side] = true;
	if (n && !engine->over)
		script_decide(engine, side, (const uint8_t *)"p", n);
	engine->sides[side].n = 0;
}

static inline size_t script_memory(const struct engine *engine)
{
	return sizeof(*engine);
}

static const struct engine_kind script_kind = { .make = script_make,
						.free = script_free,
						.feed = script_feed,
						.closed = script_closed,
						.memory = script_memory };

// The flow 1 of an empty guard.
static const struct profile_flow script_flow = { .mark = 1, .id = "mail" };
static const struct profiles script_profiles = { &script_flow, 1 };

#endif
