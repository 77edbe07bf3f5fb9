#include "daemon/deliver_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

// --- the socket

static int read_wire(struct deliver_link *link, uint8_t *bytes, size_t room, size_t *ret_n)
{
	ssize_t n;
	do
		n = read(link->fd, bytes, room);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? (errno == EAGAIN ? -ETIMEDOUT : -errno) : -ECONNRESET;
	*ret_n = (size_t)n;
	return 0;
}

static int write_wire(struct deliver_link *link, const void *bytes, size_t n)
{
	int r = file_write_all(link->fd, bytes, n);
	return r == -EAGAIN ? -ETIMEDOUT : r;
}

// --- TLS in it

// What TLS has for the wire goes, all of it.
static int flush(struct deliver_link *link)
{
	const uint8_t *out;
	size_t n;
	int r = 0;
	while (r == 0 && (out = tls_end_out(link->tls, &n))) {
		r = write_wire(link, out, n);
		if (r == 0)
			tls_end_sent(link->tls, n);
	}
	return r;
}

static int fill(struct deliver_link *link)
{
	link->at_wire = link->n_wire = 0;
	return read_wire(link, link->wire, sizeof(link->wire), &link->n_wire);
}

// 0 bytes: more of the wire is needed.
static int take_plain(struct deliver_link *link, uint8_t *bytes, size_t room, size_t *ret_n)
{
	const uint8_t *from = link->wire + link->at_wire;
	size_t left = link->n_wire - link->at_wire;
	*ret_n = tls_end_read(link->tls, &from, &left, bytes, room);
	link->at_wire = link->n_wire - left;
	switch (tls_end_state(link->tls)) {
	case TLS_FAILED:
		return -EPROTO;
	case TLS_ENDED:
		return *ret_n ? 0 : -ECONNRESET;
	default:
		return flush(link);
	}
}

static int read_plain(struct deliver_link *link, uint8_t *bytes, size_t room, size_t *ret_n)
{
	for (;;) {
		int r = take_plain(link, bytes, room, ret_n);
		if (r < 0 || *ret_n)
			return r;
		if (link->at_wire < link->n_wire) // all is taken while there is room
			return -EPROTO;
		r = fill(link);
		if (r < 0)
			return r;
	}
}

static int write_plain(struct deliver_link *link, const uint8_t *bytes, size_t n)
{
	while (n) {
		size_t taken = tls_end_write(link->tls, bytes, n);
		int r = flush(link);
		if (r < 0)
			return r;
		if (!taken && tls_end_state(link->tls) != TLS_OPEN)
			return -EPROTO;
		bytes += taken;
		n -= taken;
	}
	return 0;
}

int deliver_link_secure(struct deliver_link *link, const struct tls_context *context,
			const char *name, char why[TLS_FAULT_MAX])
{
	size_t n = 0;
	uint8_t none;
	int r;
	if (link->n_in)
		return -EBADMSG;
	r = tls_end_new(context, name, time(NULL), &link->tls);
	if (r == -EINVAL)
		snprintf(why, TLS_FAULT_MAX, "there are no roots that its name could be held to");
	if (r < 0)
		return r == -EINVAL ? -EPROTO : r;
	r = flush(link);
	while (r == 0 && tls_end_state(link->tls) == TLS_SHAKING) {
		r = fill(link);
		if (r == 0)
			r = take_plain(link, &none, 0, &n);
	}
	if (r == 0 && tls_end_state(link->tls) == TLS_OPEN)
		return 0;
	flush(link); // why, in its own words
	const char *fault = tls_end_fault(link->tls);
	snprintf(why, TLS_FAULT_MAX, "%s", *fault ? fault : strerror(r < 0 ? -r : ECONNRESET));
	return -EPROTO;
}

// --- either

int deliver_link_read(struct deliver_link *link, uint8_t *line, size_t *ret_n)
{
	for (;;) {
		uint8_t *end = memchr(link->in, '\n', link->n_in), *to = link->in + link->n_in;
		const size_t room = sizeof(link->in) - link->n_in;
		size_t got = 0;
		int r;
		if (end) {
			size_t n = (size_t)(end - link->in) + 1;
			*ret_n = n >= 2 && end[-1] == '\r' ? n - 2 : n - 1;
			memcpy(line, link->in, *ret_n);
			memmove(link->in, link->in + n, link->n_in - n);
			link->n_in -= n;
			return 0;
		}
		if (!room)
			return -EMSGSIZE;
		r = link->tls ? read_plain(link, to, room, &got) : read_wire(link, to, room, &got);
		if (r < 0)
			return r;
		link->n_in += got;
	}
}

int deliver_link_write(struct deliver_link *link, const void *bytes, size_t n)
{
	return link->tls ? write_plain(link, bytes, n) : write_wire(link, bytes, n);
}

void deliver_link_close(struct deliver_link *link)
{
	if (link->tls) {
		tls_end_close(link->tls);
		flush(link);
		tls_end_free(link->tls);
		link->tls = NULL;
	}
}
