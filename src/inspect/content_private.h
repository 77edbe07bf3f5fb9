// What the files of the judge of a message share.
#ifndef SEKISHO_INSPECT_CONTENT_PRIVATE_H
#define SEKISHO_INSPECT_CONTENT_PRIVATE_H

#include <sodium.h>

#include "inspect/content.h"
#include "inspect/content_heading.h"
#include "inspect/content_rows.h"
#include "inspect/habit.h"
#include "mime/mime.h"
#include "proto/smtp_data.h"
#include "unpack/prose.h"
#include "unpack/unpack.h"

enum {
	READINGS = 2,
	// What a text is, and need not be told of it.
	OF_TEXT = UNPACK_TEXT | UNPACK_HTML | UNPACK_SCRIPT | UNPACK_MAIL | UNPACK_MISLEADING,
};

struct reading {
	crypto_hash_sha256_state hash;
	uint64_t size;
	uint32_t n_head;
	bool keeps, lost; // lost: it was too large to be kept
	uint8_t *kept;
	size_t n_kept, room;
	uint8_t head[CONTENT_HEAD];
};

struct hand {
	struct hand *below; // which began before it
	const struct mime_part *part;
	struct content_rules out; // rules that never fit
	struct content_facts facts;
	enum unpack_limit limit;
	bool read;	    // as a message: its parts are judged
	uint64_t next_size; // at which another rule may fit
	uint32_t row;
	struct reading *readings[READINGS];
	uint32_t apart[READINGS]; // numbers of those that are opened elsewhere; 0: none
	struct mime_part *own;	  // its part, when the parser has forgotten that
	struct prose *text;	  // that is looked through for words
	struct habit_page *pages; // its readings, where links are looked for
};

struct content {
	const struct profile *profile;
	const struct audience *audience;
	struct content_budget *budget;
	struct mime *mime;
	struct smtp_unstuff unstuff;
	struct hand *hands, *waiting; // waiting: for what is found elsewhere
	const struct apart_host *apart;
	void *apart_arg;
	uint32_t n_apart;	 // files given away so far
	uint32_t n_hands, early; // doubts told before their part
	struct content_sums sums;
	uint64_t next_sum;
	struct content_rules armed;
	struct habit *habit;		// NULL: there are no rules about any
	struct content_heading heading; // where a message may be held
	bool headed;			// the message's header is over
	bool told;			// rows of habits were added
	size_t kept;			// bytes of room for what is to be unpacked
	uint64_t unpacked;		// bytes of entries so far
	uint32_t n_unpacked;		// entries
	struct content_rows rows;
	bool recorded;
	enum smtp_reason reason;
	int rule; // that refused
	enum smtp_reason held;
	int held_rule;
	struct hand *guilty; // the file that it refused, until that is over
};

static inline bool content_over(const struct content *content)
{
	return content->reason != SMTP_REASON_NONE;
}

struct judged { // the strictest of all recipients'
	enum mail_file_action action;
	int rule;
};

// --- content_judge.c

struct judged content_judge(struct content *content, const struct content_rules *out,
			    const struct content_facts *facts);

// --- content.c

void content_refuse(struct content *content, int rule, const struct content_facts *facts);
void content_hold(struct content *content, int rule, enum smtp_reason reason);
// hand: the file with which the sums grew.
void content_look_at_sums(struct content *content, struct hand *hand);

// Once more, for something of the file in hand has changed.
void content_judge_hand(struct content *content, struct hand *hand);
void content_fail(struct content *content);

// --- content_bytes.c

// By the first bytes, under every name that it could have.
uint32_t content_kinds_of(const struct hand *hand, const uint8_t *head, size_t n);
// like: the other reading up to here, or NULL.  NULL: no memory.
struct reading *content_new_reading(struct content *content, const struct reading *like);
void content_take(struct content *content, struct hand *hand, struct reading *reading,
		  const uint8_t *bytes, size_t n);
void content_finish_reading(struct content *content, struct hand *hand, struct reading *reading);
void content_drop_kept(struct content *content, struct reading *reading);

// The file is over, and all of it is known.  False: it stays, since it was refused.
bool content_finish_hand(struct content *content, struct hand *hand);
void content_free_hand(struct content *content, struct hand *hand); // in no list any more

// --- content_entries.c

// What is in an archive or document that was kept whole.  *ret_apart: the number under which
// somebody else tells it; 0: it was told.
void content_unpack(struct content *content, struct hand *hand, const struct reading *reading,
		    uint32_t *ret_apart);
// Somebody else has told it.
void content_unpacked(struct content *content, struct hand *hand,
		      const struct apart_answer *answer);

// --- content_apart.c

uint32_t content_apart_begin(struct content *content, const struct hand *hand,
			     const struct unpack_file *file, const struct unpack_bounds *bounds);
// It waits; false: no memory.
bool content_apart_keep(struct content *content, struct hand *hand);
// Nothing that is found counts any more.
void content_apart_leave(struct content *content);

#endif
