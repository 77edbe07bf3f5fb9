// explain: what a diagnostic code means, in English and Japanese; without a code, the list.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/diag.h"
#include "base/exit.h"
#include "base/text.h"
#include "cli/load.h"
#include "cli/verb.h"

enum { COLUMNS = 80 };

// Breaks text into lines of at most COLUMNS: at spaces, or between wide characters.
static void print_wrapped(const char *text)
{
	size_t column = 0;

	for (const char *next = text; *text; text = next) {
		size_t width = text_char_width(text_next(&next));
		const char *word_end = next;
		size_t ahead = width;

		// A word of narrow characters stays whole.
		while (width == 1 && *text != ' ' && *word_end && *word_end != ' ') {
			const char *at = word_end;
			size_t w = text_char_width(text_next(&at));

			if (w != 1)
				break;
			ahead += w;
			word_end = at;
		}
		if (column && column + (*text == ' ' ? 1 : 0) + ahead > COLUMNS) {
			putchar('\n');
			column = 0;
			if (*text == ' ')
				continue;
		}
		if (*text != ' ' && width == 1 && word_end > next) {
			fwrite(text, 1, (size_t)(word_end - text), stdout);
			column += ahead;
			next = word_end;
			continue;
		}
		fwrite(text, 1, (size_t)(next - text), stdout);
		column += width;
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
