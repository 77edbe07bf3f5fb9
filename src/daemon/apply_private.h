// An apply under way, for the files that carry it out (daemon/apply*.c).
#ifndef SEKISHO_DAEMON_APPLY_PRIVATE_H
#define SEKISHO_DAEMON_APPLY_PRIVATE_H

#include "daemon/apply.h"
#include "daemon/differ.h"

struct apply {
	struct gate *gate;
	sd_event *event;
	struct child *compiler;
	struct compiler_command stand_in; // for the compiler; path NULL: none
	// Once it has answered, while its policy is compared with the running one:
	struct comparing *comparing;
	uint64_t compared_with;	  // generation; 0: none ran
	char compared_digest[65]; // of its policy
	struct report report;
	uint8_t *bytes;
	size_t size;
	int snapshot_fd;
	struct generation_about about;
	enum apply_what what;
	bool by_timer, granted, emergency, stored;
	char emergency_reason[REASON_MAX];
	uint64_t confirm_usec, started_us;
	apply_done *done;
	void *arg;
};

// Tells the record and whoever asked; the apply is gone.
void apply_finish(struct apply *apply, const struct apply_result *result);

int apply_map_snapshot(struct apply *apply, struct snapshot *ret, struct failure *failure);

// From what was compiled to what runs (daemon/apply_load.c): stored as a generation unless it is
// one already, committed, read back, made the gate's.  Takes over the report; bytes are those it
// was read from, for the store.  The apply is gone.
void apply_load(struct apply *apply, struct report *report, const uint8_t *bytes, size_t size);

#endif
