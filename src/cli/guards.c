#include "cli/guards.h"

#include <stdlib.h>
#include <string.h>

#include "cli/load.h"

enum { INDENT = 9, WIDTH = 14 }; // as rows of an answer

void cli_guard_print(const struct plan_guard *guard, int indent, int width)
{
	for (size_t i = 0; i < PLAN_GUARD_FIELDS; i++) {
		char *said = plan_guard_said(guard, i);

		if (said)
			printf("%*s%-*s %s\n", indent, "", width, plan_guard_field(i), said);
		free(said);
	}
}

struct json_object *cli_guard_json(const struct plan_guard *guard)
{
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < PLAN_GUARD_FIELDS; i++) {
		char *said = plan_guard_said(guard, i);

		if (said)
			cli_json_text(object, plan_guard_field(i), said);
		free(said);
	}
	return object;
}

static bool has_guard(const struct plan_flow *flow, const struct plan_guard *guard)
{
	return flow->guard && strcmp(flow->guard, guard->id) == 0;
}

static void print_flows(const struct plan *plan, const struct plan_guard *guard)
{
	size_t n;
	const struct plan_flow *flows = plan_flows(plan, &n);
	const char *glue = "";

	printf("%*s%-*s ", INDENT, "", WIDTH, "flows");
	for (size_t i = 0; i < n; i++) {
		if (!has_guard(&flows[i], guard))
			continue;
		printf("%s%s", glue, flows[i].id);
		glue = ", ";
	}
	puts(*glue ? "" : "none");
}

void cli_guards_print(const struct plan *plan)
{
	size_t n;
	const struct plan_guard *guards = plan_guards(plan, &n);

	for (size_t i = 0; i < n; i++) {
		printf("%-8s %s%s%s\n", guards[i].id, guards[i].protocol,
		       *guards[i].title ? "  " : "", guards[i].title);
		print_flows(plan, &guards[i]);
		cli_guard_print(&guards[i], INDENT, WIDTH);
		printf("%*s%-*s %s:%u\n", INDENT, "", WIDTH, "written",
		       guards[i].at.file ? guards[i].at.file : "?", guards[i].at.line);
	}
}

static struct json_object *guard_row(const struct plan *plan, const struct plan_guard *guard)
{
	struct json_object *row = json_object_new_object();
	struct json_object *ids = json_object_new_array();
	size_t n;
	const struct plan_flow *flows = plan_flows(plan, &n);

	for (size_t i = 0; i < n; i++)
		if (has_guard(&flows[i], guard))
			json_object_array_add(ids, json_object_new_string(flows[i].id));
	cli_json_text(row, "id", guard->id);
	cli_json_text(row, "title", guard->title);
	cli_json_text(row, "protocol", guard->protocol);
	json_object_object_add(row, "flows", ids);
	json_object_object_add(row, "rules", cli_guard_json(guard));
	cli_json_text(row, "file", guard->at.file);
	cli_json_number(row, "line", guard->at.line);
	return row;
}

struct json_object *cli_guards_json(const struct plan *plan)
{
	struct json_object *object = json_object_new_object();
	struct json_object *rows = json_object_new_array();
	size_t n;
	const struct plan_guard *guards = plan_guards(plan, &n);

	for (size_t i = 0; i < n; i++)
		json_object_array_add(rows, guard_row(plan, &guards[i]));
	json_object_object_add(object, "guards", rows);
	return object;
}
