// Messages on their way into the vault: a stream of each, as an inspector says it.
#ifndef SEKISHO_DAEMON_VAULT_STREAM_H
#define SEKISHO_DAEMON_VAULT_STREAM_H

#include <poll.h>

#include "keep/held_store.h"

enum {
	VAULT_STREAMS_MAX = 1200, // of all inspectors
	VAULT_TURN_BYTES = 256 * 1024,
};

struct vault_streams;

// kept: a message is held that was not before.
typedef void vault_kept(void *arg, uint64_t number);
int vault_streams_new(struct held_store *store, vault_kept *kept, void *arg,
		      struct vault_streams **ret_streams);
void vault_streams_free(struct vault_streams *streams);

void vault_streams_add(struct vault_streams *streams, int fd); // which becomes theirs
size_t vault_streams_poll(const struct vault_streams *streams,
			  struct pollfd fds[VAULT_STREAMS_MAX]);
// Some of what has come, of each stream that poll() found ready.
void vault_streams_look(struct vault_streams *streams, const struct pollfd *fds, size_t n,
			uint64_t now_us);

#endif
