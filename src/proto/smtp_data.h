// Finds the end of a message: CRLF "." CRLF and nothing else (RFC 5321 4.1.1.4).  What some server
// could take for it - a bare CR, a bare LF, NUL - stops the reading before that byte, so that no
// such byte is ever among those given as certain.
//
// Bytes at the end that could belong to the end of the message (a CR, or "." or ".CR" at the
// beginning of a line) are read but held: not yet certain to be of the message.
#ifndef SEKISHO_PROTO_SMTP_DATA_H
#define SEKISHO_PROTO_SMTP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// RFC 5321 has 1000; real mail has lines of tens of kilobytes, which servers cut somewhere.  A
// line that is cut begins anew where its sender could place a dot, so there is a limit all the
// same; the bytes are held nowhere.
enum { SMTP_DATA_LINE_MAX = 64 * 1024 };

enum smtp_data_place {
	SMTP_DATA_BEGIN, // of a line
	SMTP_DATA_WITHIN,
	SMTP_DATA_CR,
	SMTP_DATA_DOT, // at the beginning of a line
	SMTP_DATA_DOT_CR,
};

enum smtp_data_stop {
	SMTP_DATA_MORE, // all was read
	SMTP_DATA_END,	// the final LF was read
	SMTP_DATA_BARE_CR,
	SMTP_DATA_BARE_LF,
	SMTP_DATA_NUL,
	SMTP_DATA_LONG,
};

struct smtp_data { // all zero: at the beginning
	enum smtp_data_place place;
	uint32_t line; // bytes of this line
	uint64_t size; // certain bytes of the message
};

// *ret_used: bytes read; what stopped it is not among them.
enum smtp_data_stop smtp_data_read(struct smtp_data *data, const uint8_t *bytes, size_t n,
				   size_t *ret_used);
unsigned smtp_data_held(const struct smtp_data *data);

// The message without stuffed dots (RFC 5321 4.5.2), from its certain bytes.
struct smtp_unstuff { // all zero: at the beginning
	bool within;  // a line
};
// Calls take() for each run of bytes between such dots.
void smtp_unstuff(struct smtp_unstuff *unstuff, const uint8_t *bytes, size_t n,
		  void (*take)(void *arg, const uint8_t *bytes, size_t n), void *arg);
// The bytes that are held at a place, to be put before those that come; *ret_n of them.
const uint8_t *smtp_data_held_bytes(enum smtp_data_place place, size_t *ret_n);

#endif
