// Which names are taken, and where each was first given.  Owns its table, not the texts.
#ifndef SEKISHO_POLICY_NAMES_H
#define SEKISHO_POLICY_NAMES_H

#include <stddef.h>

#include "policy/policy.h"

struct names;

struct names *names_new(void);
void names_free(struct names *names);
// Takes a name of a kind (any pointer: names of two kinds never meet).  NULL when it was free,
// else the text that took it first.
const struct pol_text *names_take(struct names *names, const void *kind, const struct pol_text *name);

#endif
