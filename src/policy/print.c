// The canonical text, by the table of keys.  Recursion follows the table, which is finite, not the
// policy.
#include "policy/print.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "policy/keys.h"
#include "policy/value.h"

static bool is_null_word(const char *text)
{
	return !strcmp(text, "null") || !strcmp(text, "Null") || !strcmp(text, "NULL");
}

// Whether YAML reads the text back as it is, in a flow list too.  Full-width signs are quoted so
// that nobody, the reader's own checks included, has to wonder whether they are meant.
static bool is_plain(const char *text)
{
	size_t length = strlen(text), index, count;
	unsigned char first = (unsigned char)text[0];
	bool good_first = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
			  (first >= '0' && first <= '9') || first == '/' || first >= 0x80;

	return good_first && !is_null_word(text) && !strpbrk(text, "\"'`#,[]{}&*!|>\\") &&
	       !strstr(text, ": ") && text[length - 1] != ':' && text[length - 1] != ' ' &&
	       !strstr(text, "\xc2\xa0") && !value_full_width(text, length, &index, &count);
}

static void print_text(const char *text, FILE *out)
{
	if (is_plain(text)) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		putc(*text, out);
	}
	putc('"', out);
}

static void print_list(const struct pol_list *list, FILE *out)
{
	putc('[', out);
	for (size_t i = 0; i < list->n; i++) {
		fputs(i ? ", " : "", out);
		print_text(list->v[i].s, out);
	}
	putc(']', out);
}

static size_t entries_of(const struct key *key, const void *object, const char **ret_entries)
{
	*ret_entries = *(const char *const *)key_at(key, object);
	return *(const size_t *)(const void *)((const char *)object + key->offset_n);
}

static bool is_set(const struct key *key, const void *object);

static bool any_set(const struct key_table *table, const void *object)
{
	for (size_t i = 0; i < table->n_keys; i++)
		if (is_set(&table->keys[i], object))
			return true;
	return false;
}

static bool is_set(const struct key *key, const void *object)
{
	const void *value = key_at(key, object);
	const char *entries;

	switch (key->kind) {
	case KEY_TEXT:
		return ((const struct pol_text *)value)->s;
	case KEY_LIST:
		return ((const struct pol_list *)value)->at.file;
	case KEY_BOOL:
		return ((const struct pol_bool *)value)->set;
	case KEY_UINT:
		return ((const struct pol_uint *)value)->set;
	case KEY_MAP:
		return key->table->has_at ? ((const struct place *)value)->file != NULL
					  : any_set(key->table, value);
	case KEY_ENTRIES:
		return entries_of(key, object, &entries) > 0;
	}
	return false;
}

static void indent(unsigned depth, FILE *out)
{
	fprintf(out, "%*s", (int)depth * 2, "");
}

static void print_map(const struct key_table *table, const void *object, unsigned depth,
		      const struct key *skip, const char *lead, FILE *out);

static void print_entries(const struct key *key, const void *object, unsigned depth, FILE *out)
{
	const struct key_table *table = key->table;
	const struct key *id = table->id ? keys_find(table, table->id, strlen(table->id)) : NULL;
	const char *entries;
	size_t n = entries_of(key, object, &entries);

	putc('\n', out);
	for (size_t i = 0; i < n; i++) {
		const void *entry = entries + i * table->size;

		if (key->form != FORM_KEYED) {
			print_map(table, entry, depth + 2, NULL, "- ", out);
			continue;
		}
		indent(depth + 1, out);
		print_text(((const struct pol_text *)key_at(id, entry))->s, out);
		putc(':', out);
		print_map(table, entry, depth + 2, id, "", out);
	}
}

static void print_value(const struct key *key, const void *object, unsigned depth, FILE *out)
{
	const void *value = key_at(key, object);

	switch (key->kind) {
	case KEY_TEXT:
		putc(' ', out);
		print_text(((const struct pol_text *)value)->s, out);
		break;
	case KEY_LIST:
		putc(' ', out);
		print_list(value, out);
		break;
	case KEY_BOOL:
		fputs(((const struct pol_bool *)value)->value ? " true" : " false", out);
		break;
	case KEY_UINT:
		fprintf(out, " %" PRIu64, ((const struct pol_uint *)value)->value);
		break;
	case KEY_MAP:
		print_map(key->table, value, depth + 1, NULL, "", out);
		return;
	case KEY_ENTRIES:
		print_entries(key, object, depth, out);
		return;
	}
	putc('\n', out);
}

// lead "- ": the map is an item of a list, and its first key stands after the hyphen.  Without,
// the map follows a key: it begins on the next line, or is {} on the same.
static void print_map(const struct key_table *table, const void *object, unsigned depth,
		      const struct key *skip, const char *lead, FILE *out)
{
	bool first = true;

	for (size_t i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];

		if (key == skip || !is_set(key, object))
			continue;
		if (first && !*lead && depth)
			putc('\n', out);
		indent(first && *lead ? depth - 1 : depth, out);
		fprintf(out, "%s%s:", first ? lead : "", key->name);
		print_value(key, object, depth, out);
		first = false;
	}
	if (!first || !depth)
		return;
	if (*lead)
		indent(depth - 1, out);
	fputs(*lead ? "- {}\n" : " {}\n", out);
}

void policy_print(const struct pol_policy *policy, FILE *out)
{
	print_map(&keys_policy, policy_tree(policy), 0, NULL, "", out);
}

const char *policy_section_name(size_t index)
{
	return index < keys_policy.n_keys ? keys_policy.keys[index].name : NULL;
}

void policy_print_section(const struct pol_tree *tree, size_t index, FILE *out)
{
	const struct key *key = &keys_policy.keys[index];

	if (is_set(key, tree))
		print_value(key, tree, 0, out);
}
