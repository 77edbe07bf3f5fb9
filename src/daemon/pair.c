#include "daemon/pair.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/pipes.h"

static void close_side(struct pair *pair, enum engine_side side, bool reset)
{
	const struct linger linger = { .l_onoff = 1 };

	if (pair->fds[side] < 0)
		return;
	if (reset)
		setsockopt(pair->fds[side], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	// Closing alone would not do while the porter has its copy.
	epoll_ctl(pipes_fd(pair->pipes), EPOLL_CTL_DEL, pair->fds[side], NULL);
	close(pair->fds[side]);
	pair->fds[side] = -1;
	pair->ready[side] = 0;
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
	pipe_unreached(&pair->pipe);
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
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		pair->ready[side] |= PAIR_READABLE;
	if (events & EPOLLOUT)
		pair->ready[side] |= PAIR_WRITABLE;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		pair->ready[side] |= PAIR_CLOSING;
}

// --- bytes

// A client that is gone leaves the server with half of what it wanted to say: reset.  What a server
// that is gone has said last still goes to the client, and then its end.
static void lost(struct pair *pair, enum engine_side side)
{
	close_side(pair, side, true);
	if (side == ENGINE_CLIENT)
		pair_reset(pair);
	else if (pair->pipe.state == PIPE_OPEN)
		pipe_closed(&pair->pipe, side);
}

static void send_to(struct pair *pair, enum engine_side side, uint64_t now_ms)
{
	struct iovec pieces[PIPE_PIECES];
	struct msghdr message = { .msg_iov = pieces };

	while (pair->ready[side] & PAIR_WRITABLE) {
		ssize_t n;
		message.msg_iovlen = pipe_out(&pair->pipe, side, pieces);
		if (!message.msg_iovlen)
			return;
		n = sendmsg(pair->fds[side], &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			size_t all = pieces[0].iov_len;
			all += message.msg_iovlen > 1 ? pieces[1].iov_len : 0;
			if ((size_t)n < all)
				pair->ready[side] &= (uint8_t)~PAIR_WRITABLE;
			pair->moved_ms = now_ms;
			pipe_sent(&pair->pipe, side, (size_t)n);
		} else if (errno == EAGAIN) {
			pair->ready[side] &= (uint8_t)~PAIR_WRITABLE;
		} else if (errno != EINTR) {
			lost(pair, side);
		}
	}
}

static bool is_dead(const struct pair *pair)
{
	return pair->fds[ENGINE_CLIENT] < 0 || pair->pipe.state == PIPE_RESET ||
	       pair->pipe.state == PIPE_OVER;
}

// What the pipe says of the server once the client is ours: it gets what had passed, and RST.
static void leave_server(struct pair *pair, uint64_t now_ms)
{
	if (pair->pipe.state != PIPE_TAKEN && pair->pipe.state != PIPE_ANSWERED)
		return;
	if (pair->fds[ENGINE_SERVER] >= 0) {
		send_to(pair, ENGINE_SERVER, now_ms);
		close_side(pair, ENGINE_SERVER, true);
	}
	pipe_forget_server(&pair->pipe);
}

static void send_both(struct pair *pair, uint64_t now_ms)
{
	send_to(pair, ENGINE_SERVER, now_ms);
	send_to(pair, ENGINE_CLIENT, now_ms);
	leave_server(pair, now_ms);
}

// True: something was read.
static bool read_from(struct pair *pair, enum engine_side side, uint8_t *scratch, size_t most,
		      uint64_t now_ms)
{
	size_t room = pipe_room(&pair->pipe, side);
	ssize_t n;

	if (!(pair->ready[side] & PAIR_READABLE) || !room)
		return false;
	pair->starved = !most;
	if (pair->starved)
		return false;
	room = room < most ? room : most;
	n = recv(pair->fds[side], scratch, room, MSG_DONTWAIT);
	if (n < 0 && errno == EINTR)
		return true;
	// Less than there was room for: there is no more, unless the end is next.
	if (n <= 0 || ((size_t)n < room && !(pair->ready[side] & PAIR_CLOSING)))
		pair->ready[side] &= (uint8_t)~PAIR_READABLE;
	if (n < 0 && errno == EAGAIN)
		return false;
	pair->moved_ms = now_ms;
	if (n < 0) {
		lost(pair, side);
		send_both(pair, now_ms);
		return true;
	}
	if (n == 0)
		pipe_closed(&pair->pipe, side);
	else
		pipe_feed(&pair->pipe, side, scratch, (size_t)n);
	send_both(pair, now_ms);
	pipe_keep(&pair->pipe);
	return true;
}

// A side's end goes to the other, behind all that was sent.
static void shut(struct pair *pair, enum engine_side side)
{
	if (pair->shut[side] || pair->fds[side] < 0 || !pair->connected ||
	    !pipe_ends(&pair->pipe, side))
		return;
	pair->shut[side] = true;
	if (shutdown(pair->fds[side], SHUT_WR) < 0)
		lost(pair, side);
}

// A server that is gone takes nothing any more.
static bool is_stranded(const struct pair *pair)
{
	struct iovec pieces[PIPE_PIECES];

	return pair->pipe.state == PIPE_OPEN && pair->fds[ENGINE_SERVER] < 0 &&
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

	send_both(pair, now_ms);
	while (moved && turns++ < PAIR_TURN && !is_dead(pair)) {
		moved = read_from(pair, ENGINE_CLIENT, scratch, most, now_ms);
		if (!is_dead(pair))
			moved = read_from(pair, ENGINE_SERVER, scratch, most, now_ms) || moved;
	}
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
