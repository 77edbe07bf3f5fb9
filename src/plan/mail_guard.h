// Makes what a guard for smtp demands.  Only plan/guards.c, plan/guard_text.c
// and plan/mail_*.c include it.
#ifndef SEKISHO_PLAN_MAIL_GUARD_H
#define SEKISHO_PLAN_MAIL_GUARD_H

#include "plan/guard.h"
#include "plan/plan_internal.h"

const struct plan_mail *mail_guard_make(struct build *b, const struct pol_guard *source);
// Tells every key of smtp that a guard for another protocol has.
void mail_guard_refuse_keys(struct build *b, const struct pol_guard *source);
// Whose messages a row is about; recipients alone; words to be looked for; an action.
void mail_guard_whose(struct build *b, const struct pol_guard *source, const struct pol_list *from,
		      const struct pol_text *direction, const struct pol_list *recipients,
		      struct plan_mail_whose *ret);
// The clause that a row names; one that the register does not hold is reported.
void mail_guard_clause(struct build *b, const struct pol_text *clause, struct plan_mail_whose *ret);
void mail_guard_recipients(struct build *b, const struct pol_guard *source,
			   const struct pol_list *list, struct plan_mail_whose *whose);
struct plan_words mail_guard_terms(struct build *b, const struct pol_guard *source,
				   const struct pol_list *list);
enum plan_mail_action mail_guard_action(const struct pol_text *text);
void mail_guard_say_whose(const struct plan_mail_whose *whose, FILE *out);
// Adds the addresses of an endpoint.  Not of the whole of self.
void mail_guard_place(const struct plan *plan, const struct endpoint *end, struct addr_set *ret);

#endif
