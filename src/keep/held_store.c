#include "keep/held_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <sodium.h>

#include "base/fault.h"
#include "base/file.h"

enum {
	NAME_MAX_ = 40,
	NUMBERS = 10,		  // taken from the file of numbers at a time
	ROOM_BYTES = 1024 * 1024, // between two looks at the disk
};
static const char numbers_file[] = "numbers";

struct held_store {
	int dir_fd;
	struct held_key key;
	struct held_entry *v;
	size_t n, room;
	uint64_t next, reserved, damaged, comings;
};

struct held_coming {
	struct held_store *store;
	struct held_body *body;
	int fd;
	char name[NAME_MAX_];
	uint64_t looked; // bytes at which the disk was looked at
	uint64_t size;
	bool kept;
};

static void name_of(uint64_t number, const char *ending, char out[NAME_MAX_])
{
	snprintf(out, NAME_MAX_, "%llu.%s", (unsigned long long)number, ending);
}

// --- the index

static struct held_entry *find(const struct held_store *store, uint64_t number)
{
	for (size_t i = 0; i < store->n; i++)
		if (store->v[i].number == number)
			return &store->v[i];
	return NULL;
}

const struct held_entry *held_store_find(const struct held_store *store, uint64_t number)
{
	return find(store, number);
}

const struct held_entry *held_store_entries(const struct held_store *store, size_t *ret_n)
{
	*ret_n = store->n;
	return store->v;
}

uint64_t held_store_damaged(const struct held_store *store)
{
	return store->damaged;
}

static uint64_t guard_hash(const struct held_envelope *envelope)
{
	static struct mail_taken taken; // of a process that does one thing at a time
	if (mail_wire_unpack(envelope->record, envelope->record_size, &taken) < 0)
		return 0;
	return file_sum(taken.record.guard, strlen(taken.record.guard));
}

static struct held_entry *add(struct held_store *store)
{
	if (store->n == store->room) {
		size_t room = store->room ? store->room * 2 : 64;
		struct held_entry *grown = realloc(store->v, room * sizeof(*grown));
		if (!grown)
			return NULL;
		store->v = grown;
		store->room = room;
	}
	store->v[store->n] = (struct held_entry){ 0 };
	return &store->v[store->n++];
}

static void describe(const struct held_meta *meta, struct held_entry *entry)
{
	entry->number = meta->number;
	entry->size = meta->sum.size;
	entry->held_us = meta->held_us;
	entry->expires_us = meta->expires_us;
	entry->ended_us = meta->ended_us;
	entry->next_us = meta->next_us;
	entry->state = meta->state;
	memcpy(entry->fingerprint, meta->fingerprint, sizeof(entry->fingerprint));
}

// --- start

static int read_meta(struct held_store *store, uint64_t number, struct held_meta *ret)
{
	char name[NAME_MAX_], *bytes;
	size_t size;
	name_of(number, "meta", name);
	int r = file_read(store->dir_fd, name, HELD_META_MAX, &bytes, &size);
	if (r < 0)
		return r == -EFBIG ? -EBADMSG : r;
	r = held_meta_open(&store->key, number, (uint8_t *)bytes, size, ret);
	free(bytes);
	return r;
}

static bool has_file(const struct held_store *store, uint64_t number, const char *ending)
{
	char name[NAME_MAX_];
	struct stat st;
	name_of(number, ending, name);
	return fstatat(store->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void remove_file(const struct held_store *store, uint64_t number, const char *ending)
{
	char name[NAME_MAX_];
	name_of(number, ending, name);
	unlinkat(store->dir_fd, name, 0);
}

static int load_meta(struct held_store *store, uint64_t number)
{
	struct held_meta meta;
	struct held_entry *entry;
	int r = read_meta(store, number, &meta);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || (held_has_body(meta.state) && !has_file(store, number, "mail"))) {
		store->damaged++;
		if (r == 0)
			held_meta_done(&meta);
		return 0;
	}
	if (!held_has_body(meta.state)) // the crash came between the two
		remove_file(store, number, "mail");
	entry = add(store);
	if (entry) {
		describe(&meta, entry);
		entry->guard = guard_hash(&meta.envelope);
	}
	held_meta_done(&meta);
	return entry ? 0 : -ENOMEM;
}

static int look_at_file(struct held_store *store, const char *name)
{
	char *end;
	uint64_t number = strtoull(name, &end, 10);
	if (name[0] == '.') {
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			unlinkat(store->dir_fd, name, 0);
		return 0;
	}
	if (end == name)
		return 0;
	if (number >= store->next)
		store->next = number + 1;
	if (strcmp(end, ".meta") == 0)
		return load_meta(store, number);
	if (strcmp(end, ".mail") == 0 && !has_file(store, number, "meta"))
		remove_file(store, number, "mail");
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct held_entry *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

static int read_folder(struct held_store *store)
{
	int fd = openat(store->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *file;
	int r = 0;
	if (!dir) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (file = readdir(dir)))
		r = look_at_file(store, file->d_name);
	closedir(dir);
	if (store->n)
		qsort(store->v, store->n, sizeof(store->v[0]), by_number);
	return r;
}

// A number is given once, also when all that had higher ones is gone.
static int take_numbers(struct held_store *store)
{
	char text[32], *bytes;
	size_t size;
	int r = file_read(store->dir_fd, numbers_file, sizeof(text), &bytes, &size);
	if (r == 0) {
		uint64_t next = strtoull(bytes, NULL, 10);
		if (next > store->next)
			store->next = next;
		free(bytes);
	}
	return r == -ENOENT ? 0 : r;
}

static int reserve(struct held_store *store)
{
	char text[32];
	if (store->next < store->reserved)
		return 0;
	uint64_t to = store->next + NUMBERS;
	int n = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)to);
	int r = file_replace(store->dir_fd, numbers_file, text, (size_t)n);
	if (r == 0)
		store->reserved = to;
	return r;
}

int held_store_open(int dir_fd, const struct held_key *key, struct held_store **ret_store)
{
	struct held_store *store = sodium_init() < 0 ? NULL : calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->dir_fd = dir_fd;
	store->key = *key;
	store->next = 1;
	int r = read_folder(store);
	if (r == 0)
		r = take_numbers(store);
	if (r < 0)
		held_store_close(store);
	else
		*ret_store = store;
	return r;
}

void held_store_close(struct held_store *store)
{
	if (!store)
		return;
	free(store->v);
	sodium_memzero(store, sizeof(*store));
	free(store);
}

// --- a message that comes

static int look_at_disk(const struct held_store *store)
{
	struct statfs fs;
	int r = fault_error("vault-disk");
	if (r < 0)
		return r;
	if (fstatfs(store->dir_fd, &fs) < 0)
		return -errno;
	return (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize < HELD_FREE_BYTES ? -ENOSPC : 0;
}

int held_coming_new(struct held_store *store, struct held_coming **ret_coming)
{
	int r = look_at_disk(store);
	struct held_coming *coming = r < 0 ? NULL : calloc(1, sizeof(*coming));
	if (!coming)
		return r < 0 ? r : -ENOMEM;
	coming->store = store;
	snprintf(coming->name, sizeof(coming->name), ".coming-%llu",
		 (unsigned long long)store->comings++);
	coming->fd = openat(store->dir_fd, coming->name,
			    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = coming->fd < 0 ? -errno : held_body_new(&store->key, coming->fd, &coming->body);
	if (r < 0)
		held_coming_free(coming);
	else
		*ret_coming = coming;
	return r;
}

void held_coming_free(struct held_coming *coming)
{
	if (!coming)
		return;
	held_body_free(coming->body);
	if (coming->fd >= 0) {
		close(coming->fd);
		if (!coming->kept)
			unlinkat(coming->store->dir_fd, coming->name, 0);
	}
	free(coming);
}

int held_coming_add(struct held_coming *coming, const uint8_t *bytes, size_t n)
{
	coming->size += n;
	if (coming->size - coming->looked > ROOM_BYTES) {
		int r = look_at_disk(coming->store);
		if (r < 0)
			return r;
		coming->looked = coming->size;
	}
	return held_body_add(coming->body, bytes, n);
}

// Of message, envelope and guard: the same, sent again.
static void take_fingerprint(const struct held_store *store, struct held_meta *meta, uint64_t guard)
{
	crypto_generichash_state state;
	const struct held_envelope *envelope = &meta->envelope;
	crypto_generichash_init(&state, store->key.bytes, sizeof(store->key.bytes),
				sizeof(meta->fingerprint));
	crypto_generichash_update(&state, meta->sum.sha256, sizeof(meta->sum.sha256));
	crypto_generichash_update(&state, (const uint8_t *)envelope->lines, envelope->lines_size);
	crypto_generichash_update(&state, (const uint8_t *)&guard, sizeof(guard));
	crypto_generichash_final(&state, meta->fingerprint, sizeof(meta->fingerprint));
}

static const struct held_entry *find_like(const struct held_store *store,
					  const struct held_meta *meta)
{
	for (size_t i = store->n; i-- > 0;)
		if (store->v[i].state != HELD_EXPIRED &&
		    sodium_memcmp(store->v[i].fingerprint, meta->fingerprint,
				  sizeof(meta->fingerprint)) == 0)
			return &store->v[i];
	return NULL;
}

static bool has_room(const struct held_store *store, const struct held_meta *meta, uint64_t guard)
{
	const struct held_envelope *envelope = &meta->envelope;
	uint64_t n = 0, bytes = meta->sum.size;
	for (size_t i = 0; i < store->n; i++) {
		if (store->v[i].guard != guard || !held_has_body(store->v[i].state))
			continue;
		n++;
		bytes += store->v[i].size;
	}
	return store->n < HELD_MESSAGES_MAX && n < envelope->messages_max &&
	       bytes <= envelope->bytes_max;
}

static int write_meta(struct held_store *store, const struct held_meta *meta)
{
	char name[NAME_MAX_];
	uint8_t *bytes;
	size_t size;
	int r = fault_error("vault-write");
	if (r == 0)
		r = held_meta_seal(&store->key, meta, &bytes, &size);
	if (r < 0)
		return r;
	name_of(meta->number, "meta", name);
	r = file_replace(store->dir_fd, name, bytes, size);
	free(bytes);
	return r;
}

static int keep(struct held_coming *coming, struct held_meta *meta, uint64_t guard)
{
	struct held_store *store = coming->store;
	char name[NAME_MAX_];
	struct held_entry *entry;
	int r = reserve(store);
	if (r < 0)
		return r;
	meta->number = store->next++;
	name_of(meta->number, "mail", name);
	if (renameat(store->dir_fd, coming->name, store->dir_fd, name) < 0)
		return -errno;
	coming->kept = true;
	fault_point("vault-body-stored");
	r = write_meta(store, meta);
	entry = r < 0 ? NULL : add(store);
	if (!entry) {
		remove_file(store, meta->number, "meta");
		remove_file(store, meta->number, "mail");
		return r < 0 ? r : -ENOMEM;
	}
	describe(meta, entry);
	entry->guard = guard;
	fault_point("vault-stored");
	return 0;
}

static enum held_answer answer_of(enum held_state state)
{
	return state == HELD_WAITS	? HELD_KEPT
	       : state == HELD_REJECTED ? HELD_CAME_REJECTED
					: HELD_CAME_DELIVERED;
}

int held_coming_keep(struct held_coming *coming, const uint8_t *envelope, size_t size,
		     uint64_t now_us, enum held_answer *ret_answer, uint64_t *ret_number,
		     bool *ret_new)
{
	struct held_store *store = coming->store;
	struct held_meta meta = { .state = HELD_WAITS, .held_us = now_us };
	const struct held_entry *like;
	int r = held_meta_set(&meta, envelope, size);
	if (r < 0)
		return r;
	const uint64_t guard = guard_hash(&meta.envelope);
	r = guard ? held_body_end(coming->body, &meta.sum) : -EBADMSG;
	if (r == 0) {
		meta.expires_us = now_us + meta.envelope.keep_seconds * UINT64_C(1000000);
		take_fingerprint(store, &meta, guard);
		like = find_like(store, &meta);
		*ret_new = !like;
		if (!like)
			r = has_room(store, &meta, guard) ? keep(coming, &meta, guard) : -ENOSPC;
		*ret_answer = like ? answer_of(like->state) : HELD_KEPT;
		*ret_number = like ? like->number : meta.number;
	}
	held_meta_done(&meta);
	return r;
}

// --- those that are there

int held_store_read(struct held_store *store, uint64_t number, struct held_meta *ret)
{
	return find(store, number) ? read_meta(store, number, ret) : -ENOENT;
}

int held_store_write(struct held_store *store, const struct held_meta *meta)
{
	struct held_entry *entry = find(store, meta->number);
	int r = entry ? write_meta(store, meta) : -ENOENT;
	if (r < 0)
		return r;
	describe(meta, entry);
	fault_point("vault-decided");
	if (!held_has_body(meta->state))
		remove_file(store, meta->number, "mail");
	return 0;
}

int held_store_copy(struct held_store *store, const struct held_meta *meta, int to)
{
	char name[NAME_MAX_];
	name_of(meta->number, "mail", name);
	int fd = openat(store->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = held_body_read(&store->key, fd, &meta->sum, to);
	close(fd);
	return r;
}

uint64_t held_store_expired(const struct held_store *store, uint64_t after, uint64_t now_us)
{
	for (size_t i = 0; i < store->n; i++)
		if (store->v[i].number > after && held_has_body(store->v[i].state) &&
		    store->v[i].expires_us <= now_us)
			return store->v[i].number;
	return 0;
}

void held_store_forget(struct held_store *store, uint64_t now_us)
{
	const uint64_t long_us = HELD_REMEMBERED_SECONDS * UINT64_C(1000000);
	size_t n = 0;
	for (size_t i = 0; i < store->n; i++) {
		const struct held_entry *entry = &store->v[i];
		if (!held_has_body(entry->state) && entry->ended_us + long_us < now_us)
			remove_file(store, entry->number, "meta");
		else
			store->v[n++] = *entry;
	}
	store->n = n;
}
