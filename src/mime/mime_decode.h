// Base64 and quoted-printable as clients read them: forgiving, and not all the same.
#ifndef SEKISHO_MIME_MIME_DECODE_H
#define SEKISHO_MIME_MIME_DECODE_H

#include "mime/mime.h"

enum { MIME_DECODE_HELD = 64 }; // spaces after a "=" that may end its line

// Starts as zeros with an encoding.  The second reading is a copy of the first from where they
// part, with second set and parted in both.
//
//	           first                          second
//	base64     after padding: goes on         ends
//	           "-" and "_": nothing           as 62 and 63
//	           "=" before two digits: ends    nothing
//	           a group
//	quoted-    "=", then no digits: itself    left out
//	printable  "=", spaces, line end: nothing itself
struct mime_decoder {
	enum mime_encoding encoding;
	bool second, parted;
	bool over, padded;  // base64: nothing more is read; padding was seen
	uint8_t n, padding; // base64: digits of a group that are here; "=" that are missing
	uint32_t bits;
	uint8_t place, held_n; // quoted-printable: bytes from a "=" on
	uint8_t held[MIME_DECODE_HELD];
};

enum mime_decoded {
	MIME_DECODED_MORE, // all was taken, or out is full
	MIME_DECODED_PART, // the readings part before the next byte: copy, set parted, go on
};

// Reads some of in, at most so much that out is filled; *ret_used and *ret_made tell how much.
// *doubts gets bits of enum mime_doubt.  out has room for at least MIME_DECODE_HELD + 8 bytes.
enum mime_decoded mime_decode(struct mime_decoder *decoder, const uint8_t *in, size_t n,
			      size_t *ret_used, uint8_t *out, size_t room, size_t *ret_made,
			      uint32_t *doubts);
// What is left at the end: at most MIME_DECODE_HELD bytes.
size_t mime_decode_end(struct mime_decoder *decoder, uint8_t *out, uint32_t *doubts);

#endif
