// Splitmix64: the same numbers for the same seed, on every machine.
#ifndef SEKISHO_BENCH_CLASSIFY_RANDOM_H
#define SEKISHO_BENCH_CLASSIFY_RANDOM_H

#include <stdint.h>

struct random_state {
	uint64_t state; // begins as the seed
};

static inline uint64_t random_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

static inline uint64_t random_next(struct random_state *random)
{
	return random_mix(random->state += 0x9e3779b97f4a7c15U);
}

static inline uint64_t random_below(struct random_state *random, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)random_next(random) * n) >> 64);
}

static inline double random_unit(struct random_state *random) // 0 to less than 1
{
	return (double)(random_next(random) >> 11) * 0x1p-53;
}

#endif
