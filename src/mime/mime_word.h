// Encoded words (RFC 2047, with the language of RFC 2231 section 5) as clients read them, which is
// wherever they stand: in quotes, without spaces around them, with spaces in them.
#ifndef SEKISHO_MIME_MIME_WORD_H
#define SEKISHO_MIME_MIME_WORD_H

#include "mime/mime_text.h"

struct mime_words {
	bool found;   // one at least
	bool unknown; // of a character set that is not known, or with bytes that are none of it
};

// Adds text to out as UTF-8.  Neighbours of one character set are joined before they are read, for
// senders cut characters.  Bytes outside of words are guessed at (mime_charset.h).
struct mime_words mime_word_read(struct mime_span text, struct mime_text *out);
// The value of a hexadecimal digit, or -1.
int mime_hex(uint8_t byte);

#endif
