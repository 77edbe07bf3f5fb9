// The extractor: a process of its own that looks into one file and ends.  The gate gives it a
// memory file that nobody can change any more; it gives up every right, with limits of memory,
// processor time and output, and tells what unpack_look() told it.  Its report is read as if a
// stranger had made it, since a stranger made the file that it read.
//
// When it crashes, hangs, is ended by a limit or says what cannot be, the answer is
// UNPACK_TIME with no entries: what could not be read to its end is for the policy to judge.
#ifndef SEKISHO_DAEMON_EXTRACT_H
#define SEKISHO_DAEMON_EXTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "unpack/unpack.h"

// The private argument with which sekishod runs itself; extract_main() is then all of main().
#define EXTRACT_ARGUMENT "--extract"

enum {
	EXTRACT_FILE_MAX = 256 << 20,
	EXTRACT_ENTRIES_MAX = 65536,
	EXTRACT_WORDS_MAX = 64 * 1024,
	EXTRACT_REPORT_MAX = 8 << 20, // bytes; entries beyond it count as too many
	EXTRACT_TIMEOUT_MS = 30 * 1000,
	EXTRACT_CPU_SECONDS = 20,
	EXTRACT_MEMORY_MIB = 768, // beside the file and what the bounds allow to be held
};

struct extract_options {
	struct unpack_bounds bounds; // entries: at most EXTRACT_ENTRIES_MAX
	bool looks;		     // for words and numbers of persons
	const char *words;	     // each with its NUL, n_words bytes
	size_t n_words;
	uint32_t uid, gid;    // whom the extractor becomes
	unsigned timeout_ms;  // 0: EXTRACT_TIMEOUT_MS
	unsigned cpu_seconds; // 0: EXTRACT_CPU_SECONDS
	const char *path;     // another program in its place, for tests; NULL: none
	char *const *argv;
};

// Lives until the handler returns.
struct extract_result {
	uint32_t kinds; // by its name alone, when trouble
	enum unpack_limit limit;
	struct unpack_terms found;
	const struct unpack_entry *entries;
	size_t n_entries;
	const uint8_t *report; // all of it, as it was said; it was checked (extract_wire.h)
	size_t n_report;
	const char *trouble; // why it came to no end, for the log; NULL: it did
};

struct extract;

// Called once, from the event loop; the extractor is gone then, and so is the struct extract.
typedef void extract_done(void *arg, const struct extract_result *result);

// memfd: sealed against writing, cutting and growing (base/file.h); it stays the caller's.  name:
// what a client would show.  0; -EINVAL: not sealed, or bounds beyond the limits; -EFBIG: more than
// EXTRACT_FILE_MAX; or another negative errno.
int extract_start(sd_event *event, const struct extract_options *options, int memfd,
		  const char *name, extract_done *done, void *arg, struct extract **ret_extract);
void extract_cancel(struct extract *extract); // the handler is not called; NULL is fine

// The child's main: the file on descriptor 3, its job on 4; its report to 5.
int extract_main(void);

#endif
