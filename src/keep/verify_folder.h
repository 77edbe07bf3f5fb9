// Verifying the files of a folder.
#ifndef SEKISHO_KEEP_VERIFY_FOLDER_H
#define SEKISHO_KEEP_VERIFY_FOLDER_H

#include "keep/verify.h"

// Gives every segment of the folder to verify_line(); the caller ends with verify_end().  0, or a
// negative errno: a file could not be read.
int verify_folder(int dir_fd, struct verify *verify);
// Names of files that stood in a segment's place and that the writer put aside: no part of the log.
void verify_put_aside(int dir_fd, void (*each)(void *arg, const char *name), void *arg);
// Every public key of a folder: audit.pub, and audit.pub.ID of keys before it.  How many.
size_t verify_keys(int dir_fd, struct key_public keys[VERIFY_KEYS_MAX]);

#endif
