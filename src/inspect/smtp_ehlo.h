// The answer to EHLO, line by line: only what the gate reads is offered.  Lengths stay.
#ifndef SEKISHO_INSPECT_SMTP_EHLO_H
#define SEKISHO_INSPECT_SMTP_EHLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// line: of a 250 reply, not its first, without CRLF; at most SMTP_REPLY_LINE_MAX.  True: it was
// changed.  Keywords that are unknown, and STARTTLS unless starttls, become X; SIZE becomes at most
// size, with leading zeros (RFC 1870 section 4).  "SIZE" and "SIZE 0" have no room for a number and
// stay: a client that declares what it sends is checked at MAIL.
bool smtp_ehlo_edit(uint8_t *line, size_t n, uint64_t size, bool starttls);
// Whether such a line offers STARTTLS.
bool smtp_ehlo_is_tls(const uint8_t *line, size_t n);

#endif
