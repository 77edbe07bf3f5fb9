// A policy from a folder, as far as it goes, with its faults shown.
#ifndef SEKISHO_CLI_LOAD_H
#define SEKISHO_CLI_LOAD_H

#include <json-c/json.h>

#include "base/diag.h"
#include "cli/countries.h"
#include "plan/plan.h"
#include "policy/policy.h"

struct cli_policy {
	struct pol_policy *policy;	// NULL when its files could not be read
	struct plan *plan;		// NULL when it has errors
	struct cli_countries countries; // loaded only for a policy that names countries
	bool has_countries;
	struct diag *diag;
	int status; // enum exit_status
};

// Reads and plans.  Prints nothing.  Always gives a struct to hand to cli_policy_done().
void cli_policy_load(const char *dir, struct cli_policy *ret);
void cli_policy_done(struct cli_policy *loaded);
void cli_policy_cleanup(struct cli_policy *loaded); // for __attribute__((cleanup))

// Loads; on errors prints the faults to stderr.  True when there is a plan.
bool cli_policy_load_or_tell(const char *dir, struct cli_policy *ret);

// The diagnostics as a JSON array; the caller owns it.
struct json_object *cli_diag_json(const struct diag *diag);
// Prints the object and a newline, and releases it.
void cli_json_print(struct json_object *object);
void cli_json_text(struct json_object *object, const char *key,
		   const char *text); // "" and NULL: left out
void cli_json_number(struct json_object *object, const char *key, uint64_t number);

#endif
