// incident export: the daemon writes into a file that this process opened, so that nobody gets a
// file written where he may not write himself.  It has no name until it is whole.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exit.h"
#include "cli/call.h"
#include "cli/incident.h"
#include "cli/load.h"

struct target {
	const char *path;
	char beside[PATH_MAX]; // its name until it is whole; "": none (O_TMPFILE)
	int fd;
};

static int tell(const struct target *target, int error)
{
	fprintf(stderr, "sekisho incident export: %s: %s\n", target->path, strerror(-error));
	return EXIT_FAILED;
}

static void folder_of(const char *path, char out[PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		strcpy(out, ".");
	else
		snprintf(out, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

// Without a name where the file system can, else with one that shows what it is.
static int open_target(struct target *target)
{
	char folder[PATH_MAX];
	struct stat st;

	if (lstat(target->path, &st) == 0)
		return -EEXIST; // evidence is not overwritten
	if (strlen(target->path) + 10 > sizeof(target->beside))
		return -ENAMETOOLONG;
	folder_of(target->path, folder);
	target->beside[0] = '\0';
	target->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (target->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return -errno;
	snprintf(target->beside, sizeof(target->beside), "%s.partial", target->path);
	target->fd = open(target->beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return target->fd < 0 ? -errno : 0;
}

static int name_target(struct target *target)
{
	char self[40];

	if (target->beside[0])
		return renameat2(AT_FDCWD, target->beside, AT_FDCWD, target->path,
				 RENAME_NOREPLACE) < 0
			       ? -errno
			       : 0;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", target->fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, target->path, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static void drop_target(struct target *target)
{
	if (target->beside[0])
		unlink(target->beside);
	close(target->fd);
}

static void print_result(const struct control_row *fields, const char *path)
{
	printf("incident %llu is in %s (%llu bytes)\n",
	       (unsigned long long)control_u64(fields, CTL_INCIDENT), path,
	       (unsigned long long)control_u64(fields, CTL_SIZE));
	printf("manifest    %s\n", control_text(fields, CTL_DIGEST));
	printf("signed by   key %s\n", control_text(fields, CTL_KEY_ID));
	if (*control_text(fields, CTL_PROBLEM))
		printf("WARNING     %s\n", control_text(fields, CTL_PROBLEM));
}

static int finish(const struct cli *cli, struct target *target, const struct control_reply *reply)
{
	int r = name_target(target);

	if (r < 0)
		return tell(target, r);
	target->beside[0] = '\0';
	if (cli->json)
		cli_json_print(cli_reply_json(reply, NULL));
	else
		print_result(control_reply_fields(reply), target->path);
	return *control_text(control_reply_fields(reply), CTL_PROBLEM) ? EXIT_DEGRADED : EXIT_FINE;
}

int cli_incident_export(const struct cli *cli, uint64_t number, const char *path)
{
	struct target target = { .path = path };
	struct control_writer request;
	struct control_reply reply;
	bool answered;
	int status;
	int r = open_target(&target);

	if (r < 0)
		return tell(&target, r);
	cli_incident_request(&request, number);
	control_put_bool(&request, CTL_MASK, cli_has(cli, OPT_MASK));
	status = cli_call(cli, CTL_INCIDENT_EXPORT, &request, target.fd, &reply, &answered);
	control_writer_done(&request);
	if (answered && status == EXIT_FINE)
		status = finish(cli, &target, &reply);
	else if (answered && cli->json)
		cli_json_print(cli_reply_json(&reply, NULL));
	if (answered)
		control_reply_done(&reply);
	drop_target(&target);
	return status;
}
