// Random policies: small numbers, so that everything overlaps with everything.
#ifndef SEKISHO_TESTS_REFERENCE_RANDOM_POLICY_H
#define SEKISHO_TESTS_REFERENCE_RANDOM_POLICY_H

#include <stdint.h>

// A policy's text, to be freed.  The same seed and variant give the same.  A variant other than 0
// is the seed's policy with some zones, networks and flows changed, some flows gone.  It may have
// faults: a generator of overlaps makes guards that meet plain flows.
char *random_policy(uint64_t seed, uint64_t variant);

#endif
