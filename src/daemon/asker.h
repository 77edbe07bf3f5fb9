// An inspector's way to the signer: certificates that the gate handed it, contexts of TLS made of
// them, and signatures, each of which it waits for.
//
// A signature of the signer takes about as long as one made here would (it is measured in
// tests/unit/daemon_signer.c), and a session that waits for its own makes no other wait any longer
// than that; so nothing is suspended.  A signer that does not answer within SIGNER_WAIT_MS is not
// asked again until the gate, which hears of it (INSPECT_LACKS), gives a new way to it.
#ifndef SEKISHO_DAEMON_ASKER_H
#define SEKISHO_DAEMON_ASKER_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/signer_wire.h"
#include "tls/end.h"

// What a memory file holds of certificates: this, then the PEM of each.
struct asker_chains {
	uint32_t n, zero;
	struct {
		char name[SIGNER_NAME_MAX]; // in the box file
		uint32_t at, size;
	} v[TLS_KEYS_MAX];
};

struct asker;

int asker_new(struct asker **ret_asker); // 0 or -ENOMEM
void asker_free(struct asker *asker);
// What the gate gives, in place of what was: a socket to the signer, chains and roots (PEM) as
// memory files; they become the asker's.  signer -1: there is none; roots -1: nobody can be named.
void asker_give(struct asker *asker, int signer, int chains, int roots);

// NULL: there is no such certificate, or no signer.
const struct tls_context *asker_server(struct asker *asker, const char *name,
				       enum tls_version least);
// NULL: no memory, or named and there are no roots.
const struct tls_context *asker_client(struct asker *asker, bool named, enum tls_version least);

#endif
