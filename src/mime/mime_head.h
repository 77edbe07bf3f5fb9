// What the header of a part says it is.
#ifndef SEKISHO_MIME_MIME_HEAD_H
#define SEKISHO_MIME_MIME_HEAD_H

#include "mime/mime.h"
#include "mime/mime_text.h"

// Readings of one boundary; bytes of a boundary (RFC 2046 allows 70; more than MIME_BOUNDARY_MAX
// are none).
enum { MIME_BOUNDARIES_MAX = 4, MIME_BOUNDARY_MAX = 200 };

struct mime_head {
	char type[MIME_TYPE_MAX];
	char charset[MIME_CHARSET_MAX];
	enum mime_kind kind;
	enum mime_encoding encoding, other; // other: of a second field, else the same
	bool attachment, digest;
	char *boundaries[MIME_BOUNDARIES_MAX]; // of the store: strlen and one
	uint32_t n_boundaries;
	char *names[MIME_NAMES_MAX]; // likewise
	uint32_t n_names;
	uint32_t doubts; // bits of enum mime_doubt
};

// in_digest: without a type it is a message (RFC 2046 5.1.5).
void mime_head_read(struct mime_store *store, struct mime_span header, bool in_digest,
		    struct mime_head *ret);
void mime_boundary_done(struct mime_store *store, char **v, uint32_t n);

#endif
