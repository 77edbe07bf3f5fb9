// Both sides of an export; the work is the bundle's.
#include "daemon/export.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/file.h"
#include "control/field.h"
#include "keep/bundle.h"

enum { FOLDER_FD = 3, OUT_FD = 4, STATE_FD = 5, ANSWER_FD = 6, WHY_MAX = 512 };

int export_start(sd_event *event, int folder_fd, int out_fd, int state_fd, bool masked,
		 child_done *done, void *arg, struct child **ret_child)
{
	const struct child_command command = {
		.name = "the process that exports an incident",
		.argument = masked ? EXPORT_MASKED_ARGUMENT : EXPORT_ARGUMENT,
		.timeout_ms = EXPORT_TIMEOUT_MS,
		.bytes_max = EXPORT_ANSWER_MAX,
		.fds = { folder_fd, out_fd, state_fd },
		.n_fds = 3,
	};
	return child_start(event, &command, done, arg, ret_child);
}

static int drop_rights(void)
{
	cap_t none = cap_init();
	int r = none && cap_set_proc(none) == 0 ? 0 : -errno;
	if (none)
		cap_free(none);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	setpriority(PRIO_PROCESS, 0, 10);
	return r;
}

static int export(bool masked, struct bundle_result *ret, char why[WHY_MAX])
{
	struct key *key = NULL;
	int r = drop_rights();
	if (r == 0)
		r = key_open(STATE_FD, &key);
	if (r < 0) {
		snprintf(why, WHY_MAX, "the signing key: %s", strerror(-r));
		return r;
	}
	r = bundle_write(FOLDER_FD, OUT_FD, key, masked, ret, why, WHY_MAX);
	key_free(key);
	return r;
}

static void answer(struct control_writer *writer, int error, const struct bundle_result *result,
		   const char *why)
{
	char problem[BUNDLE_NAMES_MAX + 64];
	if (error < 0) {
		control_put_u64(writer, CTL_EXIT, EXIT_FAILED);
		control_put_text(writer, CTL_ERROR, *why ? why : strerror(-error));
		return;
	}
	control_put_u64(writer, CTL_SIZE, result->bytes);
	control_put_text(writer, CTL_DIGEST, result->manifest);
	control_put_text(writer, CTL_KEY_ID, result->key_id);
	if (result->altered[0]) {
		snprintf(problem, sizeof(problem), "altered since it was gathered: %s",
			 result->altered);
		control_put_text(writer, CTL_PROBLEM, problem);
	}
}

int export_main(bool masked)
{
	struct bundle_result result = { 0 };
	struct control_writer writer;
	char why[WHY_MAX] = "";
	tzset();
	int r = export(masked, &result, why);
	control_writer_init(&writer, EXPORT_ANSWER_MAX);
	answer(&writer, r, &result, why);
	r = writer.error ? writer.error : file_write_all(ANSWER_FD, writer.bytes, writer.size);
	control_writer_done(&writer);
	return r < 0 ? EXIT_FAILED : EXIT_FINE;
}
