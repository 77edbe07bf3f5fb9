// log export: the whole log with its key and how to verify it, as a folder or a tar file.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"
#include "cli/log.h"
#include "keep/audit_text.h"
#include "keep/segment.h"

enum { COPY_BYTES = 256 * 1024, TAR_BLOCK = 512 };

// Where it goes: a tar file, or a folder.
struct target {
	bool is_tar;
	int fd; // of the file, or of the folder
	char *buffer;
	uint64_t files, bytes;
};

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

// POSIX ustar, written here: the library for it would cost every command its start.
static int put_header(const struct target *target, const char *name, uint64_t size)
{
	union {
		struct {
			char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type;
			char link[100], magic[6], version[2], user[32], group[32];
		} f;
		char bytes[TAR_BLOCK];
	} header = { 0 };
	unsigned sum = 0;

	if (size >> 33)
		return -EFBIG;
	snprintf(header.f.name, sizeof(header.f.name), "%s", name);
	strcpy(header.f.mode, "0000440");
	strcpy(header.f.uid, "0000000");
	strcpy(header.f.gid, "0000000");
	snprintf(header.f.size, sizeof(header.f.size), "%011llo", (unsigned long long)size);
	snprintf(header.f.mtime, sizeof(header.f.mtime), "%011llo",
		 (unsigned long long)time(NULL) & 077777777777ULL);
	memset(header.f.sum, ' ', sizeof(header.f.sum));
	header.f.type = '0';
	memcpy(header.f.magic, "ustar", 6);
	memcpy(header.f.version, "00", 2);
	for (size_t i = 0; i < sizeof(header.bytes); i++)
		sum += (unsigned char)header.bytes[i];
	snprintf(header.f.sum, sizeof(header.f.sum), "%06o", sum & 0777777);
	return write_all(target->fd, header.bytes, sizeof(header.bytes));
}

// Begins a file of that size; *ret_fd: what its bytes go to.
static int begin(struct target *target, const char *name, uint64_t size, int *ret_fd)
{
	target->files++;
	*ret_fd = target->fd;
	if (target->is_tar)
		return put_header(target, name, size);
	*ret_fd = openat(target->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0440);
	return *ret_fd < 0 ? -errno : 0;
}

static int put(struct target *target, int fd, const char *bytes, size_t size)
{
	target->bytes += size;
	return write_all(fd, bytes, size);
}

static int end(struct target *target, uint64_t size, int fd, int r)
{
	static const char zeros[TAR_BLOCK];

	if (target->is_tar)
		return r < 0 ? r : write_all(fd, zeros, (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
	if (fd < 0)
		return r;
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

static int put_text(struct target *target, const char *name, const char *text)
{
	int fd, r = begin(target, name, strlen(text), &fd);

	if (r == 0)
		r = put(target, fd, text, strlen(text));
	return end(target, strlen(text), fd, r);
}

// The newest segment grows meanwhile: what it was when it was opened is taken, up to a whole line.
static uint64_t whole_bytes(int in, uint64_t size)
{
	char last[CHAIN_LINE_MAX];
	uint64_t from = size > sizeof(last) ? size - sizeof(last) : 0;
	ssize_t n = pread(in, last, sizeof(last), (off_t)from);
	const char *newline = n > 0 ? memrchr(last, '\n', (size_t)n) : NULL;

	return newline ? from + (uint64_t)(newline - last) + 1 : size;
}

static int put_file(struct target *target, int dir_fd, const char *name, bool is_segment)
{
	struct stat st;
	int out = -1, in = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int r = in < 0 || fstat(in, &st) < 0 ? -errno : 0;
	uint64_t size = 0, left;

	if (r == 0) {
		size = (uint64_t)st.st_size;
		if (is_segment)
			size = whole_bytes(in, size);
		r = begin(target, name, size, &out);
	}
	left = size;
	while (r == 0 && left) {
		ssize_t n = read(in, target->buffer, left < COPY_BYTES ? left : COPY_BYTES);

		if (n <= 0)
			r = n < 0 ? -errno : -EIO;
		else
			r = put(target, out, target->buffer, (size_t)n);
		if (r == 0)
			left -= (uint64_t)n;
	}
	if (in >= 0)
		close(in);
	return end(target, size, out, r);
}

static int put_all(struct target *target, int dir_fd)
{
	static const struct {
		const char *name, *text;
	} texts[] = { { "README.txt", audit_readme },
		      { "README.ja.txt", audit_readme_ja },
		      { "verify.sh", audit_verify_script } };
	struct segment_list list = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
		r = put_text(target, texts[i].name, texts[i].text);
	if (r == 0)
		r = put_file(target, dir_fd, "audit.pub", false);
	if (r == 0)
		r = segment_list(dir_fd, &list);
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		char name[SEGMENT_NAME_MAX];

		segment_name(list.v[i], name);
		r = put_file(target, dir_fd, name, true);
	}
	segment_list_done(&list);
	return r;
}

static int open_target(struct target *target, const char *path)
{
	size_t length = strlen(path);

	target->is_tar = length > 4 && strcmp(path + length - 4, ".tar") == 0;
	if (!target->is_tar && mkdir(path, 0750) < 0)
		return -errno;
	target->fd = target->is_tar ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
				    : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return target->fd < 0 ? -errno : 0;
}

static int close_target(struct target *target, int r)
{
	static const char zeros[2 * TAR_BLOCK];

	if (target->fd >= 0 && target->is_tar && r == 0)
		r = write_all(target->fd, zeros, sizeof(zeros));
	if (target->fd >= 0) {
		if (fsync(target->fd) < 0 && r == 0)
			r = -errno;
		close(target->fd);
	}
	free(target->buffer);
	return r;
}

int log_export(const struct cli *cli)
{
	struct target target = { .fd = -1, .buffer = malloc(COPY_BYTES) };
	const char *path = cli->argc > 1 ? cli->argv[1] : NULL;
	int dir_fd, r;

	if (!path || !target.buffer) {
		fprintf(stderr, "usage: sekisho log export DIR|FILE.tar\n");
		free(target.buffer);
		return EXIT_USAGE;
	}
	dir_fd = log_open(log_folder(cli, NULL));
	if (dir_fd < 0) {
		free(target.buffer);
		return EXIT_FAILED;
	}
	r = open_target(&target, path);
	if (r == 0)
		r = put_all(&target, dir_fd);
	r = close_target(&target, r);
	close(dir_fd);
	if (r < 0) {
		fprintf(stderr, "sekisho log: %s: %s; what is there is not whole\n", path,
			strerror(-r));
		return EXIT_FAILED;
	}
	printf("%s: %llu files, %.1f MB; verify it with: sh verify.sh\n", path,
	       (unsigned long long)target.files, (double)target.bytes / 1e6);
	return EXIT_FINE;
}
