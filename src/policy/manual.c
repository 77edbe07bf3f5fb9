// The key-by-key part of sekisho-policy(5) in mdoc, by the table of keys.
#include "policy/print.h"

#include <inttypes.h>
#include <string.h>

#include "policy/box.h"
#include "policy/keys.h"

enum { LINE_BYTES_MAX = 78 };

// Words up to the end of a sentence or of a line that is long enough; returns what is left.
static const char *print_line(const char *text, FILE *out)
{
	size_t column = 0;

	if (*text == '.' || *text == '\'') // would be a request
		fputs("\\&", out);
	while (*text) {
		size_t word = strcspn(text, " ");

		if (column && column + 1 + word > LINE_BYTES_MAX)
			break;
		if (column)
			putc(' ', out);
		column += word + 1;
		for (const char *c = text; c < text + word; c++)
			fputs(*c == '\\' ? "\\e" : (const char[]){ *c, '\0' }, out);
		text += word;
		text += *text == ' ';
		if (text[-1] == ' ' && text[-2] == '.')
			break;
	}
	putc('\n', out);
	return text;
}

static void print_text(const char *text, FILE *out)
{
	while (*text)
		text = print_line(text, out);
}

static void print_choices(const struct key *key, FILE *out)
{
	for (const char *const *choice = key->choices; *choice; choice++)
		fprintf(out, "%s%s",
			choice == key->choices ? ""
			: choice[1]	       ? ", "
					       : " or ",
			*choice);
}

static void print_word(const struct key *key, FILE *out)
{
	static const char *const words[] = {
		[WORD_FREE] = "text",
		[WORD_NAME] = "word",
		[WORD_ID] = "id",
		[WORD_ZONE_ID] = "id of at most 31 characters",
		[WORD_NETWORK_ID] = "id or zone/id",
		[WORD_CHOICE] = "",
		[WORD_CHOICE_OR_UINT] = "",
		[WORD_DATE] = "day, YYYY-MM-DD",
		[WORD_PATH] = "absolute path",
		[WORD_SIZE] = "size",
		[WORD_RATE] = "rate",
	};

	fputs(words[key->word], out);
	if (key->choices && *words[key->word])
		fputs(" or ", out);
	if (key->choices)
		print_choices(key, out);
	if (key->word == WORD_CHOICE_OR_UINT)
		fprintf(out, " or a number from %" PRIu64 " to %" PRIu64, key->min, key->max);
}

static void print_kind(const struct key *key, FILE *out)
{
	switch (key->kind) {
	case KEY_LIST:
		fputs(key->word == WORD_FREE   ? "list of texts"
		      : key->word == WORD_NAME ? "list of words"
					       : "list of ",
		      out);
		if (key->choices)
			print_word(key, out);
		break;
	case KEY_TEXT:
		print_word(key, out);
		break;
	case KEY_BOOL:
		fputs("true or false", out);
		break;
	case KEY_UINT:
		fprintf(out, "number from %" PRIu64 " to %" PRIu64, key->min, key->max);
		break;
	case KEY_MAP:
		fputs("keys below", out);
		break;
	case KEY_ENTRIES:
		fputs(key->form == FORM_KEYED  ? "names with keys below"
		      : key->form == FORM_LIST ? "list of keys below"
					       : "list of, or names with, keys below",
		      out);
		break;
	}
	if (key->required)
		fputs("; required", out);
}

static void print_keys(const struct key_table *table, FILE *out)
{
	fputs(".Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];

		fprintf(out, ".It Ic %s : Pq ", key->name);
		print_kind(key, out);
		putc('\n', out);
		print_text(key->about, out);
		fputs("Example:\n.Dl ", out);
		fprintf(out, "%s: ", key->name);
		fprintf(out, "%s\n", key->example);
	}
	fputs(".El\n", out);
}

// A part for each table below this one, in the order of the table, which is finite.
static void print_parts(const struct key_table *table, const char *path, FILE *out)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];
		char name[128];

		if (key->kind != KEY_MAP && key->kind != KEY_ENTRIES)
			continue;
		snprintf(name, sizeof(name), "%s%s%s", path, *path ? " " : "", key->name);
		fprintf(out, ".Ss %s\n", name);
		print_text(key->table->about, out);
		print_keys(key->table, out);
		print_parts(key->table, name, out);
	}
}

void policy_print_manual(FILE *out)
{
	fputs(".Ss Sections\n", out);
	print_text(keys_policy.about, out);
	print_keys(&keys_policy, out);
	print_parts(&keys_policy, "", out);
}

void box_print_manual(FILE *out)
{
	print_keys(&keys_box, out);
	print_parts(&keys_box, "", out);
}
