// What of a page of HTML stands beside its text: readings of letters (ruby), styles, scripts,
// comments, what is not shown, and values of attributes that are.
//
//	<ruby>機<rt>き</rt>密</ruby>	機<span style="display:none">x</span>密		機密, both
#ifndef SEKISHO_UNPACK_PROSE_PAGE_H
#define SEKISHO_UNPACK_PROSE_PAGE_H

#include "unpack/html.h"

struct prose_page {		    // all zero: at the beginning
	bool reading;		    // in <rt> or <rp>
	bool hides;		    // the tag that is being read
	char hidden[HTML_WORD_MAX]; // the element that is not shown
	uint32_t depth;		    // of elements of that name within it, itself too
};

// As html.h tells them.
void prose_page_attribute(struct prose_page *page, const char *name, const char *value);
void prose_page_over(struct prose_page *page, const char *tag, bool end);
// Whether text that is told now stands beside.
bool prose_page_is_beside(const struct prose_page *page, const struct html *html);
// A tag that begins a line or a cell, and so divides words of ASCII and numbers.
bool prose_page_divides(const char *tag);
// Whether somebody reads the value.
bool prose_page_is_read(const char *name);

#endif
