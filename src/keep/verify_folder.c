// Reading a folder for the verifier.
#include "keep/verify_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "keep/segment.h"

static int verify_file(int dir_fd, const char *name, struct verify *verify)
{
	struct segment_lines lines;
	struct segment_line line;
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int r = fd < 0 ? -errno : segment_lines_init(&lines, fd);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	verify_begin_file(verify, name);
	while ((r = segment_lines_next(&lines, &line)) > 0)
		verify_line(verify, line.text, line.length, line.whole);
	segment_lines_done(&lines);
	close(fd);
	return r;
}

int verify_folder(int dir_fd, struct verify *verify)
{
	struct segment_list list;
	int r = segment_list(dir_fd, &list);
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		char name[SEGMENT_NAME_MAX];
		segment_name(list.v[i], name);
		r = verify_file(dir_fd, name, verify);
		// A writer that changes to the next file meanwhile made one that is not in the
		// list.
		if (r == 0 && i + 1 == list.n && verify->sealed) {
			segment_name(list.v[i] + 1, name);
			r = verify_file(dir_fd, name, verify);
			if (r == -ENOENT)
				r = 0;
		}
	}
	if (r == 0 || list.v)
		segment_list_done(&list);
	return r;
}

void verify_put_aside(int dir_fd, void (*each)(void *arg, const char *name), void *arg)
{
	const struct dirent *entry;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (entry = readdir(dir)))
		if (strstr(entry->d_name, SEGMENT_FOREIGN))
			each(arg, entry->d_name);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

size_t verify_keys(int dir_fd, struct key_public keys[VERIFY_KEYS_MAX])
{
	static const char head[] = "audit.pub";
	const struct dirent *entry;
	size_t n = 0;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && n < VERIFY_KEYS_MAX && (entry = readdir(dir))) {
		char text[KEY_PEM_MAX];
		if (strncmp(entry->d_name, head, sizeof(head) - 1) != 0)
			continue;
		int key = openat(dir_fd, entry->d_name,
				 O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		ssize_t size = key < 0 ? -1 : read(key, text, sizeof(text));
		if (size > 0 && key_parse_public_pem(text, (size_t)size, &keys[n]) == 0)
			n++;
		if (key >= 0)
			close(key);
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return n;
}
