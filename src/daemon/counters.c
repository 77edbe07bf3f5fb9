// A hash table of counters by name, and its file.
#include "daemon/counters.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "base/file.h"

static const char file_name[] = "counters";
static const char file_head[] = "sekisho-counters 1";

struct counters {
	VEC(struct counter) all;
	uint32_t *slots; // index + 1, 0: free; a power of two, at most half full
	size_t n_slots;
	uint64_t round, now_usec;
	bool changed;
};

struct counters *counters_new(void)
{
	return calloc(1, sizeof(struct counters));
}

static void clear(struct counters *counters)
{
	for (size_t i = 0; i < counters->all.n; i++)
		free(counters->all.v[i].name);
	vec_done(&counters->all);
	free(counters->slots);
	counters->slots = NULL;
	counters->n_slots = 0;
}

void counters_free(struct counters *counters)
{
	if (!counters)
		return;
	clear(counters);
	free(counters);
}

static size_t slot_of(const struct counters *counters, const char *name)
{
	size_t mask = counters->n_slots - 1, slot = file_sum(name, strlen(name)) & mask;
	while (counters->slots[slot] &&
	       strcmp(counters->all.v[counters->slots[slot] - 1].name, name) != 0)
		slot = (slot + 1) & mask;
	return slot;
}

static void rehash(struct counters *counters, size_t n_slots)
{
	uint32_t *slots = calloc(n_slots, sizeof(*slots));
	if (!slots)
		abort(); // like the growable arrays: no memory for a table of counters, no gate
	free(counters->slots);
	counters->slots = slots;
	counters->n_slots = n_slots;
	for (size_t i = 0; i < counters->all.n; i++)
		slots[slot_of(counters, counters->all.v[i].name)] = (uint32_t)i + 1;
}

static struct counter *find(const struct counters *counters, const char *name)
{
	uint32_t index = counters->n_slots ? counters->slots[slot_of(counters, name)] : 0;
	return index ? &counters->all.v[index - 1] : NULL;
}

const struct counter *counters_find(const struct counters *counters, const char *name)
{
	return find(counters, name);
}

size_t counters_count(const struct counters *counters)
{
	return counters->all.n;
}

static struct counter *add(struct counters *counters, const char *name)
{
	if (counters->all.n >= COUNTERS_MAX || strlen(name) > COUNTER_NAME_MAX)
		return NULL;
	if ((counters->all.n + 1) * 2 > counters->n_slots)
		rehash(counters, counters->n_slots ? counters->n_slots * 2 : 256);
	struct counter *counter = vec_add(&counters->all);
	counter->name = strdup(name);
	if (!counter->name)
		abort();
	counters->slots[slot_of(counters, name)] = (uint32_t)counters->all.n;
	return counter;
}

// Counters of flows that have gone are forgotten only when room is needed.
static void forget_unseen(struct counters *counters)
{
	size_t kept = 0;
	for (size_t i = 0; i < counters->all.n; i++) {
		if (counters->all.v[i].seen == counters->round)
			counters->all.v[kept++] = counters->all.v[i];
		else
			free(counters->all.v[i].name);
	}
	counters->all.n = kept;
	rehash(counters, counters->n_slots);
}

void counters_begin(struct counters *counters, uint64_t now_usec)
{
	counters->round++;
	counters->now_usec = now_usec;
	counters->changed = false;
}

void counters_see(struct counters *counters, const struct kernel_counter *seen)
{
	struct counter *counter = find(counters, seen->name);
	if (!counter)
		counter = add(counters, seen->name);
	if (!counter)
		return;
	counter->seen = counters->round;
	if (counter->packets == seen->packets && counter->bytes == seen->bytes)
		return;
	// One that shrank was made anew by somebody: what it has now came since.
	if (seen->packets)
		counter->last_hit_usec = counters->now_usec;
	counter->packets = seen->packets;
	counter->bytes = seen->bytes;
	counters->changed = true;
}

bool counters_end(struct counters *counters)
{
	if (counters->all.n > COUNTERS_MAX / 2)
		forget_unseen(counters);
	return counters->changed;
}

size_t counters_initial(const struct counters *counters, struct kernel_counter **ret)
{
	struct kernel_counter *initial = calloc(counters->all.n + 1, sizeof(*initial));
	size_t n = 0;
	for (size_t i = 0; initial && i < counters->all.n; i++) {
		const struct counter *counter = &counters->all.v[i];
		if (counter->packets)
			initial[n++] = (struct kernel_counter){ counter->name, counter->packets,
								counter->bytes };
	}
	*ret = initial;
	return n;
}

// --- the file

int counters_write(const struct counters *counters, int state_fd)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	fprintf(out, "%s %zu\n", file_head, counters->all.n);
	for (size_t i = 0; i < counters->all.n; i++) {
		const struct counter *counter = &counters->all.v[i];
		fprintf(out, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", counter->name,
			counter->packets, counter->bytes, counter->last_hit_usec);
	}
	fflush(out);
	fprintf(out, "sum %016" PRIx64 "\n", file_sum(text, size));
	int r = fclose(out) == 0 ? file_replace(state_fd, file_name, text, size) : -ENOMEM;
	free(text);
	return r;
}

static bool read_number(const char **at, uint64_t *ret)
{
	char *end;
	if (**at != ' ' || !isdigit((unsigned char)(*at)[1]))
		return false;
	errno = 0;
	*ret = strtoull(*at + 1, &end, 10);
	*at = end;
	return errno == 0;
}

// One line of a counter; *at moves past its newline.
static bool read_line(struct counters *counters, const char **at)
{
	char name[COUNTER_NAME_MAX + 1];
	struct counter read = { 0 };
	size_t length = strcspn(*at, " \n");
	if (length == 0 || length > COUNTER_NAME_MAX)
		return false;
	memcpy(name, *at, length);
	name[length] = '\0';
	*at += length;
	if (!read_number(at, &read.packets) || !read_number(at, &read.bytes) ||
	    !read_number(at, &read.last_hit_usec) || **at != '\n' || find(counters, name))
		return false;
	(*at)++;
	struct counter *counter = add(counters, name);
	if (!counter)
		return false;
	counter->packets = read.packets;
	counter->bytes = read.bytes;
	counter->last_hit_usec = read.last_hit_usec;
	return true;
}

enum { SUM_LINE_BYTES = 21 }; // "sum ", 16 digits, newline

static bool sum_is_right(const char *text, size_t size)
{
	char line[SUM_LINE_BYTES + 1];
	if (size < SUM_LINE_BYTES)
		return false;
	snprintf(line, sizeof(line), "sum %016" PRIx64 "\n", file_sum(text, size - SUM_LINE_BYTES));
	return !memcmp(text + size - SUM_LINE_BYTES, line, SUM_LINE_BYTES);
}

static bool read_text(struct counters *counters, const char *text, size_t size)
{
	uint64_t n;
	const char *at = text + strlen(file_head);
	if (!sum_is_right(text, size) || strncmp(text, file_head, strlen(file_head)) != 0)
		return false;
	if (!read_number(&at, &n) || *at != '\n' || n > COUNTERS_MAX)
		return false;
	at++;
	for (uint64_t i = 0; i < n; i++)
		if (!read_line(counters, &at))
			return false;
	return at == text + size - SUM_LINE_BYTES;
}

int counters_read(struct counters *counters, int state_fd)
{
	char *text = NULL;
	size_t size;
	int r = file_read(state_fd, file_name, COUNTERS_FILE_MAX, &text, &size);
	clear(counters);
	if (r == -ENOENT)
		return 0;
	bool fine = r == 0 && read_text(counters, text, size);
	free(text);
	if (fine)
		return 0;
	clear(counters);
	renameat(state_fd, file_name, state_fd, "counters.damaged");
	return -EBADMSG;
}
