// A message that is held, as the engine sees it: it gives the message's bytes while they go by to
// whoever keeps it (the vault), and says at the end whether it is to be kept.  How they come there
// is its host's (daemon/scans.h).
//
//	begin        a message begins that may have to be held; false: nobody keeps any
//	bytes        of the message, as on the wire; false: whoever keeps it is behind, so that what
//	             comes is to wait, until engine_hold_room()
//	end          that was all, without its final dot, and it is to be kept (event/held_wire.h)
//	drop         it is not, or nobody waits for the answer any more; none comes
//
// The answer comes by engine_held(), once, at any time after begin, and never from within one of
// these calls.  That a message is kept is said only once it is on the disk.
#ifndef SEKISHO_INSPECT_HOLD_H
#define SEKISHO_INSPECT_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hold_verdict {
	HOLD_KEPT,	// it is held, now or since it came before
	HOLD_DELIVERED, // it came before, and somebody has released it since
	HOLD_REJECTED,	// likewise, and has rejected it
	HOLD_FULL,	// there is no room for another
	HOLD_DOWN,
};

struct hold_result {
	enum hold_verdict verdict;
	uint64_t number; // of the held message; 0: none
};

struct hold_host {
	bool (*begin)(void *arg);
	bool (*bytes)(void *arg, const uint8_t *bytes, size_t n);
	void (*end)(void *arg, const uint8_t *envelope, size_t n);
	void (*drop)(void *arg);
};

#endif
