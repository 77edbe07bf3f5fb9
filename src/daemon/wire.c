#include "daemon/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CIPHER_BYTES = 32 * 1024 };

void wire_hear(struct wire *wire, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		wire->ready |= WIRE_READABLE;
	if (events & EPOLLOUT)
		wire->ready |= WIRE_WRITABLE;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		wire->ready |= WIRE_CLOSING;
}

// --- in clear

static enum wire_read read_socket(struct wire *wire, uint8_t *bytes, size_t room, size_t *ret_n)
{
	ssize_t n;

	if (!(wire->ready & WIRE_READABLE))
		return WIRE_NOTHING;
	do
		n = recv(wire->fd, bytes, room, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	// Less than there was room for: there is no more, unless the end is next.
	if (n <= 0 || ((size_t)n < room && !(wire->ready & WIRE_CLOSING)))
		wire->ready &= (uint8_t)~WIRE_READABLE;
	if (n < 0)
		return errno == EAGAIN ? WIRE_NOTHING : WIRE_LOST;
	*ret_n = (size_t)n;
	return n ? WIRE_BYTES : WIRE_END;
}

static long write_socket(struct wire *wire, struct iovec *pieces, unsigned n_pieces)
{
	const struct msghdr message = { .msg_iov = pieces, .msg_iovlen = n_pieces };
	size_t all = 0;
	ssize_t n;

	if (!(wire->ready & WIRE_WRITABLE))
		return 0;
	for (unsigned i = 0; i < n_pieces; i++)
		all += pieces[i].iov_len;
	do
		n = sendmsg(wire->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		return -EPIPE;
	if (n < 0 || (size_t)n < all)
		wire->ready &= (uint8_t)~WIRE_WRITABLE;
	return n < 0 ? 0 : n;
}

// --- in TLS

static void keep_left(struct wire *wire, const uint8_t *bytes, size_t n)
{
	uint8_t *left = n ? malloc(n) : NULL;

	if (left)
		memcpy(left, bytes, n);
	free(wire->left);
	wire->left = left;
	wire->n_left = n;
}

static enum wire_read state_of(struct wire *wire)
{
	wire->agreed = wire->agreed || tls_end_state(wire->tls) == TLS_OPEN;
	switch (tls_end_state(wire->tls)) {
	case TLS_FAILED:
		return WIRE_LOST;
	case TLS_ENDED:
		return WIRE_END;
	default:
		return WIRE_NOTHING;
	}
}

// Of what was read before, and of what TLS has itself.
static bool read_left(struct wire *wire, uint8_t *bytes, size_t room, size_t *ret_n)
{
	const uint8_t *from = wire->left;
	size_t n = wire->n_left;

	*ret_n = tls_end_read(wire->tls, &from, &n, bytes, room);
	wire->agreed = wire->agreed || *ret_n;
	if (n && n != wire->n_left)
		memmove(wire->left, from, n);
	wire->n_left = n;
	if (!n) {
		free(wire->left);
		wire->left = NULL;
	}
	return *ret_n;
}

static enum wire_read read_tls(struct wire *wire, uint8_t *bytes, size_t room, size_t *ret_n)
{
	uint8_t cipher[CIPHER_BYTES];
	enum wire_read state;

	if (read_left(wire, bytes, room, ret_n))
		return WIRE_BYTES;
	while ((state = state_of(wire)) == WIRE_NOTHING) {
		const uint8_t *from = cipher;
		size_t n = 0;
		state = read_socket(wire, cipher, sizeof(cipher), &n);
		if (state == WIRE_END && !wire->agreed)
			return WIRE_LOST;
		if (state != WIRE_BYTES)
			break;
		*ret_n = tls_end_read(wire->tls, &from, &n, bytes, room);
		wire->agreed = wire->agreed || *ret_n;
		keep_left(wire, from, n);
		if (n && !wire->left)
			return WIRE_LOST;
		if (*ret_n)
			return WIRE_BYTES;
	}
	return state;
}

// --- both

bool wire_may_read(const struct wire *wire)
{
	return wire->fd >= 0 && ((wire->ready & WIRE_READABLE) || wire->tls);
}

enum wire_read wire_read(struct wire *wire, uint8_t *bytes, size_t room, size_t *ret_n)
{
	enum wire_read got;

	*ret_n = 0;
	if (!wire->tls)
		return read_socket(wire, bytes, room, ret_n);
	got = read_tls(wire, bytes, room, ret_n);
	if (!wire_flush(wire)) // what it answers
		return got == WIRE_BYTES ? got : WIRE_LOST;
	return got;
}

bool wire_flush(struct wire *wire)
{
	long n = 1;
	size_t size;
	const uint8_t *out;

	while (wire->tls && n > 0 && (out = tls_end_out(wire->tls, &size))) {
		struct iovec piece = { (void *)(uintptr_t)out, size };
		n = write_socket(wire, &piece, 1);
		if (n > 0)
			tls_end_sent(wire->tls, (size_t)n);
	}
	return n >= 0;
}

long wire_write(struct wire *wire, const struct iovec *pieces, unsigned n_pieces)
{
	size_t taken = 0;

	if (!wire->tls) {
		struct iovec copy[4];
		memcpy(copy, pieces, n_pieces * sizeof(copy[0]));
		return write_socket(wire, copy, n_pieces);
	}
	for (unsigned i = 0; i < n_pieces; i++) {
		size_t n = tls_end_write(wire->tls, pieces[i].iov_base, pieces[i].iov_len);
		taken += n;
		if (n < pieces[i].iov_len)
			break;
	}
	return wire_flush(wire) ? (long)taken : -EPIPE;
}

bool wire_shut(struct wire *wire)
{
	size_t n = 0;

	if (wire->shut)
		return true;
	if (wire->tls && !wire->ends)
		tls_end_close(wire->tls);
	wire->ends = true;
	if (!wire_flush(wire))
		return false;
	if (wire->tls && tls_end_out(wire->tls, &n))
		return true; // later
	wire->shut = true;
	return shutdown(wire->fd, SHUT_WR) == 0;
}

int wire_secure(struct wire *wire, const struct tls_context *context, const char *name, int64_t now)
{
	int r = tls_end_new(context, name, now, &wire->tls);

	return r < 0 ? r : wire_flush(wire) ? 0 : -EPIPE;
}

bool wire_is_unagreed(const struct wire *wire)
{
	return wire->tls && !wire->agreed;
}

void wire_close(struct wire *wire, int epoll, bool reset)
{
	const struct linger linger = { .l_onoff = 1 };

	if (wire->fd >= 0) {
		if (reset)
			setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		// Closing alone would not do while the porter has its copy.
		epoll_ctl(epoll, EPOLL_CTL_DEL, wire->fd, NULL);
		close(wire->fd);
	}
	tls_end_free(wire->tls);
	free(wire->left);
	*wire = (struct wire){ .fd = -1, .shut = wire->shut };
}

size_t wire_memory(const struct wire *wire)
{
	return wire->n_left + (wire->tls ? tls_end_memory(wire->tls) : 0);
}
