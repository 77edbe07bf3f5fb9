// The guard as the gate sees it: through a struct kernel, where an absent table is no error.
#include <errno.h>
#include <stdlib.h>

#include "kernel/guard.h"
#include "kernel/private.h"

int kernel_guard_state(struct kernel *kernel, enum kernel_guard *ret_state)
{
	struct guard_found *found = calloc(1, sizeof(*found));
	int r = found ? guard_read(&kernel->link, kernel_guard_table, found) : -ENOMEM;

	if (r == 0 || r == -ENOENT)
		*ret_state = found->state;
	free(found);
	return r == -ENOENT ? 0 : r;
}

static bool management_is_fine(const struct kernel_management *management)
{
	return !management || !management->interface[0] || management->family == 4 ||
	       management->family == 6;
}

static int make(struct kernel *kernel, const struct guard_want *want)
{
	struct isolations *all = calloc(1, sizeof(*all));
	int r = all ? kernel_guard_make(kernel, want, NULL, all) : -ENOMEM;

	free(all);
	return r;
}

int kernel_guard_set(struct kernel *kernel, enum kernel_guard state,
		     const struct kernel_management *management)
{
	struct guard_want want = {
		.state = state, .management = management, .by_hand = true, .hand_over = true
	};

	return state == KERNEL_GUARD_ABSENT ? kernel_guard_remove(kernel) : make(kernel, &want);
}

int kernel_guard_close(struct kernel *kernel, const struct guard_want *want)
{
	return make(kernel, want);
}

int kernel_guard_make(struct kernel *kernel, const struct guard_want *want,
		      const struct isolation *without, struct isolations *ret_all)
{
	if (!management_is_fine(want->management))
		return -EINVAL;
	return guard_make(&kernel->link, kernel_guard_table, 0, want, without, ret_all);
}

int kernel_guard_read(struct kernel *kernel, struct guard_found *ret_found)
{
	int r = guard_read(&kernel->link, kernel_guard_table, ret_found);

	return r == -ENOENT ? 0 : r;
}
