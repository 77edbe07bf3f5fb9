// One shape for differences, and how it is printed.
#include "cli/diff_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/load.h"

enum { ROUTE_WIDTH_MAX = 44, ROUTE_SIZE = 2200 };

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static void lines_of(struct diff_lines *lines, size_t n)
{
	lines->v = calloc(n + 1, sizeof(*lines->v));
	lines->n = lines->v ? n : 0;
	lines->omitted += lines->v ? 0 : n;
}

void diff_lines_of_plans(const struct plan_diff *diff, struct diff_lines *ret)
{
	*ret = (struct diff_lines){
		.omitted = diff->omitted,
		.weight = diff_weight_word(diff->weight),
		.same_text = diff->same_text,
	};
	lines_of(ret, diff->n);
	for (size_t i = 0; i < ret->n; i++) {
		const struct diff_row *row = &diff->rows[i];

		ret->v[i] = (struct diff_line){
			.kind = diff_kind_word(row->kind),
			.weight = diff_weight_word(row->weight),
			.reason = row->reason,
			.subject = row->subject,
			.flow = or_empty(row->flow),
			.owner = or_empty(row->owner),
			.what = row->what,
			.from = or_empty(row->from),
			.to = or_empty(row->to),
			.sources = or_empty(row->from_text),
			.destinations = or_empty(row->to_text),
			.services = or_empty(row->services_text),
			.inexact = row->inexact,
			.more = row->more,
			.file = or_empty(row->at.file),
			.line = row->at.line,
		};
	}
}

void diff_lines_of_reply(const struct control_reply *reply, struct diff_lines *ret)
{
	const struct control_row *head = control_reply_fields(reply);

	*ret = (struct diff_lines){
		.omitted = control_u64(head, CTL_OMITTED),
		.weight = control_text(head, CTL_WEIGHT),
		.same_text = control_bool(head, CTL_SAME_FILES),
	};
	lines_of(ret, control_reply_rows(reply));
	ret->n = 0;
	for (size_t k = 0; k < control_reply_rows(reply); k++) {
		const struct control_row *row = control_reply_row(reply, k);
		size_t i = ret->n;

		if (!control_find(row, CTL_KIND)) // a proposal's page has others besides
			continue;
		ret->n++;
		ret->v[i] = (struct diff_line){
			.kind = control_text(row, CTL_KIND),
			.weight = control_text(row, CTL_WEIGHT),
			.reason = control_text(row, CTL_REASON),
			.subject = control_text(row, CTL_SUBJECT),
			.flow = control_text(row, CTL_ID),
			.owner = control_text(row, CTL_OWNER),
			.what = control_text(row, CTL_MESSAGE),
			.from = control_text(row, CTL_FROM),
			.to = control_text(row, CTL_TO),
			.sources = control_text(row, CTL_SOURCES),
			.destinations = control_text(row, CTL_DESTINATIONS),
			.services = control_text(row, CTL_SERVICES),
			.inexact = control_bool(row, CTL_INEXACT),
			.more = control_u64(row, CTL_PARTS),
			.file = control_text(row, CTL_FILE),
			.line = control_u64(row, CTL_LINE),
		};
		if (!*ret->v[i].sources) // zones that it is about, and no packets' ends
			ret->v[i].from = ret->v[i].to = "";
	}
}

void diff_lines_done(struct diff_lines *lines)
{
	free(lines->v);
	*lines = (struct diff_lines){ 0 };
}

static size_t count_kind(const struct diff_lines *lines, const char *kind)
{
	size_t n = 0;

	for (size_t i = 0; i < lines->n; i++)
		n += strcmp(lines->v[i].kind, kind) == 0;
	return n;
}

bool diff_lines_differ(const struct diff_lines *lines)
{
	return lines->omitted > 0 || count_kind(lines, "words") < lines->n;
}

// --- for people

static const char *head_of(const char *kind)
{
	static const struct {
		const char *kind, *head;
	} heads[] = {
		{ "opens", "OPENS" },
		{ "closes", "CLOSES" },
		{ "changes", "CHANGES" },
		{ "words", "WORDS" },
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (strcmp(heads[i].kind, kind) == 0)
			return heads[i].head;
	return kind;
}

// "office → servers/files (10.30.0.5)", or what the line is about.
static const char *route_of(const struct diff_line *line, char *out, size_t size)
{
	if (!*line->from)
		return line->subject;
	snprintf(out, size, "%s → %s", line->sources, line->destinations);
	return out;
}

static size_t route_width(const struct diff_lines *lines)
{
	char route[ROUTE_SIZE];
	size_t widest = 0;

	for (size_t i = 0; i < lines->n; i++) {
		size_t width = text_width(route_of(&lines->v[i], route, sizeof(route)));

		if (width > widest && width <= ROUTE_WIDTH_MAX)
			widest = width;
	}
	return widest;
}

// Where it is from and how much it weighs: the second line.
static void print_details(const struct diff_line *line)
{
	printf("         ");
	if (*line->from)
		printf("%s  ", line->subject);
	if (*line->file)
		printf("%s:%llu  ", line->file, (unsigned long long)line->line);
	if (*line->owner)
		printf("owner %s  ", line->owner);
	printf("weight %s: %s\n", line->weight, line->reason);
}

static void print_line(const struct diff_line *line, size_t width)
{
	char route[ROUTE_SIZE];

	text_pad(stdout, head_of(line->kind), 9);
	if (*line->services || *line->what)
		text_pad(stdout, route_of(line, route, sizeof(route)), width);
	else
		fputs(route_of(line, route, sizeof(route)), stdout);
	if (*line->services)
		printf("  %s", line->services);
	if (*line->what)
		printf("  %s%s%s", *line->services ? "(" : "", line->what,
		       *line->services ? ")" : "");
	putchar('\n');
	print_details(line);
}

static void print_summary(const struct diff_lines *lines)
{
	if (lines->n == 0 && lines->same_text) {
		puts("no difference");
		return;
	}
	if (lines->n == 0 && lines->omitted == 0) {
		puts("no difference to any packet or flow; only the files differ");
		return;
	}
	printf("%zu open, %zu close, %zu change, %zu only in words; weight %s\n",
	       count_kind(lines, "opens"), count_kind(lines, "closes"),
	       count_kind(lines, "changes"), count_kind(lines, "words"), lines->weight);
	if (lines->omitted)
		printf("%llu more differences are not shown: make the change in smaller steps\n",
		       (unsigned long long)lines->omitted);
}

void diff_lines_print(const struct diff_lines *lines)
{
	size_t width = route_width(lines);

	for (size_t i = 0; i < lines->n; i++) {
		if (i > 0 && strcmp(lines->v[i].kind, lines->v[i - 1].kind) != 0)
			putchar('\n');
		print_line(&lines->v[i], width);
	}
	if (lines->n)
		putchar('\n');
	print_summary(lines);
}

// --- JSON

static struct json_object *line_json(const struct diff_line *line)
{
	struct json_object *object = json_object_new_object();

	cli_json_text(object, "kind", line->kind);
	cli_json_text(object, "weight", line->weight);
	cli_json_text(object, "reason", line->reason);
	cli_json_text(object, "subject", line->subject);
	cli_json_text(object, "flow", line->flow);
	cli_json_text(object, "owner", line->owner);
	cli_json_text(object, "from", line->from);
	cli_json_text(object, "to", line->to);
	cli_json_text(object, "sources", line->sources);
	cli_json_text(object, "destinations", line->destinations);
	cli_json_text(object, "services", line->services);
	cli_json_text(object, "what", line->what);
	if (line->inexact)
		json_object_object_add(object, "inexact", json_object_new_boolean(true));
	if (line->more)
		cli_json_number(object, "more", line->more);
	cli_json_text(object, "file", line->file);
	if (line->line)
		cli_json_number(object, "line", line->line);
	return object;
}

struct json_object *diff_lines_json(const struct diff_lines *lines)
{
	static const char *const kinds[] = { "opens", "closes", "changes", "words" };
	struct json_object *object = json_object_new_object();
	struct json_object *rows = json_object_new_array();

	json_object_object_add(object, "same", json_object_new_boolean(!diff_lines_differ(lines)));
	json_object_object_add(object, "same_files", json_object_new_boolean(lines->same_text));
	cli_json_text(object, "weight", lines->weight);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		cli_json_number(object, kinds[i], count_kind(lines, kinds[i]));
	cli_json_number(object, "omitted", lines->omitted);
	for (size_t i = 0; i < lines->n; i++)
		json_object_array_add(rows, line_json(&lines->v[i]));
	json_object_object_add(object, "differences", rows);
	return object;
}
