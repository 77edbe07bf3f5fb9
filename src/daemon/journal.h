// Where events go: the journal with their fields when it holds our standard error, else one JSON
// line each, to a file or to standard error; and to the audit log.
#ifndef SEKISHO_DAEMON_JOURNAL_H
#define SEKISHO_DAEMON_JOURNAL_H

#include <stdint.h>

#include "daemon/failure.h"
#include "event/event.h"

struct journal;
struct keeper; // daemon/keeper.h

// path: a file to append to, or NULL.
int journal_open(const char *path, struct journal **ret_journal);
void journal_close(struct journal *journal); // NULL is fine

void journal_write(struct journal *journal, const struct event *event);
// An event of one failure, one line.
void journal_failed(struct journal *journal, const struct failure *failure);
uint64_t journal_now_usec(void);

// From now on every event goes to the audit log too.  NULL: no longer.
void journal_keep(struct journal *journal, struct keeper *keeper);
// Waits until every event written so far is on the disk, in the audit log.  0, or also 0 when there
// is none; -ETIMEDOUT; or a negative errno that says why it cannot be written.
int journal_flush(struct journal *journal, int timeout_ms);
// Compares the clocks, and records what became of the wall clock.  Every event does so too.
void journal_look_at_clock(struct journal *journal);

#endif
