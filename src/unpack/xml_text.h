// The text of markup: what of it a reader reads in one flow, and what stands beside.
#ifndef SEKISHO_UNPACK_XML_TEXT_H
#define SEKISHO_UNPACK_XML_TEXT_H

#include "unpack/look.h"

enum xml_text_form {
	XML_TEXT_RUNS,	// the flow is in elements of runs (w:t, a:t, t, v); all else stands beside
	XML_TEXT_MIXED, // the flow is all text (OpenDocument)
	XML_TEXT_BESIDE // none is: properties
};

// Says the text of n bytes, in whatever character set they say they are.
void xml_text_say(struct item *item, const uint8_t *bytes, size_t n, enum xml_text_form form);

#endif
