// Pieces of IP packets: later ones say no ports, and follow the first.  What is remembered is
// bounded: a piece that nobody asked about for long gives its room to another.
#ifndef SEKISHO_REPLAY_FRAGMENTS_H
#define SEKISHO_REPLAY_FRAGMENTS_H

#include "proto/header.h"

enum { FRAGMENTS_MAX = 8192, FRAGMENTS_NONE = UINT32_MAX };

struct fragment {
	addr_bits source, destination;
	uint32_t id, connection; // FRAGMENTS_NONE: its first piece has not come yet
	uint8_t protocol, family;
	bool used, reply;
	uint32_t packets; // that wait for the first piece
	uint64_t bytes;
};

struct fragments {
	struct fragment *v;
	uint64_t lost; // pieces whose first one never came
};

void fragments_init(struct fragments *fragments);
void fragments_done(struct fragments *fragments); // counts what still waits as lost
// The entry of a piece: the one that is there, or one made in place of another.
struct fragment *fragments_find(struct fragments *fragments, const struct header *header);

#endif
