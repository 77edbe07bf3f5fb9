// explain: what a diagnostic code means, in English and Japanese; without a code, the list.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/diag.h"
#include "base/exit.h"
#include "base/text.h"
#include "cli/load.h"
#include "cli/verb.h"

enum { COLUMNS = 80 };

// The end of the piece that may not be broken: a run of narrow characters, or one wide one.
static const char *piece_end(const char *text, size_t *ret_width)
{
	const char *end = text;

	*ret_width = text_char_width(text_next(&end));
	while (*ret_width && *end && *end != ' ') {
		const char *next = end;

		if (text_char_width(text_next(&next)) != 1 || *text & 0x80)
			break;
		end = next;
		++*ret_width;
	}
	return end;
}

// Signs that must not open a line: they may hang over its end.
static bool may_not_open_line(const char *piece)
{
	static const char *const signs[] = { "。", "、", "」", "』", "）", "・", "ー" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strncmp(piece, signs[i], strlen(signs[i])) == 0)
			return true;
	return false;
}

// Breaks text into lines of at most COLUMNS: at spaces, and around wide characters.
static void print_wrapped(const char *text)
{
	size_t column = 0;
	bool space = false;

	for (const char *end; *text; text = end) {
		size_t width;

		if (*text == ' ') {
			space = column > 0;
			end = text + 1;
			continue;
		}
		end = piece_end(text, &width);
		if (column && column + space + width > COLUMNS && !may_not_open_line(text)) {
			putchar('\n');
			column = 0;
		} else if (space) {
			putchar(' ');
			column++;
		}
		fwrite(text, 1, (size_t)(end - text), stdout);
		column += width;
		space = false;
	}
	putchar('\n');
}

static struct json_object *help_json(const struct diag_help *help)
{
	struct json_object *object = json_object_new_object();
	char code[16];

	snprintf(code, sizeof(code), "SK%03d", (int)help->code);
	cli_json_text(object, "code", code);
	cli_json_text(object, "name", help->name);
	cli_json_text(object, "severity", help->severity == DIAG_WARNING ? "warning" : "error");
	cli_json_text(object, "title", help->title);
	cli_json_text(object, "help", help->help_en);
	cli_json_text(object, "help_ja", help->help_ja);
	return object;
}

static int explain_all(bool json)
{
	struct json_object *all = json ? json_object_new_array() : NULL;

	for (size_t i = 0; i < diag_help_count(); i++) {
		const struct diag_help *help = diag_help_at(i);

		if (json)
			json_object_array_add(all, help_json(help));
		else
			printf("SK%03d  %-7s  %s\n", (int)help->code,
			       help->severity == DIAG_WARNING ? "warning" : "error", help->title);
	}
	if (json)
		cli_json_print(all);
	return EXIT_FINE;
}

int verb_explain(const struct cli *cli)
{
	struct diag_help help;
	const char *word;
	char *end;
	long number;

	if (cli->argc == 0)
		return explain_all(cli->json);
	word = cli->argv[0];
	if (strncasecmp(word, "SK", 2) == 0)
		word += 2;
	number = strtol(word, &end, 10);
	if (*word == '\0' || *end != '\0' || number < 0 || number > 9999 ||
	    !diag_explain((int)number, &help)) {
		fprintf(stderr,
			"sekisho explain: there is no code \"%s\"; \"sekisho explain\" lists them\n",
			cli->argv[0]);
		return EXIT_USAGE;
	}
	if (cli->json) {
		cli_json_print(help_json(&help));
		return EXIT_FINE;
	}
	printf("SK%03d  %s  %s\n\n", (int)help.code,
	       help.severity == DIAG_WARNING ? "warning" : "error", help.title);
	print_wrapped(help.help_en);
	putchar('\n');
	print_wrapped(help.help_ja);
	return EXIT_FINE;
}
