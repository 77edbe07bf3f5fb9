// Domains of mail addresses in one form: lower case, A-labels (RFC 5891), no trailing dot.
#ifndef SEKISHO_PROTO_SMTP_DOMAIN_H
#define SEKISHO_PROTO_SMTP_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SMTP_DOMAIN_MAX = 253 };

// 0; -EINVAL: no domain (an empty or too long label, a trailing dot, a character that has no place
// there, a U-label that is not one as IDNA2008 has it, unmapped); -EILSEQ: not ASCII, and utf8 is
// false.  "_" is allowed: real names have it.
int smtp_domain_read(const uint8_t *bytes, size_t n, bool utf8, char out[SMTP_DOMAIN_MAX + 1]);

#endif
