// Policies that name countries: whose addresses they get, and what they are told when there is no
// sound and fresh table.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "plan/plan.h"
#include "plan/query.h"
#include "unit/countries_make.h"

#define ZONES                                                                                      \
	"zones:\n"                                                                                 \
	"  internet: { role: external, interfaces: [wan] }\n"                                      \
	"  dmz: { role: server, interfaces: [dmz0], networks: [192.0.2.0/24, 192.0.1.0/24] }\n"
#define FLOWS "flows:\n  - { id: in, from: internet/far, to: dmz, services: [tcp/443] }\n"

static int make(const char *network, const struct geo_known *countries, struct diag *diag,
		struct plan **ret_plan)
{
	char yaml[2048];
	struct pol_policy *policy = NULL;
	int r;

	snprintf(yaml, sizeof(yaml), ZONES "networks:\n  %s\n" FLOWS, network);
	r = policy_read_text("p", yaml, strlen(yaml), diag, &policy, NULL);
	if (r == 0) {
		assert_true(plan_needs_countries(policy));
		r = plan_make_with(policy, countries, diag, ret_plan, NULL);
	}
	policy_free(policy);
	return r;
}

static bool permits(const struct plan *plan, const char *source)
{
	struct plan_packet packet = { .from = (uint16_t)plan_find_zone(plan, "internet"),
				      .to = (uint16_t)plan_find_zone(plan, "dmz"),
				      .protocol = 6,
				      .sport = 40000,
				      .port = 443 };
	struct plan_answer answer;

	assert_int_equal(addr_parse(source, &packet.source), 0);
	assert_int_equal(addr_parse("192.0.2.1", &packet.destination), 0);
	plan_query(plan, &packet, &answer);
	return answer.verdict == PLAN_ALLOW;
}

static void check_sources(void **state)
{
	static const struct {
		const char *network, *in, *out;
	} rows[] = {
		{ "internet/far: { country: [JP] }", "133.0.0.1", "133.1.0.1" },
		{ "internet/far: { country: JP }", "133.78.200.255", "133.80.0.0" },
		{ "internet/far: { country: [JP] }", "133.6.200.255", "133.6.201.0" },
		{ "internet/far: { country: [JP, KR] }", "133.1.0.1", "8.8.8.8" },
		{ "internet/far: { continent: [AS] }", "175.45.176.1", "8.8.8.8" },
		{ "internet/far: { continent: [AS], not: [KP] }", "133.1.0.1", "175.45.176.1" },
		{ "internet/far: { not: [KP] }", "8.8.8.8", "175.45.176.1" },
		{ "internet/far: { not: [KP] }", "8.8.8.8", "9.9.9.9" }, // of no country at all
		{ "internet/far: { country: [US], addresses: [9.9.9.9] }", "9.9.9.9", "9.9.9.8" },
		{ "internet/far: { country: [US], except: [8.8.8.0/24] }", "8.8.9.0", "8.8.8.8" },
		{ "internet/far: { country: [JP] }", "192.1.0.1", "192.168.0.1" }, // private
		{ "internet/far: { country: [JP] }", "192.0.3.1", "192.0.1.5" },   // of a zone
		{ "far: { country: [JP] }", "192.0.3.1", "192.0.1.5" },		   // a group
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct diag *diag = diag_new();
		struct plan *plan = NULL;

		assert_int_equal(make(rows[i].network, test_countries(), diag, &plan), 0);
		assert_true(permits(plan, rows[i].in));
		assert_false(permits(plan, rows[i].out));
		plan_free(plan);
		diag_free(diag);
	}
}

static void refuse(const struct geo_known *countries, int code)
{
	struct diag *diag = diag_new();
	struct plan *plan = NULL;

	assert_int_equal(make("internet/far: { country: [JP] }", countries, diag, &plan), -EBADMSG);
	assert_int_equal(diag_errors(diag), 1);
	assert_int_equal(diag_at(diag, 0)->code, code);
	assert_int_equal(diag_at(diag, 0)->at.line, 5);
	diag_free(diag);
}

static void check_table(void **state)
{
	const struct geo_table table = test_countries_table();
	const uint64_t built = table.head->build_epoch;
	const uint64_t day = 24 * 3600;
	struct geo_known known;
	static const struct {
		int days;
		unsigned max_age;
		int code;
	} rows[] = {
		{ 0, 1, 0 },   { 1, 1, 0 },   { 2, 1, SK_COUNTRY_STALE },
		{ 60, 60, 0 }, { -2, 60, 0 }, { -3, 60, SK_COUNTRY_STALE },
	};

	(void)state;
	refuse(NULL, SK_COUNTRY_DATABASE);
	geo_known_none(&known, "x.mmdb", "it is not there");
	refuse(&known, SK_COUNTRY_DATABASE);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		geo_known_set(&known, "x.mmdb", &table,
			      built + (uint64_t)((int64_t)rows[i].days * (int64_t)day),
			      rows[i].max_age);
		assert_int_equal((int)known.fault, rows[i].code);
		if (known.fault)
			refuse(&known, rows[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_sources),
		cmocka_unit_test(check_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
