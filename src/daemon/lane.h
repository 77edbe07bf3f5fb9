// The memory that the ferry and one inspector share: slots for packets, a ring of tasks one way and
// a ring of answers the other, and a bell for each side that is only rung when the other may sleep.
//
//	ferry                                   inspector
//	  fills slot 7, task {7, ...}   ------>   reads the packet in slot 7, may change it
//	  verdict, slot 7 is free again <------   answer {7, accept}
//
// Each ring has one writer and one reader.  Each side keeps to itself what it relies on: how far it
// is in both rings, and which slots are whose.  What the other side writes may be anything at any
// moment; it is copied once and checked then.
#ifndef SEKISHO_DAEMON_LANE_H
#define SEKISHO_DAEMON_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/flight.h"
#include "kernel/queue.h"

enum {
	LANE_SLOTS = 1024,
	LANE_HELD_MAX = 768, // flights that an inspector may hold; the others are for those that go
	LANE_SLOT_BYTES = QUEUE_HEAD + FLIGHT_BYTES_MAX,
	LANE_ANSWERS = 2 * LANE_SLOTS, // HOLD, and what comes of it
};

enum lane_bits { // of a task
	LANE_SUMS_NOT_READY = 1,
	LANE_SUMS_CHECKED = 2,
	LANE_GSO = 4,
};

struct lane_task {
	uint32_t slot, offset, size;
	uint32_t mark, bits;
};

enum lane_answer_bits {
	LANE_CHANGED = 1,
	LANE_PASSED = 2,
	LANE_LIBERAL = 4,
};

struct lane_answer {
	uint32_t slot, fate; // enum flight_fate
	uint32_t size, bits;
};

struct lane;

// A sealed memory file for one lane.  0 with its descriptor, or a negative errno.
int lane_make(int *ret_fd);
// Descriptors (the file, and the bells: eventfds) stay the caller's.  rings: the other side's bell;
// hears: the own one.  0, or -EBADMSG: this is no lane; or another negative errno.
int lane_open(int fd, int rings, int hears, bool ferry, struct lane **ret_lane);
void lane_close(struct lane *lane); // NULL is fine
uint8_t *lane_slot(const struct lane *lane, uint32_t slot);

// The ferry's side.  Never more tasks than slots.
void lane_give(struct lane *lane, const struct lane_task *task);
// 1 with *ret; 0: there is none; -EBADMSG: what the ring says makes no sense.
int lane_hear(struct lane *lane, struct lane_answer *ret);

// The inspector's side.
bool lane_take(struct lane *lane, struct lane_task *ret);
void lane_answer(struct lane *lane, const struct lane_answer *answer);

// Both sides.  What was written since the last call is the other's to see; wakes it when it sleeps.
void lane_publish(struct lane *lane);
// Before sleeping until the own bell rings: false when there is something to read.
bool lane_may_sleep(struct lane *lane);
void lane_wake(struct lane *lane);  // afterwards: the bell need not ring any more
void lane_still(struct lane *lane); // it rang

#endif
