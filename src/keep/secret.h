// Random keys of the box: files of keys/ in the state folder, mode 0600, made when first wanted.
#ifndef SEKISHO_KEEP_SECRET_H
#define SEKISHO_KEEP_SECRET_H

#include <stddef.h>
#include <stdint.h>

// 0 or a negative errno: -EPERM (others than its owner may read it), -EBADMSG (it is no key of that
// size).
int secret_open(int state_fd, const char *name, uint8_t *ret_bytes, size_t size);

#endif
