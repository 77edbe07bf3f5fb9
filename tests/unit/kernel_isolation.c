// Isolations as words, the switch's text file, and both in a kernel: put there, read back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "kernel/lifeline.h"
#include "kernel/switch.h"
#include "unit/kernel_net.h"

static struct isolation make(enum isolation_kind kind, const char *name, const char *target)
{
	struct isolation isolation;

	assert_int_equal(isolation_init(&isolation, kind, name), 0);
	if (target)
		assert_int_equal(isolation_add_target(&isolation, target), 0);
	isolation.since = 1790000000;
	return isolation;
}

static void test_comments(void **state)
{
	static const char *const good[] = {
		"isolate zone office on lan-of since 1790000000",
		"isolate zone \xe5\xba\x81\xe5\x86\x85 on vlan* since 1790000000",
		"isolate link wan-inet on wan-inet since 1",
		"isolate host 10.20.0.5 on 10.20.0.5 since 1790000000",
		"quarantine host fd00::5 on fd00::5 since 1790000000",
		"quarantine mac 02:00:00:00:00:05 on 10.20.0.5 since 1790000000",
		"isolate all since 1790000000",
		"isolate all total since 1790000000",
	};
	static const char *const bad[] = {
		"",
		"isolate",
		"isolate zone",
		"isolate zone office",
		"isolate zone office since 1",
		"isolate zone office on lan-of",
		"isolate zone office on lan-of since",
		"isolate zone office on lan-of since x",
		"isolate zone office on lan-of since 1 more",
		"isolate zone office on a/b since 1",
		"isolate host x on 10.0.0.1 since 1",
		"isolate host 10.0.0.1 on eth0 since 1",
		"isolate all on eth0 since 1",
		"isolate planet earth on eth0 since 1",
		"lifeline phones",
		"quarantine",
		"isolate zone  on eth0 since 1",
		"isolate zone office on lan-of since -1",
		"isolate mac 02:00:00:00:00 on 10.0.0.1 since 1",
		"isolate zone office on lan-of since 99999999999999999999999",
	};
	struct isolation isolation;
	struct isolation_target target;
	char text[ISOLATION_COMMENT_MAX], longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(isolation_read_comment(good[i], &isolation, &target), 0);
		isolation_comment(&isolation, target.text, text);
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(isolation_read_comment(bad[i], &isolation, &target), -EINVAL);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(isolation_read_comment(longest, &isolation, &target), -EINVAL);
}

// What cannot be a host, and what is one by another name.
static void test_hosts(void **state)
{
	static const struct {
		const char *given, *name;
		bool is_host;
	} rows[] = {
		{ "10.0.0.1", "10.0.0.1", true },
		{ "fd00::1", "fd00::1", true },
		{ "::ffff:10.0.0.1", "10.0.0.1", true },
		{ "::FFFF:0a00:0001", "10.0.0.1", true },
		{ "::fffe:10.0.0.1", "::fffe:10.0.0.1", true },
		{ "0.0.0.0", "0.0.0.0", false },
		{ "0.255.255.255", "0.255.255.255", false },
		{ "1.0.0.0", "1.0.0.0", true },
		{ "::", "::", false },
		{ "::2", "::2", true },
		{ "::1", "::1", false },
		{ "::ffff:0.0.0.0", "0.0.0.0", false },
		{ "::ffff:224.0.0.1", "224.0.0.1", false },
		{ "223.255.255.255", "223.255.255.255", true },
		{ "224.0.0.0", "224.0.0.0", false },
		{ "239.255.255.255", "239.255.255.255", false },
		{ "240.0.0.0", "240.0.0.0", true },
		{ "255.255.255.255", "255.255.255.255", false },
		{ "127.9.9.9", "127.9.9.9", false },
		{ "feff::1", "feff::1", true },
		{ "ff00::", "ff00::", false },
		{ "ff02::1", "ff02::1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char name[ADDR_TEXT_MAX];
		struct addr addr;

		isolation_host_name(rows[i].given, name);
		assert_string_equal(name, rows[i].name);
		assert_int_equal(addr_parse(name, &addr), 0);
		assert_int_equal(!isolation_no_host(&addr), rows[i].is_host);
	}
}

// The longest of everything still fits a comment.
static void test_comment_limit(void **state)
{
	char name[ISOLATION_NAME_MAX], text[ISOLATION_COMMENT_MAX];
	struct isolation isolation, again;
	struct isolation_target target;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	isolation = make(ISOLATION_ZONE, name, "abcdefghijklmno");
	isolation.quarantine = true;
	isolation_comment(&isolation, isolation.targets[0].text, text);
	assert_int_equal(isolation_read_comment(text, &again, &target), 0);
	assert_string_equal(again.name, name);
	assert_string_equal(target.text, "abcdefghijklmno");
	assert_int_equal(isolation_init(&again, ISOLATION_ZONE,
					"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
					"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"),
			 -EINVAL);
}

static void test_lists(void **state)
{
	struct isolations *list = calloc(1, sizeof(*list));
	struct isolation isolation = make(ISOLATION_HOST, "10.0.0.1", NULL);
	char text[32];

	(void)state;
	assert_int_equal(isolations_add(list, &isolation), 0);
	assert_int_equal(isolations_add(list, &isolation), 0);
	assert_int_equal(list->n, 1);
	for (int i = 1; i < ISOLATIONS_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.1.%d", i);
		isolation = make(ISOLATION_HOST, text, NULL);
		assert_int_equal(isolations_add(list, &isolation), 0);
	}
	isolation = make(ISOLATION_HOST, "10.0.2.1", NULL);
	assert_int_equal(isolations_add(list, &isolation), -ENOSPC);
	isolation = make(ISOLATION_HOST, "10.0.0.1", NULL);
	assert_true(isolations_have_room(list, &isolation)); // it is there
	isolations_remove(list, &isolation);
	assert_int_equal(list->n, ISOLATIONS_MAX - 1);
	assert_null(isolations_find(list, &isolation));
	isolation = make(ISOLATION_ZONE, "office", NULL);
	for (int i = 0; i < ISOLATION_TARGETS_MAX; i++) {
		snprintf(text, sizeof(text), "vlan%d", i);
		assert_int_equal(isolation_add_target(&isolation, text), 0);
	}
	assert_int_equal(isolation_add_target(&isolation, "vlan0"), 0);
	assert_int_equal(isolation_add_target(&isolation, "one-more"), -ENOSPC);
	free(list);
}

// Whatever hosts are cut off, a zone can be, and everything.
static void test_room(void **state)
{
	static const struct {
		enum isolation_kind kind;
		size_t most;
		const char *name;
	} rows[] = {
		{ ISOLATION_HOST, ISOLATIONS_MAX - 1 - ISOLATIONS_KEPT, "10.0.2.1" },
		{ ISOLATION_MAC, ISOLATIONS_MAX - 1 - ISOLATIONS_KEPT, "02:00:00:00:00:05" },
		{ ISOLATION_ZONE, ISOLATIONS_MAX - 1, "office" },
		{ ISOLATION_LINK, ISOLATIONS_MAX - 1, "wan0" },
		{ ISOLATION_ALL, ISOLATIONS_MAX, "" },
	};
	struct isolations *list = calloc(1, sizeof(*list));
	char text[32];

	(void)state;
	for (; list->n < ISOLATIONS_MAX;) {
		struct isolation one;

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			one = make(rows[i].kind, rows[i].name, NULL);
			assert_int_equal(isolations_have_room(list, &one), list->n < rows[i].most);
		}
		snprintf(text, sizeof(text), "10.0.1.%zu", list->n);
		one = make(ISOLATION_HOST, text, NULL);
		assert_int_equal(isolations_add(list, &one), 0);
	}
	free(list);
}

static void test_map(void **state)
{
	static const char text[] = "# what the switch knows\n"
				   "management lan-mg 10.0.0.0/24 22\n"
				   "zone office lan-of\n"
				   "zone office vlan*\n"
				   "zone dmz lan-dmz\n"
				   "lifeline phones from lan-ph * * *\n"
				   "lifeline calls to lan-ph 10.40.0.0/24 udp 5060-5061 answer\n"
				   "time-limit 3600\n"
				   "second-person\n";
	struct switch_map map;
	struct isolation office = make(ISOLATION_ZONE, "office", NULL);
	struct isolation none = make(ISOLATION_ZONE, "nowhere", NULL);
	char line[SWITCH_LINE_MAX];
	unsigned number;

	(void)state;
	assert_int_equal(switch_map_read(text, &map, &number), 0);
	assert_string_equal(map.management.interface, "lan-mg");
	assert_int_equal(map.management.port, 22);
	assert_int_equal(map.time_limit, 3600);
	assert_true(map.second_person);
	assert_int_equal(switch_map_zone(&map, &office), 0);
	assert_int_equal(office.n_targets, 2);
	assert_string_equal(office.targets[1].text, "vlan*");
	assert_int_equal(switch_map_zone(&map, &none), -ENOENT);
	assert_int_equal(map.n_lifelines, 2);
	assert_int_equal(lifeline_write(&map.lifelines[1], line, sizeof(line)), 0);
	assert_string_equal(line, "lifeline calls to lan-ph 10.40.0.0/24 udp 5060-5061 answer\n");
	assert_int_equal(lifeline_write(&map.lifelines[1], line, 20), -E2BIG);
	switch_map_done(&map);
}

static void test_map_hostile(void **state)
{
	static const char *const bad[] = {
		"zone\n",
		"zone office\n",
		"zone office *\n",
		"zone office a b\n",
		"zone  x\n",
		"zone office abcdefghijklmnop\n",
		"management x 10.0.0.0/24 70000\n",
		"management x 10.0.0.1-10.0.0.3 22\n",
		"management x y 22\n",
		"lifeline a from\n",
		"lifeline a past x * * *\n",
		"lifeline a from x 10.0.0.0/33 * *\n",
		"lifeline a from x * 300 *\n",
		"lifeline a from x * tcp 5-4\n",
		"lifeline a from x * tcp 0-0\n",
		"lifeline a from x * tcp 1-2x\n",
		"lifeline a from x * tcp 1-2 more\n",
		"time-limit\n",
		"time-limit -1\n",
		"second-person now\n",
		"anything\n",
		"zone a b c d e f g h i j k\n",
	};
	struct switch_map map;
	unsigned number;
	char *big = malloc(SWITCH_TEXT_MAX), *at = big;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(switch_map_read(bad[i], &map, &number), -EBADMSG);
		assert_int_equal(number, 1);
	}
	for (int i = 0; i <= LIFELINES_MAX; i++)
		at += sprintf(at, "lifeline a from x * * *\n");
	assert_int_equal(switch_map_read(big, &map, &number), -E2BIG);
	assert_int_equal(number, LIFELINES_MAX + 1);
	memset(big, 'x', SWITCH_LINE_MAX + 10);
	big[SWITCH_LINE_MAX + 10] = '\0';
	assert_int_equal(switch_map_read(big, &map, &number), -EBADMSG);
	free(big);
}

// --- in a kernel

static int rules_with(const char *table, const char *words)
{
	char command[256], line[64] = "";
	FILE *in;

	snprintf(command, sizeof(command), "nft list table inet %s 2>/dev/null | grep -ac '%s'",
		 table, words);
	in = popen(command, "r");
	if (!fgets(line, sizeof(line), in))
		line[0] = '\0';
	pclose(in);
	return atoi(line);
}

struct bed {
	struct guard_switch *guard;
	struct isolations in_force;
	struct guard_found found;
	struct guard_want want;
};

static struct bed *bed_open(void)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_int_equal(switch_open(&bed->guard), 0);
	bed->want = (struct guard_want){ .state = KERNEL_GUARD_OPEN, .isolations = &bed->in_force };
	return bed;
}

static void bed_close(struct bed *bed)
{
	switch_close(bed->guard);
	free(bed);
	assert_int_equal(net_run("nft flush ruleset; nft delete table inet sekisho_mirror "
				 "2>/dev/null; true"),
			 0);
}

static void order(struct bed *bed, struct isolation isolation)
{
	assert_int_equal(switch_isolate(bed->guard, &bed->want, &isolation), 0);
	assert_int_equal(isolations_add(&bed->in_force, &isolation), 0);
	assert_int_equal(switch_guard_read(bed->guard, &bed->found), 0);
	assert_int_equal(bed->found.isolations.n, bed->in_force.n);
}

static void test_isolate(void **state)
{
	struct bed *bed = bed_open();
	struct isolation office = make(ISOLATION_ZONE, "office", "lan-of");
	struct isolation quarantined = make(ISOLATION_MAC, "02:00:00:00:00:05", "10.20.0.5");

	(void)state;
	quarantined.quarantine = true;
	isolation_add_target(&quarantined, "fd00::5");
	assert_int_equal(isolation_add_target(&office, "vlan*"), 0);
	order(bed, office); // and there was no table
	assert_int_equal(bed->found.state, KERNEL_GUARD_OPEN);
	assert_int_equal(rules_with("sekisho_guard", "isolate zone office on lan-of"), 3);
	assert_int_equal(rules_with("sekisho_guard", "isolate zone office on vlan"), 3);
	order(bed, quarantined);
	assert_int_equal(rules_with("sekisho_guard", "on 02:00:00:00:00:05"), 1);
	order(bed, make(ISOLATION_ALL, "", NULL));
	assert_int_equal(bed->found.state, KERNEL_GUARD_OPEN);
	for (size_t i = 0; i < bed->found.isolations.n; i++) {
		struct isolation *one = &bed->found.isolations.v[i];
		struct isolation *ordered = isolations_find(&bed->in_force, one);

		assert_non_null(ordered);
		assert_int_equal(one->n_targets, ordered->n_targets);
		assert_int_equal(one->quarantine, ordered->quarantine);
		assert_int_equal(one->since, ordered->since);
	}
	bed_close(bed);
}

// Made anew with the gate closed and open, nothing is forgotten, whoever ordered it.
static void test_remembered(void **state)
{
	struct bed *bed = bed_open();
	struct kernel *kernel;
	struct isolations *all = calloc(1, sizeof(*all));
	struct isolation host = make(ISOLATION_HOST, "10.20.0.5", NULL);

	(void)state;
	assert_int_equal(kernel_open(-1, &kernel), 0);
	order(bed, make(ISOLATION_LINK, "wan0", NULL));
	order(bed, host);
	order(bed, make(ISOLATION_ALL, "", NULL));
	assert_int_equal(kernel_guard_set(kernel, KERNEL_GUARD_CLOSED, NULL), 0);
	assert_int_equal(switch_guard_read(bed->guard, &bed->found), 0);
	assert_int_equal(bed->found.state, KERNEL_GUARD_CLOSED);
	assert_int_equal(bed->found.isolations.n, 3);
	assert_int_equal(kernel_guard_set(kernel, KERNEL_GUARD_OPEN, NULL), 0);
	assert_int_equal(switch_guard_read(bed->guard, &bed->found), 0);
	assert_int_equal(bed->found.state, KERNEL_GUARD_OPEN);
	assert_int_equal(bed->found.isolations.n, 3);
	isolations_remove(&bed->in_force, &host);
	assert_int_equal(switch_guard_make(bed->guard, &bed->want, &host, all), 0);
	assert_int_equal(all->n, 2);
	assert_int_equal(switch_guard_read(bed->guard, &bed->found), 0);
	assert_int_equal(bed->found.isolations.n, 2);
	assert_null(isolations_find(&bed->found.isolations, &host));
	free(all);
	kernel_close(kernel);
	bed_close(bed);
}

static void test_lifelines(void **state)
{
	static const char text[] = "lifeline phones from lan-ph * * *\n"
				   "lifeline phones to * 10.40.0.0/24 * *\n"
				   "lifeline calls from lan-of 10.20.0.0/16 udp 5060-5061\n";
	struct bed *bed = bed_open();
	struct isolation total = make(ISOLATION_ALL, "", NULL);
	struct switch_map map;
	unsigned line;

	(void)state;
	assert_int_equal(switch_map_read(text, &map, &line), 0);
	bed->want.lifelines = map.lifelines;
	bed->want.n_lifelines = map.n_lifelines;
	order(bed, make(ISOLATION_ALL, "", NULL));
	assert_int_equal(rules_with("sekisho_guard", "lifeline phones"), 2);
	assert_int_equal(rules_with("sekisho_guard", "th dport 5060-5061\\|udp dport 5060-5061"),
			 1);
	total.total = true;
	order(bed, total);
	assert_int_equal(rules_with("sekisho_guard", "lifeline"), 0);
	assert_true(bed->found.isolations.v[0].total);
	switch_map_done(&map);
	bed_close(bed);
}

// A rehearsal leaves every rule as it was, in whatever state the guard is, and makes nothing.
static void test_rehearsal(void **state)
{
	static const char *const states[] = {
		"true",
		"nft add rule inet sekisho_guard prerouting drop",
		"nft 'add chain inet sekisho_guard prerouting { policy drop; }'",
		"nft 'add table inet sekisho_guard { flags dormant; }'",
		"nft flush chain inet sekisho_guard postrouting",
		"nft delete chain inet sekisho_guard postrouting",
		"nft delete table inet sekisho_guard",
	};
	struct bed *bed = bed_open();

	(void)state;
	order(bed, make(ISOLATION_ZONE, "office", "lan-of"));
	order(bed, make(ISOLATION_ALL, "", NULL));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		assert_int_equal(net_run("%s", states[i]), 0);
		assert_int_equal(net_run("nft -a list ruleset >/tmp/sekisho-rules-%d", getpid()),
				 0);
		switch_rehearse(bed->guard);
		switch_rehearse(bed->guard);
		assert_int_equal(
			net_run("nft -a list ruleset | cmp - /tmp/sekisho-rules-%d", getpid()), 0);
	}
	net_run("rm /tmp/sekisho-rules-%d", getpid());
	bed->in_force.n = 0; // an order after it makes all that was gone
	order(bed, make(ISOLATION_LINK, "wan0", NULL));
	bed_close(bed);
}

// A hand that takes the guard away leaves the mirror, which outlives even its owner.
static void test_mirror(void **state)
{
	struct bed *bed = bed_open();
	struct isolation link = make(ISOLATION_LINK, "wan0", NULL);
	struct isolations *mirrored = calloc(1, sizeof(*mirrored));

	(void)state;
	assert_int_equal(switch_mirror(bed->guard, &bed->want), 0);
	assert_int_equal(net_run("nft list table inet sekisho_mirror >/dev/null 2>&1") != 0, 1);
	order(bed, link);
	assert_int_equal(switch_mirror(bed->guard, &bed->want), 0);
	assert_int_equal(net_run("nft flush ruleset"), 0);
	assert_int_equal(rules_with("sekisho_mirror", "isolate link wan0"), 3);
	assert_int_equal(switch_mirror_read(bed->guard, mirrored), 0);
	assert_int_equal(mirrored->n, 1);
	switch_close(bed->guard);
	assert_int_equal(switch_open(&bed->guard), 0);
	assert_int_equal(switch_mirror_read(bed->guard, mirrored), 0);
	assert_int_equal(mirrored->n, 1);
	isolations_remove(&bed->in_force, &link);
	assert_int_equal(switch_mirror(bed->guard, &bed->want), 0);
	assert_int_equal(switch_mirror_read(bed->guard, mirrored), 0);
	assert_int_equal(mirrored->n, 0);
	free(mirrored);
	bed_close(bed);
}

// What somebody did to the table in between does not make an order fail.
static void test_in_the_way(void **state)
{
	static const char *const before[] = {
		"nft flush ruleset",
		"nft 'add table inet sekisho_guard { flags dormant; }'",
		"nft flush ruleset; nft add table inet sekisho_guard",
		"nft flush table inet sekisho_guard",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		struct bed *bed = bed_open();

		order(bed, make(ISOLATION_LINK, "wan0", NULL));
		assert_int_equal(net_run("%s", before[i]), 0);
		assert_int_equal(switch_isolate(bed->guard, &bed->want,
						&(struct isolation){ .kind = ISOLATION_LINK,
								     .name = "wan9",
								     .n_targets = 1,
								     .targets = { { "wan9" } } }),
				 0);
		assert_int_equal(rules_with("sekisho_guard", "isolate link wan9"), 3);
		assert_int_equal(rules_with("sekisho_guard", "dormant"), 0);
		bed_close(bed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room),	    cmocka_unit_test(test_comments),
		cmocka_unit_test(test_hosts),	    cmocka_unit_test(test_comment_limit),
		cmocka_unit_test(test_lists),	    cmocka_unit_test(test_map),
		cmocka_unit_test(test_map_hostile), cmocka_unit_test(test_isolate),
		cmocka_unit_test(test_remembered),  cmocka_unit_test(test_lifelines),
		cmocka_unit_test(test_mirror),	    cmocka_unit_test(test_in_the_way),
		cmocka_unit_test(test_rehearsal),
	};

	net_enter();
	return cmocka_run_group_tests_name("kernel isolation", tests, NULL, NULL);
}
