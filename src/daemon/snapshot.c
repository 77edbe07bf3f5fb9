// Copying a folder into a sealed memory file, and reading that.
#include "daemon/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "base/vec.h"
#include "base/file.h"

struct image_head {
	uint64_t magic;
	uint64_t n_files;
	struct snapshot_job job;
};
enum { IMAGE_MAGIC = 0x534e4150 };

struct file_head {
	uint64_t size;
	char name[SNAPSHOT_NAME_MAX + 1];
};

typedef VEC(char *) name_list;

static void names_done(name_list *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	vec_done(names);
}

static bool is_policy_file(const char *name)
{
	size_t length = strlen(name);
	if (name[0] == '.')
		return false;
	return (length > 5 && !strcmp(name + length - 5, ".yaml")) ||
	       (length > 4 && !strcmp(name + length - 4, ".yml"));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_names(int dir_fd, name_list *names)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		int r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	struct dirent *entry;
	int r = 0;
	for (errno = 0; r == 0 && (entry = readdir(dir)); errno = 0) {
		char *name = is_policy_file(entry->d_name) ? strdup(entry->d_name) : NULL;
		if (name)
			vec_push(names, name);
		if (names->n > POL_FILES_MAX)
			r = -E2BIG;
	}
	if (r == 0 && errno)
		r = -errno;
	closedir(dir);
	if (names->n)
		qsort(names->v, names->n, sizeof(names->v[0]), by_name);
	return r;
}

static int open_beneath(int dir_fd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

static bool is_clean_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return text_is_utf8(name, strlen(name), NULL);
}

// One byte more than a file may have is copied, so that the reader of the policy says it itself.
static int copy_bytes(int from, int to, uint64_t *ret_size)
{
	char buffer[65536];
	uint64_t size = 0;
	while (size <= POL_FILE_BYTES_MAX) {
		size_t want = POL_FILE_BYTES_MAX + 1 - size;
		ssize_t n = read(from, buffer, want < sizeof(buffer) ? want : sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		int r = file_write_all(to, buffer, (size_t)n);
		if (r < 0)
			return r;
		size += (uint64_t)n;
	}
	*ret_size = size;
	return 0;
}

static int copy_file(int dir_fd, const char *name, int image, uint64_t *total)
{
	struct file_head head = { 0 };
	struct stat st;
	if (!is_clean_name(name))
		return -EILSEQ;
	strncpy(head.name, name, SNAPSHOT_NAME_MAX);
	int fd = open_beneath(dir_fd, name);
	if (fd < 0)
		return fd;
	off_t head_at = lseek(image, 0, SEEK_CUR);
	int r = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (r == 0)
		r = file_write_all(image, &head, sizeof(head));
	if (r == 0)
		r = copy_bytes(fd, image, &head.size);
	close(fd);
	if (r == 0 && (*total += head.size) > SNAPSHOT_BYTES_MAX)
		r = -EFBIG;
	if (r == 0 && pwrite(image, &head, sizeof(head), head_at) != (ssize_t)sizeof(head))
		r = -EIO;
	return r;
}

// The code and words of a file that could not be taken.
static int file_failed(struct failure *failure, const char *directory, const char *name, int error)
{
	switch (error) {
	case -EFBIG:
		return failure_set(failure, SK_FOLDER_TOO_BIG, error,
				   "%s: the policy files together have more than %d MiB", directory,
				   SNAPSHOT_BYTES_MAX >> 20);
	case -EILSEQ:
		return failure_set(failure, SK_FILE_NAME, error,
				   "%s: a file's name is not clean UTF-8 text; give it another",
				   directory);
	case -EXDEV:
		return failure_set(failure, SK_FILE_OUTSIDE, error,
				   "%s/%s: it is a symbolic link that leads out of the folder",
				   directory, name);
	case -EINVAL:
		return failure_set(failure, SK_FILE_SPECIAL, error,
				   "%s/%s: it is not an ordinary file", directory, name);
	default:
		return failure_set(failure, SK_FILE_UNREADABLE, error, "%s/%s: %s", directory, name,
				   strerror(-error));
	}
}

static int copy_folder(int dir_fd, const struct snapshot_job *job, int image,
		       struct failure *failure)
{
	struct image_head head = { .magic = IMAGE_MAGIC, .job = *job };
	name_list names = { 0 };
	uint64_t total = 0;
	int r = list_names(dir_fd, &names);
	if (r == -E2BIG)
		failure_set(failure, SK_FILES_TOO_MANY, r, "%s: more than %d policy files",
			    job->directory, POL_FILES_MAX);
	else if (r < 0)
		failure_set(failure, SK_RULES_UNREADABLE, r, "%s: %s", job->directory,
			    strerror(-r));
	else if (names.n == 0)
		r = failure_set(failure, SK_FOLDER_EMPTY, -ENODATA,
				"%s: no file of the folder ends in .yaml or .yml", job->directory);
	head.n_files = names.n;
	if (r == 0)
		r = file_write_all(image, &head, sizeof(head));
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		r = copy_file(dir_fd, names.v[i], image, &total);
		if (r < 0)
			file_failed(failure, job->directory, names.v[i], r);
	}
	names_done(&names);
	return r;
}

int snapshot_take(int dir_fd, const struct snapshot_job *job, struct failure *failure, int *ret_fd)
{
	int image = memfd_create("sekisho-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (image < 0)
		return failure_set(failure, SK_DAEMON_FAILED, -errno, "memory file: %s",
				   strerror(errno));
	failure_set(failure, SK_DAEMON_FAILED, 0, "memory file: no room");
	int r = copy_folder(dir_fd, job, image, failure);
	int sealed = r == 0 ? file_seal(image) : 0;
	if (sealed < 0)
		r = failure_set(failure, SK_DAEMON_FAILED, sealed, "sealing: %s",
				strerror(-sealed));
	if (r < 0)
		close(image);
	else
		*ret_fd = image;
	return r;
}

static int find_files(struct snapshot *snapshot, const struct image_head *head)
{
	const char *at = (const char *)(head + 1), *end = (const char *)head + snapshot->map_size;
	if (head->n_files > POL_FILES_MAX)
		return -EBADMSG;
	snapshot->files = calloc(head->n_files + 1, sizeof(*snapshot->files));
	if (!snapshot->files)
		return -ENOMEM;
	for (; snapshot->n_files < head->n_files; snapshot->n_files++) {
		struct file_head file;
		if ((size_t)(end - at) < sizeof(file))
			return -EBADMSG;
		memcpy(&file, at, sizeof(file));
		const char *bytes = at + sizeof(file);
		if (file.size > (size_t)(end - bytes) || file.name[SNAPSHOT_NAME_MAX])
			return -EBADMSG;
		snapshot->files[snapshot->n_files] = (struct policy_source){
			.name = at + offsetof(struct file_head, name),
			.bytes = bytes,
			.size = file.size,
		};
		at = bytes + file.size;
	}
	return at == end ? 0 : -EBADMSG;
}

int snapshot_map(int fd, struct snapshot *ret)
{
	struct snapshot snapshot = { 0 };
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((size_t)st.st_size < sizeof(struct image_head))
		return -EBADMSG;
	snapshot.map_size = (size_t)st.st_size;
	snapshot.map = mmap(NULL, snapshot.map_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (snapshot.map == MAP_FAILED)
		return -errno;
	const struct image_head *head = snapshot.map;
	snapshot.job = head->job;
	int r = head->magic == IMAGE_MAGIC ? find_files(&snapshot, head) : -EBADMSG;
	if (r < 0)
		snapshot_done(&snapshot);
	else
		*ret = snapshot;
	return r;
}

void snapshot_done(struct snapshot *snapshot)
{
	free(snapshot->files);
	if (snapshot->map)
		munmap(snapshot->map, snapshot->map_size);
	*snapshot = (struct snapshot){ 0 };
}

int snapshot_store(const struct snapshot *snapshot, int dir_fd)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < snapshot->n_files; i++)
		r = file_store(dir_fd, snapshot->files[i].name, snapshot->files[i].bytes,
			       snapshot->files[i].size);
	return r;
}

int snapshot_plan(const struct snapshot *snapshot, const struct geo_known *countries,
		  struct diag *diag, struct plan **ret_plan)
{
	struct pol_policy *policy = NULL;
	int r = policy_read_sources(snapshot->files, snapshot->n_files, snapshot->job.directory,
				    diag, &policy, NULL);
	if (r == 0)
		r = plan_make_with(policy, countries, diag, ret_plan, NULL);
	policy_free(policy);
	return r;
}
