// What a policy may write as a domain or a mail address.  Only plan/mail_*.c include it.
#ifndef SEKISHO_PLAN_MAIL_DOMAIN_H
#define SEKISHO_PLAN_MAIL_DOMAIN_H

// What is wrong with a domain name of at least two labels, in words that follow it; NULL: nothing.
const char *mail_domain_fault(const char *name);
// The same of an address, or a domain for all of its addresses.
const char *mail_recipient_fault(const char *text);

#endif
