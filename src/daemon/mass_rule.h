// What the running policy says of mass mail, row by row, as the compiler's report has it: lines of
// a guard, numbers, and words for people.
#ifndef SEKISHO_DAEMON_MASS_RULE_H
#define SEKISHO_DAEMON_MASS_RULE_H

#include <stddef.h>
#include <stdint.h>

#include "plan/guard.h"

enum { MASS_GUARD_MAX = 64, MASS_WORDS_MAX = 400, MASS_RULES_MAX = 256 };

struct mass_rule {
	char guard[MASS_GUARD_MAX];
	struct plan_mail_mass limit;
	unsigned directions;	    // MAIL_IN, MAIL_OUT
	uint64_t hash;		    // of the line: another row is another hash
	char words[MASS_WORDS_MAX]; // "over 200 messages an hour by source: ..."
};

// A line without its end.  0, or -E2BIG.
int mass_rule_write(const char *guard, const struct plan_mail_mass *limit, char *out, size_t size);
int mass_rule_read(const char *line, struct mass_rule *ret); // 0, or -EBADMSG

#endif
