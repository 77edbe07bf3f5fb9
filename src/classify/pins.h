// What readers hold, so that a writer knows when it may free what it replaced.
//
// Epochs: a reader writes the current epoch to its pin before it looks for what to read, and 0 when
// it is done.  What is replaced is retired with the epoch that it ended, and may be freed when no
// pin has that epoch or an earlier one: a reader that could have found it pinned before it was
// replaced. (K. Fraser, "Practical lock-freedom", 2004, section 5.2.3.)
#ifndef SEKISHO_CLASSIFY_PINS_H
#define SEKISHO_CLASSIFY_PINS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

enum { PINS_MAX = 64 };

struct pin {			     // alone on its cache line
	_Alignas(64) uint64_t epoch; // 0: not reading
	bool taken;
};

struct retired {
	void *what;
	void (*free)(void *what);
	uint64_t epoch;
};

struct pins {
	struct pin pin[PINS_MAX];
	_Alignas(64) uint64_t epoch; // from 1
	VEC(struct retired) retired; // the writer's
};

void pins_init(struct pins *pins);
void pins_done(struct pins *pins);	  // frees all that was retired; nothing may be pinned
struct pin *pins_take(struct pins *pins); // NULL: all are taken
void pins_give_back(struct pin *pin);

void pin_set(struct pins *pins, struct pin *pin); // before reading
void pin_clear(struct pin *pin);

// After `what` was replaced by something else.  The writer's.
void pins_retire(struct pins *pins, void *what, void (*free)(void *what));
// Ends the epoch and frees what nobody can hold.
void pins_advance(struct pins *pins);

#endif
