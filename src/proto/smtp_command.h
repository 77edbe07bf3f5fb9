// Lines of an SMTP client (RFC 5321 and its extensions): the verb, its argument, ESMTP parameters.
#ifndef SEKISHO_PROTO_SMTP_COMMAND_H
#define SEKISHO_PROTO_SMTP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SMTP_COMMAND_MAX = 2048,    // with CRLF; RFC 5321 has 512, extensions add to it
	SMTP_AUTH_LINE_MAX = 12288, // RFC 4954 section 4
};

enum smtp_verb {
	SMTP_UNKNOWN,
	SMTP_HELO,
	SMTP_EHLO,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_RSET,
	SMTP_NOOP,
	SMTP_QUIT,
	SMTP_VRFY,
	SMTP_EXPN,
	SMTP_HELP,
	SMTP_ETRN,
	SMTP_AUTH,
	SMTP_STARTTLS,
	SMTP_BDAT,
	SMTP_LHLO,
	SMTP_XCLIENT,
	SMTP_XFORWARD,
	SMTP_TURN,	  // and ATRN
	SMTP_SEND,	  // SEND, SOML, SAML
	SMTP_OTHER,	  // a word of another protocol: HTTP, SIP
	SMTP_END_OF_DATA, // not a line: what waits for the reply to a message
	SMTP_VERB_COUNT,
};

struct smtp_text {
	const uint8_t *at;
	size_t n;
};

struct smtp_command {
	enum smtp_verb verb;
	struct smtp_text argument; // without the spaces around it
};

// line: without its CRLF.
void smtp_command_read(const uint8_t *line, size_t n, struct smtp_command *ret);
// The argument of MAIL ("FROM:") or RCPT ("TO:") from its "<" on: spaces may follow the colon, as
// many devices send them.  False: it does not begin so.
bool smtp_command_path(const struct smtp_command *command, const char *word, struct smtp_text *ret);

struct smtp_parameter {
	struct smtp_text keyword, value; // value.at is NULL without "="
};

// The next parameter of *rest, which begins with a space or is empty.  1, 0 at the end, -EINVAL.
int smtp_parameter_next(struct smtp_text *rest, struct smtp_parameter *ret);
bool smtp_text_is(const struct smtp_text *text, const char *word); // in any case
// Digits alone, at most 20 of them; too big a number is UINT64_MAX.
int smtp_text_number(const struct smtp_text *text, uint64_t *ret);

#endif
