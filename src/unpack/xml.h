// Markup, as far as it matters here: which elements there are, with which attributes and text.
// Nothing is checked; what no XML reader takes is read as well as may be.
#ifndef SEKISHO_UNPACK_XML_H
#define SEKISHO_UNPACK_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "unpack/look.h"

struct xml {
	const char *at, *end;
	// The element of the last xml_next(), without its namespace; ends of elements have closing.
	const char *name, *attributes, *text; // text: behind it, to the next element
	size_t n_name, n_attributes, n_text;
	bool closing;
	bool no_double, no_single; // quotes that would not close
};

// One byte a letter, references to characters resolved; NULL: no memory for it, and item's limit
// says so.
char *xml_plain(struct item *item, size_t *ret_n);
void xml_plain_free(struct item *item, char *text);

bool xml_next(struct xml *xml);
bool xml_is(const struct xml *xml, const char *name); // without regard to case
// The attribute's value, without its namespace; false: it has none.
bool xml_attribute(const struct xml *xml, const char *name, const char **ret, size_t *ret_n);
// Whether any of n bytes is that text, without regard to case.
bool xml_holds(const char *text, size_t n, const char *what);

#endif
