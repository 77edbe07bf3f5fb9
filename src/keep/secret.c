#include "keep/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/file.h"

static int load(int dir_fd, const char *name, uint8_t *ret_bytes, size_t wanted)
{
	struct stat st;
	char *bytes;
	size_t size;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	if (st.st_mode & 077)
		return -EPERM;
	int r = file_read(dir_fd, name, wanted, &bytes, &size);
	if (r < 0)
		return r == -EFBIG ? -EBADMSG : r;
	if (size == wanted)
		memcpy(ret_bytes, bytes, size);
	explicit_bzero(bytes, size);
	free(bytes);
	return size == wanted ? 0 : -EBADMSG;
}

int secret_open(int state_fd, const char *name, uint8_t *ret_bytes, size_t size)
{
	if (sodium_init() < 0)
		return -EIO;
	if (mkdirat(state_fd, "keys", 0700) < 0 && errno != EEXIST)
		return -errno;
	int dir_fd = openat(state_fd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir_fd < 0)
		return -errno;
	int r = load(dir_fd, name, ret_bytes, size);
	if (r == -ENOENT) {
		randombytes_buf(ret_bytes, size);
		r = file_store(dir_fd, name, ret_bytes, size);
	}
	close(dir_fd);
	return r;
}
