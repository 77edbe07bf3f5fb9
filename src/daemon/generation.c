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

#include "base/file.h"

static const char last_good[] = "last-good";

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

static void each_number(int state_fd, void (*each)(void *arg, uint64_t number), void *arg)
{
	int fd = open_generations(state_fd);
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

static char *about_text(const struct generation_about *about, const void *compiled, size_t size)
{
	struct json_object *object = json_object_new_object();
	char sum[24];
	snprintf(sum, sizeof(sum), "%016" PRIx64, file_sum(compiled, size));
	json_object_object_add(object, "generation", json_object_new_uint64(about->number));
	json_object_object_add(object, "digest", json_object_new_string(about->digest));
	json_object_object_add(object, "applied_usec", json_object_new_uint64(about->applied_usec));
	json_object_object_add(object, "uid", json_object_new_uint64(about->uid));
	json_object_object_add(object, "directory", json_object_new_string(about->directory));
	json_object_object_add(object, "version", json_object_new_string(about->version));
	json_object_object_add(object, "compiled_bytes", json_object_new_uint64(size));
	json_object_object_add(object, "compiled_sum", json_object_new_string(sum));
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

static int store_rules(int folder_fd, const struct snapshot *snapshot)
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

static void remove_folder(int generations_fd, const char *name)
{
	int fd = openat(generations_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	remove_files(fd, "rules");
	close(fd);
	remove_files(generations_fd, name);
}

static int store_into(int folder_fd, const struct generation_about *about,
		      const struct snapshot *snapshot, const void *compiled, size_t compiled_size)
{
	char *text = about_text(about, compiled, compiled_size);
	int r = text ? store_rules(folder_fd, snapshot) : -ENOMEM;
	if (r == 0)
		r = file_store(folder_fd, "compiled", compiled, compiled_size);
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
	remove_folder(generations_fd, ".new");
	int folder_fd = make_folder(generations_fd, ".new");
	int r = folder_fd < 0 ? folder_fd
			      : store_into(folder_fd, about, snapshot, compiled, compiled_size);
	if (folder_fd >= 0)
		close(folder_fd);
	if (r == 0 && renameat(generations_fd, ".new", generations_fd, name) < 0)
		r = -errno;
	if (r == 0 && fsync(generations_fd) < 0)
		r = -errno;
	if (r < 0)
		remove_folder(generations_fd, ".new");
	close(generations_fd);
	return r < 0 ? state_failed(failure, r, "the generation") : 0;
}

void generation_remove(int state_fd, uint64_t number)
{
	char name[32];
	int generations_fd = open_generations(state_fd);
	if (generations_fd < 0)
		return;
	snprintf(name, sizeof(name), "%" PRIu64, number);
	remove_folder(generations_fd, name);
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

int generation_make_last_good(int state_fd, uint64_t number, struct failure *failure)
{
	char target[64];
	int r = 0;
	snprintf(target, sizeof(target), "generations/%" PRIu64, number);
	unlinkat(state_fd, ".last-good.new", 0);
	if (symlinkat(target, state_fd, ".last-good.new") < 0 ||
	    renameat(state_fd, ".last-good.new", state_fd, last_good) < 0 || fsync(state_fd) < 0)
		r = state_failed(failure, -errno, "the mark of the last good generation");
	remove_oldest(state_fd, number);
	return r;
}

// --- loading

static int damaged(struct failure *failure, const char *what)
{
	return failure_set(failure, SK_GENERATION_DAMAGED, -EBADMSG, "the last good generation: %s",
			   what);
}

static void copy_text(struct json_object *object, const char *key, char *out, size_t size)
{
	struct json_object *value;
	if (json_object_object_get_ex(object, key, &value))
		snprintf(out, size, "%s", json_object_get_string(value));
}

static uint64_t number_at(struct json_object *object, const char *key)
{
	struct json_object *value;
	return json_object_object_get_ex(object, key, &value) ? json_object_get_uint64(value) : 0;
}

struct about_file {
	struct generation_about about;
	uint64_t compiled_bytes;
	char compiled_sum[24];
};

static int read_about(int folder_fd, struct about_file *ret)
{
	struct about_file file = { 0 };
	char *text;
	size_t size;
	int r = file_read(folder_fd, "about", 64 * 1024, &text, &size);
	if (r < 0)
		return r;
	struct json_object *object = json_tokener_parse(text);
	free(text);
	if (!object)
		return -EBADMSG;
	file.about.number = number_at(object, "generation");
	file.about.applied_usec = number_at(object, "applied_usec");
	file.about.uid = (uint32_t)number_at(object, "uid");
	copy_text(object, "digest", file.about.digest, sizeof(file.about.digest));
	copy_text(object, "directory", file.about.directory, sizeof(file.about.directory));
	copy_text(object, "version", file.about.version, sizeof(file.about.version));
	file.compiled_bytes = number_at(object, "compiled_bytes");
	copy_text(object, "compiled_sum", file.compiled_sum, sizeof(file.compiled_sum));
	json_object_put(object);
	*ret = file;
	return file.about.number ? 0 : -EBADMSG;
}

static int load_from(int folder_fd, struct failure *failure, struct generation *ret)
{
	struct generation generation = { 0 };
	struct about_file file;
	char *compiled, sum[24];
	size_t size;
	if (read_about(folder_fd, &file) < 0)
		return damaged(failure, "the file \"about\" cannot be read");
	if (file_read(folder_fd, "compiled", REPORT_BYTES_MAX, &compiled, &size) < 0)
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
