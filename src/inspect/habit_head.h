// What the header of a message says of its way and its sender, as far as rules about habits ask:
// fed field by field, only grows.
#ifndef SEKISHO_INSPECT_HABIT_HEAD_H
#define SEKISHO_INSPECT_HABIT_HEAD_H

#include "inspect/profile.h"

enum {
	HABIT_EVIDENCE_MAX = 160 + 1,
	HABIT_FROM_MAX = 100,	     // mailboxes of From; more are as a name that misleads
	HABIT_OUTSIDE_MAX = 1000,    // distinct addresses that are counted
	HABIT_ADDRESS_MAX = 320 + 1, // longer ones are cut
	HABIT_ALIKES = 5,	     // bits PROFILE_ALIKE_..., and words
};

// What is known without the message.
struct habit_envelope {
	const char *sender; // as the client gave it; "": none
	bool inside;	    // the client may send to any domain
	bool exempt;	    // it may name senders of own domains
	bool marks;	    // a header line can be added; else what is to be marked is recorded
	// Whether a recipient that the server took has this address, in lower case.
	bool (*names)(void *arg, const char *address);
	void *arg;
};

struct habit_head {
	const struct profile *profile;
	const struct habit_envelope *envelope;
	// Rules by their senders: any of the message's is listed, all are.
	uint64_t any_sender, all_senders;
	unsigned alike;		  // bits PROFILE_ALIKE_...
	uint64_t words;		  // of names in From whose address is outside
	uint32_t n_from, n_other; // mailboxes of From; of Sender and Reply-To
	uint32_t n_received;
	bool ours;	   // From or Sender has an address of ours
	bool our_list;	   // List-Id is of ours
	bool sent_on;	   // a field that forwarders add
	bool came_in;	   // it had come to an address of ours before
	bool loop;	   // ... to one of its recipients
	uint64_t *outside; // hashes of addresses in To, Cc and the like
	uint32_t n_outside;
	bool failed; // no memory
	// The first of what shows each of these.
	char alike_what[HABIT_ALIKES][HABIT_EVIDENCE_MAX];
	char sent_what[HABIT_EVIDENCE_MAX], came_what[HABIT_EVIDENCE_MAX],
		loop_what[HABIT_EVIDENCE_MAX];
};

void habit_head_begin(struct habit_head *head, const struct profile *profile,
		      const struct habit_envelope *envelope);
// As struct mime_sink has it.
void habit_head_field(struct habit_head *head, const char *name, const char *raw,
		      const char *shown);
void habit_head_done(struct habit_head *head);
size_t habit_head_memory(const struct habit_head *head); // beside itself

// Whether it looks as if a mailbox's rule had sent it outside: by fields that forwarders add, or
// because it came in before, or because neither From nor the envelope is of ours.
bool habit_head_is_sent_out(const struct habit_head *head, const char **ret_what);

#endif
