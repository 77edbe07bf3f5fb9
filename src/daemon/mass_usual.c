#include "daemon/mass_usual.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { WAYS = 8, MAGIC = 0x554d4b53, VERSION = 1 };

static const uint32_t not_learned = UINT32_MAX; // in_hour

static const uint64_t hour_us = UINT64_C(3600) * 1000000;

struct entry {
	uint64_t key;			// 0: free
	uint32_t hour, in_hour;		// in_hour not_learned: nor will it be
	uint32_t most[MASS_USUAL_DAYS]; // by day modulo; those from hour's day back
};

struct mass_usual {
	struct entry v[MASS_USUAL_KEYS];
};

struct head {
	uint32_t magic, version;
	uint8_t secret[16];
	uint64_t sum; // of the entries
};

struct file {
	struct head head;
	struct entry v[MASS_USUAL_KEYS];
};

int mass_usual_new(struct mass_usual **ret_usual)
{
	*ret_usual = calloc(1, sizeof(**ret_usual));
	return *ret_usual ? 0 : -ENOMEM;
}

void mass_usual_free(struct mass_usual *usual)
{
	free(usual);
}

// As it stands in that hour: hours before are learned, days that are over forgotten.
static struct entry at_hour(const struct entry *entry, uint32_t hour)
{
	struct entry to = *entry;
	uint32_t day = to.hour / 24, *most = &to.most[day % MASS_USUAL_DAYS];

	if (hour <= to.hour) // or the clock was set back
		return to;
	if (to.in_hour != not_learned && to.in_hour > *most)
		*most = to.in_hour;
	for (uint32_t i = 1; i <= MASS_USUAL_DAYS && day + i <= hour / 24; i++)
		to.most[(day + i) % MASS_USUAL_DAYS] = 0;
	to.hour = hour;
	to.in_hour = 0;
	return to;
}

static struct entry *find(const struct mass_usual *usual, uint64_t key)
{
	const struct entry *set = &usual->v[key & (MASS_USUAL_KEYS - WAYS)];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].key == key)
			return (struct entry *)(uintptr_t)&set[i];
	return NULL;
}

static struct entry *make(struct mass_usual *usual, uint64_t key, uint32_t hour)
{
	struct entry *set = &usual->v[key & (MASS_USUAL_KEYS - WAYS)], *oldest = set;
	struct entry *there = find(usual, key);

	if (there)
		return there;
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].hour < oldest->hour)
			oldest = &set[i];
	*oldest = (struct entry){ .key = key, .hour = hour };
	return oldest;
}

void mass_usual_add(struct mass_usual *usual, uint64_t key, uint32_t number, uint64_t now_us)
{
	const uint32_t hour = (uint32_t)(now_us / hour_us);
	struct entry *entry = make(usual, key, hour);

	*entry = at_hour(entry, hour);
	if (entry->in_hour < not_learned - 1 - number)
		entry->in_hour += number;
}

void mass_usual_void(struct mass_usual *usual, uint64_t key, uint64_t now_us)
{
	const uint32_t hour = (uint32_t)(now_us / hour_us);
	struct entry *entry = make(usual, key, hour);

	*entry = at_hour(entry, hour);
	entry->in_hour = not_learned;
}

uint32_t mass_usual_most(const struct mass_usual *usual, uint64_t key, uint64_t now_us)
{
	const struct entry *found = find(usual, key);
	uint32_t most = 0;

	if (!found)
		return 0;
	const struct entry entry = at_hour(found, (uint32_t)(now_us / hour_us));

	for (size_t i = 0; i < MASS_USUAL_DAYS; i++)
		most = entry.most[i] > most ? entry.most[i] : most;
	return most;
}

int mass_usual_write(const struct mass_usual *usual, const uint8_t secret[16], int state_fd)
{
	struct file *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return -ENOMEM;
	file->head = (struct head){ .magic = MAGIC, .version = VERSION };
	memcpy(file->head.secret, secret, sizeof(file->head.secret));
	memcpy(file->v, usual->v, sizeof(file->v));
	file->head.sum = file_sum(file->v, sizeof(file->v));
	r = file_replace(state_fd, MASS_USUAL_FILE, file, sizeof(*file));
	free(file);
	return r;
}

static bool is_sound(const struct file *file)
{
	return file->head.magic == MAGIC && file->head.version == VERSION &&
	       file->head.sum == file_sum(file->v, sizeof(file->v));
}

int mass_usual_read(struct mass_usual *usual, uint8_t ret_secret[16], int state_fd)
{
	struct file *file = malloc(sizeof(*file));
	size_t size;
	char *bytes;
	int r = file ? file_read(state_fd, MASS_USUAL_FILE, sizeof(*file), &bytes, &size) : -ENOMEM;

	if (r < 0) {
		free(file);
		return r == -EFBIG ? -EBADMSG : r;
	}
	if (size == sizeof(*file))
		memcpy(file, bytes, size);
	if (size == sizeof(*file) && is_sound(file)) {
		memcpy(ret_secret, file->head.secret, sizeof(file->head.secret));
		memcpy(usual->v, file->v, sizeof(usual->v));
	} else {
		r = -EBADMSG;
	}
	free(bytes);
	free(file);
	return r;
}
