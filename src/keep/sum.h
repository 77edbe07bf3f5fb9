// BLAKE2b-256 of files (RFC 7693), in the hexadecimal digits that "b2sum -l 256" prints.
#ifndef SEKISHO_KEEP_SUM_H
#define SEKISHO_KEEP_SUM_H

#include <stddef.h>
#include <stdint.h>

enum { SUM_BYTES = 32, SUM_TEXT_MAX = 2 * SUM_BYTES + 1 };

void sum_bytes(const void *bytes, size_t size, char out[SUM_TEXT_MAX]);
// From the file's beginning to its end; its position is then at the end.  0 or a negative errno.
int sum_file(int fd, char out[SUM_TEXT_MAX], uint64_t *ret_size);

#endif
