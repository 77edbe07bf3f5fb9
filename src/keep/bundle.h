// An incident as one file for others: a tar (POSIX.1-2001) of all its files, README.txt in English
// and Japanese, MANIFEST with the BLAKE2b-256 of each in the form of "b2sum -l 256", MANIFEST.sig
// by the key of the audit log, and audit.pub.  It verifies with b2sum and openssl alone.
#ifndef SEKISHO_KEEP_BUNDLE_H
#define SEKISHO_KEEP_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/key.h"
#include "keep/sum.h"

enum {
	BUNDLE_FILES_MAX = 64,
	BUNDLE_FILE_BYTES_MAX = 256 * 1024 * 1024, // of one file; what is longer is refused
	BUNDLE_NAMES_MAX = 512,
};

struct bundle_result {
	uint64_t bytes; // of the tar
	size_t files;
	char manifest[SUM_TEXT_MAX];	// BLAKE2b-256 of MANIFEST
	char key_id[KEY_ID_MAX];	// of the key that signed
	char altered[BUNDLE_NAMES_MAX]; // evidence that is not what was gathered: "a, b"; "": none
};

// folder_fd: of the incident; out_fd: a regular file, empty; it is cut to nothing on failure.
// masked: inner addresses become pseudonyms (keep/mask.h), and what has addresses in other
// forms (the capture, links.txt) is left out.
// 0, or a negative errno with a reason in words in `why`.
int bundle_write(int folder_fd, int out_fd, const struct key *key, bool masked,
		 struct bundle_result *ret, char *why, size_t why_size);

#endif
