// Guards of a plan, as people and programs read them.
#ifndef SEKISHO_CLI_GUARDS_H
#define SEKISHO_CLI_GUARDS_H

#include <json-c/json.h>

#include "plan/guard.h"

// What the guard demands, a line for each field of plan/guard.h, behind indent columns, their names
// padded to width.
void cli_guard_print(const struct plan_guard *guard, int indent, int width);
// The same, all of it: an object of texts.
struct json_object *cli_guard_json(const struct plan_guard *guard);

// "sekisho show guards".
void cli_guards_print(const struct plan *plan);
struct json_object *cli_guards_json(const struct plan *plan);

#endif
