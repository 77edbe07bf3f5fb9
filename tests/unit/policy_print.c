// print(parse(x)) parses to the same tree and prints the same again: of texts made to be awkward,
// of random trees, and of every policy that comes along.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/box.h"
#include "policy/print.h"
#include "unit/policy_tree.h"

static char *printed(const struct pol_policy *policy, size_t *ret_size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	policy_print(policy, out);
	fclose(out);
	return text;
}

static struct pol_policy *read_good(const char *text, size_t size)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;

	if (policy_read_text("printed", text, size, diag, &policy, NULL) < 0) {
		diag_print(diag, stderr);
		fprintf(stderr, "of:\n%.*s\n", (int)size, text);
	}
	diag_free(diag);
	assert_non_null(policy);
	return policy;
}

static void check_round_trip(const struct pol_policy *policy)
{
	size_t size, size_again;
	char *text = printed(policy, &size);
	struct pol_policy *again = read_good(text, size);
	char *text_again = printed(again, &size_again);

	assert_true(same_tree(policy, again));
	assert_string_equal(text, text_again);
	policy_free(again);
	free(text_again);
	free(text);
}

static void round_trip_of_text(void **state)
{
	struct pol_policy *policy = read_good(*state, strlen(*state));

	check_round_trip(policy);
	policy_free(policy);
}

static const struct {
	const char *name, *text;
} texts[] = {
	{ "nothing", "" },
	{ "empty sections", "zones:\nflows: []\nsettings:\n" },
	{ "entries without keys", "owners: { a: , b: {} }\n" },
	{ "empty lists that mean none", "settings: { icmp-errors: [], extension-headers: [] }\n" },
	{ "an empty count", "assertions: [{ id: a, at-most: {} }]\n" },
	{ "exceptions without keys",
	  "flows: [{ id: a, from: b, to: c, services: d, except: [{}, { to: e }] }]\n" },
	{ "quotes", "title: 'say \"a\" \\ b'\n" },
	{ "apostrophe", "title: it's\n" },
	{ "words of YAML", "owners: { a: 'null', b: \"~\", c: 'true', d: '1', e: 'no' }\n" },
	{ "signs at the beginning",
	  "owners: { a: '- x', b: '? x', c: ': x', d: '# x', e: '& x', f: '* x', g: '! x', "
	  "h: '| x', i: '> x', j: '@ x', k: '% x', l: '` x', m: '[x', n: '{x', o: ', x' }\n" },
	{ "signs within",
	  "owners: { a: 'x: y', b: 'x #y', c: 'x:', d: 'x, y', e: 'x]', f: 'x}' }\n" },
	{ "full-width", "title: 　：，［］｛｝、－＃\nowners: { a: '：b', b: '［c］' }\n" },
	{ "addresses that end in colons",
	  "zones: { a: { interfaces: [b], networks: ['fd00::', '::', '::1'] } }\n" },
	{ "documents' marks", "owners: { a: '---', b: '...', c: '--- x' }\n" },
	{ "text over lines", "title: |\n  a\n\n  b\n" },
	{ "clauses in lists",
	  "assertions: [{ id: a, clause: ['1, 2', '[3]', 第4条：5, '#6'], at-most: { flows: 0 } }]\n" },
	{ "clauses by name",
	  "clauses: { '60-1': { text: a }, 'S1-84(1)': , '条: 1': { controls: NET-01 } }\n" },
	{ "a guard with every key",
	  "guards:\n  a:\n    title: 検査\n    protocol: smtp\n"
	  "    domains: [a.example, '*.a.example', xn--wgv71a.example]\n"
	  "    senders: [b, c/d]\n    smart-hosts: c/d\n    own-sender: mark\n"
	  "    own-sender-from: e/f\n    size: 20 MB\n    size-in: 10MiB\n    size-out: 1KB\n"
	  "    sizes: [{ from: b, direction: in, recipients: [x@a.example, a.example], max: 1GB },"
	  " { max: 2MB }]\n"
	  "    tls: allow-blind\n    tls-servers: [c]\n    tls-reason: 閉域網：平文\n"
	  "    after-greeting: false\n"
	  "    limits: { recipients: 0, invalid-recipients: 1, transactions: 2, sessions: 3,"
	  " session-rate: 30/min, message-rate: 1000000/day }\n"
	  "record: { mail: { keep: 90d, hash-addresses: true } }\n" },
	{ "one size for some, without a list",
	  "guards: { a: { protocol: smtp, sizes: { from: b, max: 1MB }, limits: } }\n" },
	{ "no-break space", "title: \"\\u00a0a\\u00a0\"\n" },
};

static void round_trip_of_folder(void **state)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;

	if (policy_read_path(*state, diag, &policy, NULL) < 0)
		diag_print(diag, stderr);
	diag_free(diag);
	assert_non_null(policy);
	check_round_trip(policy);
	policy_free(policy);
}

static uint64_t seed;

static unsigned random_below(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static const char *random_text(char out[64])
{
	static const char *const parts[] = {
		"a",  "Z",  "7",  " ",	  ":",	": ", " #", ",",  "[",	      "]",
		"{",  "}",  "'",  "\"",	  "\\", "-",  "- ", "?",  "&",	      "*",
		"!",  "|",  ">",  "%",	  "@",	"総", "：", "，", "　",	      "［",
		"］", "｝", "～", "null", "~",	"/",  ".",  "(",  "\xc2\xa0", "\xf0\x9f\x8f\xaf"
	};

	out[0] = '\0';
	for (unsigned i = 1 + random_below(8); i; i--)
		strcat(out, parts[random_below(sizeof(parts) / sizeof(parts[0]))]);
	return out;
}

// A JSON text of random words, which YAML reads as they are.
static void round_trip_of_random_texts(void **state)
{
	const char *given = getenv("SEED");
	uint64_t first = given ? strtoull(given, NULL, 10) : 20261123;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct json_object *root = json_object_new_object(),
				   *owners = json_object_new_object();
		struct diag *diag = diag_new();
		struct pol_policy *policy = NULL;
		const char *text;
		char word[64];

		seed = first + round;
		for (unsigned i = 0; i < 4; i++) {
			char id[8];

			snprintf(id, sizeof(id), "o%u", i);
			json_object_object_add(owners, id,
					       json_object_new_string(random_text(word)));
		}
		json_object_object_add(root, "title", json_object_new_string(random_text(word)));
		json_object_object_add(root, "owners", owners);
		text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_SPACED |
								    JSON_C_TO_STRING_NOSLASHESCAPE);
		// Only spaces is a fault; everything else is a text.
		if (policy_read_text("random", text, strlen(text), diag, &policy, NULL) == 0)
			check_round_trip(policy);
		for (size_t i = 0; i < diag_count(diag); i++)
			if (diag_at(diag, i)->code != SK_VALUE_EMPTY)
				fail_msg("SEED=%llu: %s: %s", (unsigned long long)first, text,
					 diag_at(diag, i)->message);
		policy_free(policy);
		diag_free(diag);
		json_object_put(root);
	}
}

static char *captured(void (*print)(FILE *))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	print(out);
	fclose(out);
	return text;
}

// Every reference leads somewhere.
static void check_references(struct json_object *defs, struct json_object *node)
{
	struct json_object *ref;

	if (json_object_is_type(node, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(node); i++)
			check_references(defs, json_object_array_get_idx(node, i));
		return;
	}
	if (!json_object_is_type(node, json_type_object))
		return;
	if (json_object_object_get_ex(node, "$ref", &ref)) {
		const char *path = json_object_get_string(ref);

		assert_int_equal(strncmp(path, "#/$defs/", 8), 0);
		assert_true(json_object_object_get_ex(defs, path + 8, NULL));
	}
	json_object_object_foreach(node, name, value)
	{
		(void)name;
		check_references(defs, value);
	}
}

static void prints_a_schema(void **state)
{
	void (*const printers[])(FILE *) = { policy_print_schema, box_print_schema };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *text = captured(printers[i]);
		struct json_object *root = json_tokener_parse(text), *defs = NULL;

		assert_non_null(root);
		assert_true(json_object_object_get_ex(root, "$defs", &defs));
		check_references(defs, root);
		json_object_put(root);
		free(text);
	}
}

static void prints_a_manual(void **state)
{
	char *policy = captured(policy_print_manual);
	char *box = captured(box_print_manual);

	(void)state;
	for (size_t i = 0; i < keys_policy.n_keys; i++) {
		char line[64];

		snprintf(line, sizeof(line), ".It Ic %s : ", keys_policy.keys[i].name);
		assert_non_null(strstr(policy, line));
	}
	assert_non_null(strstr(policy, ".Ss assertions only-via\n"));
	assert_non_null(strstr(box, ".It Ic management : "));
	free(policy);
	free(box);
}

int main(void)
{
	static char *const folders[] = { "rules/municipality", "rules/branch-office",
					 "rules/mail-gate", "rules/mail-tls", "rules/clauses" };
	static struct CMUnitTest tests[64];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		tests[n++] = (struct CMUnitTest){ texts[i].name, round_trip_of_text, NULL, NULL,
						  (void *)(uintptr_t)texts[i].text };
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		tests[n++] = (struct CMUnitTest){ folders[i], round_trip_of_folder, NULL, NULL,
						  folders[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(round_trip_of_random_texts);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(prints_a_schema);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(prints_a_manual);
	return _cmocka_run_group_tests("policy_print", tests, n, NULL, NULL);
}
