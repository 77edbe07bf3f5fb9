// Whole files.
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

int file_write_all(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;
	while (size) {
		ssize_t n = write(fd, at, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int file_seal(int fd)
{
	int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	return fcntl(fd, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}

static int write_new(int dir_fd, const char *name, int flags, const void *bytes, size_t size)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (fd < 0)
		return -errno;
	int r = file_write_all(fd, bytes, size);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir_fd, name, 0);
	return r;
}

int file_store(int dir_fd, const char *name, const void *bytes, size_t size)
{
	return write_new(dir_fd, name, O_EXCL, bytes, size);
}

int file_replace(int dir_fd, const char *name, const void *bytes, size_t size)
{
	char beside[NAME_MAX + 1];
	if ((size_t)snprintf(beside, sizeof(beside), ".%s.new", name) >= sizeof(beside))
		return -ENAMETOOLONG;
	int r = write_new(dir_fd, beside, O_TRUNC, bytes, size);
	if (r == 0 && renameat(dir_fd, beside, dir_fd, name) < 0)
		r = -errno;
	if (r == 0 && fsync(dir_fd) < 0)
		r = -errno;
	return r;
}

int file_read(int dir_fd, const char *name, size_t max, char **ret_bytes, size_t *ret_size)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	if (fd < 0)
		return -errno;
	int r = fstat(fd, &st) < 0 ? -errno : !S_ISREG(st.st_mode) ? -EINVAL : 0;
	if (r == 0 && (st.st_size < 0 || (uint64_t)st.st_size > max))
		r = -EFBIG;
	char *bytes = r == 0 ? malloc((size_t)st.st_size + 1) : NULL;
	size_t size = 0;
	if (r == 0 && !bytes)
		r = -ENOMEM;
	while (r == 0 && size < (size_t)st.st_size) {
		ssize_t n = read(fd, bytes + size, (size_t)st.st_size - size);
		if (n < 0 && errno != EINTR)
			r = -errno;
		if (n == 0)
			break;
		if (n > 0)
			size += (size_t)n;
	}
	close(fd);
	if (r < 0) {
		free(bytes);
		return r;
	}
	bytes[size] = '\0';
	*ret_bytes = bytes;
	*ret_size = size;
	return 0;
}

uint64_t file_sum(const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	uint64_t sum = 0xcbf29ce484222325;
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ at[i]) * 0x100000001b3;
	return sum;
}

int file_open_folder(const char *path, unsigned mode, int *ret_fd)
{
	char part[PATH_MAX];
	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	strcpy(part, path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	if (mkdir(part, mode) < 0 && errno != EEXIST)
		return -errno;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int file_give_folder(const char *above, const char *name, unsigned mode, uint32_t uid, uint32_t gid,
		     char *out, size_t size)
{
	struct stat st;
	int fd;
	int r = file_open_folder(above, 0755, &fd);
	if (r < 0)
		return r;
	close(fd);
	if ((size_t)snprintf(out, size, "%s/%s", above, name) >= size)
		return -ENAMETOOLONG;
	if (mkdir(out, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(out, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (geteuid() != 0)
		return 0;
	if ((st.st_mode & 07777) != mode && chmod(out, mode) < 0)
		return -errno;
	if (st.st_uid == uid && st.st_gid == gid)
		return 0;
	return lchown(out, uid, gid) < 0 ? -errno : 0;
}

int file_lock_folder(int fd, unsigned patience_ms)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	uint64_t end = monotonic_ms() + patience_ms;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EINTR && (errno != EWOULDBLOCK || monotonic_ms() >= end))
			return -errno;
		if (errno == EWOULDBLOCK)
			nanosleep(&pause, NULL);
	}
	return 0;
}
