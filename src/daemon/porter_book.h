// What the porter knows of the pairs that inspectors have: how many there are, of one source too,
// and which ports their clients use.  Bounded by PORTER_SESSIONS_MAX; no pair is found by walking.
#ifndef SEKISHO_DAEMON_PORTER_BOOK_H
#define SEKISHO_DAEMON_PORTER_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct porter_book;

struct porter_session {
	uint64_t serial; // not 0
	uint32_t inspector;
	struct addr client, server;
	uint16_t client_port, server_port;
};

// secret: what strangers cannot know, so that they cannot make rows of one place.  0 or -ENOMEM.
int porter_book_new(uint64_t secret, struct porter_book **ret_book);
void porter_book_free(struct porter_book *book); // NULL is fine

uint32_t porter_book_count(const struct porter_book *book);
// Of the same IPv4 address, or the same /64 of IPv6.
uint32_t porter_book_of_source(const struct porter_book *book, const struct addr *client);
// Whether a client's half is there with these ends: connection tracking could not tell the gate's
// half with the same ones from it.
bool porter_book_has(const struct porter_book *book, const struct addr *client,
		     uint16_t client_port, const struct addr *server, uint16_t server_port);

// -ENOSPC: it is full.
int porter_book_add(struct porter_book *book, const struct porter_session *session);
// false: that inspector has none of that serial.
bool porter_book_remove(struct porter_book *book, uint64_t serial, uint32_t inspector);
void porter_book_forget(struct porter_book *book, uint32_t inspector); // all that it has

// Which of n inspectors: always the same for one source, whose limits it counts.
uint32_t porter_book_choose(const struct porter_book *book, const struct addr *client, uint32_t n);

#endif
