#include "kernel/switch.h"

#include <errno.h>
#include <stdlib.h>

#include <linux/netfilter/nf_tables.h>

#include "kernel/encode.h"
#include "kernel/link.h"
#include "kernel/private.h"

struct guard_switch {
	struct link link;
	bool mirrored; // by us
};

int switch_open(struct guard_switch **ret_switch)
{
	struct guard_switch *guard_switch = calloc(1, sizeof(*guard_switch));
	int r = guard_switch ? link_open(&guard_switch->link, -1) : -ENOMEM;

	if (r < 0)
		free(guard_switch);
	else
		*ret_switch = guard_switch;
	return r;
}

void switch_rehearse(struct guard_switch *guard_switch)
{
	const struct isolation nothing = { .kind = ISOLATION_LINK,
					   .name = "sekisho-nothing",
					   .n_targets = 1,
					   .targets = { { "sekisho-nothing" } } };

	guard_rehearse(&guard_switch->link, kernel_guard_table, &nothing);
}

void switch_close(struct guard_switch *guard_switch)
{
	if (!guard_switch)
		return;
	link_close(&guard_switch->link);
	free(guard_switch);
}

// What is ordered anew may widen one that is in force, or come before its lifelines.
static bool is_there(const struct guard_want *want, const struct isolation *isolation)
{
	return want->isolations && isolations_find(want->isolations, isolation);
}

// Makes the guard with one more, or compares it with that.
static int with_one(struct guard_switch *guard_switch, const struct guard_want *want,
		    const struct isolation *isolation, bool only_look, enum guard_match *ret_match)
{
	struct isolations *list = calloc(1, sizeof(*list)), *all = calloc(1, sizeof(*all));
	struct guard_want with = *want;
	int r = list && all ? 0 : -ENOMEM;

	with.isolations = list;
	for (size_t i = 0; r == 0 && want->isolations && i < want->isolations->n; i++)
		r = isolations_add(list, &want->isolations->v[i]);
	if (r == 0)
		r = isolations_add(list, isolation);
	if (r == 0 && only_look)
		r = guard_match(&guard_switch->link, kernel_guard_table, &with, ret_match);
	else if (r == 0)
		r = guard_make(&guard_switch->link, kernel_guard_table, 0, &with, NULL, all);
	free(list);
	free(all);
	return r;
}

// One of all stands at the end: whatever is ahead of it that should not be lets something through.
static int confirm(struct guard_switch *guard_switch, const struct guard_want *want,
		   const struct isolation *isolation)
{
	enum guard_match match = GUARD_SAME;
	int r = guard_confirm(&guard_switch->link, kernel_guard_table, want, isolation);

	if (r == 0 && isolation->kind == ISOLATION_ALL)
		r = with_one(guard_switch, want, isolation, true, &match);
	return r == 0 && match ? -EUCLEAN : r;
}

int switch_isolate(struct guard_switch *guard_switch, const struct guard_want *want,
		   const struct isolation *isolation)
{
	struct link *link = &guard_switch->link;
	int r = is_there(want, isolation) ? -ENOENT
					  : guard_add(link, kernel_guard_table, want, isolation);

	if (r == 0)
		r = confirm(guard_switch, want, isolation);
	if (r == 0)
		return 0;
	// No table, no chain, a table switched off, somebody's rules: all of it anew.
	r = with_one(guard_switch, want, isolation, false, NULL);
	if (r == 0)
		r = guard_confirm(link, kernel_guard_table, want, isolation);
	return r;
}

// Closed or open is the guard's alone; but lifelines pass only through an open gate.
static struct guard_want mirrored_of(const struct guard_want *want)
{
	struct guard_want mirrored = *want;

	mirrored.state = KERNEL_GUARD_OPEN;
	if (want->state == KERNEL_GUARD_CLOSED)
		mirrored.n_lifelines = 0;
	return mirrored;
}

// Owned and lasting beyond its owner; owned; or, in the way of a table of that name, plain.
int switch_mirror(struct guard_switch *guard_switch, const struct guard_want *want)
{
	static const uint32_t flags[] = { NFT_TABLE_F_OWNER | ENCODE_PERSIST, NFT_TABLE_F_OWNER,
					  0 };
	struct guard_want mirrored = mirrored_of(want);
	int r = -EOPNOTSUPP;

	if (!guard_switch->mirrored && !(want->isolations && want->isolations->n))
		return 0;
	for (size_t i = 0;
	     i < sizeof(flags) / sizeof(flags[0]) && (r == -EOPNOTSUPP || r == -EINVAL); i++)
		r = guard_make(&guard_switch->link, kernel_mirror_table, flags[i], &mirrored, NULL,
			       NULL);
	if (r == 0)
		guard_switch->mirrored = true;
	return r;
}

int switch_mirror_read(struct guard_switch *guard_switch, struct isolations *ret)
{
	struct guard_found *found = calloc(1, sizeof(*found));
	int r = found ? guard_read(&guard_switch->link, kernel_mirror_table, found) : -ENOMEM;

	ret->n = 0;
	for (size_t i = 0; r == 0 && i < found->isolations.n; i++)
		isolations_add(ret, &found->isolations.v[i]);
	guard_switch->mirrored |= r == 0;
	free(found);
	return r == -ENOENT ? 0 : r;
}

int switch_guard_make(struct guard_switch *guard_switch, const struct guard_want *want,
		      const struct isolation *without, struct isolations *ret_all)
{
	return guard_make(&guard_switch->link, kernel_guard_table, 0, want, without, ret_all);
}

int switch_guard_confirm(struct guard_switch *guard_switch, const struct guard_want *want)
{
	int r = 0;

	for (size_t i = 0; r == 0 && want->isolations && i < want->isolations->n; i++)
		r = guard_confirm(&guard_switch->link, kernel_guard_table, want,
				  &want->isolations->v[i]);
	return r;
}

int switch_guard_read(struct guard_switch *guard_switch, struct guard_found *ret_found)
{
	int r = guard_read(&guard_switch->link, kernel_guard_table, ret_found);

	return r == -ENOENT ? 0 : r;
}

int switch_match(struct guard_switch *guard_switch, const struct guard_want *want,
		 enum guard_match *ret_guard, enum guard_match *ret_mirror)
{
	struct link *link = &guard_switch->link;
	struct guard_want mirrored = mirrored_of(want);
	int r = guard_match(link, kernel_guard_table, want, ret_guard);

	if (r == -ENOENT) {
		*ret_guard = GUARD_CHAINS_DIFFER;
		r = 0;
	}
	*ret_mirror = GUARD_SAME;
	if (r == 0 && guard_switch->mirrored)
		r = guard_match(link, kernel_mirror_table, &mirrored, ret_mirror);
	if (r != -ENOENT)
		return r;
	*ret_mirror = GUARD_CHAINS_DIFFER;
	return 0;
}

int switch_turn(struct guard_switch *guard_switch, uint32_t *ret_turn)
{
	return link_genid(&guard_switch->link, ret_turn);
}
