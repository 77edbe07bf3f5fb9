// The table of keys holds together, and every example in it is read without a fault.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "policy/keys.h"
#include "policy/reader.h"

enum { TABLES_MAX = 64 };

static const struct key_table *tables[TABLES_MAX];
static size_t n_tables;

static void collect(const struct key_table *table)
{
	tables[n_tables++] = table;
	for (size_t i = 0; i < table->n_keys; i++)
		if (table->keys[i].table)
			collect(table->keys[i].table);
}

static void has_short_names_and_texts(void **state)
{
	const struct key_table *table = *state;

	assert_true(table->n_keys <= KEYS_MAX);
	assert_non_null(table->about);
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];
		size_t length = strlen(key->about);

		for (const char *c = key->name; *c; c++)
			assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) ||
				    *c == '-');
		assert_true(length > 5 && key->about[length - 1] == '.');
		assert_true(strlen(key->example) > 0);
		assert_ptr_equal(keys_find(table, key->name, strlen(key->name)), key);
		assert_int_equal(key->word == WORD_CHOICE,
				 key->choices && key->word != WORD_CHOICE_OR_UINT &&
					 key->word != WORD_RATE);
		assert_true(key->offset < table->size);
	}
	if (table->id)
		assert_non_null(keys_find(table, table->id, strlen(table->id)));
	if (table->short_form)
		assert_non_null(keys_find(table, table->short_form, strlen(table->short_form)));
}

// Each key alone, as a file of its table: nothing but what is still missing may be said.
static void reads_its_examples(void **state)
{
	const struct key_table *table = *state;

	for (size_t i = 0; i < table->n_keys; i++) {
		struct arena *arena = arena_new();
		struct diag *diag = diag_new();
		void *object = arena_alloc(arena, table->size);
		struct reader *reader = reader_new(table, object, arena, diag);
		const char *text = arena_printf(arena, "%s: %s\n", table->keys[i].name,
						table->keys[i].example);

		assert_int_equal(reader_file(reader, "example", text, strlen(text)), 0);
		for (size_t j = 0; j < diag_count(diag); j++)
			if (diag_at(diag, j)->code != SK_KEY_MISSING &&
			    diag_at(diag, j)->code != SK_KEY_ONE_OF)
				fail_msg("%s: %s", text, diag_at(diag, j)->message);
		reader_free(reader);
		reader_release(table, object);
		diag_free(diag);
		arena_free(arena);
	}
}

static void finds_only_whole_names(void **state)
{
	(void)state;
	assert_null(keys_find(&keys_policy, "", 0));
	assert_null(keys_find(&keys_policy, "zone", 4));
	assert_null(keys_find(&keys_policy, "zonesx", 6));
	assert_non_null(keys_find(&keys_policy, "zonesx", 5));
}

static void explains_every_code(void **state)
{
	(void)state;
	for (size_t i = 0; i < diag_help_count(); i++) {
		const struct diag_help *help = diag_help_at(i);

		if ((int)help->code < 100 || (int)help->code > 199)
			continue;
		assert_true(strlen(help->title) >= 5);
		assert_true(strlen(help->help_en) > 80);
		assert_true(strlen(help->help_ja) > 80);
	}
}

int main(void)
{
	static struct CMUnitTest tests[2 * TABLES_MAX + 2];
	size_t n = 0;

	collect(&keys_policy);
	collect(&keys_box);
	for (size_t i = 0; i < n_tables; i++) {
		void *table = (void *)(uintptr_t)tables[i];

		tests[n++] = (struct CMUnitTest){ tables[i]->noun, has_short_names_and_texts, NULL,
						  NULL, table };
		tests[n++] = (struct CMUnitTest){ tables[i]->noun, reads_its_examples, NULL, NULL,
						  table };
	}
	tests[n++] = (struct CMUnitTest){ "whole names", finds_only_whole_names, NULL, NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "every code", explains_every_code, NULL, NULL, NULL };
	return _cmocka_run_group_tests("policy_keys", tests, n, NULL, NULL);
}
