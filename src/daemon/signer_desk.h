// What the signer does with a question: the keys, and how much each asker may have.  Pure but for
// memory: no socket, no clock.
#ifndef SEKISHO_DAEMON_SIGNER_DESK_H
#define SEKISHO_DAEMON_SIGNER_DESK_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/signer_wire.h"
#include "tls/key.h"

enum {
	SIGNER_RATE = 500, // signatures a second, for one asker
	SIGNER_BURST = 500,
};

struct signer_asker {
	uint64_t seen_us; // 0: never
	uint64_t may;	  // millionths of a signature
};

struct signer_desk {
	struct tls_key *keys[TLS_KEYS_MAX]; // NULL: none
	struct signer_asker askers[SIGNER_ASKERS_MAX];
	struct signer_numbers numbers;
};

// False: that is no question, and whoever asked is not to be heard any more.
bool signer_desk_answer(struct signer_desk *desk, unsigned asker, const void *bytes, size_t n,
			uint64_t now_us, struct signer_answer *ret);

#endif
