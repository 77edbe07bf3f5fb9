// HTML taken apart as a stream: text, tags, attributes, as browsers find them (WHATWG HTML 13.2.5),
// but that scripts and styles are told as text, and what stands in comments as if they were none:
// some client shows what others leave out.  A comment's end ends whatever began in it.  What stands
// behind a ">" within a value in quotes is told as text as well, for clients that know no quotes.
// However it is cut, it is the same.
#ifndef SEKISHO_UNPACK_HTML_H
#define SEKISHO_UNPACK_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HTML_WORD_MAX = 24,    // of a tag, an attribute or an entity; longer ones are cut
	HTML_VALUE_MAX = 1024, // bytes of a value; what is beyond is left out
};

struct html_sink {
	void (*text)(void *arg, const char *bytes, size_t n); // UTF-8, entities resolved
	// May be NULL, all three.  name: lower case, without "/"; value: entities resolved.
	void (*tag)(void *arg, const char *name, bool end);
	void (*attribute)(void *arg, const char *tag, const char *name, const char *value);
	void (*over)(void *arg, const char *tag, bool end); // with its ">"
	void *arg;
};

struct html { // all zero: at the beginning
	uint8_t state;
	char word[HTML_WORD_MAX]; // an entity, or a name
	uint8_t n_word;
	char tag[HTML_WORD_MAX];
	char raw[HTML_WORD_MAX]; // an element whose content has no tags, until its end
	bool end, shown;	 // "</"; text within quotes is told
	bool comment;
	uint8_t n_dashes; // of "-->", or of "<!--"
	char quote;
	uint16_t n_value;
	char value[HTML_VALUE_MAX + 1];
};

void html_read(struct html *html, const struct html_sink *sink, const char *bytes, size_t n);
void html_end(struct html *html, const struct html_sink *sink);

#endif
