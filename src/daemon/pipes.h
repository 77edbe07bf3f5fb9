// All pairs of sockets of an inspector (daemon/pair.h), which the porter hands over
// (daemon/porter_wire.h).  The inspector makes none itself.
#ifndef SEKISHO_DAEMON_PIPES_H
#define SEKISHO_DAEMON_PIPES_H

#include "inspect/session.h"
#include "tls/end.h"

enum {
	PIPES_PAIRS_MAX = 10 * 1024, // at a time; descriptors are twice as many
	PIPES_MEMORY_MIB = 384,	     // of what they keep
	PIPES_QUIET_MS = 30 * 1000,  // who may go when there is no memory left
};

struct pipes;

struct pipes_options {
	struct sessions *sessions;
	int epoll;	    // a descriptor of epoll_create1(2); becomes theirs
	uint32_t pairs_max; // beyond: new ones are reset
	uint64_t memory_max;
	// What TLS of that side is made of, and the name that a server has to prove, or NULL.
	// NULL: there is nothing.  May itself be NULL.
	const struct tls_context *(*tls)(void *arg, const struct engine_peer *peer,
					 enum engine_side side, const char **ret_name);
	// As in inspect/inspector.h.
	void (*trouble)(void *arg, const char *word, const struct engine_peer *peer);
	void *arg;
};

// 0 or -ENOMEM.
int pipes_new(const struct pipes_options *options, struct pipes **ret_pipes);
// Sessions in hand are reset.
void pipes_free(struct pipes *pipes);
// The socket of a porter, in place of the one before; it becomes pipes'.
void pipes_give_porter(struct pipes *pipes, int fd);

const struct pipes_options *pipes_have(const struct pipes *pipes);
int pipes_fd(const struct pipes *pipes); // readable: something is to be done
// Some of it; false: there was nothing.
bool pipes_work(struct pipes *pipes, uint64_t now_ms);
bool pipes_are_busy(const struct pipes *pipes); // more waits
uint32_t pipes_count(const struct pipes *pipes);
// Time-outs; at least once a second.
void pipes_tick(struct pipes *pipes, uint64_t now_ms);
// Adds what they count.
void pipes_numbers(const struct pipes *pipes, struct inspector_numbers *sum);

#endif
