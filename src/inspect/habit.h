// Habits of senders that a body may not want (src/inspect/profile.h: enum profile_sign), judged
// while a message passes: its header once it is complete, links and pages as they come.
//
// Of the rules that a recipient has, the first of a sign that fits decides about that sign; of
// links each is judged by itself.  What is refused for one recipient is refused for all.
#ifndef SEKISHO_INSPECT_HABIT_H
#define SEKISHO_INSPECT_HABIT_H

#include "event/mail_record.h"
#include "inspect/content_rule.h"
#include "inspect/habit_head.h"

enum { HABIT_MAPS_MAX = 4096 }; // names in links that are mapped to ASCII, of a message
#include "inspect/habit_page.h"
#include "inspect/smtp_reason.h"

struct habit;

// profile, audience and what envelope points to have to live as long.  0 or -ENOMEM.
int habit_new(const struct profile *profile, const struct audience *audience,
	      const struct habit_envelope *envelope, struct habit **ret);
void habit_free(struct habit *habit); // NULL is fine
size_t habit_memory(const struct habit *habit);

// The message's own header, as struct mime_sink has it; then its end.
void habit_field(struct habit *habit, const char *name, const char *raw, const char *shown);
void habit_header_end(struct habit *habit);

// Whether texts have to be read, and a reader for one.
bool habit_reads(const struct profile *profile);
void habit_page_begin(struct habit *habit, uint32_t part, struct habit_page *ret);

// SMTP_REASON_NONE, or why the message must not pass; then nothing more has to be fed.
enum smtp_reason habit_reason(const struct habit *habit);
// Of the rule that refused, or else of the first that had something recorded; or "".
const char *habit_clause(const struct habit *habit);
// A rule had something recorded, or marked.  The reason for which it would be refused, of the
// first; or NONE.
enum smtp_reason habit_recorded(const struct habit *habit);
// The value of the header line that marks the message ("look-alike, forwarded"), once its header is
// complete; NULL: none is to be added.
const char *habit_notice(const struct habit *habit);

// What was found, one row for each sign: as in struct mail_file, of which type is this, found the
// sign's word, name what shows it, and rule the number of the guard's rules about habits.
#define HABIT_ROW_TYPE "habit"
size_t habit_rows(const struct habit *habit, struct mail_file rows[PROFILE_SIGNS]);

// The first rule about a recipient's domain that counts for it, if by that he is refused; or NULL.
const struct profile_habit *habit_refuses_recipient(const struct profile *profile,
						    const struct audience_set *set);

// The header line's name.
#define HABIT_NOTICE_FIELD "X-Sekisho-Notice"

#endif
