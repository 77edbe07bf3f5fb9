// Guards as a plan has them: the numbers of guarded flows, and what a mail guard comes to.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/guard.h"
#include "plan/plan_internal.h"

#define ZONES                                                                                      \
	"zones:\n"                                                                                 \
	"  office: { interfaces: [e0], networks: [10.0.0.0/8] }\n"                                 \
	"  dmz: { role: server, interfaces: [e1], networks: [192.0.2.0/24] }\n"                    \
	"guards: { mail: smtp, second: smtp }\n"                                                   \
	"flows:\n"

static struct plan *make(const char *text, struct diag *diag)
{
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;

	if (policy_read_text("p.yaml", text, strlen(text), diag, &policy, NULL) == 0)
		plan_make(policy, diag, &plan, NULL);
	policy_free(policy);
	return plan;
}

// n flows f0, f1 ... to ports of their own; those that step divides have a guard.
static char *many_flows(unsigned n, unsigned step)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(ZONES, out);
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "  - { id: f%u, from: office, to: dmz, services: [tcp/%u]%s }\n", i,
			i + 1, i % step ? "" : ", guard: mail");
	fclose(out);
	return text;
}

static struct plan *make_many(unsigned n, unsigned step, struct diag *diag)
{
	char *text = many_flows(n, step);
	struct plan *plan = make(text, diag);

	free(text);
	return plan;
}

static void numbers_are_their_own(void **state)
{
	static bool taken[PLAN_GUARDED_MAX + 1];
	struct diag *diag = diag_new();
	struct plan *plan = make_many(PLAN_GUARDED_MAX, 1, diag);
	size_t n;

	(void)state;
	assert_non_null(plan);
	const struct plan_flow *flows = plan_flows(plan, &n);
	assert_int_equal(n, PLAN_GUARDED_MAX);
	for (size_t i = 0; i < n; i++) {
		assert_in_range(flows[i].guard_mark & ~PLAN_GUARD_STAMP, 1, PLAN_GUARDED_MAX);
		assert_int_not_equal(flows[i].guard_mark & PLAN_GUARD_STAMP, 0);
		assert_false(taken[flows[i].guard_mark & ~PLAN_GUARD_STAMP]);
		taken[flows[i].guard_mark & ~PLAN_GUARD_STAMP] = true;
	}
	plan_free(plan);
	diag_free(diag);
}

static void one_too_many(void **state)
{
	struct diag *diag = diag_new();
	struct plan *plan = make_many(PLAN_GUARDED_MAX + 1, 1, diag);

	(void)state;
	assert_null(plan);
	assert_int_equal(diag_errors(diag), 1);
	for (size_t i = 0; i < diag_count(diag); i++)
		if (diag_at(diag, i)->severity == DIAG_ERROR)
			assert_int_equal(diag_at(diag, i)->code, SK_GUARDED_TOO_MANY);
	diag_free(diag);
}

static unsigned number_of(const struct plan *plan, const char *id)
{
	uint32_t flow = plan_find_flow(plan, id);
	size_t n;

	assert_int_not_equal(flow, PLAN_NONE);
	return plan_flows(plan, &n)[flow].guard_mark & ~PLAN_GUARD_STAMP;
}

// As they are in the rules of generations that are stored.
static void numbers_stay(void **state)
{
	struct diag *diag = diag_new();
	struct plan *few = make_many(4, 2, diag), *more = make_many(40, 2, diag);

	(void)state;
	assert_non_null(few);
	assert_non_null(more);
	assert_int_equal(number_of(few, "f1"), 0);
	assert_int_equal(number_of(few, "f0"), 3174);
	assert_int_equal(number_of(few, "f2"), 1873);
	assert_int_equal(number_of(more, "f0"), 3174);
	assert_int_equal(number_of(more, "f2"), 1873);
	plan_free(few);
	plan_free(more);
	diag_free(diag);
}

// Two ids with one hash: the first in order has it, whatever the order in the file.
static void numbers_that_meet(void **state)
{
	struct diag *diag = diag_new();
	struct plan *plan = make(
		ZONES
		"  - { id: mail-4, from: office, to: dmz, services: [tcp/1], guard: mail }\n"
		"  - { id: mail-106, from: office, to: dmz, services: [tcp/2], guard: mail }\n",
		diag);

	(void)state;
	assert_non_null(plan);
	assert_int_equal(number_of(plan, "mail-106"), number_of(plan, "mail-4") - 1);
	plan_free(plan);
	diag_free(diag);
}

static uint32_t mark_under(const char *guard)
{
	char text[512];
	struct diag *diag = diag_new();

	snprintf(text, sizeof(text),
		 ZONES "  - { id: mail-4, from: office, to: dmz, services: [tcp/1], guard: %s }\n",
		 guard);
	struct plan *plan = make(text, diag);
	size_t n;

	assert_non_null(plan);
	uint32_t mark = plan_flows(plan, &n)[plan_find_flow(plan, "mail-4")].guard_mark;
	plan_free(plan);
	diag_free(diag);
	return mark;
}

// A flow that gets another guard keeps its number; its mark says that it is not the same.
static void another_guard(void **state)
{
	uint32_t mail = mark_under("mail"), second = mark_under("second");

	(void)state;
	assert_int_equal(mail, mark_under("mail"));
	assert_int_equal(mail & ~PLAN_GUARD_STAMP, second & ~PLAN_GUARD_STAMP);
	assert_int_not_equal(mail, second);
}

// A policy with one guard for smtp of these keys, on a flow between two zones inside.
static struct plan *make_mail(const char *keys, struct diag *diag)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "zones:\n"
		 "  office: { interfaces: [e0], networks: [10.0.0.0/8, 'fd00::/32'] }\n"
		 "  dmz: { role: server, interfaces: [e1], networks: [192.0.2.0/24] }\n"
		 "  internet: { role: external, interfaces: [e2] }\n"
		 "  more: { role: external, interfaces: [e3] }\n"
		 "networks: { office/pc: [10.1.0.5], internet/host: [203.0.113.5] }\n"
		 "guards: { mail: { protocol: smtp%s%s } }\n"
		 "flows:\n"
		 "  - { id: mail, from: [office, internet/host], to: [dmz], services: smtp,\n"
		 "      guard: mail }\n"
		 "  - { id: web, from: more, to: dmz, services: https }\n",
		 *keys ? ", " : "", keys);
	return make(text, diag);
}

static const struct plan_mail *mail_of(const struct plan *plan)
{
	const struct plan_guard *guard = plan_find_guard(plan, "mail");

	assert_non_null(guard);
	assert_non_null(guard->mail);
	return guard->mail;
}

// What a guard demands without being told to.
static void defaults(void **state)
{
	struct diag *diag = diag_new();
	struct plan *plan = make(ZONES "  - { id: f, from: office, to: dmz, services: smtp, guard: "
				       "mail }\n",
				 diag);
	const struct plan_mail *mail;

	(void)state;
	assert_non_null(plan);
	mail = mail_of(plan);
	assert_int_equal(mail->n_domains, 0);
	assert_int_equal(mail->own_sender, PLAN_OWN_REFUSE);
	assert_int_equal(mail->tls, PLAN_TLS_CLEAR_ONLY);
	assert_int_equal(mail->n_sizes, 1);
	assert_int_equal(mail->sizes[0].max, 20 * 1000 * 1000);
	assert_int_equal(mail->limits.recipients, 100);
	assert_int_equal(mail->limits.invalid_recipients, 20);
	assert_int_equal(mail->limits.transactions, 100);
	assert_int_equal(mail->limits.sessions, 50);
	assert_int_equal(mail->limits.session_rate, 0);
	assert_false(mail->after_greeting);
	assert_null(plan_find_guard(plan, "other"));
	assert_null(plan_find_guard(plan, NULL));
	plan_free(plan);
	diag_free(diag);
}

static bool holds(const struct plan_places *places, const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	for (size_t i = 0; i < places->n; i++)
		if (addr_range_contains(&places->ranges[i], &addr))
			return true;
	return false;
}

// A zone without networks is every address that no other zone has, of both families.
static void zones_without_networks(void **state)
{
	struct diag *diag = diag_new();
	struct plan *plan = make_mail("domains: a.example, tls-reason: t, own-sender-from: "
				      "[internet, office/pc]",
				      diag);
	const struct plan_places *from;

	(void)state;
	assert_non_null(plan);
	from = &mail_of(plan)->own_sender_from;
	assert_true(holds(from, "203.0.113.77"));
	assert_true(holds(from, "2001:db8:77::1"));
	assert_true(holds(from, "10.1.0.5"));
	assert_false(holds(from, "10.1.0.6"));
	assert_false(holds(from, "192.0.2.9"));
	assert_false(holds(from, "fd00::9"));
	assert_false(holds(from, "127.0.0.1"));
	plan_free(plan);
	diag_free(diag);
}

static const struct {
	const char *domain;
	bool good;
} domains[] = {
	{ "a.example", true },
	{ "'*.a.example'", true },
	{ "xn--wgv71a119e.example", true },
	{ "A.B-C.Example", true },
	{ "霞野町.example.jp", true },
	{ "'*.みどり町.Example'", true },
	{ "霞野町", false },
	{ "霞野町。example", false },
	{ "ａ.example", false },
	{ "霞 野.example", false },
	{ "\"\\u0378.example\"", false }, // no character
	{ "☃.example", false },
	{ "1.2.3.example", true },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", true }, // 63
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", false },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.abc",
	  true }, // 253
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.abcd",
	  false },
	{ "example", false },
	{ "'*.example'", false },
	{ "'*'", false },
	{ "'*.*.a.example'", false },
	{ "'*a.example'", false },
	{ ".a.example", false },
	{ "a..example", false },
	{ "a.example.", false },
	{ "a_b.example", false },
	{ "a-.example", false },
	{ "a.-b.example", false },
	{ "192.0.2.1", false },
	{ "'[192.0.2.1]'", false },
	{ "'2001:db8::1'", false },
	{ "user@a.example", false },
	{ "'@a.example'", false },
};

static void reads_domains(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		struct diag *diag = diag_new();
		char keys[512];
		struct plan *plan;

		snprintf(keys, sizeof(keys), "tls-reason: t, domains: [%s]", domains[i].domain);
		plan = make_mail(keys, diag);
		if (domains[i].good != (plan != NULL) ||
		    (!plan && diag_at(diag, 0)->code != SK_MAIL_DOMAIN &&
		     diag_at(diag, 0)->code != SK_FULL_WIDTH_WORD &&
		     diag_at(diag, 0)->code != SK_WORD_BAD)) {
			diag_print(diag, stderr);
			fail_msg("%s", domains[i].domain);
		}
		plan_free(plan);
		diag_free(diag);
	}
}

// One name, however it is written.
static void japanese_names(void **state)
{
	struct diag *diag = diag_new();
	struct plan *plan =
		make_mail("tls-reason: t, domains: ['*.霞野町.example'], sizes: [{ recipients: "
			  "[係@霞野町.example, Plans@A.example, 霞野町.example], max: 1MB }]",
			  diag);
	const struct plan_mail *mail;

	(void)state;
	assert_non_null(plan);
	mail = mail_of(plan);
	assert_int_equal(mail->n_domains, 1);
	assert_true(mail->domains[0].subdomains);
	assert_string_equal(mail->domains[0].name, "xn--1nyp32dtud.example");
	assert_string_equal(mail->sizes[0].whose.recipients[0], "係@xn--1nyp32dtud.example");
	assert_string_equal(mail->sizes[0].whose.recipients[1], "plans@a.example");
	assert_string_equal(mail->sizes[0].whose.recipients[2], "@xn--1nyp32dtud.example");
	plan_free(plan);
	diag_free(diag);
}

// Who keeps records of mail for how long.
static void records(void **state)
{
	static const struct {
		const char *record;
		unsigned keep, mail;
		bool hash;
	} rows[] = {
		{ "{ keep: 400d }", 400, 400, false },
		{ "{ keep: 400d, mail: { keep: 90d } }", 400, 90, false },
		{ "{ mail: { keep: 1y, hash-addresses: true } }", 0, 366, true },
		{ "{ rotate: 64M }", 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct diag *diag = diag_new();
		char text[256];
		struct plan *plan;

		snprintf(text, sizeof(text), "record: %s\n", rows[i].record);
		plan = make(text, diag);
		assert_non_null(plan);
		assert_int_equal(plan_record(plan)->keep_days, rows[i].keep);
		assert_int_equal(plan_record(plan)->mail_keep_days, rows[i].mail);
		assert_int_equal(plan_record(plan)->mail_hash_addresses, rows[i].hash);
		plan_free(plan);
		diag_free(diag);
	}
}

static void says_sizes_exactly(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 20000000, "20 MB" },	 { 20971520, "20 MiB" }, { 1000, "1 KB" },
		{ 1024, "1 KiB" },	 { 1001, "1001 bytes" }, { 2000000000, "2 GB" },
		{ 1073741824, "1 GiB" }, { 1500000, "1500 KB" }, { 0, "0 bytes" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(plan_size_text(rows[i].bytes, text, sizeof(text)),
				    rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_their_own),  cmocka_unit_test(one_too_many),
		cmocka_unit_test(numbers_stay),		  cmocka_unit_test(numbers_that_meet),
		cmocka_unit_test(another_guard),	  cmocka_unit_test(defaults),
		cmocka_unit_test(zones_without_networks), cmocka_unit_test(reads_domains),
		cmocka_unit_test(japanese_names),	  cmocka_unit_test(records),
		cmocka_unit_test(says_sizes_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
