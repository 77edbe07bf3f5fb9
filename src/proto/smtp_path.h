// A forward or reverse path (RFC 5321 4.1.2, RFC 6531 3.3): "<", an address, ">".
//
// Local parts are taken as real ones are: up to 128 bytes (RFC 5321 has 64, bulk senders' own
// bounce addresses are longer), with dots anywhere (Japanese mobile operators gave out "a..b" and
// "c.").  Flags tell what makes some server read another address than the one written.
#ifndef SEKISHO_PROTO_SMTP_PATH_H
#define SEKISHO_PROTO_SMTP_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/smtp_domain.h"

enum { SMTP_LOCAL_MAX = 128, SMTP_ADDRESS_MAX = 320 };

enum smtp_path_kind {
	SMTP_PATH_NULL,	      // <>
	SMTP_PATH_POSTMASTER, // <postmaster>, any case
	SMTP_PATH_BARE,	      // <user>: no domain; a server would add its own
	SMTP_PATH_MAILBOX,
	SMTP_PATH_LITERAL, // domain is "[192.0.2.1]" or "[ipv6:fd00::1]"
};

enum smtp_path_flag {
	SMTP_PATH_ROUTE = 1,	 // <@a,@b:user@c>
	SMTP_PATH_DOUBLE_AT = 2, // <user@a@b>
	SMTP_PATH_PERCENT = 4,	 // <user%a@b>
	SMTP_PATH_BANG = 8,	 // <a!user@b>
	SMTP_PATH_QUOTED = 16,	 // quoted, with a character that could be read as an address
	SMTP_PATH_UTF8 = 32,	 // not ASCII
};

struct smtp_path {
	enum smtp_path_kind kind;
	unsigned flags;
	char local[SMTP_LOCAL_MAX + 1];	  // without quotes; case as given
	char domain[SMTP_DOMAIN_MAX + 1]; // lower case, A-labels; "" when there is none
};

// Reads from "<" to ">".  *ret_used: bytes of it.  0, -EINVAL, or -EILSEQ: not ASCII and utf8 is
// false.
int smtp_path_read(const uint8_t *bytes, size_t n, bool utf8, struct smtp_path *ret,
		   size_t *ret_used);

#endif
