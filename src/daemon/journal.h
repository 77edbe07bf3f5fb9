// Where events go: the journal with their fields when it holds our standard error, else one JSON
// line each, to a file or to standard error.
#ifndef SEKISHO_DAEMON_JOURNAL_H
#define SEKISHO_DAEMON_JOURNAL_H

#include <stdint.h>

#include "daemon/failure.h"
#include "event/event.h"

struct journal;

// path: a file to append to, or NULL.
int journal_open(const char *path, struct journal **ret_journal);
void journal_close(struct journal *journal); // NULL is fine

void journal_write(struct journal *journal, const struct event *event);
// An event of one failure, one line.
void journal_failed(struct journal *journal, const struct failure *failure);
uint64_t journal_now_usec(void);

#endif
