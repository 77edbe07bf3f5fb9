// The text of one part or file, in whatever character set it is, in which words and numbers of
// persons are looked for.
//
//	bytes of the part -> lines -> UTF-8, in two readings where the set is not sure -> without
//	the tags of HTML (html.h) -> base/terms.h, and whoever looks
//
// UTF-16 and UTF-32 are known by the mark at their beginning, by their names, or by where zeros
// stand.
#ifndef SEKISHO_UNPACK_PROSE_H
#define SEKISHO_UNPACK_PROSE_H

#include "base/terms.h"
#include "unpack/unpack.h"

enum {
	PROSE_LINE_MAX = 16 * 1024, // bytes that are read at a time
	PROSE_READINGS = 2,
};

struct prose;

// Somebody who looks at the text himself: at each reading, without markup and with what html.h
// tells.
struct prose_eye {
	void (*text)(void *arg, unsigned reading, const char *bytes, size_t n);
	void (*tag)(void *arg, unsigned reading, const char *name, bool end);
	void (*attribute)(void *arg, unsigned reading, const char *tag, const char *name,
			  const char *value);
	// The second reading begins, with all that was told of the first so far.
	void (*part)(void *arg);
	void *arg;
};

// terms: NULL if there is nothing to be looked for.  html: tags are taken out.  NULL: no memory.
struct prose *prose_new(const struct terms *terms, bool html);
// By its media type (lower case).
bool prose_is_html(const char *type);
void prose_free(struct prose *text); // NULL is fine
// Before its bytes.
void prose_watch(struct prose *text, const struct prose_eye *eye);
// A Content-Type field of the part, before its bytes.
void prose_type(struct prose *text, const char *field);
// False: no memory.
bool prose_read(struct prose *text, const uint8_t *bytes, size_t n);
bool prose_end(struct prose *text);
size_t prose_memory(const struct prose *text);
void prose_found(const struct prose *text, struct unpack_terms *found);

// A text that is UTF-8 already: a name, a subject.
void prose_string(const struct terms *terms, const char *string, struct unpack_terms *found);

#endif
