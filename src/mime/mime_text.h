// Memory of one parser, counted, and texts that grow in it.  A failed allocation is remembered: the
// parser goes on as if and tells nothing more; it is looked at once, at the end of a feed.
#ifndef SEKISHO_MIME_MIME_TEXT_H
#define SEKISHO_MIME_MIME_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What no message can make a parser need, a header being read included; more is as no memory.
enum { MIME_STORE_MAX = 4 * 1024 * 1024 };

struct mime_store {
	size_t used;   // bytes allocated now
	size_t most;   // at most so many; 0: MIME_STORE_MAX
	uint64_t work; // bytes looked at by any step
	bool failed;
};

// Zeroed, or NULL with failed set.  n is given back at put.
void *mime_store_get(struct mime_store *store, size_t n);
void mime_store_put(struct mime_store *store, void *v, size_t n);

struct mime_text {
	struct mime_store *store;
	char *v; // ends in NUL once something was added
	size_t n, cap;
};

// False: no memory, text is as before.
bool mime_text_add(struct mime_text *text, const void *bytes, size_t n);
bool mime_text_byte(struct mime_text *text, uint8_t byte);
bool mime_text_char(struct mime_text *text, uint32_t code_point); // as UTF-8
void mime_text_done(struct mime_text *text);			  // may be used again
// "" where nothing was added.
const char *mime_text_string(const struct mime_text *text);

// A piece of somebody else's bytes.
struct mime_span {
	const char *v;
	size_t n;
};
#define MIME_SPAN(literal) ((struct mime_span){ literal, sizeof(literal) - 1 })
struct mime_span mime_span_trim(struct mime_span span);	    // of spaces, tabs and line ends
bool mime_span_is(struct mime_span span, const char *word); // whatever the case; word is lower case
bool mime_span_begins(struct mime_span span, const char *word);
bool mime_span_equal(struct mime_span a, struct mime_span b);
uint8_t mime_lower(uint8_t byte);
bool mime_is_space(uint8_t byte); // space, tab, CR, LF

#endif
