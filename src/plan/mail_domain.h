// What a policy may write as a domain or a mail address.  Only plan/mail_*.c include it.
#ifndef SEKISHO_PLAN_MAIL_DOMAIN_H
#define SEKISHO_PLAN_MAIL_DOMAIN_H

#include "base/arena.h"

// A domain name of at least two labels, as mail carries it: in small letters, Japanese ones as
// A-labels (RFC 5890).  NULL with *ret_fault, words that follow the name, if it is none.
const char *mail_domain_read(struct arena *arena, const char *text, const char **ret_fault);
// An address, "plans@city.example.jp", or a domain for all of its addresses, which gives
// "@city.example.jp".
const char *mail_recipient_read(struct arena *arena, const char *text, const char **ret_fault);

#endif
