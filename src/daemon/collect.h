// Gathering the evidence of an incident: a child of its own, so that neither a slow disk nor a
// large table holds up the gate.  It may read the kernel's tables and write into the incident's
// folder; of root's rights it keeps no others.
//
// Its descriptors: 3 the incident's folder, 4 the folder of the audit log (or /dev/null), 5 the
// capture as the ring gave it (daemon/ring.h), 6 a pipe whose end says that the capture is
// complete, 7 its answer: a JSON array with an object for each part that it tried:
//
//	{ "part": "ruleset", "file": "ruleset.txt", "bytes": 4711, "blake2b": "…", "ms": 12,
//	  "note": "3 tables, 80 rules" }
//	{ "part": "log", "error": "No space left on device", "ms": 3 }
#ifndef SEKISHO_DAEMON_COLLECT_H
#define SEKISHO_DAEMON_COLLECT_H

#include <systemd/sd-event.h>

#include "daemon/child.h"

#define COLLECT_ARGUMENT "--collect"

enum {
	COLLECT_TIMEOUT_MS = 60 * 1000,
	COLLECT_CAPTURE_WAIT_MS = 5 * 1000,
	COLLECT_FILE_BYTES_MAX = 128 * 1024 * 1024, // of one part
	COLLECT_ANSWER_MAX = 64 * 1024,
};

struct collect_job {
	int folder_fd;	// of the incident
	int log_fd;	// -1: none
	int capture_fd; // a memory file, empty as yet; -1: none
	int ready_fd;	// the pipe's end to read; -1: the capture is complete
};

// The descriptors stay the caller's.
int collect_start(sd_event *event, const struct collect_job *job, child_done *done, void *arg,
		  struct child **ret_child);

struct json_object;
// The answer, checked.  NULL: it is none.
struct json_object *collect_read_answer(const void *bytes, size_t size);

int collect_main(void); // of the child

#endif
