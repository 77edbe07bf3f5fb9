// Who must approve, who may, what is missing: tables of rules, persons and time, and clocks that
// jump.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/approval.h"

#define HOURS(n) ((uint64_t)(n)*3600 * 1000000)

// --- the section of a policy, as the report carries it

static void put_rule(struct control_writer *writer, unsigned approvers, enum plan_weight weight,
		     const char *zone, const char *group)
{
	control_put_mark(writer, CTL_ROW);
	control_put_u64(writer, CTL_APPROVERS, approvers);
	control_put_u64(writer, CTL_RULE_WEIGHT, weight);
	control_put_text(writer, CTL_RULE_ZONE, zone);
	control_put_text(writer, CTL_RULE_GROUP, group);
}

static void make_section(unsigned approvers, bool rules, struct control_rows *ret)
{
	struct control_writer writer;
	control_writer_init(&writer, 65536);
	control_put_u64(&writer, CTL_APPROVERS, approvers);
	control_put_u64(&writer, CTL_EXPIRES_SECONDS, 72 * 3600);
	control_put_u64(&writer, CTL_CONFIRM_SECONDS, 120);
	control_put_bool(&writer, CTL_EMERGENCY, false);
	control_put_text(&writer, CTL_RULE_GROUP, "approvers");
	if (rules) {
		put_rule(&writer, 2, PLAN_WEIGHT_ANY, "internet", NULL);
		put_rule(&writer, 0, PLAN_WEIGHT_LIGHT, NULL, NULL);
		put_rule(&writer, 1, PLAN_WEIGHT_HEAVY, "lgwan", "chiefs");
		put_rule(&writer, 3, PLAN_WEIGHT_HEAVY, "tax", "chiefs");
		control_put_mark(&writer, CTL_ROW);
		control_put_text(&writer, CTL_ABSENT, "suzuki");
		control_put_text(&writer, CTL_DEPUTY, "tanaka");
		control_put_text(&writer, CTL_FROM_DAY, "2026-12-01");
		control_put_text(&writer, CTL_UNTIL_DAY, "2026-12-15");
		control_put_mark(&writer, CTL_ROW);
		control_put_text(&writer, CTL_ABSENT, "chiefs");
		control_put_text(&writer, CTL_DEPUTY, "sato");
		control_put_text(&writer, CTL_FROM_DAY, "2026-12-01");
		control_put_text(&writer, CTL_UNTIL_DAY, "2026-12-15");
	}
	assert_int_equal(control_rows_read(writer.bytes, writer.size, 1000, ret), 0);
	control_writer_done(&writer);
}

// --- how many

static const struct {
	unsigned section;
	bool rules;
	struct approval_change change;
	unsigned needed;
	const char *groups;
} needs[] = {
	{ 0, false, { .unknown = true }, 0, "approvers" },
	{ 1, false, { .weight = PLAN_WEIGHT_LIGHT }, 1, "approvers" },
	{ 1,
	  true,
	  { .weight = PLAN_WEIGHT_NORMAL, .zones = { "office" }, .n_zones = 1 },
	  1,
	  "approvers" },
	{ 1,
	  true,
	  { .weight = PLAN_WEIGHT_LIGHT, .zones = { "office" }, .n_zones = 1 },
	  0,
	  "approvers" },
	{ 1,
	  true,
	  { .weight = PLAN_WEIGHT_LIGHT, .zones = { "office", "internet" }, .n_zones = 2 },
	  2,
	  "approvers" },
	{ 1,
	  true,
	  { .weight = PLAN_WEIGHT_NORMAL, .zones = { "tax" }, .n_zones = 1 },
	  1,
	  "approvers" },
	{ 1, true, { .weight = PLAN_WEIGHT_HEAVY, .zones = { "tax" }, .n_zones = 1 }, 3, "chiefs" },
	{ 1,
	  true,
	  { .weight = PLAN_WEIGHT_HEAVY, .zones = { "lgwan" }, .n_zones = 1 },
	  1,
	  "chiefs" },
	{ 1, true, { .unknown = true }, 3, "chiefs" },
	// A light change of the section itself is not light.
	{ 1, true, { .rules = true, .weight = PLAN_WEIGHT_LIGHT }, 3, "chiefs" },
	{ 0, false, { .rules = true }, 0, "approvers" },
};

static void needed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		struct control_rows section;
		struct approval_need need;
		char groups[128];
		make_section(needs[i].section, needs[i].rules, &section);
		approval_need(&section, &needs[i].change, &need);
		if (need.approvers != needs[i].needed)
			fail_msg("row %zu: %u", i, need.approvers);
		assert_string_equal(approval_groups(&section, &need, groups, sizeof(groups)),
				    needs[i].groups);
		control_rows_done(&section);
	}
	struct approval_need need;
	approval_need(NULL, &(struct approval_change){ .unknown = true }, &need);
	assert_int_equal(need.approvers, 0);
	assert_int_equal(need.expires_usec, HOURS(72));
}

// --- who may

// 11 suzuki (approvers), 12 tanaka (nobody), 13 sato (nobody), 14 chief (chiefs).
static const struct {
	uint32_t uid;
	const char *name, *group;
} people[] = {
	{ 11, "suzuki", "approvers" },
	{ 12, "tanaka", "staff" },
	{ 13, "sato", "staff" },
	{ 14, "kacho", "chiefs" },
};

static bool is_user(void *arg, uint32_t uid, const char *user)
{
	(void)arg;
	for (size_t i = 0; i < 4; i++)
		if (people[i].uid == uid)
			return !strcmp(people[i].name, user);
	return false;
}

static bool is_member(void *arg, uint32_t uid, const char *group)
{
	(void)arg;
	for (size_t i = 0; i < 4; i++)
		if (people[i].uid == uid)
			return !strcmp(people[i].group, group);
	return false;
}

static bool user_is_member(void *arg, const char *user, const char *group)
{
	(void)arg;
	for (size_t i = 0; i < 4; i++)
		if (!strcmp(people[i].name, user))
			return !strcmp(people[i].group, group);
	return false;
}

static const struct directory directory = { NULL, is_user, is_member, user_is_member };

static const struct {
	uint32_t uid, login_uid;
	bool heavy; // of tax: chiefs
	const char *today;
	bool may;
} persons[] = {
	{ 11, 11, false, "2026-11-30", true },
	{ 11, 11, true, "2026-11-30", false },
	{ 14, 14, true, "2026-11-30", true },
	{ 14, 14, false, "2026-11-30", false },
	{ 0, CONTROL_NO_LOGIN, true, "2026-11-30", true }, // root at the console
	{ 0, 12, false, "2026-11-30", false },		   // tanaka by sudo is tanaka
	{ 0, 11, false, "2026-11-30", true },
	{ 12, 12, false, "2026-11-30", false },
	{ 12, 12, false, "2026-12-01", true }, // for suzuki
	{ 12, 12, false, "2026-12-15", true },
	{ 12, 12, false, "2026-12-16", false },
	{ 12, 12, true, "2026-12-10", false }, // suzuki may not either
	{ 13, 13, true, "2026-12-10", true },  // for the chiefs
	{ 13, 13, false, "2026-12-10", false },
	{ 99, 99, false, "2026-12-10", false },
};

static void may(void **state)
{
	struct control_rows section;
	const struct approval_change plain = { .weight = PLAN_WEIGHT_NORMAL };
	const struct approval_change heavy = { .weight = PLAN_WEIGHT_HEAVY,
					       .zones = { "tax" },
					       .n_zones = 1 };
	(void)state;
	make_section(1, true, &section);
	for (size_t i = 0; i < sizeof(persons) / sizeof(persons[0]); i++) {
		const struct person person = { persons[i].uid, persons[i].login_uid, "" };
		struct approval_need need;
		approval_need(&section, persons[i].heavy ? &heavy : &plain, &need);
		if (approval_may(&section, &need, &person, persons[i].today, &directory) !=
		    persons[i].may)
			fail_msg("row %zu", i);
	}
	control_rows_done(&section);
}

// --- what is missing

static const char boot_a[] = "aaaaaaaa-0000", boot_b[] = "bbbbbbbb-0000";

static struct instant at(const char *boot, uint64_t boot_usec, uint64_t wall_usec)
{
	struct instant instant = { .boot.usec = boot_usec, .wall_usec = wall_usec };
	strcpy(instant.boot.boot, boot);
	return instant;
}

static const struct {
	uint32_t uid[3], login[3]; // of the approvals; uid 0 with login 0 ends
	const char *code;	   // of all of them
	unsigned needed, missing;
} givens[] = {
	{ { 11 }, { 11 }, "ABCD2345", 1, 0 },
	{ { 11, 14 }, { 11, 14 }, "ABCD2345", 2, 0 },
	{ { 11, 14 }, { 11, 14 }, "ABCD2345", 3, 1 },
	{ { 11 }, { 11 }, "ABCD2346", 1, 1 },	      // another content
	{ { 10 }, { 10 }, "ABCD2345", 1, 1 },	      // the author
	{ { 9 }, { 10 }, "ABCD2345", 1, 1 },	      // the author by su
	{ { 11, 11 }, { 11, 11 }, "ABCD2345", 2, 1 }, // twice the same
	{ { 11, 9 }, { 11, 11 }, "ABCD2345", 2, 1 },  // and by su
	{ { 11, 11, 14 }, { 11, 11, 14 }, "ABCD2345", 2, 0 },
	{ { 0 }, { 0 }, "ABCD2345", 0, 0 },
};

static void missing(void **state)
{
	const struct person author = { 10, 10, "author" };
	const struct instant now = at(boot_a, HOURS(10), HOURS(1000));
	(void)state;
	for (size_t i = 0; i < sizeof(givens) / sizeof(givens[0]); i++) {
		const struct approval_need need = { givens[i].needed, NULL, HOURS(72) };
		struct approval given[3] = { 0 };
		size_t n = 0;
		for (; n < 3 && givens[i].uid[n]; n++) {
			given[n].by = (struct person){ givens[i].uid[n], givens[i].login[n], "" };
			given[n].when = at(boot_a, HOURS(9), HOURS(999));
			strcpy(given[n].code, givens[i].code);
		}
		if (approval_missing(&need, &author, "ABCD2345", given, n, &now) !=
		    givens[i].missing)
			fail_msg("row %zu", i);
	}
}

// Hours since the boot, and hours since 1970: then and now.
static const struct {
	const char *boot, *now_boot;
	unsigned then_boot, then_wall, now_boot_hours, now_wall;
	uint64_t age;
} ages[] = {
	{ boot_a, boot_a, 1, 1000, 3, 1002, HOURS(2) },
	{ boot_a, boot_a, 1, 1000, 3, 9999, HOURS(2) }, // the wall clock jumped ahead
	{ boot_a, boot_a, 1, 1000, 3, 10, HOURS(2) },	// and back
	{ boot_a, boot_b, 50, 1000, 1, 1007, HOURS(7) },
	{ boot_a, boot_b, 50, 1000, 1, 900, UINT64_MAX }, // back, over a reboot: nobody knows
	{ boot_a, boot_b, 1, 1000, 3, 1000, 0 },
};

static void clocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		const struct instant then =
			at(ages[i].boot, HOURS(ages[i].then_boot), HOURS(ages[i].then_wall));
		const struct instant now = at(ages[i].now_boot, HOURS(ages[i].now_boot_hours),
					      HOURS(ages[i].now_wall));
		if (instant_age_usec(&then, &now) != ages[i].age)
			fail_msg("row %zu", i);
	}
	// An approval ends with its time, to the microsecond.
	const struct person author = { 10, 10, "" };
	const struct approval_need need = { 1, NULL, HOURS(72) };
	struct approval given = { .by = { 11, 11, "" }, .code = "C" };
	given.when = at(boot_a, 0, 0);
	const struct instant before = at(boot_a, HOURS(72) - 1, 0);
	const struct instant after = at(boot_a, HOURS(72), 0);
	assert_int_equal(approval_missing(&need, &author, "C", &given, 1, &before), 0);
	assert_int_equal(approval_missing(&need, &author, "C", &given, 1, &after), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needed),
		cmocka_unit_test(may),
		cmocka_unit_test(missing),
		cmocka_unit_test(clocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
