// The end of the audit log, as evidence: its records since a moment, as they stand there.
#ifndef SEKISHO_DAEMON_COLLECT_LOG_H
#define SEKISHO_DAEMON_COLLECT_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// folder_fd: of the segments (keep/segment.h).  Lines that are no records are taken too, after the
// first that is one.  0 with how many lines, or a negative errno.
int collect_log(int folder_fd, uint64_t from_usec, FILE *out, size_t *ret_lines);

// Of a record's time, "2026-11-26T15:47:20.123456+09:00" or with Z: seconds since 1970; 0: no time.
uint64_t collect_log_seconds(const char *text, size_t length);

#endif
