// The table of connections: both directions of one under one key, found in three cache lines.
//
// Open addressing; a bucket is a tag and the index of an entry, so that a look-up that fails seldom
// touches an entry, and a table that grows touches none.  The hash is seeded: a capture is a
// stranger's, and should not choose collisions.  Entries never move and are never taken out, so
// their numbers are the order in which they were seen; one that is over gives its bucket to the
// next of the same key.
#ifndef SEKISHO_REPLAY_TRACK_H
#define SEKISHO_REPLAY_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum {
	TRACK_MAX = 1 << 21,	// connections, those after translation included; 302 MB
	TRACK_VARIANTS_MAX = 8, // of one key, told apart by where they came in
	TRACK_NONE = UINT32_MAX,
	TRACK_BLOCK = 1 << 14, // entries that are made room for at once: 2 MiB
	TRACK_BLOCKS_MAX = TRACK_MAX / TRACK_BLOCK,
};

// The ends in the order of their numbers.  Packed: 40 bytes, not 48.
struct track_key {
	addr_bits a, b;
	uint16_t port_a, port_b;
	uint8_t protocol, family;
	uint16_t kind; // of ICMP: type; tells queries from one another
} __attribute__((packed, aligned(8)));

enum connection_flag {		// bits
	CONNECTION_FROM_B = 1,	// b opened it
	CONNECTION_MIDDLE = 2,	// it was open before the capture began
	CONNECTION_GUESSED = 4, // who opened it is a guess
	CONNECTION_ANSWERED = 8,
	CONNECTION_CLOSED = 16,
	CONNECTION_FIN_A = 32,
	CONNECTION_FIN_B = 64,
	CONNECTION_STRICT = 128, // what its opener sends comes in from one zone
};

// Two cache lines; what most packets need is in the first.
struct connection {
	struct track_key key;
	int64_t last_us;
	uint32_t ordinal;	// its own, from 1; 0: the same connection after translation
	uint16_t sights[2];	// where packets of each direction are counted
	uint16_t origin;	// strict: the zone that it came in from
	uint16_t left;		// where its opener's packets were seen leaving; 0: nowhere
	uint8_t flags;		// enum connection_flag
	uint8_t type;		// of the first: its ICMP type, or its TCP flags
	uint8_t verdict : 3;	// of judge.h
	uint8_t reason : 5;	// likewise
	uint8_t way : 2;	// enum link_way of the first
	uint8_t extensions : 6; // of the first: enum header_extension; a fragment of IPv4 too
	uint64_t packets[2], bytes[2]; // of who opened it; of the other
	int64_t first_us;
	union {
		uint32_t flow;	   // permits it, or PLAN_NONE
		uint32_t alias_of; // of one without an ordinal: the connection
	};
	uint32_t number;   // of its first packet in the file, from 1
	uint32_t copies;   // of its packets, seen leaving after they were seen coming
	uint32_t errors;   // ICMP errors about it
	uint16_t from, to; // zones, or UINT16_MAX
	uint16_t slot;	   // where its first packet was seen; 0: not known
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct connection) == 128, "an entry is two cache lines");

struct track_bucket {
	uint32_t tag, index; // index TRACK_NONE: free
};

struct tracks {
	struct track_bucket *buckets;
	size_t mask;
	struct connection *blocks[TRACK_BLOCKS_MAX];
	size_t n, max; // entries; at most TRACK_MAX, or what a test says
	uint64_t seed[4];
};

void track_init(struct tracks *tracks, const uint64_t seed[4]);
void track_done(struct tracks *tracks);

// Orders the ends; true when the packet's source is b.
bool track_make_key(struct track_key *key, const struct addr *source,
		    const struct addr *destination, uint8_t protocol, uint16_t sport,
		    uint16_t port);
uint64_t track_hash(const struct tracks *tracks, const struct track_key *key);
void track_prefetch(const struct tracks *tracks, uint64_t hash);
// False: no entry has this hash.  Else one may have, and it is on its way.
bool track_prefetch_entry(const struct tracks *tracks, uint64_t hash);

static inline struct connection *track_at(const struct tracks *tracks, size_t index)
{
	return &tracks->blocks[index / TRACK_BLOCK][index % TRACK_BLOCK];
}

enum { TRACK_ANYWHERE = UINT16_MAX };

// TRACK_NONE: not there.  origin (a zone, or TRACK_ANYWHERE) and from_b: of the packet, for
// connections that are strict.
uint32_t track_find(const struct tracks *tracks, const struct track_key *key, uint64_t hash,
		    uint16_t origin, bool from_b);
// A new entry, zeroed but for its key; in place of `replaces` (or TRACK_NONE).  TRACK_NONE: full.
uint32_t track_add(struct tracks *tracks, const struct track_key *key, uint64_t hash,
		   uint32_t replaces);

#endif
