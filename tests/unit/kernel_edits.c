// What read-back notices of edits that others make to the table, and that a commit repairs them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/kernel.h"
#include "unit/kernel_net.h"
#include "unit/ruleset_town.h"

struct edit_row {
	const char *name, *command;
};

#define SET_NAME(what, name)                                                                       \
	"$(nft list " what "s | sed -n 's/.*" what " \\(" name ".*\\) {/\\1/p')"

// Sets are full as they are: the kernel takes an element more only when another goes.
static const struct edit_row edits[] = {
	{ "a rule more", "nft add rule inet sekisho allowed drop" },
	{ "a rule first", "nft insert rule inet sekisho forward accept" },
	{ "rules gone", "nft flush chain inet sekisho input" },
	{ "another rule", "nft -a list chain inet sekisho allowed | sed -n 's/.*accept # handle "
			  "\\([0-9]*\\)/replace rule inet sekisho allowed handle \\1 counter name "
			  "\"f_one\" drop/p' | nft -f -" },
	{ "another element",
	  "set=" SET_NAME(
		  "set",
		  "s_sources") "; nft delete element inet sekisho "
			       "$set '{ 10.20.1.0/24 . 192.0.2.25 }'; nft add element inet sekisho "
			       "$set '{ 10.99.0.1 . 10.99.0.2 }'" },
	{ "an element gone", "nft delete element inet sekisho " SET_NAME(
				     "set", "s_sources") " '{ 10.20.1.0/24 . 192.0.2.25 }'" },
	{ "an element leads elsewhere",
	  "map=" SET_NAME(
		  "map",
		  "m_services") "; nft delete element "
				"inet sekisho $map '{ udp . 7 }'; nft add element inet sekisho $map "
				"'{ udp . 7 : accept }'" },
	{ "another policy", "nft 'chain inet sekisho forward { policy accept; }'" },
	{ "a chain more", "nft add chain inet sekisho back_door" },
	{ "a hook more", "nft 'add chain inet sekisho early { type filter hook forward priority "
			 "-10; policy drop; }'" },
	{ "a hook with a rule", "nft 'add chain inet sekisho early { type filter hook forward "
				"priority -10; }'; nft add rule inet sekisho early drop" },
	{ "a counter more", "nft add counter inet sekisho back_door" },
	{ "a set more", "nft 'add set inet sekisho back_door { type ipv4_addr; }'" },
	{ "the table gone", "nft delete table inet sekisho" },
};

// Foreign edits are made where the kernel still allows them: to a table without an owner.
static void test_edit(void **state)
{
	const struct edit_row *row = *state;
	struct make make = { 0 };
	struct kernel *kernel;
	struct kernel_error error = { 0 };
	char report[512];

	make_town(&make, &(struct town){ .generation = 1, .extra = 3 });
	assert_int_equal(kernel_open(-1, &kernel), 0);
	assert_int_equal(kernel_commit(kernel, &make.ruleset, NULL, NULL, 0, &error), 0);
	if (kernel_features(kernel)->persist) {
		// The owner is gone for a moment; another takes over after the edit.
		kernel_close(kernel);
		assert_int_equal(kernel_open(-1, &kernel), 0);
		assert_int_equal(kernel_verify(kernel, &make.ruleset, report, sizeof(report)), 1);
		assert_non_null(strstr(report, "owner"));
	}
	assert_int_equal(net_run("%s", row->command), 0);
	assert_int_equal(kernel_verify(kernel, &make.ruleset, report, sizeof(report)), 1);
	print_message("%s: %s\n", row->name, report);
	assert_int_equal(kernel_commit(kernel, &make.ruleset, NULL, NULL, 0, &error), 0);
	if (kernel_verify(kernel, &make.ruleset, report, sizeof(report)))
		fail_msg("after repair: %s", report);
	kernel_remove(kernel);
	kernel_close(kernel);
	make_done(&make);
}

int main(void)
{
	enum { EDITS = sizeof(edits) / sizeof(edits[0]) };
	static struct CMUnitTest tests[EDITS];

	net_enter();
	for (size_t i = 0; i < EDITS; i++)
		tests[i] = (struct CMUnitTest){ .name = edits[i].name,
						.test_func = test_edit,
						.initial_state = (void *)&edits[i] };
	return cmocka_run_group_tests_name("foreign edits", tests, NULL, NULL);
}
