#include "daemon/aparts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/terms.h"
#include "daemon/extract.h"
#include "daemon/extract_wire.h"
#include "daemon/inspection_wire.h"

struct apart {
	void *owner; // NULL: free, or nobody waits for it
	bool taken;
	uint32_t number;
	uint64_t serial, began_ms, size;
	struct addr client;
	struct unpack_bounds bounds;
	uint32_t kinds; // by its name
};

struct aparts {
	struct aparts_options options;
	struct apart v[APARTS_MAX];
	uint64_t serial, bytes;
	char words[INSPECTION_WORDS_MAX];
};

int aparts_new(const struct aparts_options *options, struct aparts **ret_aparts)
{
	struct aparts *aparts = calloc(1, sizeof(*aparts));
	if (!aparts)
		return -ENOMEM;
	aparts->options = *options;
	*ret_aparts = aparts;
	return 0;
}

static struct apart *place_for(struct aparts *aparts, const struct addr *client, size_t n)
{
	struct apart *place = NULL;
	unsigned same = 0;
	for (size_t i = 0; i < APARTS_MAX; i++) {
		struct apart *apart = &aparts->v[i];
		if (!apart->taken)
			place = apart;
		else if (apart->client.family == client->family &&
			 apart->client.bits == client->bits)
			same++;
	}
	bool room = n <= APARTS_BYTES_MAX && aparts->bytes <= APARTS_BYTES_MAX - n;
	return room && same < APARTS_OF_SOURCE_MAX ? place : NULL;
}

static void leave(struct aparts *aparts, struct apart *apart)
{
	aparts->bytes -= apart->size;
	*apart = (struct apart){ 0 };
}

// A memory file that stays as it is.  A negative errno.
static int file_of(const uint8_t *bytes, size_t n)
{
	int fd = memfd_create("sekisho-apart", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	for (size_t at = 0; at < n;) {
		ssize_t written = write(fd, bytes + at, n - at);
		if (written <= 0 && errno != EINTR) {
			close(fd);
			return -EIO;
		}
		at += written > 0 ? (size_t)written : 0;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		return fd;
	close(fd);
	return -EIO;
}

// The name and the words, each with its NUL.  Their size; 0: too long.
static size_t write_words(struct aparts *aparts, const struct apart_job *job,
			  struct inspect_word_opens *head)
{
	char word[TERMS_TEXT_MAX];
	size_t n = strlen(job->name), used;
	const char *name = n > EXTRACT_NAME_MAX ? job->name + n - EXTRACT_NAME_MAX : job->name;
	used = strlen(name) + 1;
	memcpy(aparts->words, name, used);
	head->n_words = 0;
	for (size_t i = 0; job->terms && (n = terms_text(job->terms, i, word)) > 0; i++) {
		if (used + n + 1 > sizeof(aparts->words))
			return 0;
		memcpy(aparts->words + used, word, n + 1);
		used += n + 1;
		head->n_words++;
	}
	return used;
}

bool aparts_begin(struct aparts *aparts, void *owner, const struct addr *client,
		  const struct apart_job *job, uint64_t now_ms)
{
	struct apart *apart = place_for(aparts, client, job->n);
	struct inspect_word_opens head = { .word = INSPECT_OPENS,
					   .bounds = job->bounds,
					   .looks = job->terms != NULL };
	size_t size = apart ? write_words(aparts, job, &head) : 0;
	int fd = size ? file_of(job->bytes, job->n) : -1;
	if (fd < 0)
		return false;
	head.serial = aparts->serial + 1;
	head.size = (uint32_t)size;
	bool sent = aparts->options.send(aparts->options.arg, &head, aparts->words, size, fd);
	close(fd);
	if (!sent)
		return false;
	*apart = (struct apart){ .owner = owner,
				 .taken = true,
				 .number = job->number,
				 .serial = ++aparts->serial,
				 .began_ms = now_ms,
				 .size = job->n,
				 .client = *client,
				 .bounds = job->bounds,
				 .kinds = unpack_kinds(job->name, NULL, 0) };
	aparts->bytes += job->n;
	return true;
}

// The gate's answer still comes, and gives back the place.
void aparts_drop(struct aparts *aparts, void *owner)
{
	for (size_t i = 0; i < APARTS_MAX; i++)
		if (aparts->v[i].owner == owner)
			aparts->v[i].owner = NULL;
}

static void tell(struct aparts *aparts, struct apart *apart, struct apart_answer *answer)
{
	void *owner = apart->owner;
	answer->number = apart->number;
	leave(aparts, apart); // the owner may begin another
	if (owner)
		aparts->options.answer(aparts->options.arg, owner, answer);
}

// It came to no end: what its name says counts.
static void tell_unread(struct aparts *aparts, struct apart *apart)
{
	struct apart_answer answer = { .result = { .kinds = apart->kinds, .limit = UNPACK_TIME } };
	tell(aparts, apart, &answer);
}

static uint8_t *read_report(int fd, size_t size)
{
	uint8_t *bytes = size && size <= EXTRACT_REPORT_MAX ? malloc(size) : NULL;
	size_t at = 0;
	while (bytes && at < size) {
		ssize_t n = read(fd, bytes + at, size - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	if (at == size)
		return bytes;
	free(bytes);
	return NULL;
}

static void tell_report(struct aparts *aparts, struct apart *apart, int fd, size_t size)
{
	uint8_t *bytes = read_report(fd, size);
	struct extract_report report;
	if (!bytes || extract_report_read(bytes, size, &apart->bounds, &report) < 0) {
		free(bytes);
		tell_unread(aparts, apart);
		return;
	}
	free(bytes);
	struct apart_answer answer = {
		.result = { .kinds = report.kinds, .limit = report.limit, .found = report.found },
		.entries = report.entries,
		.n_entries = report.n_entries
	};
	tell(aparts, apart, &answer);
	extract_report_done(&report);
}

void aparts_take(struct aparts *aparts, uint64_t serial, int error, int fd, size_t size)
{
	struct apart_answer busy = { .busy = true };
	struct apart *apart = NULL;
	for (size_t i = 0; i < APARTS_MAX; i++)
		if (aparts->v[i].taken && aparts->v[i].serial == serial)
			apart = &aparts->v[i];
	if (apart && error == -EAGAIN)
		tell(aparts, apart, &busy);
	else if (apart && (error < 0 || fd < 0))
		tell_unread(aparts, apart);
	else if (apart)
		tell_report(aparts, apart, fd, size);
	if (fd >= 0)
		close(fd);
}

void aparts_look(struct aparts *aparts, uint64_t now_ms)
{
	for (size_t i = 0; i < APARTS_MAX; i++)
		if (aparts->v[i].taken && now_ms - aparts->v[i].began_ms > APARTS_ANSWER_MS)
			tell_unread(aparts, &aparts->v[i]);
}
