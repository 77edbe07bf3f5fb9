// What other verbs use of isolate.
#ifndef SEKISHO_CLI_ISOLATE_H
#define SEKISHO_CLI_ISOLATE_H

#include <stdint.h>

// "2h".  0, or -EINVAL: told on stderr.
int isolate_seconds(const char *text, uint64_t *ret);

#endif
