// Files of messages that are opened by extractors, in an inspector: each goes to the gate as a
// memory file that nobody can change any more, and what was found comes back as a report, which is
// read as if a stranger had made it.  Nothing blocks; answers are told from aparts_take() and
// aparts_look() alone.
#ifndef SEKISHO_DAEMON_APARTS_H
#define SEKISHO_DAEMON_APARTS_H

#include "base/addr.h"
#include "inspect/apart.h"

enum {
	APARTS_MAX = 64,	   // with the gate at a time; whoever comes later is busy
	APARTS_OF_SOURCE_MAX = 16, // of one client's address
	APARTS_BYTES_MAX = 128 << 20,
	APARTS_ANSWER_MS = 90 * 1000, // the gate has to answer in; else the file was not read
};

struct aparts;
struct inspect_word_opens;

struct aparts_options {
	// To the gate, with a descriptor that stays aparts'; false: it cannot hear now.
	bool (*send)(void *arg, const struct inspect_word_opens *head, const void *bytes,
		     size_t size, int fd);
	void (*answer)(void *arg, void *owner, const struct apart_answer *answer);
	void *arg;
};

int aparts_new(const struct aparts_options *options, struct aparts **ret_aparts);

bool aparts_begin(struct aparts *aparts, void *owner, const struct addr *client,
		  const struct apart_job *job, uint64_t now_ms);
void aparts_drop(struct aparts *aparts, void *owner);
// What the gate says: a report of so many bytes in a file, which becomes aparts'; or an error.
void aparts_take(struct aparts *aparts, uint64_t serial, int error, int fd, size_t size);
void aparts_look(struct aparts *aparts, uint64_t now_ms);

#endif
