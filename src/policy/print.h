// Canonical text of a policy: one document, sections and keys in the table's order, entries in
// the order given, every list in flow style.  Reading it gives the same tree, places aside.
#ifndef SEKISHO_POLICY_PRINT_H
#define SEKISHO_POLICY_PRINT_H

#include <stdio.h>

#include "policy/policy.h"

void policy_print(const struct pol_policy *policy, FILE *out);
// The sections of a policy, the keys of its first level, by number from 0: its name, NULL past the
// last; its canonical text, empty when it is not there.
const char *policy_section_name(size_t index);
void policy_print_section(const struct pol_tree *tree, size_t index, FILE *out);
// The JSON Schema (draft 2020-12) of a policy file, from the key table.
void policy_print_schema(FILE *out);
// The key-by-key part of sekisho-policy(5) in mdoc, from the key table.
void policy_print_manual(FILE *out);

#endif
