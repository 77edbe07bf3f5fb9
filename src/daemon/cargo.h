// What the ferry keeps to itself of the packets that one inspector has: which slots are out, whose
// packets lie in them, and what may be answered.  Nothing of it is in shared memory.  An answer
// that is not one of these ends the inspector:
//
//	the packet that has waited longest   accept, drop, hold
//	any packet that is held              accept, drop
#ifndef SEKISHO_DAEMON_CARGO_H
#define SEKISHO_DAEMON_CARGO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/lane.h"
#include "kernel/queue.h"

enum {
	CARGO_FACE = 128,      // first bytes of a packet that are kept
	CARGO_ANSWER_MS = 500, // that an inspector may take to answer
	// That a packet may be held: more than an inspector ever does, for who passes it loses all
	// of its connections, and strangers choose how long they say nothing.
	CARGO_HOLD_MS = (FLIGHT_HOLD_SECONDS_MAX + 50) * 1000,
};

enum cargo_place {
	CARGO_FREE,
	CARGO_WAITING, // for the first answer; it waits in the first queue
	CARGO_FRESH,   // just held, and still in the first queue
	CARGO_HELD,    // in the queue of held packets
	CARGO_GONE,    // held, but the kernel has dropped it
};

struct cargo_packet {
	enum cargo_place place;
	uint32_t id; // in the queue that it is in
	uint32_t mark;
	uint32_t turn;	 // daemon/turns.h
	uint32_t offset; // in its slot
	uint32_t n_face;
	uint64_t since_ms;
	uint8_t face[CARGO_FACE];
};

struct cargo;

// The lane becomes the cargo's on success.
int cargo_new(struct lane *lane, struct cargo **ret_cargo);
void cargo_free(struct cargo *cargo); // and the lane; NULL is fine
struct lane *cargo_lane(const struct cargo *cargo);

size_t cargo_room(const struct cargo *cargo);		 // free slots
uint32_t cargo_reserve(struct cargo *cargo);		 // a free slot, to be filled; there is one
void cargo_put_back(struct cargo *cargo, uint32_t slot); // it is not
// The packet lies in the slot at packet->offset: it is the inspector's from here on.
void cargo_load(struct cargo *cargo, uint32_t slot, const struct queue_packet *packet,
		uint32_t turn, uint64_t now_ms);

// The next answer that makes sense: 1 with *ret, whose packet is cargo_packet(ret->slot) until
// cargo_unload() (a FLIGHT_HOLD keeps it); 0: there is none; -EBADMSG: it made no sense.
int cargo_hear(struct cargo *cargo, struct lane_answer *ret);
struct cargo_packet *cargo_packet(struct cargo *cargo, uint32_t slot);
void cargo_unload(struct cargo *cargo, uint32_t slot); // the slot is free again

// Is a packet that was changed still one of the same connection and direction?  Addresses,
// protocol and ports are as they were, and its length is what it says.
bool cargo_is_same(const struct cargo_packet *packet, const uint8_t *bytes, size_t size);

// What the inspector has not done in time; NULL: nothing.
const char *cargo_overdue(const struct cargo *cargo, uint64_t now_ms);
size_t cargo_held(const struct cargo *cargo);

#endif
