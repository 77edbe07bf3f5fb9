// Small services of the builder: copies into the plan, hints, and the texts of addresses.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"

enum { HINTS_MAX = 200 }; // every hint looks at every name: a policy of only typing errors is one

const char *build_text(struct build *b, const struct pol_text *text)
{
	return text->s ? arena_strdup(b->arena, text->s) : "";
}

struct place build_place(struct build *b, struct place at)
{
	uint32_t index;

	if (!at.file)
		return at;
	index = names_get(&b->file_names, at.file);
	if (index == NAMES_NONE) {
		const char *file = arena_strdup(b->arena, at.file);

		index = (uint32_t)b->files.n;
		vec_push(&b->files, file);
		names_add(&b->file_names, file, index);
	}
	at.file = b->files.v[index];
	return at;
}

const char *build_hint(struct build *b, const struct names *names, const char *text)
{
	const char *nearest = b->hints++ < HINTS_MAX ? names_nearest(names, text) : NULL;

	return nearest ? arena_printf(b->arena, "; did you mean \"%s\"?", nearest) : "";
}

const struct addr_range *build_ranges(struct build *b, struct addr_set *set, size_t *ret_n)
{
	const struct addr_range *ranges = arena_memdup(b->arena, set->v, set->n * sizeof(*set->v));

	*ret_n = set->n;
	addr_set_done(set);
	return ranges;
}

static const struct {
	int error;
	enum diag_code code;
	const char *advice;
} address_faults[] = {
	{ -ERANGE, SK_ADDRESS_RANGE,
	  "the range is upside down or the prefix length too large; put the lower end first" },
	{ -EDOM, SK_ADDRESS_HOST_BITS,
	  "there are bits behind the prefix length; write the network's first address, or a host "
	  "without a length" },
	{ -EXDEV, SK_ADDRESS_MIXED, "both ends of a range must be of one address family" },
	{ -EINVAL, SK_ADDRESS_FORM, "write an address, a prefix or a range" },
};

int build_address(struct build *b, const struct pol_text *text, struct addr_range *ret)
{
	int r = addr_range_parse(text->s, ret);

	for (size_t i = 0; i < sizeof(address_faults) / sizeof(address_faults[0]); i++) {
		if (address_faults[i].error == r)
			diag_add(b->diag, address_faults[i].code, text->at, "\"%s\": %s", text->s,
				 address_faults[i].advice);
	}
	return r < 0 ? -EINVAL : 0;
}

void build_repeats(struct build *b, const struct pol_list *list)
{
	struct names seen = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		uint32_t first = names_add(&seen, list->v[i].s, (uint32_t)i);

		if (first == NAMES_NONE)
			continue;
		diag_second(b->diag,
			    diag_add(b->diag, SK_LIST_REPEAT, list->v[i].at,
				     "%s is already in the list; take one away", list->v[i].s),
			    list->v[first].at, "first given here");
	}
	names_done(&seen);
}
