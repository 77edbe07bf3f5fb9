// The body of one part on its way to the sink: decoded in one or two readings; looked through for
// files if it is a text; read as a message if it is an encoded one, or is named like one.
#ifndef SEKISHO_MIME_MIME_LEAF_H
#define SEKISHO_MIME_MIME_LEAF_H

#include "mime/mime_block.h"
#include "mime/mime_decode.h"
#include "mime/mime_told.h"

struct mime;

struct mime_leaf {
	struct mime_context *context;
	struct mime_told *told;
	bool parted;
	struct mime_decoder first, second;
	struct mime_block *block; // or NULL
	struct mime *inner;	  // or NULL: bytes go there
	bool message;		  // and are not told
};

// other: of a second field that says another encoding, else the same.
void mime_leaf_begin(struct mime_leaf *leaf, struct mime_context *context, struct mime_told *told,
		     enum mime_encoding other);
void mime_leaf_feed(struct mime_leaf *leaf, const uint8_t *bytes, size_t n);
void mime_leaf_end(struct mime_leaf *leaf);

// In mime.c: the parser of a message that is the decoded body of told.  NULL: no memory.
struct mime *mime_nested_new(struct mime_context *context, struct mime_told *told);
void mime_nested_feed(struct mime *mime, const uint8_t *bytes, size_t n);
void mime_nested_end(struct mime *mime); // NULL is fine; frees it

#endif
