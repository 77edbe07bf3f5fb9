// Text → tree → plan for the verbs that need no daemon, and JSON of diagnostics.
#include "cli/load.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/exit.h"
#include "base/text.h"

// Overdue reviews are told by the date that the reader of the output has.
static void review(struct cli_policy *loaded)
{
	char today[16] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm) && strftime(today, sizeof(today), "%Y-%m-%d", &tm))
		plan_review(loaded->plan, today, loaded->diag);
}

static int plan(struct cli_policy *loaded, const struct pol_policy *policy,
		bool *ret_assertions_failed)
{
	if (!loaded->has_countries && plan_needs_countries(policy)) {
		cli_countries_load(&loaded->countries);
		loaded->has_countries = true;
	}
	return plan_make_with(policy, loaded->has_countries ? &loaded->countries.known : NULL,
			      loaded->diag, &loaded->plan, ret_assertions_failed);
}

void cli_policy_load(const char *dir, struct cli_policy *ret)
{
	struct pol_policy *partial = NULL;
	bool assertions_failed = false;

	*ret = (struct cli_policy){ .diag = diag_new(), .status = EXIT_FINE };
	if (policy_read_path(dir, ret->diag, &ret->policy, &partial) < 0) {
		// What could be read may have more faults: one run tells them all.
		if (partial)
			plan(ret, partial, NULL);
		plan_free(ret->plan);
		ret->plan = NULL;
		ret->status = EXIT_POLICY;
	} else if (plan(ret, ret->policy, &assertions_failed) < 0) {
		ret->status = assertions_failed ? EXIT_ASSERTION : EXIT_POLICY;
	}
	policy_free(partial);
	if (ret->plan)
		review(ret);
	diag_sort(ret->diag);
}

void cli_policy_done(struct cli_policy *loaded)
{
	plan_free(loaded->plan);
	cli_countries_done(&loaded->countries);
	policy_free(loaded->policy);
	diag_free(loaded->diag);
	*loaded = (struct cli_policy){ 0 };
}

void cli_policy_cleanup(struct cli_policy *loaded)
{
	cli_policy_done(loaded);
}

bool cli_policy_load_or_tell(const char *dir, struct cli_policy *ret)
{
	cli_policy_load(dir, ret);
	if (ret->plan)
		return true;
	diag_print(ret->diag, stderr);
	return false;
}

void cli_json_text(struct json_object *object, const char *key, const char *text)
{
	if (text && *text)
		json_object_object_add(object, key, json_object_new_string(text));
}

void cli_json_number(struct json_object *object, const char *key, uint64_t number)
{
	json_object_object_add(object, key, json_object_new_uint64(number));
}

static void add_place(struct json_object *object, const struct place *at)
{
	cli_json_text(object, "file", at->file);
	if (!at->file || at->line == 0)
		return;
	cli_json_number(object, "line", at->line);
	cli_json_number(object, "column", at->column);
	cli_json_number(object, "column_end", at->column_end);
}

static struct json_object *diag_item_json(const struct diag_item *item)
{
	struct json_object *object = json_object_new_object();
	char code[16];

	snprintf(code, sizeof(code), "SK%03d", (int)item->code);
	cli_json_text(object, "code", code);
	cli_json_text(object, "severity", item->severity == DIAG_WARNING ? "warning" : "error");
	add_place(object, &item->at);
	cli_json_text(object, "message", item->message);
	if (item->second_message) {
		struct json_object *second = json_object_new_object();

		add_place(second, &item->second);
		cli_json_text(second, "message", item->second_message);
		json_object_object_add(object, "second", second);
	}
	return object;
}

struct json_object *cli_diag_json(const struct diag *diag)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < diag_count(diag); i++)
		json_object_array_add(array, diag_item_json(diag_at(diag, i)));
	return array;
}

void cli_json_print(struct json_object *object)
{
	text_put(stdout,
		 json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
								JSON_C_TO_STRING_SPACED |
								JSON_C_TO_STRING_NOSLASHESCAPE),
		 TEXT_JSON);
	putchar('\n');
	json_object_put(object);
}
