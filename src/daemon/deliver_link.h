// The deliverer's way to the server: a connected socket that blocks, and TLS in it once both have
// agreed to that.
#ifndef SEKISHO_DAEMON_DELIVER_LINK_H
#define SEKISHO_DAEMON_DELIVER_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/smtp_reply.h"
#include "tls/end.h"

struct deliver_link {
	int fd; // of a socket with time-outs of its own
	struct tls_end *tls;
	uint8_t in[SMTP_REPLY_LINE_MAX]; // read, and not yet a line
	size_t n_in;
	uint8_t wire[TLS_RECORD_MAX]; // read, and not yet plaintext
	size_t at_wire, n_wire;
};

// The next line without its end; room for SMTP_REPLY_LINE_MAX.  0, -EMSGSIZE: longer than any may
// be; -ETIMEDOUT, -ECONNRESET: it is gone; another negative errno.
int deliver_link_read(struct deliver_link *link, uint8_t *line, size_t *ret_n);
int deliver_link_write(struct deliver_link *link, const void *bytes, size_t n);

// Agrees on TLS.  name: that the server has to prove; NULL: whoever it is.  0; -EPROTO: it does not
// agree, with why; -EBADMSG: something came in clear that would count as said in TLS.
int deliver_link_secure(struct deliver_link *link, const struct tls_context *context,
			const char *name, char why[TLS_FAULT_MAX]);
void deliver_link_close(struct deliver_link *link); // says that nothing follows

#endif
