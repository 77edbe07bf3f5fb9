#include "classify/pins.h"

#include <stdlib.h>

void pins_init(struct pins *pins)
{
	*pins = (struct pins){ .epoch = 1 };
}

void pins_done(struct pins *pins)
{
	for (size_t i = 0; i < pins->retired.n; i++)
		pins->retired.v[i].free(pins->retired.v[i].what);
	vec_done(&pins->retired);
}

struct pin *pins_take(struct pins *pins)
{
	for (unsigned i = 0; i < PINS_MAX; i++) {
		bool free = false;

		if (__atomic_compare_exchange_n(&pins->pin[i].taken, &free, true, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return &pins->pin[i];
	}
	return NULL;
}

void pins_give_back(struct pin *pin)
{
	__atomic_store_n(&pin->taken, false, __ATOMIC_RELEASE);
}

void pin_set(struct pins *pins, struct pin *pin)
{
	uint64_t epoch = __atomic_load_n(&pins->epoch, __ATOMIC_SEQ_CST);

	__atomic_store_n(&pin->epoch, epoch, __ATOMIC_SEQ_CST);
}

void pin_clear(struct pin *pin)
{
	__atomic_store_n(&pin->epoch, 0, __ATOMIC_RELEASE);
}

void pins_retire(struct pins *pins, void *what, void (*free)(void *what))
{
	vec_push(&pins->retired, ((struct retired){ what, free, pins->epoch }));
}

static uint64_t oldest(const struct pins *pins)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < PINS_MAX; i++) {
		uint64_t epoch = __atomic_load_n(&pins->pin[i].epoch, __ATOMIC_SEQ_CST);

		if (epoch && epoch < least)
			least = epoch;
	}
	return least;
}

void pins_advance(struct pins *pins)
{
	__atomic_fetch_add(&pins->epoch, 1, __ATOMIC_SEQ_CST);
	uint64_t least = oldest(pins);
	size_t kept = 0;

	for (size_t i = 0; i < pins->retired.n; i++) {
		struct retired *retired = &pins->retired.v[i];

		if (retired->epoch < least)
			retired->free(retired->what);
		else
			pins->retired.v[kept++] = *retired;
	}
	pins->retired.n = kept;
}
