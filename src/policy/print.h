// Canonical text of a policy: one document, sections and keys in the table's order, entries in
// the order given, every list in flow style.  Reading it gives the same tree, places aside.
#ifndef SEKISHO_POLICY_PRINT_H
#define SEKISHO_POLICY_PRINT_H

#include <stdio.h>

#include "policy/policy.h"

void policy_print(const struct pol_policy *policy, FILE *out);
// The JSON Schema (draft 2020-12) of a policy file, from the key table.
void policy_print_schema(FILE *out);
// The key-by-key part of sekisho-policy(5) in mdoc, from the key table.
void policy_print_manual(FILE *out);

#endif
