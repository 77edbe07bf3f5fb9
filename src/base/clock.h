// How long things take: a clock that no person and no time server sets.  Deadlines that outlast the
// process are of base/boot.h.
#ifndef SEKISHO_BASE_CLOCK_H
#define SEKISHO_BASE_CLOCK_H

#include <stdint.h>

// CLOCK_MONOTONIC
uint64_t monotonic_ns(void);
uint64_t monotonic_us(void);
uint64_t monotonic_ms(void);

#endif
