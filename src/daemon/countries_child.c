// Both sides: starting the child, and being it.
#include "daemon/countries_child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/file.h"
#include "daemon/sandbox.h"
#include "geo/mmdb.h"
#include "geo/table.h"

enum { COPY_FD = CHILD_FD_FIRST, WHO_FD, ANSWER_FD };

struct who {
	uint32_t uid, gid;
};

int countries_child_start(sd_event *event, int copy_fd, uint32_t uid, uint32_t gid,
			  child_done *done, void *arg, struct child **ret_child)
{
	const struct who who = { uid, gid };
	struct child_command command = {
		.name = "the reader of countries",
		.argument = COUNTRIES_ARGUMENT,
		.timeout_ms = COUNTRIES_CHILD_TIMEOUT_MS,
		.bytes_max = GEO_TABLE_BYTES_MAX,
		.n_fds = 2,
	};
	int who_fd = memfd_create("sekisho-who", MFD_CLOEXEC);
	if (who_fd < 0)
		return -errno;
	int r = file_write_all(who_fd, &who, sizeof(who));
	command.fds[0] = copy_fd;
	command.fds[1] = who_fd;
	if (r == 0)
		r = child_start(event, &command, done, arg, ret_child);
	close(who_fd);
	return r;
}

static int answer(FILE *out)
{
	char why[MMDB_WHY_MAX];
	void *bytes;
	size_t size;
	if (mmdb_read(COPY_FD, &bytes, &size, why) < 0)
		return fprintf(out, "!%s", why) < 0 ? -1 : 0;
	int r = fwrite(bytes, 1, size, out) == size ? 0 : -1;
	free(bytes);
	return r;
}

int countries_main(void)
{
	struct who who;
	FILE *out = fdopen(ANSWER_FD, "wb");
	if (!out || pread(WHO_FD, &who, sizeof(who), 0) != (ssize_t)sizeof(who)) {
		fprintf(stderr, "<3>sekishod: the reader of countries has no descriptors\n");
		return EXIT_USAGE;
	}
	int r = sandbox_enter_reader(who.uid, who.gid);
	if (r < 0)
		fprintf(stderr, "<3>sekishod: the sandbox of the reader of countries: %s\n",
			strerror(-r));
	else
		r = answer(out);
	if (fclose(out) != 0)
		r = -1;
	return r == 0 ? EXIT_FINE : EXIT_FAILED;
}
