// What opens, closes and changes between two policies, found out in a child without rights
// (daemon/child.h): two snapshots in, rows out (plan/diff.h says what they mean).
//
// Rows are read as if an enemy had written them: only the fields named here, of the lengths that
// control/field.h allows.
#ifndef SEKISHO_DAEMON_DIFFER_H
#define SEKISHO_DAEMON_DIFFER_H

#include "control/field.h"
#include "daemon/child.h"
#include "daemon/gate.h"

enum {
	DIFFER_BYTES_MAX = 24 * 1024 * 1024, // of rows; further ones are counted as omitted
	DIFFER_FIELDS_MAX = 1024 * 1024,
};

// The private arguments with which sekishod runs itself: two snapshots on descriptors 3 and 4 and
// the answer to 5; or, when there is nothing to compare with, one on 3 and the answer to 4.
#define DIFFER_ARGUMENT	      "--compare"
#define DIFFER_FIRST_ARGUMENT "--compare-first"

struct differ_result {
	const struct failure *failure; // NULL: fine
	// Row 0 (CTL_DIFF_TAGS): the whole change; with CTL_ERRORS above 0 one of the policies has
	// faults, and the other rows are diagnostics; else each is a difference
	// (CTL_DIFFERENCE_TAGS).  NULL with failure.
	const struct control_rows *rows;
};

// Called once, from the event loop, with what lives only during the call.
typedef void differ_done(void *arg, const struct differ_result *result);

// Snapshots stay the caller's and are only used during the call; before_fd -1: nothing ran before,
// so everything opens.  countries_fd: of countries_input_write().  0 with *ret_comparing, or a
// negative errno.
struct comparing;
int differ_start(sd_event *event, int before_fd, int after_fd, int countries_fd, differ_done *done,
		 void *arg, struct comparing **ret_comparing);
void differ_cancel(struct comparing *comparing); // done is not called; NULL is fine

// A snapshot to compare: of a folder, whose places begin with name; of a stored generation.
// SK_GENERATION_UNKNOWN (-ENOENT) when that is not kept.
int differ_snapshot(const struct gate *gate, int dir_fd, const char *name, struct failure *failure,
		    int *ret_fd);
int differ_snapshot_generation(const struct gate *gate, uint64_t number, struct failure *failure,
			       int *ret_fd);

// "light", "normal", "heavy" of the whole change.
const char *differ_weight(const struct control_rows *rows);
// The zones that the differences name, each once; at most max.  Returns how many there are.
size_t differ_zones(const struct control_rows *rows, const char **ret, size_t max);
// Is there a difference of this subject, such as "section approval"?
bool differ_has(const struct control_rows *rows, const char *subject);

// Checks and reads an answer.  0 or -EBADMSG, -E2BIG, -ENOMEM.
int differ_read(const void *bytes, size_t size, struct control_rows *ret);

// The child's side.
int differ_main(bool first);

#endif
