// The gate's side: snapshots to the child, its rows checked.
#include "daemon/differ.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/snapshot.h"

static const uint8_t head_tags[] = { CTL_DIFF_TAGS };
static const uint8_t row_tags[] = { CTL_DIFFERENCE_TAGS };
static const uint8_t fault_tags[] = { CTL_DIAGNOSTIC_TAGS };

struct comparing {
	struct child *child;
	differ_done *done;
	void *arg;
};

static bool has_only(const struct control_row *row, const uint8_t *tags, size_t n_tags)
{
	for (size_t i = 0; i < row->n; i++)
		if (!memchr(tags, row->v[i].tag, n_tags))
			return false;
	return true;
}

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

static bool is_weight(const struct control_row *row)
{
	static const char *const weights[] = { "light", "normal", "heavy" };
	return is_one_of(control_text(row, CTL_WEIGHT), weights, 3);
}

static bool is_difference(const struct control_row *row)
{
	static const char *const kinds[] = { "opens", "closes", "changes", "words" };
	return has_only(row, row_tags, sizeof(row_tags)) && is_weight(row) &&
	       is_one_of(control_text(row, CTL_KIND), kinds, 4) && *control_text(row, CTL_SUBJECT);
}

static bool makes_sense(const struct control_rows *rows)
{
	bool faults = control_u64(&rows->v[0], CTL_ERRORS) > 0;
	if (!has_only(&rows->v[0], head_tags, sizeof(head_tags)))
		return false;
	if (!faults && !is_weight(&rows->v[0]))
		return false;
	for (size_t i = 1; i < rows->n; i++)
		if (faults ? !has_only(&rows->v[i], fault_tags, sizeof(fault_tags))
			   : !is_difference(&rows->v[i]))
			return false;
	return true;
}

int differ_read(const void *bytes, size_t size, struct control_rows *ret)
{
	struct control_rows rows;
	int r = control_rows_read(bytes, size, DIFFER_FIELDS_MAX, &rows);
	if (r < 0)
		return r;
	if (!makes_sense(&rows)) {
		control_rows_done(&rows);
		return -EBADMSG;
	}
	*ret = rows;
	return 0;
}

static void on_compared(void *arg, uint8_t *bytes, size_t size, const struct failure *failed)
{
	struct comparing comparing = *(struct comparing *)arg;
	struct differ_result result = { .failure = failed };
	struct control_rows rows = { 0 };
	struct failure failure;
	free(arg);
	if (!failed) {
		int r = differ_read(bytes, size, &rows);
		result.rows = r == 0 ? &rows : NULL;
		if (r < 0) {
			failure_set(&failure, SK_DIFF_FAILED, r,
				    "what the comparison says makes no sense (%zu bytes)", size);
			result.failure = &failure;
		}
	}
	free(bytes);
	comparing.done(comparing.arg, &result);
	control_rows_done(&rows);
}

int differ_start(sd_event *event, int before_fd, int after_fd, int countries_fd, differ_done *done,
		 void *arg, struct comparing **ret_comparing)
{
	struct comparing *comparing = calloc(1, sizeof(*comparing));
	struct child_command command = {
		.name = "the comparison of policies",
		.argument = before_fd < 0 ? DIFFER_FIRST_ARGUMENT : DIFFER_ARGUMENT,
		.bytes_max = DIFFER_BYTES_MAX + 65536,
	};
	if (before_fd >= 0)
		command.fds[command.n_fds++] = before_fd;
	command.fds[command.n_fds++] = after_fd;
	command.fds[command.n_fds++] = countries_fd;
	if (!comparing)
		return -ENOMEM;
	comparing->done = done;
	comparing->arg = arg;
	int r = child_start(event, &command, on_compared, comparing, &comparing->child);
	if (r < 0)
		free(comparing);
	else
		*ret_comparing = comparing;
	return r;
}

void differ_cancel(struct comparing *comparing)
{
	if (!comparing)
		return;
	child_cancel(comparing->child);
	free(comparing);
}

// --- snapshots

int differ_snapshot(const struct gate *gate, int dir_fd, const char *name, struct failure *failure,
		    int *ret_fd)
{
	struct snapshot_job job = {
		.uid = gate->options->compiler_uid,
		.gid = gate->options->compiler_gid,
	};
	snprintf(job.directory, sizeof(job.directory), "%s", name);
	return snapshot_take(dir_fd, &job, failure, ret_fd);
}

int differ_snapshot_generation(const struct gate *gate, uint64_t number, struct failure *failure,
			       int *ret_fd)
{
	char path[64], name[64];
	snprintf(path, sizeof(path), "generations/%" PRIu64 "/rules", number);
	snprintf(name, sizeof(name), "generation %" PRIu64, number);
	int dir_fd = openat(gate->state_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir_fd < 0)
		return failure_set(failure, SK_GENERATION_UNKNOWN, -errno,
				   "generation %" PRIu64 " is not kept: %s", number,
				   strerror(errno));
	int r = differ_snapshot(gate, dir_fd, name, failure, ret_fd);
	close(dir_fd);
	return r;
}

// --- what the rows say

const char *differ_weight(const struct control_rows *rows)
{
	return control_text(&rows->v[0], CTL_WEIGHT);
}

static bool is_known(const char *const *zones, size_t n, const char *zone)
{
	return is_one_of(zone, zones, n);
}

size_t differ_zones(const struct control_rows *rows, const char **ret, size_t max)
{
	size_t n = 0;
	for (size_t i = 1; i < rows->n; i++)
		for (size_t k = 0; k < rows->v[i].n; k++) {
			const struct control_field *field = &rows->v[i].v[k];
			if ((field->tag != CTL_FROM && field->tag != CTL_TO) ||
			    is_known(ret, n < max ? n : max, field->text))
				continue;
			if (n < max)
				ret[n] = field->text;
			n++;
		}
	return n;
}

bool differ_has(const struct control_rows *rows, const char *subject)
{
	for (size_t i = 1; i < rows->n; i++)
		if (!strcmp(control_text(&rows->v[i], CTL_SUBJECT), subject))
			return true;
	return false;
}
