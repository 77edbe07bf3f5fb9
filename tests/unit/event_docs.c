// docs/events.md against the tables: each kind in a row, with its level, its fields and its id.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "event/event.h"

static const char *const levels[] = {
	[3] = "error", [4] = "warning", [5] = "notice", [6] = "info"
};

static char *read_page(void)
{
	char *page = NULL;
	size_t size = 0;
	FILE *in = fopen("docs/events.md", "r");
	assert_non_null(in); // tests run in the tree's root
	assert_true(getdelim(&page, &size, '\0', in) > 0);
	fclose(in);
	return page;
}

static void fields_text(uint64_t fields, char out[1024])
{
	out[0] = '\0';
	for (unsigned field = 0; field < EVENT_FIELD_COUNT; field++)
		if (fields >> field & 1) {
			size_t used = strlen(out);
			snprintf(out + used, 1024 - used, "%s%s", used ? " " : "",
				 event_field_info(field)->name);
		}
}

// The row as it must be, up to the column that people write.
static void each_kind_has_its_row(void **state)
{
	char *page = read_page();
	size_t missing = 0;
	(void)state;
	for (unsigned kind = 0; kind < EVENT_KIND_COUNT; kind++) {
		const struct event_kind_info *info = event_kind_info(kind);
		char fields[1024], id[33], row[1300];
		fields_text(info->fields, fields);
		event_message_id(kind, id);
		snprintf(row, sizeof(row), "\n| `%s` | %s | %s | `%s` | ", info->name,
			 levels[info->level], fields, id);
		if (!info->fields)
			print_message("event.c: the kind %s says no fields\n", info->name);
		if (!strstr(page, row)) {
			print_message("docs/events.md lacks the row:%sWHAT IT MEANS |\n", row);
			missing++;
		}
	}
	assert_int_equal(missing, 0);
	free(page);
}

static void each_field_is_told(void **state)
{
	char *page = read_page();
	size_t missing = 0;
	(void)state;
	for (unsigned field = 0; field < EVENT_FIELD_COUNT; field++) {
		const struct event_field_info *info = event_field_info(field);
		char row[128];
		snprintf(row, sizeof(row), "\n| `%s` | `SEKISHO_%s` | %s | ", info->name,
			 info->journal, info->number ? "number" : "text");
		if (!strstr(page, row)) {
			print_message("docs/events.md lacks the row:%sWHAT IT IS |\n", row);
			missing++;
		}
	}
	assert_int_equal(missing, 0);
	free(page);
}

static void nothing_else_is_told(void **state)
{
	char *page = read_page();
	size_t rows = 0;
	(void)state;
	for (const char *at = page; (at = strstr(at, "\n| `")); at++)
		rows++;
	assert_int_equal(rows, EVENT_KIND_COUNT + EVENT_FIELD_COUNT);
	free(page);
}

static void names_are_found(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < EVENT_KIND_COUNT; kind++) {
		const char *name = event_kind_info(kind)->name;
		assert_int_equal(event_kind_find(name, strlen(name)), kind);
	}
	assert_int_equal(event_kind_find("nothing", 7), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_row),
		cmocka_unit_test(each_field_is_told),
		cmocka_unit_test(nothing_else_is_told),
		cmocka_unit_test(names_are_found),
	};
	return cmocka_run_group_tests_name("event_docs", tests, NULL, NULL);
}
