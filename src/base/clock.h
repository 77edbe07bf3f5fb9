// What the clocks say.  Deadlines that outlast the process are of base/boot.h.
#ifndef SEKISHO_BASE_CLOCK_H
#define SEKISHO_BASE_CLOCK_H

#include <stdint.h>

// How long things take: nobody sets this clock (CLOCK_MONOTONIC).
uint64_t monotonic_ns(void);
uint64_t monotonic_us(void);
uint64_t monotonic_ms(void);

// When things were, since 1970: people and time servers set it (CLOCK_REALTIME).
uint64_t wall_us(void);

#endif
