// What is known of a held message beside the message: who sent it, why it is held, what was decided
// by whom, and what servers said of it since.  On the disk it is one encrypted block.
#ifndef SEKISHO_KEEP_HELD_META_H
#define SEKISHO_KEEP_HELD_META_H

#include "event/held_wire.h"
#include "keep/held_body.h"

enum held_state {
	HELD_WAITS,	// for a decision
	HELD_RELEASED,	// the gate delivers it
	HELD_DELIVERED, // from here on the message itself is gone
	HELD_REJECTED,
	HELD_EXPIRED,
	HELD_STATE_COUNT,
};
const char *held_state_word(enum held_state state); // "waits", "released" ...
static inline bool held_has_body(enum held_state state)
{
	return state <= HELD_RELEASED;
}

enum { HELD_NAME_MAX = 128, HELD_REASON_MAX = 512, HELD_REPLY_MAX = 256 };

struct held_person { // who said something; us 0: nobody
	uint64_t us;
	uint32_t uid, login_uid;
	char name[HELD_NAME_MAX];
	char reason[HELD_REASON_MAX];
};

struct held_fate { // of a recipient
	bool done; // the server has it, or has refused it for good
	uint16_t code;
	char reply[HELD_REPLY_MAX]; // the server's, or why there is none
};

struct held_meta {
	uint64_t number;
	enum held_state state;
	uint64_t held_us, expires_us, ended_us;
	struct held_sum sum;
	uint8_t fingerprint[16]; // of message and envelope
	struct held_person asked, decided;
	uint32_t tries;
	uint64_t tried_us, next_us;   // of deliveries; next 0: none
	char trouble[HELD_REPLY_MAX]; // of the last one as a whole, or ""
	// Owned: the envelope as it came, and what it says.
	uint8_t *bytes;
	size_t size;
	struct held_envelope envelope;
	struct held_fate *fates; // envelope.n_lines - 1 of them
};

enum { HELD_META_MAX = HELD_WIRE_MAX + HELD_RECIPIENTS_MAX * (HELD_REPLY_MAX + 8) + 8192 };

// Takes a copy of an envelope.  0, -ENOMEM, or -EBADMSG: it is none.
int held_meta_set(struct held_meta *meta, const uint8_t *envelope, size_t size);
void held_meta_done(struct held_meta *meta);

// The line of a recipient, from 0; "<x@city.example.jp> NOTIFY=NEVER".
const char *held_meta_line(const struct held_meta *meta, uint32_t recipient);

// Encrypted bytes on the heap, and back.  -EBADMSG: damaged, of another number or another key.
int held_meta_seal(const struct held_key *key, const struct held_meta *meta, uint8_t **ret_bytes,
		   size_t *ret_size);
int held_meta_open(const struct held_key *key, uint64_t number, const uint8_t *bytes, size_t size,
		   struct held_meta *ret);

#endif
