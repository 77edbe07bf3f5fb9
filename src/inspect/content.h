// What is in one message, and whether it may pass: fed with the message's bytes while they go by,
// it takes the parts out (mime), finds out what each file is (unpack) and asks the rules of the
// recipients.  The answer comes as soon as it is certain, at the latest with the end.
//
// Memory: a parser's (MIME_MEMORY_MAX), about 9 KB for each part that is open, what is to be
// recorded (46 KB at most), and whole archives and documents under two budgets.  An archive that is
// beyond the message's own is "unread"; when the process's is used up the message has to come again
// (451).
#ifndef SEKISHO_INSPECT_CONTENT_H
#define SEKISHO_INSPECT_CONTENT_H

#include "event/mail_record.h"
#include "inspect/content_rule.h"
#include "inspect/smtp_reason.h"

struct apart_answer;
struct apart_host;

enum {
	CONTENT_APART_MAX = 16,			  // files of one message that are opened elsewhere
	CONTENT_HEAD = 4096,			  // bytes of a file by which its kind is told
	CONTENT_KEPT_MAX = 32 * 1024 * 1024,	  // of one message, to be unpacked
	CONTENT_BUDGET_BYTES = 128 * 1024 * 1024, // of all messages of a process
	CONTENT_UNPACK_DEPTH = 8,
	// Of one message.  Packets wait meanwhile: it is a second of the processor at most.
	CONTENT_UNPACK_ENTRIES = 2000,
	CONTENT_UNPACK_BYTES = 48 * 1024 * 1024,
	CONTENT_UNPACK_EACH = 32 * 1024 * 1024,
	CONTENT_UNPACK_RATIO = 250,
};

struct content_budget { // shared by the messages of a process
	uint64_t used, most;
};

struct content;

struct habit_envelope;

// budget may be NULL: then only the message's own counts.  envelope may be NULL where there are no
// rules about habits.  profile, audience and what envelope points to have to live as long.  0,
// -ENOMEM, or -E2BIG: more rules than PROFILE_ATTACHMENTS_MAX.
int content_new(const struct profile *profile, const struct audience *audience,
		const struct habit_envelope *envelope, struct content_budget *budget,
		struct content **ret_content);
void content_free(struct content *content); // NULL is fine

// Bytes of the message as on the wire, dots still stuffed.  SMTP_REASON_NONE, or why it must not
// pass, as soon as that is certain.  Then nothing more has to be fed; what is counts only for the
// sum and the size of the file that was refused.
enum smtp_reason content_feed(struct content *content, const uint8_t *bytes, size_t n);
bool content_follows(const struct content *content); // ... and there is such a file
// Why the message has to be held, as soon as that is certain, if it may pass else; or NONE.  What
// comes may still be a reason to refuse it.
enum smtp_reason content_held(const struct content *content);
// All was fed.  What is needed for the record stays, all else is given back.
enum smtp_reason content_end(struct content *content);

// Files that only libarchive opens are given to host, and so is what holds them.  Without it they
// are opened here.
void content_open_apart(struct content *content, const struct apart_host *host, void *arg);
// What was found in one; SMTP_REASON_NONE, or why the message must not pass.
enum smtp_reason content_opened(struct content *content, const struct apart_answer *answer);
bool content_waits(const struct content *content); // for more of these

// No more of the message can be read.
void content_leave(struct content *content);

size_t content_memory(const struct content *content);

// For the record; files as in struct mail_record, valid until the next call.
size_t content_files(struct content *content, const struct mail_file **ret_files);
// Lines of the header, each with a NUL, for whoever decides about a message that is held; none
// where the profile holds nothing.  *ret_size: with all NULs.
const char *content_heading(const struct content *content, size_t *ret_size);
// Of the rule for which the message ends by this reason, or ""; valid as long as the profile.
const char *content_clause(const struct content *content, enum smtp_reason reason);
bool content_recorded(const struct content *content); // a rule had something recorded
// ... of habits: the reason for which it would be refused, or NONE.
enum smtp_reason content_habit(const struct content *content);
// The value of a header line that is to be added (habit.h), once the header is complete; or NULL.
const char *content_notice(const struct content *content);

#endif
