// Files in a text: uuencode (POSIX, and its Base64), yEnc (yenc.org, draft 1.3).  Each is told as a
// part below the text; the text itself is told as it is.
#ifndef SEKISHO_MIME_MIME_BLOCK_H
#define SEKISHO_MIME_MIME_BLOCK_H

#include "mime/mime_told.h"

struct mime_block;

// For the text; NULL: no memory.
struct mime_block *mime_block_new(struct mime_context *context, struct mime_told *text);
void mime_block_feed(struct mime_block *block, const uint8_t *bytes, size_t n);
void mime_block_end(struct mime_block *block); // NULL is fine; frees it

#endif
