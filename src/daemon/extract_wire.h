// What goes to the extractor and comes back; only for extract*.c and their tests.
#ifndef SEKISHO_DAEMON_EXTRACT_WIRE_H
#define SEKISHO_DAEMON_EXTRACT_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "unpack/unpack.h"

enum {
	EXTRACT_JOB_MAGIC = 0x4a545845,
	EXTRACT_ENTRY_MAGIC = 0x45545845,
	EXTRACT_END_MAGIC = 0x5a545845,
	EXTRACT_NAME_MAX = 4096, // of a job
};

struct extract_job {
	uint32_t magic, uid, gid, cpu_seconds;
	uint64_t size;		 // of the file
	uint32_t looks, n_words; // bytes of words, which follow
	struct unpack_bounds bounds;
	char name[EXTRACT_NAME_MAX + 1];
};

// An entry, and the n_name and n_also bytes of its names, without NUL.
struct extract_entry_head {
	uint32_t magic, number, parent, kinds;
	uint64_t size;
	uint64_t words;
	uint32_t numbers;
	uint16_t limit, n_name, n_also, zero;
};

// The last: what the file is.
struct extract_end {
	uint32_t magic, kinds, limit, n_entries;
	uint64_t words;
	uint32_t numbers, zero;
};

struct extract_report {
	uint32_t kinds;
	enum unpack_limit limit;
	struct unpack_terms found;
	struct unpack_entry *entries;
	size_t n_entries;
	char *names; // all of them; the entries point there
};

// -EINVAL: no report of a look under these bounds; -ENOMEM.
int extract_report_read(const uint8_t *bytes, size_t n, const struct unpack_bounds *bounds,
			struct extract_report *ret);
void extract_report_done(struct extract_report *report);

#endif
