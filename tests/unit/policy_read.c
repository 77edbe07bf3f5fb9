// What the reader makes of good text, and what it does at its limits and over several files.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/vec.h"
#include "policy/policy.h"

#define ZONE "zones: { office: { interfaces: [lan0] } }\n"

static struct pol_policy *read_or_null(const char *text, struct diag *diag)
{
	struct pol_policy *policy = NULL;

	policy_read_text("test.yaml", text, strlen(text), diag, &policy, NULL);
	return policy;
}

static struct pol_policy *read_good(const char *text)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = read_or_null(text, diag);

	if (!policy || diag_count(diag))
		diag_print(diag, stderr);
	assert_non_null(policy);
	assert_int_equal(diag_count(diag), 0);
	diag_free(diag);
	return policy;
}

static void assert_codes(const char *text, const int *codes)
{
	struct diag *diag = diag_new();
	size_t n = 0;

	assert_null(read_or_null(text, diag));
	diag_sort(diag);
	while (codes[n])
		n++;
	if (diag_count(diag) != n)
		diag_print(diag, stderr);
	assert_int_equal(diag_count(diag), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(diag_at(diag, i)->code, codes[i]);
	diag_free(diag);
}

#define SOURCE(name, text)                                                                         \
	{                                                                                          \
		name, text, sizeof(text) - 1                                                       \
	}
#define CODES(...) ((const int[]){ __VA_ARGS__, 0 })

// The same zone, however it is written.
static void reads_any_form(void **state)
{
	struct pol_policy *policy = read_good(*state);
	const struct pol_tree *tree = policy_tree(policy);

	assert_int_equal(tree->n_zones, 1);
	assert_string_equal(tree->zones[0].id.s, "office");
	assert_string_equal(tree->zones[0].title.s, "総務 課");
	assert_int_equal(tree->zones[0].interfaces.n, 2);
	assert_string_equal(tree->zones[0].interfaces.v[1].s, "lan1");
	policy_free(policy);
}

static const struct {
	const char *name, *text;
} forms[] = {
	{ "flow style", "zones: { office: { title: 総務 課, interfaces: [lan0, lan1] } }" },
	{ "block style",
	  "zones:\n  office:\n    title: 総務 課\n    interfaces:\n      - lan0\n      - lan1\n" },
	{ "hyphens at the key's column",
	  "zones:\n  office:\n    title: 総務 課\n    interfaces:\n    - lan0\n    - lan1\n" },
	{ "JSON",
	  "{\"zones\":{\"office\":{\"title\":\"総務 課\",\"interfaces\":[\"lan0\",\"lan1\"]}}}" },
	{ "byte-order mark",
	  "\xef\xbb\xbfzones: { office: { title: 総務 課, interfaces: [lan0, lan1] } }\n" },
	{ "CR LF",
	  "zones:\r\n  office:\r\n    title: 総務 課\r\n    interfaces: [lan0, lan1]\r\n" },
	{ "double quotes with escapes",
	  "zones: { office: { title: \"\\u7dcf務 課\", interfaces: [lan0, 'lan1'] } }" },
	{ "folded text",
	  "zones:\n  office:\n    title: >\n      総務\n      課\n    interfaces: [lan0, lan1]\n" },
	{ "literal text",
	  "zones:\n  office:\n    title: |\n      総務\n      課\n    interfaces: [lan0, lan1]\n" },
	{ "plain text over two lines",
	  "zones:\n  office:\n    title: 総務\n      課\n    interfaces: [lan0, lan1]\n" },
	{ "a document's marks",
	  "---\nzones: { office: { title: 総務 課, interfaces: [lan0, lan1] } }\n...\n" },
	{ "version directive",
	  "%YAML 1.2\n---\nzones: { office: { title: 総務 課, interfaces: [lan0, lan1] } }\n" },
	{ "comments",
	  "# 設定　：，［］\nzones: # ：\n  office: { title: 総務 課, interfaces: [lan0, lan1] } # 　\n" },
};

static void reads_short_forms(void **state)
{
	struct pol_policy *policy =
		read_good(ZONE "networks: { office/a: 192.0.2.1, b: [192.0.2.2, 192.0.2.3] }\n"
			       "services: { intra: [tcp/8080] }\n"
			       "owners: { soumu: 総務課, jouhou: { title: 情報課 }, kikaku: }\n"
			       "guards: { mail: smtp }\n"
			       "flows: [{ id: f, from: office, to: [self], services: ssh, "
			       "except: { from: office/a } }]\n"
			       "settings: { defaults: { action: drop }, icmp-errors: [] }\n");
	const struct pol_tree *tree = policy_tree(policy);

	(void)state;
	assert_int_equal(tree->n_networks, 2);
	assert_string_equal(tree->networks[0].addresses.v[0].s, "192.0.2.1");
	assert_int_equal(tree->networks[1].addresses.n, 2);
	assert_string_equal(tree->services[0].members.v[0].s, "tcp/8080");
	assert_int_equal(tree->n_owners, 3);
	assert_string_equal(tree->owners[0].title.s, "総務課");
	assert_null(tree->owners[2].title.s);
	assert_string_equal(tree->guards[0].protocol.s, "smtp");
	assert_int_equal(tree->flows[0].from.n, 1);
	assert_int_equal(tree->flows[0].n_except, 1);
	assert_string_equal(tree->flows[0].except[0].from.v[0].s, "office/a");
	assert_int_equal(tree->settings.n_defaults, 1);
	assert_int_equal(tree->settings.icmp_errors.n, 0);
	assert_non_null(tree->settings.icmp_errors.at.file);
	assert_null(tree->settings.icmpv6_errors.at.file);
	policy_free(policy);
}

static void keeps_every_kind(void **state)
{
	struct pol_policy *policy = read_good(
		ZONE
		"nat:\n  - { id: n, kind: forward, address: 203.0.113.1, target: dmz/www, services: https,\n"
		"      port: 8443, hairpin: true, families: [ipv4, ipv6] }\n"
		"assertions:\n  - { id: a, never: { from: x, to: [y, z], direct: true } }\n"
		"  - { id: b, only-via: { from: x, via: y } }\n"
		"  - { id: c, at-most: { flows: 3, from: x }, clause: [第71条 第7項] }\n"
		"clauses:\n  - { id: S1-84(1), controls: [NET-01, NET-02] }\n");
	const struct pol_tree *tree = policy_tree(policy);

	(void)state;
	assert_true(tree->nat[0].port.set);
	assert_int_equal(tree->nat[0].port.value, 8443);
	assert_true(tree->nat[0].hairpin.value);
	assert_string_equal(tree->nat[0].at_address.s, "203.0.113.1");
	assert_int_equal(tree->nat[0].families.n, 2);
	assert_true(tree->assertions[0].never.direct.value);
	assert_int_equal(tree->assertions[0].never.to.n, 2);
	assert_null(tree->assertions[0].only_via.at.file);
	assert_string_equal(tree->assertions[1].only_via.via.v[0].s, "y");
	assert_int_equal(tree->assertions[2].at_most.flows.value, 3);
	assert_false(tree->assertions[2].at_most.connection_points.set);
	assert_string_equal(tree->assertions[2].clause.v[0].s, "第71条 第7項");
	assert_string_equal(tree->clauses[0].id.s, "S1-84(1)");
	policy_free(policy);
}

static void gives_places(void **state)
{
	struct pol_policy *policy =
		read_good("zones:\n"
			  "  office: { title: 総務課, interfaces: [lan0, 'lan1'] }\n"
			  "flows:\n"
			  "  - id: web\n"
			  "    from: office\n"
			  "    to: self\n"
			  "    services: ssh\n");
	const struct pol_tree *tree = policy_tree(policy);
	const struct pol_zone *zone = &tree->zones[0];

	(void)state;
	assert_int_equal(zone->id.at.line, 2);
	assert_int_equal(zone->id.at.column, 3);
	assert_int_equal(zone->id.at.column_end, 8);
	assert_int_equal(zone->title.at.column, 20);
	assert_int_equal(zone->title.at.column_end, 22);
	assert_int_equal(zone->interfaces.at.column, 25);
	assert_int_equal(zone->interfaces.v[0].at.column, 38);
	assert_int_equal(zone->interfaces.v[1].at.column, 45); // within the quotes
	assert_int_equal(zone->interfaces.v[1].at.column_end, 48);
	assert_int_equal(tree->flows[0].at.line, 4);
	assert_int_equal(tree->flows[0].at.column, 5);
	assert_int_equal(tree->flows[0].from.v[0].at.line, 5);
	assert_string_equal(tree->flows[0].from.v[0].at.file, "test.yaml");
	policy_free(policy);
}

// Signs that may stand in texts stay what they are.
static void leaves_texts_alone(void **state)
{
	const char *text = *state;
	struct pol_policy *policy = read_good(text);

	policy_free(policy);
}

static const struct {
	const char *name, *text;
} texts[] = {
	{ "colon in a title", ZONE "title: 総務：庁舎\n" },
	{ "colon after ASCII in a title", ZONE "title: LGWAN：庁舎\n" },
	{ "colon in a title in brackets",
	  "zones: { office: { title: LGWAN：庁舎, interfaces: [lan0] } }\n" },
	{ "comma in a title in brackets",
	  "zones: { office: { title: 総務，庁舎、本館, interfaces: [lan0] } }\n" },
	{ "brackets in a title in brackets",
	  "zones: { office: { title: 総務｛旧｝, interfaces: [lan0] } }\n" },
	{ "space in a title", ZONE "title: 総務　庁舎\n" },
	{ "brackets in a title", ZONE "title: ［旧］庁舎\n" },
	{ "brackets in a title in brackets",
	  "zones: { office: { title: ［旧］庁舎, interfaces: [lan0] } }\n" },
	{ "hyphen in a title", ZONE "title: －庁舎－\n" },
	{ "quoted", ZONE "title: \"a：b，［］　\"\n" },
	{ "single quotes, doubled", ZONE "title: 'it''s：b'\n" },
	{ "quoted over lines", ZONE "title: \"a\n  b：c\n  ｄ：ｅ\"\n" },
	{ "text block",
	  ZONE "title: |\n  LGWAN：庁舎\n  　字下げ\n\n  - a：b\nowners: { a: b }\n" },
	{ "text block in an entry",
	  "flows:\n  - id: a\n    need: >-\n      LGWAN：庁舎\n      　全角\n    from: x\n    to: y\n"
	  "    services: z\n" },
	{ "goes on below", ZONE "title: 総務\n  LGWAN：庁舎\n" },
	{ "goes on below a list's text",
	  "flows:\n  - id: a\n    clause:\n      - 総務\n        LGWAN：庁舎\n    from: x\n"
	  "    to: y\n    services: z\n" },
	{ "tab before a comment", ZONE "title: a\t# b\n" },
	{ "tabs on a blank line", ZONE "\t\ntitle: a\n" },
	{ "clauses in Japanese",
	  "assertions: [{ id: a, clause: [第１条，２項], at-most: { flows: 1 } }]\n" },
};

// More than one fault, all told in one run.
static void tells_all_faults(void **state)
{
	(void)state;
	assert_codes("zones:\n"
		     "  office: { interfaces: [lan0], role: uplnik, x: [{ a: b }], relay: yes }\n"
		     "  Office: { interfaces: lan1, class: V }\n"
		     "flows:\n"
		     "  - { id: a, from: office }\n"
		     "  - nonsense\n"
		     "  - { id: a, from: office, to: office, services: [] }\n",
		     CODES(SK_CHOICE_BAD, SK_KEY_UNKNOWN, SK_BOOL_BAD, SK_ID_BAD, SK_CHOICE_BAD,
			   SK_KEY_MISSING, SK_KEY_MISSING, SK_KIND_WRONG, SK_ID_DUPLICATE,
			   SK_LIST_EMPTY));
	assert_codes("zones：\n  office： { title：総務，interfaces：［lan0，lan1］ }\n",
		     CODES(SK_FULL_WIDTH_SIGN, SK_FULL_WIDTH_SIGN, SK_FULL_WIDTH_SIGN,
			   SK_FULL_WIDTH_SIGN, SK_FULL_WIDTH_SIGN, SK_FULL_WIDTH_SIGN,
			   SK_FULL_WIDTH_SIGN, SK_FULL_WIDTH_SIGN));
	assert_codes(ZONE "owners: { a: *x, *y : b, c: { <<: *z }, d: { <<: { title: e } } }\n",
		     CODES(SK_YAML_ALIAS, SK_YAML_ALIAS, SK_YAML_ALIAS, SK_YAML_ALIAS));
}

// A sign that was repaired does not move what stands after it.
static void counts_columns_after_repairs(void **state)
{
	struct diag *diag = diag_new();

	(void)state;
	assert_null(
		read_or_null("zones: { office： { interfaces： [lan0，lan1], role: x } }\n", diag));
	diag_sort(diag);
	assert_int_equal(diag_count(diag), 4);
	assert_int_equal(diag_at(diag, 3)->code, SK_CHOICE_BAD);
	assert_int_equal(diag_at(diag, 3)->at.column, 51);
	assert_int_equal(diag_at(diag, 3)->at.column_end, 51);
	diag_free(diag);
}

static void reads_several_files(void **state)
{
	const struct policy_source sources[] = {
		SOURCE("b.yaml",
		       "flows: [{ id: a, from: x, to: y, services: z }]\nsettings: { log-rate: 1 }\n"),
		SOURCE("a.yaml", "version: 1\n" ZONE),
		SOURCE("c.yaml",
		       "version: 1\nflows: [{ id: b, from: x, to: y, services: z }]\nsettings: { log-burst: 2 }"),
	};
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;

	(void)state;
	assert_int_equal(policy_read_sources(sources, 3, "rules", diag, &policy, NULL), 0);
	assert_int_equal(policy_tree(policy)->n_flows, 2);
	assert_string_equal(policy_tree(policy)->flows[0].id.at.file, "rules/b.yaml");
	assert_int_equal(policy_tree(policy)->n_files, 3);
	assert_string_equal(policy_tree(policy)->files[0].name, "rules/a.yaml");
	assert_int_equal(policy_tree(policy)->settings.log_burst.value, 2);
	assert_int_equal(policy_tree(policy)->settings.log_rate_per_second.value, 1);
	policy_free(policy);
	diag_free(diag);
}

static void finds_repeats_across_files(void **state)
{
	static const struct {
		struct policy_source sources[2];
		int code;
	} rows[] = {
		{ { SOURCE("a.yaml", ZONE), SOURCE("b.yaml", ZONE) }, SK_ID_DUPLICATE },
		{ { SOURCE("a.yaml", "title: a"), SOURCE("b.yaml", "title: b") },
		  SK_KEY_DUPLICATE },
		{ { SOURCE("a.yaml", "settings: { log-rate: 1 }"),
		    SOURCE("b.yaml", "settings: { log-rate: 1 }") },
		  SK_KEY_DUPLICATE },
		{ { SOURCE("a.yaml", "owners: { a: b }"), SOURCE("b.yaml", "owners: { a: c }") },
		  SK_ID_DUPLICATE },
		{ { SOURCE("a.yaml", "clauses: [{ id: a }]"), SOURCE("b.yaml", "clauses: { a: }") },
		  SK_ID_DUPLICATE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct diag *diag = diag_new();
		struct pol_policy *policy = NULL;

		assert_int_equal(policy_read_sources(rows[i].sources, 2, "", diag, &policy, NULL),
				 -EBADMSG);
		assert_int_equal(diag_count(diag), 1);
		assert_int_equal(diag_at(diag, 0)->code, rows[i].code);
		assert_string_equal(diag_at(diag, 0)->at.file, "b.yaml");
		assert_string_equal(diag_at(diag, 0)->second.file, "a.yaml");
		diag_free(diag);
	}
}

static void hands_out_parts(void **state)
{
	const char text[] = ZONE
		"flows: [{ id: a, from: office }, { id: b, from: x, to: y, services: z }, { id: b }]\n";
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL, *partial = NULL;

	(void)state;
	assert_int_equal(policy_read_text("t", text, strlen(text), diag, &policy, &partial),
			 -EBADMSG);
	assert_null(policy);
	assert_non_null(partial);
	assert_int_equal(policy_tree(partial)->n_zones, 1);
	assert_int_equal(policy_tree(partial)->n_flows, 2); // the second b is dropped
	policy_free(partial);
	partial = NULL;
	// A file that could not be read to its end gives none: what is missing would look unknown.
	assert_int_equal(policy_read_text("t", "zones: [", 8, diag, &policy, &partial), -EBADMSG);
	assert_null(partial);
	diag_free(diag);
}

static void tells_policies_apart(void **state)
{
	static const struct policy_source rows[][2] = {
		{ SOURCE("a.yaml", "title: a"), SOURCE("b.yaml", "") },
		{ SOURCE("a.yaml", "title: b"), SOURCE("b.yaml", "") },
		{ SOURCE("a.yaml", ""), SOURCE("b.yaml", "title: a") },
		{ SOURCE("a.yaml", "title: a"), SOURCE("c.yaml", "") },
	};
	uint8_t digests[4][32];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct diag *diag = diag_new();
		struct pol_policy *policy = NULL;

		assert_int_equal(policy_read_sources(rows[i], 2, "", diag, &policy, NULL), 0);
		memcpy(digests[i], policy_tree(policy)->digest, 32);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(digests[i], digests[j], 32);
		policy_free(policy);
		diag_free(diag);
	}
}

static char *repeated(const char *before, const char *unit, size_t times, const char *after)
{
	size_t length = strlen(unit);
	char *text = malloc(strlen(before) + length * times + strlen(after) + 1);
	char *to = stpcpy(text, before);

	for (size_t i = 0; i < times; i++, to += length)
		memcpy(to, unit, length);
	strcpy(to, after);
	return text;
}

static void keeps_limits(void **state)
{
	char *text = repeated(ZONE "title: ", "a", POL_SCALAR_BYTES_MAX, "\n");

	(void)state;
	policy_free(read_good(text));
	free(text);
	text = repeated(ZONE "title: ", "a", POL_SCALAR_BYTES_MAX + 1, "\n");
	assert_codes(text, CODES(SK_VALUE_TOO_LONG));
	free(text);
	// 32 collections within one another are read (and are wrong here for another reason); 33
	// end it.
	text = repeated("zones:\n  office: { interfaces: [", "[", 28, "]");
	text = realloc(text, strlen(text) + 128);
	memset(text + strlen(text) - 1, ']', 29);
	strcpy(strchr(text, ']') + 29, " }\n");
	assert_codes(text, CODES(SK_KIND_WRONG));
	free(text);
	text = repeated("zones:\n  office: { interfaces: [", "[", 29, "");
	assert_codes(text, CODES(SK_KIND_WRONG, SK_YAML_DEPTH));
	free(text);
	assert_codes("zones:\n  a23456789012345678901234567890x: { interfaces: [a] }\n"
		     "  a234567890123456789012345678901x: { interfaces: [b] }\n",
		     CODES(SK_ID_BAD));
}

// Bombs end soon and with one or two faults.
static void survives_bombs(void **state)
{
	static const struct {
		const char *before, *unit;
		size_t times;
		const char *after;
		int codes[4];
	} rows[] = {
		{ "title: ", "[", 1000000, "", { SK_KIND_WRONG, SK_YAML_DEPTH } },
		{ "title: ", "{a: ", 1000000, "", { SK_KIND_WRONG, SK_YAML_DEPTH } },
		{ "title: ", "[{", 1000000, "", { SK_KIND_WRONG, SK_YAML_DEPTH } },
		{ "zones: ", "［", 1000000, "", { SK_FULL_WIDTH_SIGN } },
		{ "", "- ", 1000000, "", { SK_ROOT_KIND, SK_YAML_DEPTH } },
		{ "", "? ", 1000000, "", { SK_KEY_COMPLEX, SK_YAML_DEPTH } },
		{ "title: \"", "\\u00e9", 1000000, "\"", { SK_VALUE_TOO_LONG } },
		{ ZONE "title: |\n", "  line\n", 1000000, "", { SK_VALUE_TOO_LONG } },
		{ "owners: { ", "a: b, ", 300000, "}", { SK_ID_DUPLICATE } },
		{ "zones: { office: { interfaces: [",
		  "あ，",
		  1000000,
		  "] } }",
		  { SK_VALUE_TOO_LONG } },
		{ "title: ", "　", 1000000, "", { SK_VALUE_TOO_LONG } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = repeated(rows[i].before, rows[i].unit, rows[i].times, rows[i].after);
		struct diag *diag = diag_new();
		clock_t begin = clock();

		assert_null(read_or_null(text, diag));
		assert_true(diag_count(diag) > 0);
		for (size_t j = 0; j < diag_count(diag); j++) {
			const int *codes = rows[i].codes;

			while (*codes && *codes != (int)diag_at(diag, j)->code)
				codes++;
			if (!*codes)
				fail_msg("bomb %zu: SK%d %s", i, (int)diag_at(diag, j)->code,
					 diag_at(diag, j)->message);
		}
		assert_true((clock() - begin) / CLOCKS_PER_SEC < 10);
		diag_free(diag);
		free(text);
	}
}

// "Billion laughs": each anchor holds ten aliases of the one before.
static void expands_no_alias(void **state)
{
	char text[8192] = "owners:\n  a0: &a0 { title: lol }\n";
	struct diag *diag = diag_new();

	(void)state;
	for (int i = 1; i < 10; i++) {
		char line[512];
		int n = snprintf(line, sizeof(line), "  a%d: &a%d [", i, i);

		for (int j = 0; j < 10; j++)
			n += snprintf(line + n, sizeof(line) - (size_t)n, "%s*a%d", j ? ", " : "",
				      i - 1);
		strcat(strcat(text, line), "]\n");
	}
	assert_null(read_or_null(text, diag));
	assert_true(diag_count(diag) >= 10 && diag_count(diag) < 200);
	diag_free(diag);
}

static void reads_many_flows(void **state)
{
	enum { FLOWS = 10000 };
	VEC(char) text = { 0 };
	struct pol_policy *policy;

	(void)state;
	for (int i = 0; i < FLOWS; i++) {
		char flow[256];
		int n = snprintf(
			flow, sizeof(flow),
			"%s  - id: flow-%d\n    title: 職員 %d\n    from: office\n    to: dmz/h%d\n"
			"    services: [smtp, tcp/%d]\n",
			i ? "" : "flows:\n", i, i, i, i + 1);

		for (int j = 0; j < n; j++)
			vec_push(&text, flow[j]);
	}
	vec_push(&text, '\0');
	policy = read_good(text.v);
	assert_int_equal(policy_tree(policy)->n_flows, FLOWS);
	assert_string_equal(policy_tree(policy)->flows[FLOWS - 1].id.s, "flow-9999");
	policy_free(policy);
	vec_done(&text);
}

// However a file is cut, it is read or refused, and nothing more happens.
static void reads_any_cut(void **state)
{
	const char *text =
		"# 設定\nzones：\n  office: { title: \"総\\u7dcf\", interfaces: [lan0，'lan1'] }\nflows:\n"
		"  - id: a\n    need: |\n      あ\n    from: [office]\n    except: { to: *x }\n";
	size_t size = strlen(text);

	(void)state;
	for (size_t n = 0; n <= size; n++) {
		struct diag *diag = diag_new();
		struct pol_policy *policy = NULL, *partial = NULL;
		char *cut = malloc(n ? n : 1); // so that a byte read past the end is noticed

		memcpy(cut, text, n);
		policy_read_text("t", cut, n, diag, &policy, &partial);
		free(cut);
		policy_free(policy);
		policy_free(partial);
		diag_free(diag);
	}
}

int main(void)
{
	static struct CMUnitTest tests[64];
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(reads_short_forms),
		cmocka_unit_test(keeps_every_kind),
		cmocka_unit_test(gives_places),
		cmocka_unit_test(tells_all_faults),
		cmocka_unit_test(counts_columns_after_repairs),
		cmocka_unit_test(reads_several_files),
		cmocka_unit_test(finds_repeats_across_files),
		cmocka_unit_test(hands_out_parts),
		cmocka_unit_test(tells_policies_apart),
		cmocka_unit_test(keeps_limits),
		cmocka_unit_test(survives_bombs),
		cmocka_unit_test(expands_no_alias),
		cmocka_unit_test(reads_many_flows),
		cmocka_unit_test(reads_any_cut),
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		tests[n++] = (struct CMUnitTest){ forms[i].name, reads_any_form, NULL, NULL,
						  (void *)(uintptr_t)forms[i].text };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		tests[n++] = (struct CMUnitTest){ texts[i].name, leaves_texts_alone, NULL, NULL,
						  (void *)(uintptr_t)texts[i].text };
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		tests[n++] = others[i];
	return _cmocka_run_group_tests("policy_read", tests, n, NULL, NULL);
}
