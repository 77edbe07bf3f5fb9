// The walk over a file's lines that looks for full-width signs: where it is, what it sees there,
// and what it does about it.  Internal to signs.c, walk.c and walk_flow.c.
#ifndef SEKISHO_POLICY_WALK_H
#define SEKISHO_POLICY_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/source.h"

enum { WALK_NEST_MAX = 64 }; // brackets; the reader refuses fewer

struct walk {
	const char *name;
	struct arena *arena;
	struct diag *diag;
	struct source_text *text;
	char *copy; // with repairs; NULL: none yet
	const char *at, *end;
	const char *line_start;
	uint32_t line;
	// Block context.
	long indent;	   // of what the line holds
	long block_indent; // lines indented more belong to a | or > text; -1: none
	long plain_indent; // lines indented more go on with a plain value; -1: none
	// Flow context.
	char nest[WALK_NEST_MAX]; // '[' or '{'
	size_t depth;
	bool value;	 // of the innermost map: the key has been read
	const char *key; // the one read last, and its end
	const char *key_end;
	bool fatal; // indentation is broken: what follows would be misread
};

struct sign {
	const char *bytes;
	char twin;
	const char *words;
};

extern const struct sign walk_colon;
extern const struct sign walk_commas[2];
extern const struct sign walk_openers[2];
extern const struct sign walk_closers[2];
extern const struct sign walk_hash;
extern const struct sign walk_hyphens[2];

bool walk_starts(const struct walk *walk, const char *at, const char *bytes);
const struct sign *walk_sign_of(const struct walk *walk, const char *at,
				const struct sign signs[2]);
// Length in bytes of a space that is none for YAML: full-width, or one that does not break.
size_t walk_odd_space(const struct walk *walk, const char *at);
bool walk_is_break(char c);
bool walk_at_line_end(const struct walk *walk, const char *at);
bool walk_is_blank_or_end(const struct walk *walk, const char *at);
void walk_next_line(struct walk *walk);
void walk_report_sign(struct walk *walk, const struct sign *sign);
void walk_take_sign(struct walk *walk, const struct sign *sign);
// A run of odd spaces; returns false if there is none here.
bool walk_take_odd_spaces(struct walk *walk, bool repairable);
void walk_skip_spaces(struct walk *walk);
// Over a quoted text, its lines included; at its opening quote.
void walk_skip_quoted(struct walk *walk);
// Whether a key's letters and a full-width colon stand here; *ret_colon is then the colon.
bool walk_is_wide_key(const struct walk *walk, const char *at, const char **ret_colon);
// Whether a key and a colon of either kind stand here.
bool walk_is_key(const struct walk *walk, const char *at);
// Indentation of a line; false when it is broken (told) or the line holds nothing.
bool walk_take_indent(struct walk *walk);
// A full-width bracket at the beginning of a value opens a list or map, unless the value is a text.
const struct sign *walk_opener(const struct walk *walk);
// From an opening bracket, which is at hand, to the one that closes it.
void walk_flow(struct walk *walk);

#endif
