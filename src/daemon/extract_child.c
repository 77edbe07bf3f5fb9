// The child's side: tables, sandbox, the look, the report.
#include "daemon/extract.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/exit.h"
#include "base/terms.h"
#include "daemon/child.h"
#include "daemon/extract_wire.h"
#include "daemon/sandbox.h"

enum { FILE_FD = CHILD_FD_FIRST, JOB_FD, REPORT_FD };

struct report {
	FILE *out;
	size_t left; // bytes
	uint32_t n_entries;
	bool full;
};

static void tell(void *arg, const struct unpack_entry *entry)
{
	struct report *report = arg;
	size_t n_name = strlen(entry->name), n_also = entry->also ? strlen(entry->also) : 0;
	const struct extract_entry_head head = {
		.magic = EXTRACT_ENTRY_MAGIC,
		.number = entry->number,
		.parent = entry->parent,
		.kinds = entry->kinds,
		.size = entry->size,
		.words = entry->found.words,
		.numbers = entry->found.numbers,
		.limit = (uint16_t)entry->limit,
		.n_name = (uint16_t)n_name,
		.n_also = (uint16_t)n_also,
	};
	size_t size = sizeof(head) + n_name + n_also;
	report->full = report->full || size > report->left;
	if (report->full)
		return;
	report->left -= size;
	report->n_entries++;
	fwrite(&head, sizeof(head), 1, report->out);
	fwrite(entry->name, 1, n_name, report->out);
	if (n_also)
		fwrite(entry->also, 1, n_also, report->out);
}

// Numbers of persons are looked for without words, too.
static const struct terms *read_words(const struct extract_job *job, struct arena *arena)
{
	static char bytes[EXTRACT_WORDS_MAX];
	const char *words[TERMS_MAX];
	size_t n = 0;
	if (!job->looks || job->n_words > sizeof(bytes) ||
	    pread(JOB_FD, bytes, job->n_words, sizeof(*job)) != (ssize_t)job->n_words)
		return NULL;
	for (size_t at = 0; at < job->n_words && n < TERMS_MAX; at += strlen(bytes + at) + 1) {
		if (!memchr(bytes + at, 0, job->n_words - at))
			return NULL;
		words[n++] = bytes + at;
	}
	return terms_new(arena, words, n);
}

static int look(const struct extract_job *job, const struct terms *terms, FILE *out)
{
	struct report report = {
		.out = out,
		.left = EXTRACT_REPORT_MAX - sizeof(struct extract_end),
	};
	const struct unpack_file file = {
		.name = job->name,
		.size = job->size,
		.fd = FILE_FD,
	};
	const struct unpack_sink sink = { .entry = tell, .terms = terms, .arg = &report };
	struct unpack_result result;
	unpack_look(&file, &job->bounds, &sink, &result);
	const struct extract_end end = {
		.magic = EXTRACT_END_MAGIC,
		.kinds = result.kinds,
		.limit =
			report.full && result.limit == UNPACK_WHOLE ? UNPACK_ENTRIES : result.limit,
		.n_entries = report.n_entries,
		.words = result.found.words,
		.numbers = result.found.numbers,
	};
	return fwrite(&end, sizeof(end), 1, out) == 1 ? 0 : -1;
}

static bool read_job(struct extract_job *ret)
{
	return pread(JOB_FD, ret, sizeof(*ret), 0) == (ssize_t)sizeof(*ret) &&
	       ret->magic == EXTRACT_JOB_MAGIC && memchr(ret->name, 0, sizeof(ret->name)) &&
	       ret->size <= EXTRACT_FILE_MAX;
}

// The file is mapped, and what is unpacked of it is held up to the bound; the rest is for
// libarchive's tables and dictionaries.
static uint32_t memory_mib(const struct extract_job *job)
{
	uint64_t bytes = job->size + job->bounds.memory;
	uint64_t mib = (bytes >> 20) + EXTRACT_MEMORY_MIB;
	return mib < SANDBOX_MEMORY_MIB ? (uint32_t)mib : SANDBOX_MEMORY_MIB;
}

static int seal_and_look(const struct extract_job *job, const struct terms *terms, FILE *out)
{
	if (job->looks && !terms) // what cannot be looked for must not count as not there
		return -EBADMSG;
	int r = sandbox_enter_extractor(job->uid, job->gid, memory_mib(job), job->cpu_seconds);
	if (r < 0)
		fprintf(stderr, "<3>sekishod: the extractor's sandbox: %s\n", strerror(-r));
	else
		r = look(job, terms, out);
	return r;
}

int extract_main(void)
{
	static struct extract_job job;
	FILE *out = fdopen(REPORT_FD, "wb");
	if (!out || !read_job(&job)) {
		fprintf(stderr, "<3>sekishod: the extractor has no descriptors to work with\n");
		return EXIT_USAGE;
	}
	int r = unpack_load();
	if (r < 0) // our own table still knows what matters
		fprintf(stderr, "<4>sekishod: the extractor's tables: %s\n", strerror(-r));
	struct arena *arena = arena_new();
	r = seal_and_look(&job, read_words(&job, arena), out);
	arena_free(arena);
	if (fclose(out) != 0)
		r = -1;
	return r == 0 ? EXIT_FINE : EXIT_FAILED;
}
