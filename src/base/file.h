// Files that must be whole: written beside, flushed, renamed into place; read with a limit; and a
// check sum that tells a damaged one.
#ifndef SEKISHO_BASE_FILE_H
#define SEKISHO_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

int file_write_all(int fd, const void *bytes, size_t size);
// A memory file that nobody can write, cut or lengthen any more, for another process to map.
int file_seal(int fd);
// A new file of mode 0600, flushed to the disk; -EEXIST when there is one.
int file_store(int dir_fd, const char *name, const void *bytes, size_t size);
// Replaces the file in one step: a crash leaves the old one or the new one.
int file_replace(int dir_fd, const char *name, const void *bytes, size_t size);
// The whole file with a NUL after it, on the heap; -EFBIG past max.
int file_read(int dir_fd, const char *name, size_t max, char **ret_bytes, size_t *ret_size);
// FNV-1a: against damage, not against people (the state folder is root's alone).
uint64_t file_sum(const void *bytes, size_t size);
// Opens a folder, making it with this mode (and those above it with 0755) when missing.
int file_open_folder(const char *path, unsigned mode, int *ret_fd);
// The folder `name` of the folder `above`, with this mode and, where this process is root, this
// owner; both are made when missing.  Its path in out.
int file_give_folder(const char *above, const char *name, unsigned mode, uint32_t uid, uint32_t gid,
		     char *out, size_t size);
// Until it is closed; -EWOULDBLOCK: another process has had it for so many milliseconds.
int file_lock_folder(int fd, unsigned patience_ms);

#endif
