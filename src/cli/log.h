// The verb log and its parts: all read the files of the audit log, and ask no daemon.
#ifndef SEKISHO_CLI_LOG_H
#define SEKISHO_CLI_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/verb.h"

#define LOG_FOLDER "/var/log/sekisho"

int log_verify(const struct cli *cli);
int log_head(const struct cli *cli);
int log_export(const struct cli *cli);

// Opens the folder of the segments: what was given, or its folder "audit".  -1: told on stderr.
int log_open(const char *folder);
const char *log_folder(const struct cli *cli, const char *argument); // may be NULL

// What to show; NULL and 0: everything.
struct log_filter {
	uint64_t since_usec, until_usec;
	const char *type, *zone, *flow, *actor;
};
// False: told on stderr.
bool log_filter_read(const struct cli *cli, struct log_filter *ret);
bool log_filter_takes(const struct log_filter *filter, const char *line, size_t length);

// "2026-11-26", "2026-11-26 14:00[:30]", "14:00" (today), "90m", "2h", "3d" (ago), or a record's
// own time.  0 or -EINVAL.
int log_moment(const char *text, uint64_t now_usec, uint64_t *ret_usec);

#endif
