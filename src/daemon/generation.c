// Storing and loading generations.
#include "daemon/generation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "base/fault.h"
#include "base/file.h"
#include "daemon/stored.h"

static const char last_good[] = "last-good", compiled_first[] = "compiled";

void generation_done(struct generation *generation)
{
	report_done(&generation->report);
	*generation = (struct generation){ 0 };
}

static int state_failed(struct failure *failure, int error, const char *what)
{
	return failure_set(failure, SK_STATE_UNWRITABLE, error, "%s: %s", what, strerror(-error));
}

// --- numbers

static bool number_of(const char *text, uint64_t *ret)
{
	char *end;
	if (*text < '1' || *text > '9' || strlen(text) > 19)
		return false;
	*ret = strtoull(text, &end, 10);
	return *end == '\0' || *end == '\n';
}

static int open_generations(int state_fd)
{
	if (mkdirat(state_fd, "generations", 0700) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(state_fd, "generations", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static void each_number_of(int fd, void (*each)(void *arg, uint64_t number), void *arg)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t number;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (number_of(entry->d_name, &number))
			each(arg, number);
	closedir(dir);
}

static void each_number(int state_fd, void (*each)(void *arg, uint64_t number), void *arg)
{
	each_number_of(open_generations(state_fd), each, arg);
}

static void highest(void *arg, uint64_t number)
{
	uint64_t *most = arg;
	if (number > *most)
		*most = number;
}

int generation_next(int state_fd, uint64_t at_least, struct failure *failure, uint64_t *ret_number)
{
	uint64_t last = at_least, stored;
	char *text, line[32];
	size_t size;
	each_number(state_fd, highest, &last);
	if (file_read(state_fd, "generation", 64, &text, &size) == 0) {
		if (number_of(text, &stored))
			highest(&last, stored);
		free(text);
	}
	snprintf(line, sizeof(line), "%" PRIu64 "\n", last + 1);
	int r = file_replace(state_fd, "generation", line, strlen(line));
	if (r < 0)
		return state_failed(failure, r, "the counter of generations");
	*ret_number = last + 1;
	return 0;
}

// --- storing

static char *about_text(const struct generation_about *about, const char *name,
			const void *compiled, size_t size)
{
	struct json_object *object = json_object_new_object();
	char sum[24];
	snprintf(sum, sizeof(sum), "%016" PRIx64, file_sum(compiled, size));
	stored_put_number(object, "generation", about->number);
	stored_put_text(object, "digest", about->digest);
	stored_put_number(object, "applied_usec", about->applied_usec);
	stored_put_person(object, "by", &about->by);
	stored_put_number(object, "previous", about->previous);
	stored_put_text(object, "reason", about->reason);
	stored_put_text(object, "request", about->request);
	stored_put_text(object, "approved_by", about->approved_by);
	stored_put_text(object, "directory", about->directory);
	stored_put_text(object, "version", about->version);
	stored_put_number(object, "compiled_bytes", size);
	stored_put_text(object, "compiled_sum", sum);
	stored_put_text(object, "compiled_name", name);
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY);
	char *copy = text ? strdup(text) : NULL;
	json_object_put(object);
	return copy;
}

static int make_folder(int in_fd, const char *name)
{
	if (mkdirat(in_fd, name, 0700) < 0)
		return -errno;
	int fd = openat(in_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int generation_store_rules(int folder_fd, const struct snapshot *snapshot)
{
	int rules_fd = make_folder(folder_fd, "rules");
	if (rules_fd < 0)
		return rules_fd;
	int r = snapshot_store(snapshot, rules_fd);
	if (r == 0 && fsync(rules_fd) < 0)
		r = -errno;
	close(rules_fd);
	return r;
}

static void remove_files(int in_fd, const char *name)
{
	int fd = openat(in_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(fd, entry->d_name, 0);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	unlinkat(in_fd, name, AT_REMOVEDIR);
}

void generation_remove_folder(int in_fd, const char *name)
{
	int fd = openat(in_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	remove_files(fd, "rules");
	close(fd);
	remove_files(in_fd, name);
}

void generation_remove(int state_fd, uint64_t number)
{
	char name[32];
	int generations_fd = open_generations(state_fd);
	if (generations_fd < 0)
		return;
	snprintf(name, sizeof(name), "%" PRIu64, number);
	generation_remove_folder(generations_fd, name);
	close(generations_fd);
}

struct oldest {
	uint64_t number, except;
	size_t count;
};

static void find_oldest(void *arg, uint64_t number)
{
	struct oldest *oldest = arg;
	oldest->count++;
	if (number != oldest->except && (!oldest->number || number < oldest->number))
		oldest->number = number;
}

static void remove_oldest(int state_fd, uint64_t except)
{
	for (;;) {
		struct oldest oldest = { .except = except };
		each_number(state_fd, find_oldest, &oldest);
		if (oldest.count <= GENERATIONS_KEPT || !oldest.number)
			return;
		generation_remove(state_fd, oldest.number);
	}
}

uint64_t generation_last_good(int state_fd)
{
	static const char folder[] = "generations/";
	char target[64] = "";
	uint64_t number;
	ssize_t n = readlinkat(state_fd, last_good, target, sizeof(target) - 1);
	if (n < 0 || strncmp(target, folder, strlen(folder)) != 0 ||
	    !number_of(target + strlen(folder), &number))
		return 0;
	return number;
}

static int store_into(int folder_fd, const struct generation_about *about,
		      const struct snapshot *snapshot, const void *compiled, size_t compiled_size)
{
	char *text = about_text(about, compiled_first, compiled, compiled_size);
	int r = text ? generation_store_rules(folder_fd, snapshot) : -ENOMEM;
	if (r == 0)
		r = file_store(folder_fd, compiled_first, compiled, compiled_size);
	if (r == 0)
		r = file_store(folder_fd, "about", text, strlen(text));
	if (r == 0 && fsync(folder_fd) < 0)
		r = -errno;
	free(text);
	return r;
}

int generation_store(int state_fd, const struct generation_about *about,
		     const struct snapshot *snapshot, const void *compiled, size_t compiled_size,
		     struct failure *failure)
{
	char name[32];
	int generations_fd = open_generations(state_fd);
	if (generations_fd < 0)
		return state_failed(failure, generations_fd, "the folder of generations");
	snprintf(name, sizeof(name), "%" PRIu64, about->number);
	remove_oldest(state_fd, generation_last_good(state_fd));
	generation_remove_folder(generations_fd, ".new");
	int folder_fd = make_folder(generations_fd, ".new");
	int r = folder_fd < 0 ? folder_fd
			      : store_into(folder_fd, about, snapshot, compiled, compiled_size);
	if (folder_fd >= 0)
		close(folder_fd);
	// One that was stored, and the daemon died before it ran.
	if (r == 0 && about->number != generation_last_good(state_fd))
		generation_remove_folder(generations_fd, name);
	if (r == 0 && renameat(generations_fd, ".new", generations_fd, name) < 0)
		r = -errno;
	if (r == 0 && fsync(generations_fd) < 0)
		r = -errno;
	if (r < 0)
		generation_remove_folder(generations_fd, ".new");
	close(generations_fd);
	fault_point("generation-stored");
	return r < 0 ? state_failed(failure, r, "the generation") : 0;
}

int generation_make_last_good(int state_fd, uint64_t number, struct failure *failure)
{
	char target[64];
	int r = 0;
	snprintf(target, sizeof(target), "generations/%" PRIu64, number);
	unlinkat(state_fd, ".last-good.new", 0);
	if (symlinkat(target, state_fd, ".last-good.new") < 0 ||
	    renameat(state_fd, ".last-good.new", state_fd, last_good) < 0 || fsync(state_fd) < 0)
		r = state_failed(failure, -errno, "the mark of the last good generation");
	fault_point("last-good-linked");
	remove_oldest(state_fd, number);
	return r;
}

// --- loading

static int damaged(struct failure *failure, const char *what)
{
	return failure_set(failure, SK_GENERATION_DAMAGED, -EBADMSG, "the stored generation: %s",
			   what);
}

struct about_file {
	struct generation_about about;
	uint64_t compiled_bytes;
	char compiled_sum[24], compiled_name[40];
};

static bool is_compiled_name(const char *name)
{
	return strncmp(name, compiled_first, strlen(compiled_first)) == 0 && !strchr(name, '/');
}

static int read_about(int folder_fd, struct about_file *ret)
{
	struct about_file file = { 0 };
	struct json_object *object;
	int r = stored_read(folder_fd, "about", &object);
	if (r < 0)
		return r;
	struct generation_about *about = &file.about;
	about->number = stored_number(object, "generation");
	about->applied_usec = stored_number(object, "applied_usec");
	stored_person(object, "by", &about->by);
	about->previous = stored_number(object, "previous");
	stored_text(object, "reason", about->reason, sizeof(about->reason));
	stored_text(object, "request", about->request, sizeof(about->request));
	stored_text(object, "approved_by", about->approved_by, sizeof(about->approved_by));
	stored_text(object, "digest", about->digest, sizeof(about->digest));
	stored_text(object, "directory", about->directory, sizeof(about->directory));
	stored_text(object, "version", about->version, sizeof(about->version));
	file.compiled_bytes = stored_number(object, "compiled_bytes");
	stored_text(object, "compiled_sum", file.compiled_sum, sizeof(file.compiled_sum));
	stored_text(object, "compiled_name", file.compiled_name, sizeof(file.compiled_name));
	json_object_put(object);
	if (!file.compiled_name[0])
		strcpy(file.compiled_name, compiled_first);
	*ret = file;
	return file.about.number && is_compiled_name(file.compiled_name) ? 0 : -EBADMSG;
}

static int load_from(int folder_fd, struct failure *failure, struct generation *ret)
{
	struct generation generation = { 0 };
	struct about_file file;
	char *compiled, sum[24];
	size_t size;
	if (read_about(folder_fd, &file) < 0)
		return damaged(failure, "the file \"about\" cannot be read");
	if (file_read(folder_fd, file.compiled_name, REPORT_BYTES_MAX, &compiled, &size) < 0)
		return damaged(failure, "the file \"compiled\" cannot be read");
	snprintf(sum, sizeof(sum), "%016" PRIx64, file_sum(compiled, size));
	int r = 0;
	if (size != file.compiled_bytes || strcmp(sum, file.compiled_sum) != 0)
		r = damaged(failure, "the file \"compiled\" has changed since it was stored");
	else if (report_read(compiled, size, &generation.report) < 0 || !generation.report.ruleset)
		r = damaged(failure,
			    "the file \"compiled\" is of another version or makes no sense");
	else if (generation.report.ruleset->generation != file.about.number)
		r = damaged(failure, "its files belong to different generations");
	free(compiled);
	generation.about = file.about;
	if (r < 0)
		generation_done(&generation);
	else
		*ret = generation;
	return r;
}

static int open_one(int state_fd, uint64_t number)
{
	char path[64];
	snprintf(path, sizeof(path), "generations/%" PRIu64, number);
	int fd = openat(state_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

// The new file lies beside the old one until "about" names it.
static int replace_compiled(int folder_fd, const struct generation_about *about,
			    const void *compiled, size_t size)
{
	struct about_file before;
	char name[40], *text;
	int r = read_about(folder_fd, &before);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%s.%016" PRIx64, compiled_first, file_sum(compiled, size));
	if (!strcmp(name, before.compiled_name))
		return 0;
	unlinkat(folder_fd, name, 0); // of a crash
	text = about_text(about, name, compiled, size);
	r = text ? file_store(folder_fd, name, compiled, size) : -ENOMEM;
	if (r == 0 && fsync(folder_fd) < 0)
		r = -errno;
	fault_point("countries-compiled");
	if (r == 0)
		r = file_replace(folder_fd, "about", text, strlen(text));
	fault_point("countries-about");
	if (r == 0)
		unlinkat(folder_fd, before.compiled_name, 0);
	free(text);
	return r;
}

int generation_store_compiled(int state_fd, const struct generation_about *about,
			      const void *compiled, size_t compiled_size, struct failure *failure)
{
	int fd = open_one(state_fd, about->number);
	int r = fd < 0 ? fd : replace_compiled(fd, about, compiled, compiled_size);
	if (fd >= 0)
		close(fd);
	return r < 0 ? state_failed(failure, r, "the generation with new addresses of countries")
		     : 0;
}

int generation_load(int state_fd, uint64_t number, struct failure *failure, struct generation *ret)
{
	int fd = open_one(state_fd, number);
	if (fd < 0)
		return failure_set(failure, SK_GENERATION_UNKNOWN, fd,
				   "generation %" PRIu64 " is not kept; \"sekisho history\" lists "
				   "those that are",
				   number);
	int r = load_from(fd, failure, ret);
	close(fd);
	return r;
}

int generation_read_about(int state_fd, uint64_t number, struct generation_about *ret)
{
	struct about_file file;
	int fd = open_one(state_fd, number);
	if (fd < 0)
		return fd;
	int r = read_about(fd, &file);
	close(fd);
	if (r == 0)
		*ret = file.about;
	return r;
}

int generation_mark_confirmed(int state_fd, uint64_t number, const struct person *by, uint64_t usec)
{
	struct json_object *object = json_object_new_object();
	int fd = open_one(state_fd, number);
	stored_put_person(object, "by", by);
	stored_put_number(object, "usec", usec);
	if (fd < 0) {
		json_object_put(object);
		return fd;
	}
	int r = stored_write(fd, "confirmed", object);
	close(fd);
	return r;
}

int generation_mark_told(int state_fd, uint64_t number)
{
	int fd = open_one(state_fd, number);
	if (fd < 0)
		return fd;
	int r = file_store(fd, "told", "", 0);
	close(fd);
	return r == -EEXIST ? 0 : r;
}

bool generation_was_told(int state_fd, uint64_t number)
{
	int fd = open_one(state_fd, number);
	bool told = fd >= 0 && faccessat(fd, "told", F_OK, 0) == 0;
	if (fd >= 0)
		close(fd);
	return told;
}

bool generation_was_confirmed(int state_fd, uint64_t number, struct person *ret_by,
			      uint64_t *ret_usec)
{
	struct json_object *object;
	int fd = open_one(state_fd, number);
	int r = fd < 0 ? fd : stored_read(fd, "confirmed", &object);
	if (fd >= 0)
		close(fd);
	if (r < 0)
		return false;
	stored_person(object, "by", ret_by);
	*ret_usec = stored_number(object, "usec");
	json_object_put(object);
	return true;
}

int generation_open_rules(int state_fd, uint64_t number)
{
	int fd = open_one(state_fd, number);
	if (fd < 0)
		return fd;
	int rules_fd = openat(fd, "rules", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r = rules_fd < 0 ? -errno : rules_fd;
	close(fd);
	return r;
}

struct number_list {
	uint64_t *v;
	size_t n, max;
};

static void insert_number(void *arg, uint64_t number)
{
	struct number_list *list = arg;
	size_t at = list->n;
	while (at && list->v[at - 1] > number)
		at--;
	if (list->n == list->max) { // the least goes
		if (at == 0)
			return;
		memmove(list->v, list->v + 1, (at - 1) * sizeof(*list->v));
		list->v[at - 1] = number;
		return;
	}
	memmove(list->v + at + 1, list->v + at, (list->n - at) * sizeof(*list->v));
	list->v[at] = number;
	list->n++;
}

size_t generation_list_of(int fd, uint64_t *ret, size_t max)
{
	struct number_list list = { ret, 0, max };
	each_number_of(fd, insert_number, &list);
	return list.n;
}

size_t generation_list(int state_fd, uint64_t *ret, size_t max)
{
	return generation_list_of(open_generations(state_fd), ret, max);
}

int generation_load_last_good(int state_fd, struct failure *failure, struct generation *ret)
{
	struct stat st;
	if (fstatat(state_fd, last_good, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return failure_set(failure, SK_NO_GENERATION, -ENOENT,
				   "no policy was applied on this box yet");
	int fd = openat(state_fd, last_good, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return damaged(failure, "its folder is missing");
	int r = load_from(fd, failure, ret);
	close(fd);
	return r;
}
