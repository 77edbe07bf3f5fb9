// The deliverer: a process of its own that says one message to one server and ends.  It has no
// rights and no socket but the one that the gate has connected; what it says of the server's
// replies is taken as what a stranger says.
//
// Its descriptors: 3 a struct deliver_request, 4 whom it goes to (daemon/vault_wire.h), 5 the
// message, 6 the socket, which blocks and has its time-outs (RFC 5321 4.5.3.2); 7 its answer: a
// struct deliver_answer, then a struct vault_fate of each recipient.
#ifndef SEKISHO_DAEMON_DELIVER_H
#define SEKISHO_DAEMON_DELIVER_H

#include <stdint.h>

#include "daemon/vault_wire.h"

#define DELIVER_ARGUMENT "--deliver"

enum {
	DELIVER_HELO_MAX = 256,
	DELIVER_REPLY_SECONDS = 300,
	DELIVER_TIMEOUT_MS = 30 * 60 * 1000,
	DELIVER_ANSWER_MAX = HELD_RECIPIENTS_MAX * (int)sizeof(struct vault_fate) + 4096,
};

struct deliver_request {
	uint32_t uid, gid;
	char helo[DELIVER_HELO_MAX];
};

struct deliver_answer {
	uint32_t n, zero;
	char trouble[HELD_REPLY_MAX]; // "": every recipient has the server's reply
};

int deliver_main(void);

#endif
