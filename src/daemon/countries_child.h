// The reader of a database of countries: a process of its own, without rights, that turns the copy
// of a file into a table (geo/mmdb.h, geo/table.h).  Nobody else touches such a file.
#ifndef SEKISHO_DAEMON_COUNTRIES_CHILD_H
#define SEKISHO_DAEMON_COUNTRIES_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/child.h"

// The private argument with which sekishod runs itself; countries_main() is then all of main().
#define COUNTRIES_ARGUMENT "--countries"

enum { COUNTRIES_CHILD_TIMEOUT_MS = 30 * 1000 };

// The child's main: the copy on descriptor 3, whom to become on 4; its answer to 5 is a table's
// block, or '!' and why there is none.
int countries_main(void);

// copy_fd: of mmdb_copy(); stays the caller's.
int countries_child_start(sd_event *event, int copy_fd, uint32_t uid, uint32_t gid,
			  child_done *done, void *arg, struct child **ret_child);

#endif
