// Two sockets that do anything: three bytes say what one of them does, the engine does what the
// lines say (unit/stream_script.h).  What goes on must be what the engine decided, in its order,
// and what waits is bounded.
#include <assert.h>
#include <stdint.h>

#include "inspect/pipe.h"
#include "unit/stream_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { DECIDED_MAX = 1 << 18, STEPS_MAX = 600, EDITS_MAX = 6 };

static uint8_t decided[2][DECIDED_MAX], waiting[2][DECIDED_MAX];
static size_t n_decided[2], waiting_from[2], waiting_to[2], n_got[2];
static bool released, full; // full: of this test's memory
static struct engine_host real;

static void remember(enum engine_side side, const uint8_t *bytes, size_t n)
{
	full = full || n_decided[side] + n > DECIDED_MAX;
	if (full)
		return;
	memcpy(decided[side] + n_decided[side], bytes, n);
	n_decided[side] += n;
}

static void on_order(void *arg, const struct engine_order *order)
{
	enum engine_side side = order->side;
	(void)arg;
	switch (order->verb) {
	case ENGINE_PASS:
		remember(side, waiting[side] + waiting_from[side], order->size);
		break;
	case ENGINE_OVERWRITE:
	case ENGINE_REPLACE:
		remember(side, order->bytes, order->n_bytes);
		break;
	case ENGINE_REPLY:
		remember(ENGINE_SERVER, order->bytes, order->n_bytes);
		break;
	case ENGINE_INSERT:
		remember(ENGINE_CLIENT, order->bytes, order->n_bytes);
		break;
	case ENGINE_RELEASE:
		released = true;
		break;
	case ENGINE_TAKE:
	case ENGINE_SWALLOW:
	case ENGINE_END:
	case ENGINE_TLS:
		break;
	}
	if (order->verb <= ENGINE_REPLACE || order->verb == ENGINE_SWALLOW)
		waiting_from[side] += order->size;
	real.order(real.arg, order);
}

static int make(const struct engine_peer *peer, const struct engine_host *host,
		struct source_limits *limits, uint64_t now_us, struct engine **ret)
{
	struct engine_host between = *host;
	real = *host;
	between.order = on_order;
	return script_make(peer, &between, limits, now_us, ret);
}

static void feed(struct engine *engine, enum engine_side side, const uint8_t *bytes, size_t n,
		 uint64_t now_us)
{
	full = full || waiting_to[side] + n > DECIDED_MAX;
	if (full)
		return;
	memcpy(waiting[side] + waiting_to[side], bytes, n);
	waiting_to[side] += n;
	script_feed(engine, side, bytes, n, now_us);
}

static void over(struct engine *engine)
{
	if (!engine->over)
		script_over(engine, ENGINE_END);
}

static void failed(struct engine *engine, enum engine_failure failure, uint64_t now_us)
{
	(void)failure;
	(void)now_us;
	over(engine);
}

static void late(struct engine *engine, bool stuck, uint64_t now_us)
{
	(void)stuck;
	(void)now_us;
	over(engine);
}

static const struct engine_kind kind = {
	.make = make,
	.free = script_free,
	.feed = feed,
	.closed = script_closed,
	.memory = script_memory,
	.failed = failed,
	.late = late,
};

static void on_woken(void *arg)
{
	(void)arg;
}

static void take(struct pipe *pipe, enum engine_side side, size_t most)
{
	struct iovec pieces[PIPE_PIECES];
	unsigned n = pipe->state == PIPE_RESET ? 0 : pipe_out(pipe, side, pieces);
	size_t taken = 0;
	for (unsigned i = 0; i < n && taken < most; i++) {
		size_t some = pieces[i].iov_len < most - taken ? pieces[i].iov_len : most - taken;
		size_t *got = &n_got[!side];
		if (!released && !full)
			assert(*got + some <= n_decided[!side] &&
			       memcmp(decided[!side] + *got, pieces[i].iov_base, some) == 0);
		*got += some;
		taken += some;
	}
	if (taken)
		pipe_sent(pipe, side, taken);
}

// Many lines at once where `times` says so.
static void say(struct pipe *pipe, enum engine_side side, uint8_t which, uint8_t n, uint8_t times)
{
	static const char lines[] = "pab\noabcd\nhab\nrxy\nez\ngq\npqrs\npabc\nttt\n.\nqq\nxx\n";
	size_t room = pipe_room(pipe, side), size = (size_t)(n % 40) * (times + 1U);
	uint8_t *fresh;
	size = size < room ? size : room;
	if (!size)
		return;
	fresh = malloc(size);
	for (size_t i = 0; i < size; i++)
		fresh[i] = (uint8_t)lines[(which + i % (n % 40)) % (sizeof(lines) - 1)];
	pipe_feed(pipe, side, fresh, size);
	if (which & 0x80)
		take(pipe, (enum engine_side) !side, which);
	pipe_keep(pipe);
	memset(fresh, 0xee, size);
	free(fresh);
}

static void step(struct pipe *pipe, const uint8_t *bytes)
{
	enum engine_side side = bytes[0] & 1 ? ENGINE_SERVER : ENGINE_CLIENT;
	switch (bytes[0] >> 1 & 7) {
	case 0:
	case 1:
		say(pipe, side, bytes[1], bytes[2], 0);
		break;
	case 2:
		say(pipe, side, bytes[1], bytes[2], bytes[2]);
		break;
	case 3:
	case 4:
		take(pipe, side, bytes[1] * (bytes[2] + 1U));
		break;
	case 5:
		if (pipe_room(pipe, side))
			pipe_closed(pipe, side);
		break;
	case 6:
		if (pipe->state == PIPE_TAKEN || pipe->state == PIPE_ANSWERED)
			pipe_forget_server(pipe);
		break;
	case 7:
		if (bytes[1] == 1)
			pipe_failed(pipe, ENGINE_UNREACHED);
		else if (bytes[1] == 2)
			pipe_late(pipe);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct inspector_options options = { .arg = NULL };
	const struct engine_peer peer = { .client_port = 40000, .server_port = 25 };
	struct sessions sessions;
	struct pipe pipe;

	memset(&script, 0, sizeof(script));
	memset(n_decided, 0, sizeof(n_decided));
	memset(n_got, 0, sizeof(n_got));
	memset(waiting_from, 0, sizeof(waiting_from));
	memset(waiting_to, 0, sizeof(waiting_to));
	released = full = false;
	sessions_init(&sessions, &options, &kind);
	assert(sessions_set_profiles(&sessions, &script_profiles, NULL, NULL) == 0);
	assert(pipe_open(&pipe, &sessions, &peer, 1, on_woken, NULL) == 0);
	for (size_t at = 0, n = 0; at + 3 <= size && n < STEPS_MAX && !full; at += 3, n++) {
		step(&pipe, bytes + at);
		// Buffers double.
		assert(pipe_memory(&pipe) - session_memory(&pipe.session) <=
		       4UL * (PIPE_READ_MAX + (EDITS_MAX + 1) * ENGINE_WAITING_MAX) * 2);
	}
	// All that was decided comes, unless the connection is reset.
	while (!full && !released && pipe.state != PIPE_RESET &&
	       (pipe.ways[0].out.to > pipe.ways[0].out.from ||
		pipe.ways[1].out.to > pipe.ways[1].out.from)) {
		take(&pipe, ENGINE_SERVER, SIZE_MAX);
		take(&pipe, ENGINE_CLIENT, SIZE_MAX);
	}
	if (!full && !released && pipe.state == PIPE_OPEN)
		assert(n_got[0] == n_decided[0] && n_got[1] == n_decided[1]);
	if (!full && !released && pipe.ended && pipe.state != PIPE_RESET)
		assert(n_got[1] == n_decided[1]);
	pipe_done(&pipe);
	sessions_done(&sessions);
	assert(script.made == script.freed);
	return 0;
}
