// The text of one part, in whatever character set it is, in which words and numbers of persons are
// looked for.
//
//	bytes of the part -> lines -> UTF-8, in two readings where the set is not sure -> without
//	the tags of HTML -> base/terms.h
//
// Lines of UTF-16 and UTF-32 are not read.
#ifndef SEKISHO_INSPECT_CONTENT_TEXT_H
#define SEKISHO_INSPECT_CONTENT_TEXT_H

#include "base/terms.h"
#include "mime/mime.h"

enum { CONTENT_LINE_MAX = 16 * 1024 }; // bytes that are read at a time

struct content_text;

struct content_terms {	  // what was found; only grows
	uint64_t words;	  // bits of the terms
	uint32_t numbers; // of persons
};

// NULL: no memory.
struct content_text *content_text_new(const struct terms *terms, const struct mime_part *part);
void content_text_free(struct content_text *text); // NULL is fine
// A Content-Type field of the part, before its bytes.
void content_text_type(struct content_text *text, const char *field);
// False: no memory.
bool content_text_read(struct content_text *text, const uint8_t *bytes, size_t n);
bool content_text_end(struct content_text *text);
size_t content_text_memory(const struct content_text *text);
void content_text_found(const struct content_text *text, struct content_terms *found);

// A text that is UTF-8 already: a name, a subject.
void content_text_string(const struct terms *terms, const char *string,
			 struct content_terms *found);

#endif
