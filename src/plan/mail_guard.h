// Makes what a guard for smtp demands.  Only plan/guards.c and plan/mail_guard.c include it.
#ifndef SEKISHO_PLAN_MAIL_GUARD_H
#define SEKISHO_PLAN_MAIL_GUARD_H

#include "plan/guard.h"
#include "plan/plan_internal.h"

const struct plan_mail *mail_guard_make(struct build *b, const struct pol_guard *source);
// Tells every key of smtp that a guard for another protocol has.
void mail_guard_refuse_keys(struct build *b, const struct pol_guard *source);
// Adds the addresses of an endpoint.  Not of the whole of self.
void mail_guard_place(const struct plan *plan, const struct endpoint *end, struct addr_set *ret);

#endif
