// What somebody who decides about a message is shown of its header, as mail programs show it: from
// whom, to whom, subject, date.  Fed field by field; every text is cut.
#ifndef SEKISHO_INSPECT_CONTENT_HEADING_H
#define SEKISHO_INSPECT_CONTENT_HEADING_H

#include <stdbool.h>
#include <stddef.h>

enum {
	HEADING_FIELDS = 7,
	HEADING_EACH_MAX = 2,	       // fields of a name; that there were more is told
	HEADING_VALUE_MAX = 512,       // bytes of one; what is cut ends with "..."
	HEADING_BYTES_MAX = 12 * 1024, // of all lines, each with its NUL
};

struct content_heading {
	char *text; // owned: "Subject: a plan", each with a NUL
	size_t n, room;
	unsigned seen[HEADING_FIELDS];
	bool failed; // no memory
};

// As struct mime_sink has it.
void content_heading_field(struct content_heading *heading, const char *name, const char *shown);
void content_heading_free(struct content_heading *heading);

#endif
