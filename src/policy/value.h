// One scalar of YAML against one key of the table: is it what the key takes, and what is it then?
// Pure: a fault is handed back, not reported.
#ifndef SEKISHO_POLICY_VALUE_H
#define SEKISHO_POLICY_VALUE_H

#include "base/arena.h"
#include "base/diag.h"
#include "policy/keys.h"
#include "policy/policy.h"
#include "policy/yaml.h"

struct value_fault {
	enum diag_code code;
	struct place at;
	const char *message; // in the arena
};

// Each: true with *ret set, or false with *ret_fault set.  Texts are copied to the arena.
bool value_text(struct arena *arena, const struct key *key, const struct yaml_event *event,
		struct pol_text *ret, struct value_fault *ret_fault);
bool value_bool(struct arena *arena, const struct key *key, const struct yaml_event *event,
		struct pol_bool *ret, struct value_fault *ret_fault);
bool value_uint(struct arena *arena, const struct key *key, const struct yaml_event *event,
		struct pol_uint *ret, struct value_fault *ret_fault);

// What was written, short enough and clean enough for a message.
const char *value_shown(struct arena *arena, const char *text, size_t length);
// The index of the first character that belongs to Japanese full-width writing of ASCII, and how
// many such stand together; false if there is none.
bool value_full_width(const char *text, size_t length, size_t *ret_index, size_t *ret_count);

#endif
