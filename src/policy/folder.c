// A policy's folder: which of its files count, and their bytes.  Follows no link out of the folder
// (openat2 with RESOLVE_BENEATH) and reads nothing but regular files of bounded size.
#include "policy/policy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "base/vec.h"
#include "policy/value.h"

struct folder {
	int fd;
	const char *name;
	struct arena *arena; // of names and bytes
	struct diag *diag;
	VEC(const char *) names;
	VEC(struct policy_source) sources;
	uint64_t total_bytes;
};

static struct place at_file(const struct folder *folder, const char *name)
{
	return (struct place){
		.file = arena_printf(folder->arena, "%s%s%s", folder->name,
				     *folder->name ? "/" : "",
				     value_shown(folder->arena, name, strlen(name))),
	};
}

static bool is_policy_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] != '.' && dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

// A name that somebody may take for a policy file's: x.YAML, x.yml.bak, x.yaml~.
static bool is_nearly_policy_name(const char *name)
{
	return name[0] != '.' && (strcasestr(name, ".yaml") || strcasestr(name, ".yml"));
}

static bool holds_policy(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool found = false;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!found && (entry = readdir(dir)))
		found = is_policy_name(entry->d_name);
	closedir(dir);
	return found;
}

static void warn_of_ignored(struct folder *folder, const char *name)
{
	bool nearly = is_nearly_policy_name(name);

	if (name[0] == '.' || (!nearly && !holds_policy(folder->fd, name)))
		return;
	diag_add(
		folder->diag, SK_FILE_IGNORED, at_file(folder, name),
		nearly ? "not read: a policy file's name ends in .yaml or .yml; rename it, or take "
			 "it out of the folder"
		       : "not read: folders within the folder are no part of the policy; move its "
			 "files up, or take it away");
}

static bool is_clean_name(const char *name)
{
	size_t bad;

	if (!text_is_utf8(name, strlen(name), &bad))
		return false;
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Lists the folder through a descriptor of its own, so that the caller's position stays.
static int list_names(struct folder *folder, size_t *ret_others)
{
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = -errno;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	*ret_others = 0;
	while ((errno = 0, entry = readdir(dir))) {
		if (!is_policy_name(entry->d_name)) {
			*ret_others += entry->d_name[0] != '.';
			warn_of_ignored(folder, entry->d_name);
			continue;
		}
		if (folder->names.n == POL_FILES_MAX) {
			diag_add(folder->diag, SK_FILES_TOO_MANY,
				 (struct place){ .file = folder->name },
				 "the folder holds more than %d policy files", POL_FILES_MAX);
			closedir(dir);
			return -EBADMSG;
		}
		vec_push(&folder->names, arena_strdup(folder->arena, entry->d_name));
	}
	r = -errno;
	closedir(dir);
	if (folder->names.n)
		qsort(folder->names.v, folder->names.n, sizeof(*folder->names.v), by_name);
	return r;
}

static int open_beneath(int dir_fd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	do
		fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
	while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	if (fd < 0 && errno == ENOSYS) // a kernel or sandbox without it: follow no link at all
		fd = openat(dir_fd, name,
			    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static void report_open(struct folder *folder, const char *name, int error)
{
	if (error == -EXDEV || error == -ELOOP)
		diag_add(
			folder->diag, SK_FILE_OUTSIDE, at_file(folder, name),
			"the file is a link that leads out of the folder; put the file itself here");
	else
		diag_add(folder->diag, SK_FILE_UNREADABLE, at_file(folder, name),
			 "the file cannot be read: %s", strerror(-error));
}

static void report_size(struct folder *folder, const char *name)
{
	diag_add(folder->diag, SK_FILE_TOO_BIG, at_file(folder, name),
		 "the file is too big; at most %d MB a file and %d MB in all are read",
		 POL_FILE_BYTES_MAX >> 20, POL_TOTAL_BYTES_MAX >> 20);
}

// The whole file, though it may grow or shrink meanwhile.  -EFBIG when it grew past the limit.
static int read_all(struct folder *folder, int fd, uint64_t size_hint, struct policy_source *source)
{
	size_t cap = (size_t)size_hint + 1;
	char *bytes = arena_alloc(folder->arena, cap);
	size_t n = 0;

	for (;;) {
		ssize_t got = read(fd, bytes + n, cap - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
		if (n > POL_FILE_BYTES_MAX)
			return -EFBIG;
		if (n == cap) {
			char *moved = arena_alloc(folder->arena, cap * 2);

			memcpy(moved, bytes, n);
			bytes = moved;
			cap *= 2;
		}
	}
	source->bytes = bytes;
	source->size = n;
	return 0;
}

static void read_open_file(struct folder *folder, const char *name, int fd)
{
	struct policy_source source = { .name = name };
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0) {
		report_open(folder, name, -errno);
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		diag_add(
			folder->diag, SK_FILE_SPECIAL, at_file(folder, name),
			"this is no file but a folder or device; give it another name or take it away");
		return;
	}
	if (st.st_size > POL_FILE_BYTES_MAX ||
	    folder->total_bytes + (uint64_t)st.st_size > POL_TOTAL_BYTES_MAX) {
		report_size(folder, name);
		return;
	}
	r = read_all(folder, fd, (uint64_t)st.st_size, &source);
	if (r == -EFBIG)
		report_size(folder, name);
	else if (r < 0)
		report_open(folder, name, r);
	if (r < 0)
		return;
	folder->total_bytes += source.size;
	vec_push(&folder->sources, source);
}

static void read_file(struct folder *folder, const char *name)
{
	int fd;

	if (!is_clean_name(name)) {
		diag_add(folder->diag, SK_FILE_NAME, at_file(folder, name),
			 "the file's name is not clean UTF-8 text; give it another");
		return;
	}
	fd = open_beneath(folder->fd, name);
	if (fd < 0) {
		report_open(folder, name, fd);
		return;
	}
	read_open_file(folder, name, fd);
	close(fd);
}

static int read_folder(struct folder *folder)
{
	struct place at = { .file = *folder->name ? folder->name : "." };
	size_t others = 0;
	int r = list_names(folder, &others);

	if (r == -EBADMSG)
		return r;
	if (r < 0) {
		diag_add(folder->diag, SK_RULES_UNREADABLE, at, "the folder cannot be read: %s",
			 strerror(-r));
		return r;
	}
	if (!folder->names.n) {
		diag_add(
			folder->diag, SK_FOLDER_EMPTY, at,
			others ? "no file of the folder ends in .yaml or .yml; a policy is made of such files"
			       : "the folder is empty; a policy is made of files that end in .yaml");
		return -EBADMSG;
	}
	for (size_t i = 0; i < folder->names.n; i++)
		read_file(folder, folder->names.v[i]);
	return 0;
}

static int read_with(int dir_fd, const char *dir_name, const struct policy_source *more,
		     struct diag *diag, struct pol_policy **ret_policy,
		     struct pol_policy **ret_partial)
{
	struct folder folder = {
		.fd = dir_fd, .name = dir_name, .arena = arena_new(), .diag = diag
	};
	size_t errors = diag_errors(diag);
	struct pol_policy *policy = NULL;
	int r = read_folder(&folder);

	if (r == 0) {
		bool whole = diag_errors(diag) == errors;

		if (more)
			vec_push(&folder.sources, *more);
		r = policy_read_sources(folder.sources.v, folder.sources.n, dir_name, diag, &policy,
					whole ? ret_partial : NULL);
		if (r == 0 && whole)
			*ret_policy = policy;
		else if (r == 0)
			r = -EBADMSG, policy_free(policy);
	}
	vec_done(&folder.names);
	vec_done(&folder.sources);
	arena_free(folder.arena);
	return r;
}

int policy_read(int dir_fd, const char *dir_name, struct diag *diag, struct pol_policy **ret_policy,
		struct pol_policy **ret_partial)
{
	return read_with(dir_fd, dir_name, NULL, diag, ret_policy, ret_partial);
}

static int read_path_with(const char *dir, const struct policy_source *more, struct diag *diag,
			  struct pol_policy **ret_policy, struct pol_policy **ret_partial)
{
	struct place at = { .file = dir };
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0) {
		r = -errno;
		if (r == -ENOTDIR)
			diag_add(
				diag, SK_RULES_UNREADABLE, at,
				"this is no folder; give the folder that the policy's files are in");
		else
			diag_add(diag, SK_RULES_UNREADABLE, at, "the folder cannot be read: %s",
				 strerror(-r));
		return r;
	}
	r = read_with(fd, dir, more, diag, ret_policy, ret_partial);
	close(fd);
	return r;
}

int policy_read_path(const char *dir, struct diag *diag, struct pol_policy **ret_policy,
		     struct pol_policy **ret_partial)
{
	return read_path_with(dir, NULL, diag, ret_policy, ret_partial);
}

int policy_read_path_with(const char *dir, const struct policy_source *more, struct diag *diag,
			  struct pol_policy **ret_policy)
{
	return read_path_with(dir, more, diag, ret_policy, NULL);
}
