// What the files of inspection share.
#ifndef SEKISHO_DAEMON_INSPECTION_PRIVATE_H
#define SEKISHO_DAEMON_INSPECTION_PRIVATE_H

#include "daemon/inspection.h"
#include "daemon/inspection_wire.h"
#include "daemon/porter_wire.h"
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
	bool porter_knows;			  // that it is there
	int lane, bell, ferry_bell;		  // kept until then; -1
	struct inspector_numbers numbers, before; // of this one; of those before it
	uint64_t lost, lost_before;
};

struct porter_post {
	struct inspection_child child;
	struct porter_numbers numbers, before;
	bool wanted;   // the policy has flows in proxy mode
	bool routed;   // the routes were made, or found
	bool unrouted; // and taken away again
	bool limit_told;
	int error; // why they could not be made, while it lasts
	uint64_t looked_ms, mended;
};

struct inspection {
	struct gate *gate;
	sd_event *event;
	sd_event_source *timer, *nap;
	struct inspection_child ferry;
	struct ferry_numbers numbers, numbers_before;
	struct porter_post porter;
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
	struct extraction *extractions; // for inspectors, in the order in which they were asked for
	uint64_t extractions_bytes, extractors_failed;
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

// --- daemon/inspection.c

// why NULL: it is not wanted any more.
void inspection_end_inspector(struct inspector_post *post, const char *why);

// --- daemon/inspection_porter.c

bool inspection_has_proxies(const struct ruleset *ruleset);
void inspection_porter_init(struct inspection *inspection);
// Before rules that need it: routes, and the porter.
void inspection_porter_prepare(struct inspection *inspection);
// Whether the rules need none, or it is at work.
bool inspection_porter_is_ready(const struct inspection *inspection);
void inspection_porter_hear(struct inspection *inspection);
// What the rules need now.  Starts, ends, and mends.
void inspection_porter_follow(struct inspection *inspection, bool wanted, uint64_t now_ms);
void inspection_porter_end(struct inspection *inspection, const char *why);
// An inspector begins to take connections, or is gone.
void inspection_porter_meet(struct inspector_post *post);
void inspection_porter_part(struct inspector_post *post);
// Why proxied connections do not pass; NULL: they do, or there are none.
const char *inspection_porter_lacks(const struct inspection *inspection, uint64_t now_ms,
				    uint64_t patience_ms);
void inspection_porter_put_status(const struct inspection *inspection,
				  struct control_writer *reply);
bool inspection_may_start(const struct inspection_child *child, uint64_t now_ms);

// --- daemon/inspection_apart.c

// A file for an extractor; false: it makes no sense.  The descriptors stay the caller's.
bool inspection_apart_take(struct inspector_post *post, const struct inspect_word_opens *head,
			   const char *bytes, size_t n, const int *fds, size_t n_fds);
void inspection_apart_forget(struct inspector_post *post); // what that inspector asked for

// --- daemon/inspection_tell.c

void inspection_tell_extractor(struct inspection *inspection, const char *why);

void inspection_tell_restart(struct inspection *inspection, const char *who, uint64_t restarts,
			     const char *why);
void inspection_tell_trouble(struct inspection *inspection,
			     const struct inspect_word_trouble *word);
// Looks at the kernel's queues, and keeps the problem of the status.
void inspection_look(struct inspection *inspection, uint64_t now_ms);
void inspection_add_numbers(struct inspector_numbers *sum, const struct inspector_numbers *more);

#endif
