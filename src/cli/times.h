// Times as people write them on the command line.
#ifndef SEKISHO_CLI_TIMES_H
#define SEKISHO_CLI_TIMES_H

#include <stdint.h>

// "120s", "5m", "2h", "90" (seconds), "off" (0).  0 or -EINVAL.
int times_duration(const char *text, uint64_t *ret_seconds);
// Local time: "2026-12-01 02:00", "2026-12-01T02:00:30", or "02:00" for the next time it is that
// late.  0 or -EINVAL.
int times_moment(const char *text, uint64_t *ret_usec);

#endif
