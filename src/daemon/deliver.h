// The deliverer: a process of its own that says one message to one server and ends.  It has no
// rights and no socket but the one that the gate has connected; what it says of the server's
// replies is taken as what a stranger says.
//
// By TLS as the message's guard demanded, and else wherever the server offers it: better than none,
// whoever it is.
//
// Its descriptors: 3 a struct deliver_request with the roots behind it, 4 whom it goes to
// (daemon/vault_wire.h), 5 the message, 6 the socket, which blocks and has its time-outs (RFC
// 5321 4.5.3.2); 7 its answer: a struct deliver_answer, then a struct vault_fate of each recipient.
#ifndef SEKISHO_DAEMON_DELIVER_H
#define SEKISHO_DAEMON_DELIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/vault_wire.h"

#define DELIVER_ARGUMENT "--deliver"

enum {
	DELIVER_HELO_MAX = 256,
	DELIVER_REPLY_SECONDS = 300,
	DELIVER_TIMEOUT_MS = 30 * 60 * 1000,
	DELIVER_ROOTS_MAX = 4 * 1024 * 1024,
	DELIVER_ANSWER_MAX = HELD_RECIPIENTS_MAX * (int)sizeof(struct vault_fate) + 4096,
};

struct deliver_request {
	uint32_t uid, gid;
	uint32_t roots_size; // bytes of PEM that follow, that a name is held to; 0: there are none
	uint32_t without;    // no TLS that nobody demands: the last try came to nothing by it
	char helo[DELIVER_HELO_MAX];
};

struct deliver_answer {
	uint32_t n;
	uint8_t suite;	// of TLS (event/mail_suite.h)
	bool disagreed; // TLS was tried, and came to nothing
	uint8_t zero[2];
	char trouble[HELD_REPLY_MAX]; // "": every recipient has the server's reply
};

int deliver_main(void);

#endif
