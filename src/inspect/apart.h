// Files that are opened in a process of their own, as the engine sees it: what only libarchive
// opens (7z, RAR, LHa, CAB, ISO 9660, ...) and whatever holds such a file.  The engine hands the
// file over while the message goes by; its end waits for what was found.
//
//	begin	a file, whole; false: there is no room for it now
//	wait	nothing goes on before an answer
//	drop	no answer about any of them is needed any more; none comes
//
// The answer comes by engine_opened(), once for each, at any time after begin, and never from
// within one of these calls.
#ifndef SEKISHO_INSPECT_APART_H
#define SEKISHO_INSPECT_APART_H

#include "base/terms.h"
#include "unpack/unpack.h"

struct apart_job {	 // valid until the call returns
	uint32_t number; // of the file, for the answer
	const char *name;
	const uint8_t *bytes;
	size_t n;
	struct unpack_bounds bounds;
	const struct terms *terms; // to be looked for; NULL: none
};

struct apart_answer { // valid until the call returns
	uint32_t number;
	bool busy; // it was not opened, and may be when it comes again
	struct unpack_result result;
	const struct unpack_entry *entries;
	size_t n_entries;
};

struct apart_host {
	bool (*begin)(void *arg, const struct apart_job *job);
	void (*wait)(void *arg);
	void (*drop)(void *arg);
};

#endif
