// One socket of a pair, as bytes in and bytes out, in clear or in TLS (tls/end.h).  Nothing blocks.
#ifndef SEKISHO_DAEMON_WIRE_H
#define SEKISHO_DAEMON_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "tls/end.h"

struct wire {
	int fd;	       // -1: closed
	uint8_t ready; // what epoll said and was not used up
	bool shut;     // the other end was told that no more comes
	bool ends;     // and is to be, once what waits has gone
	bool agreed;   // on TLS
	struct tls_end *tls;
	uint8_t *left; // of TLS: read, and not yet taken
	size_t n_left;
};

enum { WIRE_READABLE = 1, WIRE_WRITABLE = 2, WIRE_CLOSING = 4 };

enum wire_read {
	WIRE_BYTES,
	WIRE_NOTHING, // now
	WIRE_END,     // no more will come
	WIRE_LOST,
};

// What epoll said.
void wire_hear(struct wire *wire, uint32_t events);
// Whether wire_read() may give something.
bool wire_may_read(const struct wire *wire);
enum wire_read wire_read(struct wire *wire, uint8_t *bytes, size_t room, size_t *ret_n);
// Bytes taken, 0: none now; or -EPIPE: it is lost.
long wire_write(struct wire *wire, const struct iovec *pieces, unsigned n);
// Sends what TLS has for the other end.  False: it is lost.
bool wire_flush(struct wire *wire);
// No more will be written.  False: it is lost.
bool wire_shut(struct wire *wire);
// Both ends agree on TLS from here on.  0 or a negative errno.
int wire_secure(struct wire *wire, const struct tls_context *context, const char *name,
		int64_t now);
// Of one that is lost: before they agreed.
bool wire_is_unagreed(const struct wire *wire);
// reset: with RST.
void wire_close(struct wire *wire, int epoll, bool reset);
size_t wire_memory(const struct wire *wire);

#endif
