#include "daemon/pair.h"

#include <errno.h>
#include <sys/epoll.h>

#include "daemon/pipes.h"

static void close_side(struct pair *pair, enum engine_side side, bool reset)
{
	wire_close(&pair->wires[side], pipes_fd(pair->pipes), reset);
}

static bool is_open(const struct pair *pair, enum engine_side side)
{
	return pair->wires[side].fd >= 0;
}

void pair_reset(struct pair *pair)
{
	close_side(pair, ENGINE_CLIENT, true);
	close_side(pair, ENGINE_SERVER, true);
}

// --- the server is reached, or not

static void unreached(struct pair *pair)
{
	close_side(pair, ENGINE_SERVER, true);
	pair->connected = true;
	pipe_failed(&pair->pipe, ENGINE_UNREACHED);
}

void pair_hear(struct pair *pair, enum engine_side side, uint32_t events)
{
	if (side == ENGINE_SERVER && !pair->connected) {
		if (events & (EPOLLERR | EPOLLHUP)) {
			unreached(pair);
			return;
		}
		pair->connected = events & EPOLLOUT;
	}
	wire_hear(&pair->wires[side], events);
}

// --- bytes

// A client that is gone leaves the server with half of what it wanted to say: reset.  What a server
// that is gone has said last still goes to the client, and then its end.
static void lost(struct pair *pair, enum engine_side side)
{
	bool shaking = wire_is_unagreed(&pair->wires[side]);

	close_side(pair, side, true);
	if (shaking)
		pipe_failed(&pair->pipe,
			    side == ENGINE_CLIENT ? ENGINE_TLS_CLIENT : ENGINE_TLS_SERVER);
	if (side == ENGINE_CLIENT)
		pair_reset(pair);
	else if (pair->pipe.state == PIPE_OPEN)
		pipe_closed(&pair->pipe, side);
}

static void send_to(struct pair *pair, enum engine_side side, uint64_t now_ms)
{
	struct iovec pieces[PIPE_PIECES];
	unsigned n_pieces;
	long n = wire_flush(&pair->wires[side]) ? 1 : -EPIPE;

	while (n > 0 && (n_pieces = pipe_out(&pair->pipe, side, pieces))) {
		n = wire_write(&pair->wires[side], pieces, n_pieces);
		if (n <= 0)
			break;
		pair->moved_ms = now_ms;
		pipe_sent(&pair->pipe, side, (size_t)n);
	}
	if (n < 0)
		lost(pair, side);
}

static bool is_dead(const struct pair *pair)
{
	return !is_open(pair, ENGINE_CLIENT) || pair->pipe.state == PIPE_RESET ||
	       pair->pipe.state == PIPE_OVER;
}

// What the pipe says of the server once the client is ours: it gets what had passed, and RST.
static void leave_server(struct pair *pair, uint64_t now_ms)
{
	if (pair->pipe.state != PIPE_TAKEN && pair->pipe.state != PIPE_ANSWERED)
		return;
	if (is_open(pair, ENGINE_SERVER)) {
		send_to(pair, ENGINE_SERVER, now_ms);
		close_side(pair, ENGINE_SERVER, true);
	}
	pipe_forget_server(&pair->pipe);
}

static void send_both(struct pair *pair, uint64_t now_ms)
{
	if (is_open(pair, ENGINE_SERVER))
		send_to(pair, ENGINE_SERVER, now_ms);
	if (is_open(pair, ENGINE_CLIENT))
		send_to(pair, ENGINE_CLIENT, now_ms);
	leave_server(pair, now_ms);
}

// True: something was read.
static bool read_from(struct pair *pair, enum engine_side side, uint8_t *scratch, size_t most,
		      uint64_t now_ms)
{
	struct wire *wire = &pair->wires[side];
	size_t room = pipe_room(&pair->pipe, side), n;

	if (!wire_may_read(wire) || !room)
		return false;
	if (!most) {
		pair->starved = true;
		return false;
	}
	switch (wire_read(wire, scratch, room < most ? room : most, &n)) {
	case WIRE_NOTHING:
		return false;
	case WIRE_LOST:
		lost(pair, side);
		break;
	case WIRE_END:
		pipe_closed(&pair->pipe, side);
		break;
	case WIRE_BYTES:
		pipe_feed(&pair->pipe, side, scratch, n);
		break;
	}
	pair->moved_ms = now_ms;
	send_both(pair, now_ms);
	pipe_keep(&pair->pipe);
	return true;
}

// Once all that was said in clear has gone.
static void secure(struct pair *pair)
{
	const struct pipes_options *options = pipes_have(pair->pipes);
	struct iovec pieces[PIPE_PIECES];

	if (!pipe_wants_tls(&pair->pipe) || pipe_out(&pair->pipe, ENGINE_CLIENT, pieces) ||
	    pipe_out(&pair->pipe, ENGINE_SERVER, pieces))
		return;
	pipe_has_tls(&pair->pipe);
	for (unsigned side = 0; side < 2; side++) {
		const char *name = NULL;
		const struct tls_context *context =
			options->tls ? options->tls(options->arg, &pair->pipe.session.peer,
						    (enum engine_side)side, &name)
				     : NULL;
		if (!context || !is_open(pair, (enum engine_side)side) ||
		    wire_secure(&pair->wires[side], context, name,
				(int64_t)(options->sessions->wall_us / 1000000)) < 0) {
			pipe_failed(&pair->pipe, side ? ENGINE_TLS_SERVER : ENGINE_TLS_CLIENT);
			return;
		}
	}
}

static void tell_agreed(struct pair *pair, enum engine_side side)
{
	struct tls_about about;

	if (pair->told_tls[side] || !pair->wires[side].agreed)
		return;
	pair->told_tls[side] = true;
	tls_end_about(pair->wires[side].tls, &about);
	pipe_agreed(&pair->pipe, side, about.suite);
}

// A side's end goes to the other, behind all that was sent.
static void shut(struct pair *pair, enum engine_side side)
{
	if (is_open(pair, side) && pair->connected && pipe_ends(&pair->pipe, side) &&
	    !wire_shut(&pair->wires[side]))
		lost(pair, side);
}

// A server that is gone takes nothing any more.
static bool is_stranded(const struct pair *pair)
{
	struct iovec pieces[PIPE_PIECES];

	return pair->pipe.state == PIPE_OPEN && !is_open(pair, ENGINE_SERVER) &&
	       pipe_out(&pair->pipe, ENGINE_SERVER, pieces);
}

static enum pair_after finish(struct pair *pair)
{
	if (pair->pipe.state == PIPE_OVER) {
		close_side(pair, ENGINE_CLIENT, false);
		close_side(pair, ENGINE_SERVER, false);
	} else {
		pair_reset(pair);
	}
	return PAIR_OVER;
}

enum pair_after pair_run(struct pair *pair, uint8_t *scratch, size_t most, uint64_t now_ms)
{
	bool moved = true;
	unsigned turns = 0;

	pair->starved = false;
	send_both(pair, now_ms);
	while (moved && turns++ < PAIR_TURN && !is_dead(pair)) {
		secure(pair);
		tell_agreed(pair, ENGINE_CLIENT);
		tell_agreed(pair, ENGINE_SERVER);
		moved = read_from(pair, ENGINE_CLIENT, scratch, most, now_ms);
		if (!is_dead(pair))
			moved = read_from(pair, ENGINE_SERVER, scratch, most, now_ms) || moved;
	}
	send_both(pair, now_ms); // what waited for an agreement on TLS
	shut(pair, ENGINE_CLIENT);
	shut(pair, ENGINE_SERVER);
	if (is_dead(pair) || is_stranded(pair))
		return finish(pair);
	if (pair->pipe.state == PIPE_ANSWERED && !pair->answered) {
		pair->answered = true;
		pair->answered_ms = now_ms;
	}
	return moved ? PAIR_GOES_ON : PAIR_RESTS;
}

size_t pair_memory(const struct pair *pair)
{
	return sizeof(*pair) + pipe_memory(&pair->pipe) + wire_memory(&pair->wires[0]) +
	       wire_memory(&pair->wires[1]);
}

enum pair_after pair_tick(struct pair *pair, uint64_t now_ms)
{
	unsigned seconds = pipe_patience(&pair->pipe);
	uint64_t since_ms = pair->answered ? pair->answered_ms : pair->moved_ms;

	if (!pair->connected) {
		if (now_ms - pair->moved_ms <= PAIR_CONNECT_MS)
			return PAIR_RESTS;
		unreached(pair);
		return PAIR_GOES_ON;
	}
	if (!seconds || now_ms - since_ms <= seconds * 1000ULL)
		return PAIR_RESTS;
	pipe_late(&pair->pipe);
	pair->moved_ms = now_ms;
	return PAIR_GOES_ON;
}
