// The image: what is written is read again the same; what is damaged is refused or harmless.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "compile/build.h"
#include "unit/compile_make.h"

static const char policy[] =
	"zones:\n"
	"  office: { interfaces: [lan-of, 'vlan*'], networks: [10.20.0.0/16, 'fd00:20::/32'] }\n"
	"  dmz: { role: server, interfaces: [lan-dmz], networks: [192.0.2.0/24] }\n"
	"  internet: { role: external, interfaces: [wan], mss: 1400 }\n"
	"networks:\n"
	"  dmz/hub: [192.0.2.25, 192.0.2.27, 192.0.2.29, 192.0.2.31, 192.0.2.33]\n"
	"guards:\n"
	"  mail: { protocol: smtp, senders: [office] }\n"
	"flows:\n"
	"  - { id: web, from: office, to: [internet, dmz/hub], services: [tcp/443] }\n"
	"  - { id: mail, from: office, to: dmz/hub, services: [tcp/25], guard: mail }\n"
	"  - { id: files, from: office, to: dmz, services: [tcp/21], helpers: [ftp], log: true }\n"
	"nat:\n"
	"  - { id: out, kind: masquerade, from: [office], to: [internet] }\n"
	"settings:\n"
	"  default: reject\n";

static const struct compile_options options = { .generation = 3 };

static struct ruleset *make(void)
{
	struct made made;
	struct ruleset *ruleset;

	assert_int_equal(make_text(policy, &options, &made), 0);
	ruleset = made.ruleset;
	made.ruleset = NULL;
	made_done(&made);
	return ruleset;
}

static void round_trip(void **state)
{
	struct ruleset *ruleset = make(), *again;
	size_t size, size_again;
	char *bytes = image_of(ruleset, &size), *bytes_again, *text, *text_again;

	(void)state;
	assert_int_equal(ruleset_image_read(bytes, size, &again), 0);
	bytes_again = image_of(again, &size_again);
	assert_int_equal(size, size_again);
	assert_memory_equal(bytes, bytes_again, size);
	text = print_of(ruleset);
	text_again = print_of(again);
	assert_string_equal(text, text_again);
	free(text);
	free(text_again);
	free(bytes);
	free(bytes_again);
	ruleset_free(ruleset);
	ruleset_free(again);
}

static void same_bytes(void **state)
{
	struct ruleset *a = make(), *b = make();
	size_t size_a, size_b;
	char *bytes_a = image_of(a, &size_a), *bytes_b = image_of(b, &size_b);

	(void)state;
	assert_int_equal(size_a, size_b);
	assert_memory_equal(bytes_a, bytes_b, size_a);
	free(bytes_a);
	free(bytes_b);
	ruleset_free(a);
	ruleset_free(b);
}

// Another generation of the same policy changes nothing but the marker.
static void versions(void **state)
{
	const struct compile_options later = { .generation = 4 };
	struct ruleset *a = make();
	struct made made;

	(void)state;
	assert_int_equal(make_text(policy, &later, &made), 0);
	assert_int_equal(a->n_sets, made.ruleset->n_sets);
	for (size_t i = 0; i < a->n_sets; i++)
		assert_true(a->sets[i].version == made.ruleset->sets[i].version);
	assert_int_equal(a->n_chains, made.ruleset->n_chains);
	for (size_t i = 0; i < a->n_chains; i++)
		assert_true(a->chains[i].version == made.ruleset->chains[i].version);
	ruleset_free(a);
	made_done(&made);
}

static void cut_short(void **state)
{
	struct ruleset *ruleset = make(), *again;
	size_t size;
	char *bytes = image_of(ruleset, &size);

	(void)state;
	for (size_t i = 0; i < size; i++)
		assert_int_equal(ruleset_image_read(bytes, i, &again), -EBADMSG);
	free(bytes);
	ruleset_free(ruleset);
}

// Any byte may be wrong: the image is refused, or it can be printed.
static void wrong_bytes(void **state)
{
	static const uint8_t masks[] = { 0xff, 0x01, 0x80 };
	struct ruleset *ruleset = make(), *again;
	size_t size, read = 0;
	char *bytes = image_of(ruleset, &size);

	(void)state;
	for (size_t i = 0; i < size; i += 3) {
		uint8_t mask = masks[i % sizeof(masks)];

		bytes[i] ^= mask;
		if (!ruleset_image_read(bytes, size, &again)) {
			if (read++ % 16 == 0)
				free(print_of(again));
			ruleset_free(again);
		}
		bytes[i] ^= mask;
	}
	free(bytes);
	ruleset_free(ruleset);
}

#define CHAINS(r) ((struct rs_chain *)(r)->chains)
#define RULES(r)  ((struct rs_rule *)(r)->rules)
#define STMTS(r)  ((struct rs_stmt *)(r)->stmts)
#define SETS(r)	  ((struct rs_set *)(r)->sets)
#define ELEMS(r)  ((struct rs_elem *)(r)->elems)
#define OBJS(r)	  ((struct rs_obj *)(r)->objs)

static struct rs_stmt *find_stmt(struct ruleset *r, enum rs_stmt_kind kind)
{
	for (size_t i = 0; i < r->n_stmts; i++)
		if (r->stmts[i].kind == kind)
			return &STMTS(r)[i];
	fail_msg("no statement of kind %d", kind);
	return NULL;
}

static struct rs_set *find_set(struct ruleset *r, enum rs_set_kind kind)
{
	for (size_t i = 0; i < r->n_sets; i++)
		if (r->sets[i].kind == kind && r->sets[i].n_elems)
			return &SETS(r)[i];
	fail_msg("no set of kind %d", kind);
	return NULL;
}

static struct rs_elem *find_elem(struct ruleset *r, enum rs_set_kind kind)
{
	return &ELEMS(r)[find_set(r, kind)->first_elem];
}

static struct rs_stmt *find_jump(struct ruleset *r)
{
	for (size_t i = 0; i < r->n_stmts; i++)
		if (r->stmts[i].kind == RS_VERDICT && r->stmts[i].verdict == RS_GOTO)
			return &STMTS(r)[i];
	fail_msg("no goto");
	return NULL;
}

static uint32_t chain_of(const struct ruleset *r, const struct rs_stmt *stmt)
{
	uint32_t index = stmt - r->stmts;

	for (size_t i = 0; i < r->n_rules; i++)
		if (index - r->rules[i].first_stmt < r->rules[i].n_stmts)
			return r->rules[i].chain;
	return RS_NONE;
}

static uint32_t string_with(const struct ruleset *r, const char *text)
{
	for (size_t i = 0; i + strlen(text) < r->strings_size; i++)
		if (!memcmp(r->strings + i, text, strlen(text)))
			return i;
	fail_msg("no string \"%s\"", text);
	return 0;
}

// Each row breaks one thing that was sound.
#define BREAK(name, statement)                                                                     \
	static void break_##name(struct ruleset *r)                                                \
	{                                                                                          \
		statement;                                                                         \
	}
#define BREAKS(X)                                                                                  \
	X(chain_name, CHAINS(r)[0].name = r->strings_size)                                         \
	X(chain_name_empty, CHAINS(r)[0].name = 0)                                                 \
	X(chain_name_twice, CHAINS(r)[1].name = CHAINS(r)[0].name)                                 \
	X(chain_name_text, CHAINS(r)[0].name = string_with(r, "sk deny"))                          \
	X(chain_origin, CHAINS(r)[0].origin = r->n_origins)                                        \
	X(chain_hook, CHAINS(r)[0].hook = 5)                                                       \
	X(chain_base, CHAINS(r)[0].base = 2)                                                       \
	X(chain_drop, CHAINS(r)[0].drop = 2)                                                       \
	X(chain_first_rule, CHAINS(r)[1].first_rule++)                                             \
	X(chain_rules, CHAINS(r)[1].n_rules = UINT32_MAX)                                          \
	X(rule_chain, RULES(r)[0].chain++)                                                         \
	X(rule_origin, RULES(r)[0].origin = r->n_origins)                                          \
	X(rule_comment, RULES(r)[0].comment = r->strings_size)                                     \
	X(rule_first_stmt, RULES(r)[0].first_stmt = 1)                                             \
	X(rule_stmts, RULES(r)[0].n_stmts = UINT32_MAX)                                            \
	X(stmt_kind, STMTS(r)[0].kind = RS_STMT_KINDS)                                             \
	X(stmt_keys, find_stmt(r, RS_MATCH)->n_keys = RS_KEYS_MAX + 1)                             \
	X(stmt_key, find_stmt(r, RS_MATCH)->keys[0] = RS_KEY_COUNT)                                \
	X(stmt_op, find_stmt(r, RS_MATCH)->op = RS_NOT_IN_RANGE + 1)                               \
	X(stmt_no_key, find_stmt(r, RS_MATCH)->n_keys = 0)                                         \
	X(stmt_masked, find_stmt(r, RS_MATCH)->masked = 2)                                         \
	X(stmt_prefix, find_stmt(r, RS_MATCH)->prefix = 1)                                         \
	X(lookup_set, find_stmt(r, RS_LOOKUP)->ref = r->n_sets)                                    \
	X(lookup_op, find_stmt(r, RS_LOOKUP)->op = RS_IN_RANGE)                                    \
	X(vmap_set, find_stmt(r, RS_VMAP)->ref = RS_NONE)                                          \
	X(vmap_kind, find_stmt(r, RS_VMAP)->ref = find_set(r, RS_SET) - SETS(r))                   \
	X(vmap_keys, find_stmt(r, RS_VMAP)->n_keys++)                                              \
	X(vmap_bits_of_name, find_stmt(r, RS_VMAP)->bits[0] = 8)                                   \
	X(vmap_bits_beyond, find_stmt(r, RS_VMAP)->bits[RS_KEYS_MAX - 1] = 8)                      \
	X(match_bits, find_stmt(r, RS_MATCH)->bits[0] = 8)                                         \
	X(vmap_size, find_stmt(r, RS_VMAP)->keys[0] = RS_IP_SADDR)                                 \
	X(count_obj, find_stmt(r, RS_COUNT)->ref = r->n_objs)                                      \
	X(count_kind, find_stmt(r, RS_COUNT)->ref = find_stmt(r, RS_HELPER)->ref)                  \
	X(helper_kind, find_stmt(r, RS_HELPER)->ref = find_stmt(r, RS_COUNT)->ref)                 \
	X(limit_rate, find_stmt(r, RS_LIMIT)->rate = 0)                                            \
	X(log_prefix, find_stmt(r, RS_LOG)->prefix = r->strings_size)                              \
	X(verdict, find_stmt(r, RS_VERDICT)->verdict = RS_RETURN + 1)                              \
	X(jump_nowhere, find_jump(r)->ref = r->n_chains)                                           \
	X(jump_base, find_jump(r)->ref = ruleset_find_chain(r, "forward"))                         \
	X(jump_loop, find_jump(r)->ref = chain_of(r, find_jump(r)))                                \
	X(reject, find_stmt(r, RS_REJECT)->verdict = 2)                                            \
	X(queue_none, find_stmt(r, RS_QUEUE)->count = 0)                                           \
	X(queue_over, find_stmt(r, RS_QUEUE)->group = 65535; find_stmt(r, RS_QUEUE)->count = 2)    \
	X(mss, find_stmt(r, RS_MSS)->size = 0)                                                     \
	X(set_name, SETS(r)[0].name = r->strings_size)                                             \
	X(set_name_twice, SETS(r)[0].name = SETS(r)[1].name)                                       \
	X(set_kind, SETS(r)[0].kind = RS_MAP_COUNTER + 1)                                          \
	X(set_interval, SETS(r)[0].interval = 2)                                                   \
	X(set_no_keys, SETS(r)[0].n_keys = 0)                                                      \
	X(set_keys, SETS(r)[0].n_keys = RS_KEYS_MAX + 1)                                           \
	X(set_key, SETS(r)[0].keys[0] = RS_KEY_COUNT)                                              \
	X(set_key_bytes, SETS(r)[0].key_bytes += 4)                                                \
	X(set_first_elem, SETS(r)[0].first_elem = 1)                                               \
	X(set_elems, SETS(r)[0].n_elems = UINT32_MAX)                                              \
	X(elem_key, ELEMS(r)[0].key = r->pool_size)                                                \
	X(elem_key_end, ELEMS(r)[0].key = UINT32_MAX)                                              \
	X(elem_origin, ELEMS(r)[0].origin = r->n_origins)                                          \
	X(elem_verdict, find_elem(r, RS_MAP_VERDICT)->verdict = RS_RETURN + 1)                     \
	X(elem_chain, find_elem(r, RS_MAP_VERDICT)->verdict = RS_JUMP;                             \
	  find_elem(r, RS_MAP_VERDICT)->ref = r->n_chains)                                         \
	X(elem_obj, find_elem(r, RS_MAP_COUNTER)->ref = r->n_objs)                                 \
	X(elem_no_obj, find_elem(r, RS_MAP_COUNTER)->ref = find_stmt(r, RS_HELPER)->ref)           \
	X(elem_set_ref, find_elem(r, RS_SET)->ref = 0)                                             \
	X(obj_name, OBJS(r)[0].name = r->strings_size)                                             \
	X(obj_name_twice, OBJS(r)[0].name = OBJS(r)[1].name)                                       \
	X(obj_kind, OBJS(r)[0].kind = RS_OBJ_HELPER + 1)                                           \
	X(obj_helper, OBJS(r)[find_stmt(r, RS_HELPER)->ref].helper = r->strings_size)              \
	X(obj_protocol, OBJS(r)[find_stmt(r, RS_HELPER)->ref].protocol = 1)                        \
	X(origin_flow, ((struct rs_origin *)r->origins)[0].flow = r->strings_size)                 \
	X(table, r->table = r->strings_size)                                                       \
	X(table_name, r->table = 0)                                                                \
	X(strings_first, ((char *)r->strings)[0] = 'a')                                            \
	X(strings_last, ((char *)r->strings)[r->strings_size - 1] = 'a')                           \
	X(strings_control, ((char *)r->strings)[1] = '\n')
BREAKS(BREAK)

struct row {
	const char *name;
	void (*damage)(struct ruleset *r);
};
#define ROW(name, statement) { #name, break_##name },
static struct row rows[] = { BREAKS(ROW) };
enum { ROWS = sizeof(rows) / sizeof(*rows) };

static void damaged(void **state)
{
	const struct row *row = *state;
	struct ruleset *ruleset = make(), *again;
	size_t size;
	char *bytes;

	row->damage(ruleset);
	bytes = image_of(ruleset, &size);
	assert_int_equal(ruleset_image_read(bytes, size, &again), -EBADMSG);
	free(bytes);
	ruleset_free(ruleset);
}

// A base chain and below it a row of chains, each of which the one before it jumps to.
static int read_depth(unsigned depth)
{
	static const uint8_t digest[32];
	static const struct base_hook hook = { "base", 0, 0, false, true };
	struct build *build = rb_new();
	struct ruleset *ruleset, *again = NULL;
	uint32_t from = rb_base(build, &hook);
	size_t size;
	char *bytes;
	int r;

	for (unsigned i = 0; i < depth; i++) {
		char name[16];
		uint32_t to;

		snprintf(name, sizeof(name), "c%u", i);
		to = rb_chain(build, name, RS_NONE);
		rule(build, from, RS_NONE);
		rule_verdict(build, i % 2 ? RS_JUMP : RS_GOTO, to);
		from = to;
	}
	assert_int_equal(rb_freeze(build, 1, digest, &ruleset), 0);
	bytes = image_of(ruleset, &size);
	r = ruleset_image_read(bytes, size, &again);
	ruleset_free(again);
	ruleset_free(ruleset);
	rb_free(build);
	free(bytes);
	return r;
}

static void depth(void **state)
{
	(void)state;
	assert_int_equal(read_depth(0), 0);
	assert_int_equal(read_depth(15), 0);
	assert_int_equal(read_depth(16), -EBADMSG);
}

// Room for the version that the kernel's name of a set ends with.
static void long_names(void **state)
{
	char name[RS_NAME_MAX + 1] = { 0 };
	struct build *build = rb_new();

	(void)state;
	memset(name, 'a', RS_NAME_MAX - 10);
	rb_chain(build, name, RS_NONE);
	assert_null(rb_long_name(build));
	memset(name, 'a', RS_NAME_MAX - 9);
	rb_chain(build, name, RS_NONE);
	assert_string_equal(rb_long_name(build), name);
	rb_free(build);
}

static void management_name(void **state)
{
	const struct compile_options bad = { .management_interface = "a-name-of-16-byte" };
	struct made made;

	(void)state;
	assert_int_equal(make_text(policy, &bad, &made), -EBADMSG);
	assert_int_equal(diag_at(made.diag, diag_count(made.diag) - 1)->code,
			 SK_MANAGEMENT_INTERFACE);
	made_done(&made);
}

int main(void)
{
	static const struct CMUnitTest fixed[] = {
		cmocka_unit_test(round_trip),	   cmocka_unit_test(same_bytes),
		cmocka_unit_test(versions),	   cmocka_unit_test(cut_short),
		cmocka_unit_test(wrong_bytes),	   cmocka_unit_test(depth),
		cmocka_unit_test(management_name), cmocka_unit_test(long_names),
	};
	enum { FIXED = sizeof(fixed) / sizeof(*fixed) };
	static struct CMUnitTest tests[FIXED + ROWS];

	memcpy(tests, fixed, sizeof(fixed));
	for (size_t i = 0; i < ROWS; i++)
		tests[FIXED + i] =
			(struct CMUnitTest){ rows[i].name, damaged, NULL, NULL, &rows[i] };
	return _cmocka_run_group_tests("compile_image", tests, FIXED + ROWS, NULL, NULL);
}
