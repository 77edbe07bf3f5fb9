// Rates are of a sliding window, from two counts: this window's, and of the last one's the share
// that still lies in the time.
#include "inspect/source_limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 8 };

struct window {
	uint64_t began_us;
	uint32_t last, now;
};

struct source {
	uint64_t address, guard; // guard 0: free
	uint64_t used_us;
	uint32_t sessions;
	uint8_t family;
	struct window session_rate, message_rate;
};

struct source_limits {
	uint64_t secret;
	size_t n; // a power of two
	struct source v[];
};

int source_limits_new(size_t sources, uint64_t secret, struct source_limits **ret_limits)
{
	size_t n = WAYS;
	if (sources > (size_t)1 << 24)
		return -EINVAL;
	while (n < sources)
		n *= 2;
	struct source_limits *limits = calloc(1, sizeof(*limits) + n * sizeof(limits->v[0]));
	if (!limits)
		return -ENOMEM;
	limits->secret = secret;
	limits->n = n;
	*ret_limits = limits;
	return 0;
}

void source_limits_free(struct source_limits *limits)
{
	free(limits);
}

static uint64_t mix(uint64_t x, uint64_t secret)
{
	x ^= secret;
	x *= 0x9e3779b97f4a7c15u;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u ^ secret << 1;
	return x ^ x >> 29;
}

static uint64_t guard_hash(const char *guard)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (; *guard; guard++)
		hash = (hash ^ (uint8_t)*guard) * 0x100000001b3u;
	return hash | 1;
}

static struct source *find(struct source_limits *limits, const struct addr *addr, const char *guard,
			   uint64_t now_us)
{
	struct source key = {
		.address = (uint64_t)(addr->family == ADDR_V6 ? addr->bits >> 64 : addr->bits),
		.guard = guard_hash(guard),
		.family = addr->family,
		.used_us = now_us,
	};
	uint64_t hash = mix(key.address ^ (uint64_t)key.family << 56, limits->secret);
	struct source *set = &limits->v[mix(hash ^ key.guard, limits->secret) & (limits->n - WAYS)];
	struct source *idle = NULL;
	for (size_t i = 0; i < WAYS; i++) {
		struct source *at = &set[i];
		if (at->guard == key.guard && at->address == key.address &&
		    at->family == key.family)
			return at;
		if (!at->sessions && (!idle || at->used_us < idle->used_us))
			idle = at;
	}
	if (idle)
		*idle = key;
	return idle;
}

static bool count(struct window *window, uint32_t most, uint32_t seconds, uint64_t now_us)
{
	uint64_t length = (uint64_t)seconds * 1000000, passed;
	if (!most || !seconds)
		return true;
	if (now_us < window->began_us || now_us - window->began_us >= 2 * length)
		*window = (struct window){ .began_us = now_us };
	passed = now_us - window->began_us;
	if (passed >= length) {
		*window = (struct window){ window->began_us + length, window->now, 0 };
		passed -= length;
	}
	uint64_t per_mille = (length - passed) * 1000 / length;
	if (window->now + window->last * per_mille / 1000 >= most)
		return false;
	window->now++;
	return true;
}

enum source_verdict source_limits_enter(struct source_limits *limits, const struct addr *addr,
					const struct profile *profile, uint64_t now_us,
					uint32_t *ret_slot)
{
	const struct profile_limits *most = &profile->limits;
	struct source *source = find(limits, addr, profile->guard, now_us);
	*ret_slot = SOURCE_NONE;
	if (!source)
		return SOURCE_TAKEN;
	source->used_us = now_us;
	if (most->sessions && source->sessions >= most->sessions)
		return SOURCE_SESSIONS;
	if (!count(&source->session_rate, most->session_rate, most->session_seconds, now_us))
		return SOURCE_SESSION_RATE;
	source->sessions++;
	*ret_slot = (uint32_t)(source - limits->v);
	return SOURCE_TAKEN;
}

void source_limits_leave(struct source_limits *limits, uint32_t slot)
{
	if (slot != SOURCE_NONE && limits->v[slot].sessions)
		limits->v[slot].sessions--;
}

bool source_limits_message(struct source_limits *limits, uint32_t slot,
			   const struct profile *profile, uint64_t now_us)
{
	return slot == SOURCE_NONE ||
	       count(&limits->v[slot].message_rate, profile->limits.message_rate,
		     profile->limits.message_seconds, now_us);
}
