// Keys of a guard for smtp about mass mail: what is counted, and what stops.
#include "policy/keys_private.h"

enum { SOURCES_MAX = 200, TIMES_MAX = 1000, AT_LEAST_MAX = 1000000 };

#define STRUCT struct pol_mail_mass
static const struct key mail_mass_keys[] = {
	{ TEXT("by", by), .word = WORD_CHOICE, .required = true,
	  .choices = CHOICES("source", "sender", "zone", "direction"),
	  .about = "What is counted, each by itself: source, an IPv4 address or the /64 of an IPv6 "
		   "one; sender, the address that a message names; zone, that of the client; or "
		   "direction.",
	  .example = "source" },
	{ TEXT("direction", direction), .word = WORD_CHOICE, .choices = CHOICES("in", "out"),
	  .about = "in: to an own domain; out: to others; absent: both.", .example = "out" },
	{ TEXT("over", over), .word = WORD_RATE, .required = true, .choices = CHOICES("learned"),
	  .about = "How much may pass in a time; what comes beyond is mass mail. learned: times "
		   "what the busiest hour of the last 14 days had, of what is counted.",
	  .example = "200/h" },
	{ UINT("times", times), .min = 2, .max = TIMES_MAX,
	  .about = "learned: how many times. Default: 5.", .example = "5" },
	{ UINT("at-least", at_least), .min = 1, .max = AT_LEAST_MAX,
	  .about = "learned: so much may pass in an hour however little is usual.",
	  .example = "100" },
	{ TEXT("count", count), .word = WORD_CHOICE, .choices = CHOICES("messages", "recipients"),
	  .about = "Default: messages.", .example = "recipients" },
	{ UINT("sources", sources), .min = 2, .max = SOURCES_MAX,
	  .about = "No network (an IPv4 /24, an IPv6 /48) counts for more than its share, over "
		   "divided by this, so that it takes so many networks to reach it. Needed where "
		   "mail from outside could stop more than its own source.",
	  .example = "20" },
	{ TEXT("action", action), .word = WORD_CHOICE, .choices = CHOICES("stop", "alarm"),
	  .about = "stop (the default): answered with 451, so that queues keep it; alarm: told in "
		   "the audit log, and nothing stops.",
	  .example = "alarm" },
	{ TEXT("stops", stops), .word = WORD_CHOICE,
	  .choices = CHOICES("source", "sender", "zone", "direction", "all"),
	  .about = "What is stopped: what was counted (the default), or more.", .example = "all" },
	{ TEXT("for", duration), .word = WORD_NAME,
	  .about = "How long it stops, or until-resumed. Default: 1h.", .example = "30m" },
};
const struct key_table keys_mail_mass = {
	.noun = "mail-mass",
	.about =
		"A limit beyond which mail is mass mail. What a guard or the server refused counts "
		"against its source alone.",
	.has_at = true,
	TABLE(mail_mass_keys),
};
#undef STRUCT
