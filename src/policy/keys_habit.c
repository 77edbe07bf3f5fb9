// Keys of a guard for smtp about habits: what a message's header and pages say of its sender.
#include "policy/keys_private.h"

enum { HOPS_MAX = 1000, OUTSIDE_MAX = 1000 };

#define STRUCT struct pol_mail_habit
static const struct key mail_habit_keys[] = {
	{ LIST("from", from), .about = "Zones or zone/network of who sends; absent: all.",
	  .example = "[servers/store]" },
	{ TEXT("direction", direction), .word = WORD_CHOICE, .choices = CHOICES("in", "out"),
	  .about = "in: to an own domain; out: to others; absent: both.", .example = "out" },
	{ LIST("recipients", recipients),
	  .about = "Addresses, or domains for every address of theirs; absent: all.",
	  .example = "[plans@city.example.jp]" },
	{ LIST("senders", senders),
	  .about = "Addresses, or domains for every address of theirs, that the message says it is "
		   "from: its envelope, and From. A rule that allows fits only if all of these are "
		   "listed. Absent: all.",
	  .example = "[news.example.jp]" },
	{ BOOL("forwarded", forwarded),
	  .about =
		  "Messages that a rule of a mailbox sent on: fields that forwarding programs add; "
		  "of what goes out also a sender outside, and signs that it had come in before.",
	  .example = "true" },
	{ UINT("hops-over", hops_over), .min = 10, .max = HOPS_MAX,
	  .about =
		  "Messages that go round: more lines of Received, or Delivered-To of one of their "
		  "recipients.",
	  .example = "50" },
	{ UINT("outside-recipients-over", outside_over), .min = 1, .max = OUTSIDE_MAX,
	  .about = "Messages with more addresses of other domains in To and Cc, which all of their "
		   "recipients see.",
	  .example = "5" },
	{ WORDS("look-alike", look_alike), .word = WORD_CHOICE,
	  .choices = CHOICES("domain", "name", "own-domain", "envelope"),
	  .about =
		  "Senders that seem to be others, in any of these ways. domain: it resembles an own "
		  "domain (letters that look alike, one letter more, less or other, an own domain "
		  "within, another ending); name: the name shows an own domain or one of names, and "
		  "the address is outside; own-domain: From has an own domain, and the message comes "
		  "from nobody of senders; envelope: From is of another domain than the envelope.",
	  .example = "[domain, name]" },
	{ WORDS("names", names),
	  .about = "Words of names of senders, which nobody outside has: look-alike: name.",
	  .example = "[霞市長, 霞市役所]" },
	{ BOOL("link-differs", link_differs),
	  .about = "Links in HTML whose text shows one site and that lead to another.",
	  .example = "true" },
	{ LIST("link-domains", link_domains),
	  .about = "Links to these domains, or to what is below them, in HTML and in plain text. "
		   "With link-differs: only links that are both.",
	  .example = "[drive.google.com, dropbox.com]" },
	{ BOOL("active-content", active_content),
	  .about = "HTML with scripts, forms, event handlers, embedded pages and objects, "
		   "redirections, or links that hold a script or a page.",
	  .example = "true" },
	{ LIST("recipient-domains", recipient_domains),
	  .about =
		  "Recipients of these domains, or of what is below them. refuse: these recipients "
		  "are, and the others get the message.",
	  .example = "[gmail.com, yahoo.co.jp]" },
	{ TEXT("action", action), .word = WORD_CHOICE, .required = true,
	  .choices = CHOICES("refuse", "mark", "record", "allow"),
	  .about = "refuse: the sender gets 550 and why; mark: it passes with a header line more, "
		   "X-Sekisho-Notice, which says what was found (mode: proxy, and what the header "
		   "says only); record: it passes, and the record says what was found; allow: it "
		   "passes.",
	  .example = "refuse" },
	{ TEXT("clause", clause), .word = WORD_FREE,
	  .about = "Clause that demands it: records of messages that it decides cite it. Default: "
		   "of the flow's clauses, or else of all, the first that names in controls what "
		   "the record has as its control; else the first of the flow.",
	  .example = "\"61-1\"" },
};
const struct key_table keys_mail_habit = {
	.noun = "mail-habit",
	.about = "What becomes of messages with a certain habit: one of forwarded, hops-over, "
		 "outside-recipients-over, look-alike, links, active-content, recipient-domains.",
	.has_at = true,
	TABLE(mail_habit_keys),
};
#undef STRUCT
