// One reading of one text: the links in it, what they show, and what acts by itself in its HTML.
#ifndef SEKISHO_INSPECT_HABIT_PAGE_H
#define SEKISHO_INSPECT_HABIT_PAGE_H

#include "inspect/habit_domain.h"

enum {
	HABIT_SHOWN_MAX = 512, // bytes of a link's text that are looked at
	HABIT_URL_MAX = 300,   // of one in a text: a host, and what may stand before it
};

struct habit_page_sink {
	// A link to host; shown: the host that its text shows and that is of another registration,
	// or NULL.
	void (*link)(void *arg, const char *host, const char *shown);
	// what: "script", "onclick", "data:"
	void (*active)(void *arg, const char *what);
	void *arg;
};

struct habit_page { // all zero, but for sink and maps: at the beginning
	struct habit_page_sink sink;
	uint32_t *maps; // of the message (habit_url.h)
	bool in_link;
	char host[HABIT_DOMAIN_SIZE]; // of the link, or ""
	char base[HABIT_DOMAIN_SIZE]; // of <base href>
	uint16_t n_shown, n_url;
	char shown[HABIT_SHOWN_MAX + 1];
	char url[HABIT_URL_MAX + 1]; // of a text, behind its scheme
	uint8_t n_scheme;	     // how much of one was seen
};

// UTF-8 without markup, and what html.h tells of a page.
void habit_page_text(struct habit_page *page, const char *bytes, size_t n);
void habit_page_tag(struct habit_page *page, const char *name, bool end);
void habit_page_attribute(struct habit_page *page, const char *tag, const char *name,
			  const char *value);
void habit_page_end(struct habit_page *page);

#endif
