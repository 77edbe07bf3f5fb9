// What the signer does with a question: the keys, and how much work each asker may have done.  Pure
// but for memory: no socket, no clock.
//
// An asker waits for his signature, and everybody whose bytes he reads with him; so he may have an
// eighth of the signer's time, however dear a key's signatures are: 2,000 a second with P-256, 200
// with RSA of 2048 bits, 25 with RSA of 4096, about.
#ifndef SEKISHO_DAEMON_SIGNER_DESK_H
#define SEKISHO_DAEMON_SIGNER_DESK_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/signer_wire.h"
#include "tls/key.h"

enum {
	SIGNER_SHARE = 8,	  // the part of its time that one asker may have
	SIGNER_SAVED_US = 125000, // that may be had at once, after a second of rest
};

struct signer_asker {
	uint64_t seen_us; // 0: never
	int64_t may_us;	  // of work; less than 0: it had more
};

struct signer_desk {
	struct tls_key *keys[TLS_KEYS_MAX]; // NULL: none
	struct signer_asker askers[SIGNER_ASKERS_MAX];
	struct signer_numbers numbers;
};

// False: that is no question, and whoever asked is not to be heard any more.
bool signer_desk_answer(struct signer_desk *desk, unsigned asker, const void *bytes, size_t n,
			uint64_t now_us, struct signer_answer *ret);
// What the last answer to that asker took.
void signer_desk_spent(struct signer_desk *desk, unsigned asker, uint64_t spent_us);

#endif
