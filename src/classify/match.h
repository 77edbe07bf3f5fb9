// Matchers: headers against a view.  The scalar one is the specification, written to be read; the
// vector ones take 32 headers at a time through each step, so that the misses of many packets are
// under way together.
#ifndef SEKISHO_CLASSIFY_MATCH_H
#define SEKISHO_CLASSIFY_MATCH_H

#include "classify/view.h"

enum { MATCH_BATCH = 32 };

// ret_rank[i]: rank of the first rule that holds keys[i], or CLASSIFY_NONE.  n: any number.
typedef void match_v4_fn(const struct view *view, const struct classify_v4 *keys, size_t n,
			 uint32_t *ret_rank);
typedef void match_v6_fn(const struct view *view, const struct classify_v6 *keys, size_t n,
			 uint32_t *ret_rank);

struct matcher {
	const char *name;
	match_v4_fn *v4;
	match_v6_fn *v6;
};

extern const struct matcher matcher_scalar, matcher_avx2, matcher_avx512;

// The best that this processor has; matchers_all: NULL-terminated, those it has.
const struct matcher *matcher_best(void);
const struct matcher *const *matchers_all(void);

#endif
