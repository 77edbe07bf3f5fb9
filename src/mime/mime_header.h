// The fields of one part's header (RFC 5322 2.2), found and unfolded.
#ifndef SEKISHO_MIME_MIME_HEADER_H
#define SEKISHO_MIME_MIME_HEADER_H

#include "mime/mime_text.h"

struct mime_field {
	struct mime_span name;
	struct mime_span folded; // after the colon, with its line ends
};

// The next field; *at is moved on.  False: there is none.  Lines that are no field are passed over;
// *doubts gets bits of enum mime_doubt.  A first line of a mailbox ("From ") is none.
bool mime_header_next(struct mime_span header, size_t *at, struct mime_field *ret,
		      uint32_t *doubts);
// The value in one line, trimmed, in place of what text held; at most MIME_FIELD_MAX bytes, without
// NUL.  tight: without the space that a folded line begins with, as some clients read what is in
// quotes.
struct mime_span mime_header_unfold(struct mime_span folded, bool tight, struct mime_text *text,
				    uint32_t *doubts);

// Whether a line that is no field, or one of spaces, may end the header for some clients, so that a
// file begins there: what came before says that it is encoded, or it is a part or a block of its
// own.
bool mime_header_ends_early(struct mime_span header);

#endif
