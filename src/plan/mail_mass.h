// Rows of a guard about mass mail: made from its keys, in words, compared.
#ifndef SEKISHO_PLAN_MAIL_MASS_H
#define SEKISHO_PLAN_MAIL_MASS_H

#include "plan/guard.h"
#include "plan/plan_internal.h"

void mail_mass_set(struct build *b, const struct pol_guard *source, struct plan_mail *mail);
void mail_mass_say(const struct plan_mail *mail, FILE *out);

#endif
