// Extractors for the inspectors, which may start no process themselves: few at a time, the others
// wait in line; inspectors take turns by the order in which they ask.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/extract.h"
#include "daemon/inspection_private.h"
#include "inspect/content.h"

enum { RUNNING_MAX = 4, WAITING_MAX = 256, WAITING_BYTES_MAX = 256 << 20 };

struct extraction {
	struct extraction *next;
	struct inspection *inspection;
	uint32_t post;
	uint64_t lane, serial; // of the inspector, so that no other gets it; of its file
	int fd;
	uint64_t size;
	struct extract *extract; // NULL: it waits
	struct extract_options options;
	char *words; // the name, with its NUL, then the words
};

static void free_extraction(struct extraction *extraction)
{
	struct inspection *inspection = extraction->inspection;
	struct extraction **at = &inspection->extractions;
	while (*at != extraction)
		at = &(*at)->next;
	*at = extraction->next;
	inspection->extractions_bytes -= extraction->size;
	close(extraction->fd);
	free(extraction->words);
	free(extraction);
}

// To the inspector that asked, if it is still there.
static void reply(const struct extraction *extraction, int error, int fd, size_t size)
{
	struct inspector_post *post = &extraction->inspection->posts[extraction->post];
	const struct inspect_order order = { .word = INSPECT_OPENED,
					     .generation = extraction->serial,
					     .error = error,
					     .n = (uint32_t)size };
	if (post->child.pid && post->serial == extraction->lane)
		inspection_send(post->child.socket, &order, sizeof(order), NULL, 0, &fd, fd >= 0);
}

static void start_next(struct inspection *inspection);

static void on_extracted(void *arg, const struct extract_result *result)
{
	struct extraction *extraction = arg;
	struct inspection *inspection = extraction->inspection;
	int fd = -1, error = -ETIME;
	if (result->trouble)
		inspection_tell_extractor(inspection, result->trouble);
	else
		fd = memfd_create("sekisho-report", MFD_CLOEXEC);
	if (fd >= 0)
		error = file_write_all(fd, result->report, result->n_report);
	if (fd >= 0 && error == 0 && lseek(fd, 0, SEEK_SET) < 0)
		error = -errno;
	reply(extraction, error, error == 0 ? fd : -1, result->n_report);
	if (fd >= 0)
		close(fd);
	extraction->extract = NULL;
	free_extraction(extraction);
	start_next(inspection);
}

static void start(struct extraction *extraction)
{
	struct inspection *inspection = extraction->inspection;
	const char *name = extraction->words;
	int r = extract_start(inspection->event, &extraction->options, extraction->fd, name,
			      on_extracted, extraction, &extraction->extract);
	if (r == 0)
		return;
	reply(extraction, r == -EINVAL || r == -EFBIG ? r : -EAGAIN, -1, 0);
	free_extraction(extraction);
}

static void start_next(struct inspection *inspection)
{
	for (;;) {
		struct extraction *first = NULL;
		unsigned running = 0;
		for (struct extraction *e = inspection->extractions; e; e = e->next) {
			running += e->extract != NULL;
			if (!e->extract && !first)
				first = e;
		}
		if (!first || running >= RUNNING_MAX)
			return;
		start(first);
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

// What an inspector may ask for is no more than inspectors do.
static struct unpack_bounds bounds_of(const struct unpack_bounds *asked)
{
	return (struct unpack_bounds){
		.depth = (uint32_t)least(asked->depth, CONTENT_UNPACK_DEPTH),
		.entries = (uint32_t)least(asked->entries, CONTENT_UNPACK_ENTRIES),
		.output = least(asked->output, CONTENT_UNPACK_BYTES),
		.each = least(asked->each, CONTENT_UNPACK_EACH),
		.memory = least(asked->memory, CONTENT_UNPACK_BYTES),
		.ratio = CONTENT_UNPACK_RATIO,
	};
}

// Whether bytes are a name and so many words, each with its NUL.
static bool are_words(const char *bytes, size_t n, uint32_t n_words)
{
	size_t nuls = 0;
	for (size_t i = 0; i < n; i++)
		nuls += !bytes[i];
	return n && !bytes[n - 1] && nuls == (size_t)n_words + 1;
}

static struct extraction *new_extraction(struct inspector_post *post,
					 const struct inspect_word_opens *head, const char *bytes,
					 int fd, uint64_t size)
{
	struct inspection *inspection = post->inspection;
	struct extraction *extraction = calloc(1, sizeof(*extraction));
	char *words = malloc(head->size);
	int kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (!extraction || !words || kept < 0) {
		free(extraction);
		free(words);
		if (kept >= 0)
			close(kept);
		return NULL;
	}
	memcpy(words, bytes, head->size);
	size_t name = strlen(words) + 1;
	*extraction = (struct extraction){
		.inspection = inspection,
		.post = (uint32_t)(post - inspection->posts),
		.lane = post->serial,
		.serial = head->serial,
		.fd = kept,
		.size = size,
		.words = words,
		.options = { .bounds = bounds_of(&head->bounds),
			     .uid = inspection->gate->options->compiler_uid,
			     .gid = inspection->gate->options->compiler_gid,
			     .looks = head->looks != 0,
			     .words = words + name,
			     .n_words = head->size - name },
	};
	struct extraction **at = &inspection->extractions;
	while (*at)
		at = &(*at)->next;
	*at = extraction;
	inspection->extractions_bytes += size;
	return extraction;
}

static bool has_room(const struct inspection *inspection, uint64_t size)
{
	unsigned n = 0;
	for (const struct extraction *e = inspection->extractions; e; e = e->next)
		n++;
	return n < WAITING_MAX && size <= WAITING_BYTES_MAX &&
	       inspection->extractions_bytes <= WAITING_BYTES_MAX - size;
}

bool inspection_apart_take(struct inspector_post *post, const struct inspect_word_opens *head,
			   const char *bytes, size_t n, const int *fds, size_t n_fds)
{
	struct inspection *inspection = post->inspection;
	off_t size = n_fds == 1 ? lseek(fds[0], 0, SEEK_END) : -1;
	if (size < 0 || n != head->size || !are_words(bytes, n, head->n_words))
		return false;
	const struct extraction refused = { .inspection = inspection,
					    .post = (uint32_t)(post - inspection->posts),
					    .lane = post->serial,
					    .serial = head->serial };
	if (!has_room(inspection, (uint64_t)size) ||
	    !new_extraction(post, head, bytes, fds[0], (uint64_t)size))
		reply(&refused, -EAGAIN, -1, 0);
	start_next(inspection);
	return true;
}

void inspection_apart_forget(struct inspector_post *post)
{
	struct inspection *inspection = post->inspection;
	const uint32_t index = (uint32_t)(post - inspection->posts);
	for (struct extraction *e = inspection->extractions, *next; e; e = next) {
		next = e->next;
		if (e->post != index)
			continue;
		extract_cancel(e->extract);
		free_extraction(e);
	}
	start_next(inspection);
}
