// From the mail guards of a plan to what the inspectors are given (inspect/profile.h).
#ifndef SEKISHO_DAEMON_MAIL_PROFILE_H
#define SEKISHO_DAEMON_MAIL_PROFILE_H

#include "base/arena.h"
#include "inspect/profile.h"
#include "plan/plan.h"

// A profile for every guard for smtp that a flow has, and its flows by number.  Everything lives in
// the arena, nothing points into the plan; a plan without such a guard gives no flows.  The
// addresses are those of the plan: with networks by country, of its table of them.  0.
int mail_profiles_make(const struct plan *plan, struct arena *arena, struct profiles *ret);

#endif
