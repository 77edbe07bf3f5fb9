// The keeper: the process that writes the audit log, without rights, and the gate's side of it.
//
// Events are queued here, sent in batches, and acknowledged once they are on the disk.  What is not
// acknowledged stays in the queue: a keeper that dies is started again and gets it anew, but for
// what the dead one had written.  The queue is bounded; what does not fit is counted, and the count
// is written as soon as there is room.  Nothing here waits but keeper_flush() and keeper_ask().
#ifndef SEKISHO_DAEMON_KEEPER_H
#define SEKISHO_DAEMON_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "daemon/failure.h"
#include "event/event.h"
#include "keep/audit.h"

enum {
	KEEPER_QUEUE_BYTES = 8 * 1024 * 1024,
	KEEPER_QUEUE_RESERVE = 1024 * 1024, // of it, for what persons and the gate do
	KEEPER_ASK_MS = 1000,
	KEEPER_ASK_AGAIN_MS = 50,
	KEEPER_HANG_USEC = 10 * 1000000, // without an answer, it is ended
};

// The private argument with which sekishod runs itself.
#define KEEPER_ARGUMENT "--keep"
int keeper_main(void);

struct keeper;

struct keeper_options {
	const char *folder; // of the log; made when it is missing
	uint32_t uid, gid;  // what the keeper becomes; the folder's owner
	int state_fd;	    // where the key is, and what is known of the newest record
	// Called when what it can do has changed (keeper_error()), or it was started again.
	void (*changed)(void *arg);
	// Something was noticed that is in the log already, and is to be told elsewhere.
	void (*trouble)(void *arg, const char *text);
	// A newly signed record.
	void (*signed_)(void *arg, const struct chain *checkpoint);
	void *arg;
};

// event may be NULL: then nothing happens but in keeper_flush() and keeper_ask().
// -errno with failure: there is no keeper at all (no key, no folder).
int keeper_start(sd_event *event, const struct keeper_options *options, struct failure *failure,
		 struct keeper **ret_keeper);
// Ends the keeper after it has written what it can within a second.  NULL is fine.
void keeper_stop(struct keeper *keeper);

// Queues one event: the body of its record.  False: there was no room, and it is counted.
bool keeper_put(struct keeper *keeper, enum event_kind kind, const char *body, size_t size);
// Events that had no room and of which no record tells yet; and that one does now.
uint64_t keeper_lost(const struct keeper *keeper);
void keeper_lost_told(struct keeper *keeper, uint64_t events);
void keeper_set_limits(struct keeper *keeper, const struct audit_limits *limits);

// Waits until all that was put is on the disk: 0; -ETIMEDOUT; or what keeps the keeper from it.
int keeper_flush(struct keeper *keeper, int timeout_ms);
// Asks how it is now, after all that was put was tried: the same as keeper_error() afterwards.
int keeper_ask(struct keeper *keeper);
// 0, or why nothing can be written: what the disk says, or -EPIPE (no keeper), -ETIMEDOUT (it
// does not answer).
int keeper_error(const struct keeper *keeper);

struct keeper_numbers {
	uint64_t put, durable, waiting, lost; // events, since the daemon began
	uint64_t restarts;
	struct chain end, checkpoint; // as far as is known
	int pid;
};
void keeper_numbers(const struct keeper *keeper, struct keeper_numbers *ret);

#endif
