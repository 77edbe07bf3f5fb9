// YAML as a row of events with places: libfyaml behind a wall.  Owns the parser and its
// diagnostics; prints nothing, keeps no document, resolves no alias.
#ifndef SEKISHO_POLICY_YAML_H
#define SEKISHO_POLICY_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/place.h"
#include "policy/source.h"

enum yaml_kind {
	YAML_SCALAR,
	YAML_LIST,
	YAML_MAP,
	YAML_END, // of the innermost list or map
	YAML_ALIAS,
	YAML_DOCUMENT, // begins
	YAML_DONE,     // of the file
	YAML_BROKEN,   // a syntax error: .text says what, .at where; nothing follows
};

struct yaml_event {
	enum yaml_kind kind;
	const char *text; // of a scalar, not NUL-terminated; valid until the next event
	size_t length;
	struct place at; // .line 0: an absent value has no place
	bool null;	 // an absent value, null or ~
	bool multiline;	 // the scalar stands on several lines
	bool verbatim;	 // the text stands so in the file: no escapes, no folding
	bool decorated;	 // carries an anchor or a tag: see below
	bool is_tag;
	struct place decoration_at;
};

struct yaml;

// bytes and repairs (may be NULL) stay the caller's and must outlive the parser; name goes into
// the places.
struct yaml *yaml_new(const char *name, const char *bytes, size_t size,
		      const struct source_repairs *repairs);
void yaml_free(struct yaml *yaml);
void yaml_next(struct yaml *yaml, struct yaml_event *ret_event);

// What a syntax error's text means, for people who do not know YAML's words.
const char *yaml_words(const char *message);

#endif
