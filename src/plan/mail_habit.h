// Rows of a guard about habits: made from its keys, in words, compared.
#ifndef SEKISHO_PLAN_MAIL_HABIT_H
#define SEKISHO_PLAN_MAIL_HABIT_H

#include "plan/guard.h"
#include "plan/plan_internal.h"

void mail_habit_set(struct build *b, const struct pol_guard *source, struct plan_mail *mail);
void mail_habit_say(const struct plan_mail *mail, FILE *out);

#endif
