// Reading /proc.
#include "daemon/session.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/boot.h"

static int read_text(const char *proc, const char *pid, const char *name, char *out, size_t size)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s/%s", proc, pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, out, size - 1);
	int r = n < 0 ? -errno : 0;
	close(fd);
	out[n > 0 ? n : 0] = '\0';
	return r;
}

static uint64_t login_number(const char *proc, const char *pid)
{
	char text[32];
	if (read_text(proc, pid, "sessionid", text, sizeof(text)) < 0)
		return SESSION_NONE;
	return strtoull(text, NULL, 10);
}

void session_mark_now(const char *proc, struct session_mark *ret)
{
	struct session_mark mark = { .usec = boot_now_usec() };
	DIR *dir = opendir(proc);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		uint64_t number = login_number(proc, entry->d_name);
		if (number != SESSION_NONE && number > mark.highest)
			mark.highest = number;
	}
	if (dir)
		closedir(dir);
	*ret = mark;
}

// Of /proc/PID/stat: the fields behind the command's name, which may hold anything.
static int read_stat(const char *proc, const char *pid, int *ret_session, uint64_t *ret_ticks)
{
	char text[1024];
	int r = read_text(proc, pid, "stat", text, sizeof(text));
	const char *at = strrchr(text, ')');
	if (r < 0)
		return r;
	if (!at || sscanf(at + 1,
			  " %*c %*d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			  "%*d %*d %" SCNu64,
			  ret_session, ret_ticks) != 2)
		return -EBADMSG;
	return 0;
}

// The end of the tick in which the session began: a tick is coarse, and a login just after the
// apply must not be taken for one before it.
static int session_start(const char *proc, int pid, uint64_t *ret_usec)
{
	char name[16];
	uint64_t ticks;
	int session, ignored;
	long per_second = sysconf(_SC_CLK_TCK);
	snprintf(name, sizeof(name), "%d", pid);
	int r = read_stat(proc, name, &session, &ticks);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%d", session);
	r = session > 0 ? read_stat(proc, name, &ignored, &ticks) : -ESRCH;
	if (r < 0)
		return r;
	*ret_usec = (ticks + 1) * 1000000 / (uint64_t)per_second;
	return 0;
}

bool session_is_newer(const char *proc, int pid, const struct session_mark *mark, char *why,
		      size_t size)
{
	char name[16];
	uint64_t start;
	snprintf(name, sizeof(name), "%d", pid);
	uint64_t number = login_number(proc, name);
	if (number != SESSION_NONE && number > mark->highest)
		return true;
	if (number != SESSION_NONE) {
		snprintf(why, size, "this login began before the apply");
		return false;
	}
	if (session_start(proc, pid, &start) < 0) {
		snprintf(why, size, "nobody can tell when this session began");
		return false;
	}
	if (start > mark->usec)
		return true;
	snprintf(why, size, "this session began %" PRIu64 " seconds before the apply",
		 (mark->usec - start) / 1000000 + 1);
	return false;
}
