// Lines of an SMTP server (RFC 5321 4.2): "250-text" and, last, "250 text" or "250"; the enhanced
// code that the text may begin with (RFC 2034).
#ifndef SEKISHO_PROTO_SMTP_REPLY_H
#define SEKISHO_PROTO_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SMTP_REPLY_LINE_MAX = 2048 }; // with CRLF; RFC 5321 has 512

struct smtp_reply_line {
	uint16_t code; // 200 to 599
	bool last;
	bool has_enhanced;
	uint16_t enhanced[3]; // 5.7.1
};

// line: without its CRLF.  0 or -EINVAL.
int smtp_reply_read(const uint8_t *line, size_t n, struct smtp_reply_line *ret);

#endif
