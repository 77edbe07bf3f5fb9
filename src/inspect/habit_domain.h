// Domains as headers and links have them, in one form: lower case, A-labels, no trailing dot; and
// what somebody could register (the public suffix list, as libpsl was built with it).
#ifndef SEKISHO_INSPECT_HABIT_DOMAIN_H
#define SEKISHO_INSPECT_HABIT_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "inspect/profile.h"
#include "proto/smtp_domain.h"

enum { HABIT_DOMAIN_SIZE = SMTP_DOMAIN_MAX + 1 };

// Whether there is a public suffix list at all; without one the last two labels are registered, and
// no suffix is known.
bool habit_domain_ready(void);

// UTF-8, mapped as browsers do (UTS 46: case, width, full stops of other scripts).  What is no
// domain stays as it is, in lower case and cut.  False: out is then no name to be compared.
bool habit_domain_read(const char *text, size_t n, char out[HABIT_DOMAIN_SIZE]);
// Behind the last "@" of an address.  False: as above, or there is none; then out is "".
bool habit_domain_of(const char *address, char out[HABIT_DOMAIN_SIZE]);

// The part of it that is registered: "example.co.jp" of "www.example.co.jp"; an IPv4 address is
// whole; NULL: it is a suffix itself.
const char *habit_domain_registered(const char *domain);
// "co.jp" of it; "" where it is an address.
const char *habit_domain_suffix(const char *domain);
// Of a suffix that the list has; a file name's is none, mostly.
bool habit_domain_is_known(const char *domain);
// Both are of one registration.
bool habit_domain_same(const char *a, const char *b);

// An own domain, or of the same registration as one.
bool habit_domain_is_ours(const struct profile *profile, const char *domain);

// Whether the domain, or one that it lies below, is in the list (sorted by strcmp).
bool habit_domain_listed(const char *const *domains, size_t n, const char *domain);

#endif
