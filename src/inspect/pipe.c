// The engine's orders, carried out on bytes.
//
//	came: bytes kept | now: bytes of the call in hand     out: bytes kept | piece: of `now`
//	      fed . unfed       fed . unfed
//
// What passes of the call in hand is not copied: it is a piece behind what is to be sent, as long
// as nothing else comes behind it.
#include "inspect/pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 512 };

// --- bytes that are kept

static uint32_t size_of(const struct pipe_bytes *bytes)
{
	return bytes->to - bytes->from;
}

// The memory stays: the engine may be reading in it.
static void drop(struct pipe_bytes *bytes, uint32_t n)
{
	bytes->from += n;
}

static void rest(struct pipe_bytes *bytes)
{
	if (!bytes->v || size_of(bytes))
		return;
	free(bytes->v);
	*bytes = (struct pipe_bytes){ 0 };
}

static int add(struct pipe_bytes *bytes, const uint8_t *more, size_t n)
{
	uint32_t has = size_of(bytes), room = bytes->room ? bytes->room : SMALL;
	uint8_t *grown;

	if (!n)
		return 0;
	if (bytes->to + n > bytes->room && bytes->from) {
		memmove(bytes->v, bytes->v + bytes->from, has);
		bytes->from = 0;
		bytes->to = has;
	}
	while (has + n > room)
		room *= 2;
	if (room > bytes->room) {
		grown = realloc(bytes->v, room);
		if (!grown)
			return -ENOMEM;
		bytes->v = grown;
		bytes->room = room;
	}
	memcpy(bytes->v + bytes->to, more, n);
	bytes->to += (uint32_t)n;
	return 0;
}

// --- what goes on

static void reset(struct pipe *pipe, enum inspector_trouble trouble)
{
	pipe->state = PIPE_RESET;
	pipe->trouble = (uint8_t)trouble;
	pipe->session.over = true;
}

// The piece becomes bytes that are kept.
static void keep_piece(struct pipe *pipe, struct pipe_way *way)
{
	if (add(&way->out, way->piece, way->n_piece) < 0)
		reset(pipe, TROUBLE_FULL);
	way->piece = NULL;
	way->n_piece = 0;
}

static void put(struct pipe *pipe, struct pipe_way *way, const uint8_t *bytes, size_t n)
{
	keep_piece(pipe, way);
	if (add(&way->out, bytes, n) < 0)
		reset(pipe, TROUBLE_FULL);
}

static uint32_t out_size(const struct pipe_way *way)
{
	return size_of(&way->out) + way->n_piece;
}

// --- what came

static uint32_t undecided(const struct pipe_way *way)
{
	return way->fed + way->fed_now;
}

static uint32_t unfed(const struct pipe_way *way)
{
	return size_of(&way->came) - way->fed + way->n_now - way->fed_now;
}

// The next n undecided bytes: on to the other side, or away.
static void decide(struct pipe *pipe, struct pipe_way *way, uint64_t n, bool pass)
{
	uint32_t old = n < way->fed ? (uint32_t)n : way->fed, now = (uint32_t)n - old;

	if (old && pass)
		put(pipe, way, way->came.v + way->came.from, old);
	drop(&way->came, old);
	way->fed -= old;
	if (!now)
		return;
	if (pass && way->n_piece && way->piece + way->n_piece != way->now)
		keep_piece(pipe, way);
	if (pass && !way->n_piece)
		way->piece = way->now;
	if (pass)
		way->n_piece += now;
	way->now += now;
	way->n_now -= now;
	way->fed_now -= now;
}

// --- orders

static void decide_bytes(struct pipe *pipe, const struct engine_order *order)
{
	struct pipe_way *way = &pipe->ways[order->side];
	const bool swallow = order->verb == ENGINE_SWALLOW, pass = order->verb == ENGINE_PASS;
	const size_t out = order->verb == ENGINE_OVERWRITE ? order->size : order->n_bytes;
	bool fine = order->size <= undecided(way) && swallow == (pipe->state == PIPE_TAKEN) &&
		    (!swallow || order->side == ENGINE_CLIENT);

	if (order->verb == ENGINE_REPLACE)
		fine = fine && order->side == ENGINE_SERVER;
	if (!swallow && !pass)
		fine = fine && order->size && out <= ENGINE_BYTES_MAX * 4;
	if (!fine) {
		reset(pipe, TROUBLE_ENGINE);
		return;
	}
	decide(pipe, way, order->size, pass);
	if (!swallow && !pass)
		put(pipe, way, order->bytes, out);
	if (swallow)
		pipe->swallowed += order->size;
}

static void insert(struct pipe *pipe, const struct engine_order *order)
{
	if (pipe->state != PIPE_OPEN || order->side != ENGINE_CLIENT || !order->n_bytes ||
	    order->n_bytes > ENGINE_BYTES_MAX)
		reset(pipe, TROUBLE_ENGINE);
	else
		put(pipe, &pipe->ways[ENGINE_CLIENT], order->bytes, order->n_bytes);
}

static void forget(struct pipe_way *way)
{
	drop(&way->came, size_of(&way->came));
	way->now = NULL;
	way->fed = way->n_now = way->fed_now = 0;
}

static void take(struct pipe *pipe, const struct engine_order *order)
{
	if (pipe->state != PIPE_OPEN || order->side != ENGINE_CLIENT) {
		reset(pipe, TROUBLE_ENGINE);
		return;
	}
	pipe->state = PIPE_TAKEN;
	forget(&pipe->ways[ENGINE_SERVER]);
}

static void reply(struct pipe *pipe, const struct engine_order *order)
{
	struct pipe_way *way = &pipe->ways[ENGINE_SERVER];

	if (pipe->state != PIPE_TAKEN || order->n_bytes > ENGINE_BYTES_MAX * 4)
		reset(pipe, TROUBLE_ENGINE);
	else
		put(pipe, way, order->bytes, order->n_bytes);
}

static void release(struct pipe *pipe)
{
	if (pipe->state != PIPE_OPEN) {
		reset(pipe, TROUBLE_ENGINE);
		return;
	}
	pipe->released = true;
	for (unsigned side = 0; side < 2; side++) {
		struct pipe_way *way = &pipe->ways[side];
		way->fed = size_of(&way->came);
		way->fed_now = way->n_now;
		decide(pipe, way, undecided(way), true);
	}
}

// What was said in clear behind that is said by nobody who may.
static void want_tls(struct pipe *pipe)
{
	const struct pipe_way *client = &pipe->ways[0], *server = &pipe->ways[1];

	if (pipe->state != PIPE_OPEN || pipe->wants_tls || undecided(client) || undecided(server) ||
	    unfed(client) || unfed(server))
		reset(pipe, TROUBLE_ENGINE);
	pipe->wants_tls = true;
}

static struct pipe *pipe_of(struct session *session)
{
	return (struct pipe *)((char *)session - offsetof(struct pipe, session));
}

static void on_order(struct session *session, const struct engine_order *order)
{
	struct pipe *pipe = pipe_of(session);

	if (pipe->state == PIPE_RESET)
		return;
	switch (order->verb) {
	case ENGINE_PASS:
	case ENGINE_OVERWRITE:
	case ENGINE_REPLACE:
	case ENGINE_SWALLOW:
		decide_bytes(pipe, order);
		return;
	case ENGINE_TAKE:
		take(pipe, order);
		return;
	case ENGINE_REPLY:
		reply(pipe, order);
		return;
	case ENGINE_END:
		if (pipe->state != PIPE_TAKEN)
			reset(pipe, TROUBLE_ENDED);
		else
			pipe->ended = true;
		return;
	case ENGINE_INSERT:
		insert(pipe, order);
		return;
	case ENGINE_TLS:
		want_tls(pipe);
		return;
	case ENGINE_RELEASE:
		release(pipe);
		return;
	}
	reset(pipe, TROUBLE_ENGINE);
}

// --- the engine is fed

// As much as it may have undecided, so that it never has to give up a side that talks a lot at
// once.
static uint32_t share(const struct pipe_way *way)
{
	uint32_t n = unfed(way), most = ENGINE_WAITING_MAX - undecided(way);

	return undecided(way) >= ENGINE_WAITING_MAX ? 0 : n < most ? n : most;
}

// One piece of what it has not seen.  False: there is none, or it has to wait.
static bool feed_one(struct pipe *pipe, enum engine_side side)
{
	struct pipe_way *way = &pipe->ways[side];
	uint32_t n = share(way), kept = size_of(&way->came) - way->fed;
	const uint8_t *bytes;

	if (!n || !session_hears(&pipe->session, side) || out_size(way) > PIPE_READ_MAX)
		return false;
	if (kept) {
		n = n < kept ? n : kept;
		bytes = way->came.v + way->came.from + way->fed;
		way->fed += n;
	} else {
		bytes = way->now + way->fed_now;
		way->fed_now += n;
	}
	session_feed(&pipe->session, side, bytes, n);
	return true;
}

static bool tell_closed(struct pipe *pipe, enum engine_side side)
{
	struct pipe_way *way = &pipe->ways[side];

	if (!way->closed || way->told || unfed(way))
		return false;
	way->told = true;
	if (session_hears(&pipe->session, side))
		session_closed(&pipe->session, side);
	return true;
}

static void settle(struct pipe *pipe)
{
	struct pipe_way *client = &pipe->ways[ENGINE_CLIENT], *server = &pipe->ways[ENGINE_SERVER];

	if (pipe->state == PIPE_TAKEN && pipe->swallowed > PIPE_SWALLOW_MAX)
		reset(pipe, TROUBLE_SWALLOWED);
	if (pipe->state == PIPE_RESET)
		return;
	if (pipe->ended && pipe->state == PIPE_TAKEN) {
		pipe->state = PIPE_ANSWERED;
		forget(client);
	}
	if (client->closed && pipe_ends(pipe, ENGINE_CLIENT) &&
	    (pipe->ended || (server->closed && pipe_ends(pipe, ENGINE_SERVER))))
		pipe->state = PIPE_OVER;
}

static void go_on(struct pipe *pipe)
{
	bool moved;

	do {
		moved = false;
		for (unsigned side = 0; side < 2; side++) {
			while (feed_one(pipe, (enum engine_side)side))
				moved = true;
			moved = tell_closed(pipe, (enum engine_side)side) || moved;
		}
	} while (moved);
	settle(pipe);
	for (unsigned side = 0; side < 2; side++)
		rest(&pipe->ways[side].came);
}

static void on_go_on(struct session *session)
{
	struct pipe *pipe = pipe_of(session);

	go_on(pipe);
	pipe->woken(pipe->arg);
}

static const struct session_calls calls = { on_order, on_go_on, true, true };

// --- from outside

int pipe_open(struct pipe *pipe, struct sessions *sessions, const struct engine_peer *peer,
	      uint32_t mark, void (*woken)(void *arg), void *arg)
{
	int r;

	*pipe = (struct pipe){ .session = { .sessions = sessions, .calls = &calls, .peer = *peer },
			       .woken = woken,
			       .arg = arg,
			       .trouble = TROUBLES };
	r = session_use(&pipe->session, mark);
	if (r == 0 && session_begin(&pipe->session) < 0)
		reset(pipe, TROUBLE_FULL);
	if (r == 0)
		settle(pipe);
	return r;
}

void pipe_done(struct pipe *pipe)
{
	session_end(&pipe->session);
	session_drop_use(&pipe->session);
	for (unsigned side = 0; side < 2; side++) {
		free(pipe->ways[side].came.v);
		free(pipe->ways[side].out.v);
	}
}

size_t pipe_room(const struct pipe *pipe, enum engine_side side)
{
	const struct pipe_way *way = &pipe->ways[side];

	if (way->closed || pipe->state >= PIPE_OVER || pipe->wants_tls ||
	    (side == ENGINE_SERVER && pipe->state != PIPE_OPEN))
		return 0;
	if (unfed(way) || (out_size(way) && pipe->state == PIPE_OPEN))
		return 0;
	// While something waits, it is not read further than the engine could look.
	return undecided(way) ? ENGINE_WAITING_MAX - undecided(way) : PIPE_READ_MAX;
}

void pipe_feed(struct pipe *pipe, enum engine_side side, const uint8_t *bytes, size_t n)
{
	struct pipe_way *way = &pipe->ways[side];

	if (pipe->state == PIPE_ANSWERED) {
		pipe->drained += (uint32_t)n;
		if (pipe->drained > PIPE_DRAIN_MAX)
			pipe->state = PIPE_OVER;
		return;
	}
	if (pipe->state >= PIPE_OVER || way->closed || !n ||
	    (pipe->state == PIPE_TAKEN && side == ENGINE_SERVER))
		return;
	way->now = bytes;
	way->n_now = (uint32_t)n;
	way->fed_now = 0;
	if (pipe->released) {
		way->fed_now = way->n_now;
		decide(pipe, way, n, true);
	}
	go_on(pipe);
}

void pipe_closed(struct pipe *pipe, enum engine_side side)
{
	pipe->ways[side].closed = true;
	if (pipe->state >= PIPE_OVER)
		return;
	go_on(pipe);
}

void pipe_keep(struct pipe *pipe)
{
	for (unsigned side = 0; side < 2; side++) {
		struct pipe_way *way = &pipe->ways[side];
		keep_piece(pipe, way);
		if (add(&way->came, way->now, way->n_now) < 0)
			reset(pipe, TROUBLE_FULL);
		way->fed += way->fed_now;
		way->now = NULL;
		way->n_now = way->fed_now = 0;
		rest(&way->came);
		rest(&way->out);
	}
}

unsigned pipe_out(const struct pipe *pipe, enum engine_side side, struct iovec ret[PIPE_PIECES])
{
	const struct pipe_way *way = &pipe->ways[!side];
	unsigned n = 0;

	if (size_of(&way->out))
		ret[n++] = (struct iovec){ way->out.v + way->out.from, size_of(&way->out) };
	if (way->n_piece)
		ret[n++] = (struct iovec){ (void *)(uintptr_t)way->piece, way->n_piece };
	return n;
}

void pipe_sent(struct pipe *pipe, enum engine_side side, size_t n)
{
	struct pipe_way *way = &pipe->ways[!side];
	uint32_t kept = size_of(&way->out), old = n < kept ? (uint32_t)n : kept;

	drop(&way->out, old);
	rest(&way->out);
	if (n > old) {
		way->piece += n - old;
		way->n_piece -= (uint32_t)(n - old);
	}
	go_on(pipe);
}

bool pipe_ends(const struct pipe *pipe, enum engine_side side)
{
	const struct pipe_way *way = &pipe->ways[!side];

	if (out_size(way) || pipe->state == PIPE_TAKEN || pipe->state == PIPE_RESET)
		return false;
	return pipe->ended || (way->told && !undecided(way));
}

void pipe_forget_server(struct pipe *pipe)
{
	struct pipe_way *way = &pipe->ways[ENGINE_CLIENT];

	drop(&way->out, size_of(&way->out));
	rest(&way->out);
	way->piece = NULL;
	way->n_piece = 0;
}

bool pipe_wants_tls(const struct pipe *pipe)
{
	return pipe->wants_tls;
}

void pipe_agreed(struct pipe *pipe, enum engine_side side, uint16_t suite)
{
	const struct sessions *sessions = pipe->session.sessions;

	if (session_hears(&pipe->session, side) && sessions->kind->agreed)
		sessions->kind->agreed(pipe->session.engine, side, suite);
}

void pipe_has_tls(struct pipe *pipe)
{
	pipe->wants_tls = false;
}

void pipe_failed(struct pipe *pipe, enum engine_failure failure)
{
	const struct sessions *sessions = pipe->session.sessions;

	if (!session_hears(&pipe->session, ENGINE_SERVER) || !sessions->kind->failed) {
		reset(pipe, TROUBLES);
		return;
	}
	sessions->kind->failed(pipe->session.engine, failure, sessions->wall_us);
	settle(pipe);
}

void pipe_late(struct pipe *pipe)
{
	const struct sessions *sessions = pipe->session.sessions;

	if (!session_hears(&pipe->session, ENGINE_CLIENT) || !sessions->kind->late) {
		reset(pipe, TROUBLES);
		return;
	}
	sessions->kind->late(pipe->session.engine, out_size(&pipe->ways[ENGINE_CLIENT]),
			     sessions->wall_us);
	settle(pipe);
}

unsigned pipe_patience(const struct pipe *pipe)
{
	const struct sessions *sessions = pipe->session.sessions;

	if (pipe->released)
		return PIPE_RELEASED_SECONDS;
	if (!session_hears(&pipe->session, ENGINE_CLIENT))
		return PIPE_DRAIN_SECONDS;
	return sessions->kind->patience ? sessions->kind->patience(pipe->session.engine) : 0;
}

size_t pipe_memory(const struct pipe *pipe)
{
	size_t memory = session_memory(&pipe->session);

	for (unsigned side = 0; side < 2; side++)
		memory += pipe->ways[side].came.room + pipe->ways[side].out.room;
	return memory;
}
