// What the files of inspection share.
#ifndef SEKISHO_DAEMON_INSPECTION_PRIVATE_H
#define SEKISHO_DAEMON_INSPECTION_PRIVATE_H

#include "daemon/inspection.h"
#include "daemon/inspection_wire.h"
#include "kernel/queue.h"

// A child that is started again and again.
struct inspection_child {
	pid_t pid; // 0: none
	int socket;
	sd_event_source *readable;
	uint64_t started_ms, heard_ms, ended_ms;
	bool ready;
	unsigned short_lives; // in a row
	uint64_t restarts;
};

struct inspector_post {
	struct inspection *inspection;
	struct inspection_child child;
	uint64_t serial;
	uint64_t generation;			  // whose policy it has; 0: none
	bool at_work;				  // the ferry knows its lane
	bool stops_due;				  // it had no room for them
	int lane, bell, ferry_bell;		  // kept until then; -1
	struct inspector_numbers numbers, before; // of this one; of those before it
	uint64_t lost, lost_before;
};

struct inspection {
	struct gate *gate;
	sd_event *event;
	sd_event_source *timer, *nap;
	struct inspection_child ferry;
	struct ferry_numbers numbers, numbers_before;
	struct inspector_post posts[INSPECTION_INSPECTORS_MAX];
	uint32_t n;
	uint64_t serials;
	bool wanted; // the policy has guards
	bool stale;  // its countries changed
	uint64_t generation;
	int snapshot, countries;       // of that policy; -1
	char why[INSPECTION_TEXT_MAX]; // the last failure, while it lasts
	// Queues
	struct queue_state queue, held; // as they were last
	uint64_t dropped, dropped_told; // by the kernel, since the daemon began
	uint64_t full_ms, told_ms;
	uint64_t troubles, troubles_untold, troubles_ms;
	unsigned troubles_left;
	inspection_taker *taker;
	const struct mail_stops *stops; // NULL: none ever were
	void *taker_arg;
};

// --- daemon/inspection_child.c

// Starts this program as a child with its end of a socket pair on INSPECTION_SOCKET and these
// descriptors after it.  0 with pid and socket.
int inspection_spawn(const char *argument, const int *fds, size_t n_fds, pid_t *ret_pid,
		     int *ret_socket);
// How one that closed its socket has ended, in words.
const char *inspection_child_how(const struct inspection_child *child,
				 char out[INSPECTION_TEXT_MAX]);
void inspection_child_end(struct inspection_child *child);

// --- daemon/inspection_tell.c

void inspection_tell_restart(struct inspection *inspection, const char *who, uint64_t restarts,
			     const char *why);
void inspection_tell_trouble(struct inspection *inspection,
			     const struct inspect_word_trouble *word);
// Looks at the kernel's queues, and keeps the problem of the status.
void inspection_look(struct inspection *inspection, uint64_t now_ms);
struct inspector_numbers inspection_sum(const struct inspection *inspection);

#endif
