// The gate's side: start the child, read what it says.
#include "daemon/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "keep/incident.h"

int collect_start(sd_event *event, const struct collect_job *job, child_done *done, void *arg,
		  struct child **ret_child)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct child_command command = {
		.name = "the process that gathers evidence",
		.argument = COLLECT_ARGUMENT,
		.timeout_ms = COLLECT_TIMEOUT_MS,
		.bytes_max = COLLECT_ANSWER_MAX,
		.fds = { job->folder_fd, job->log_fd, job->capture_fd, job->ready_fd },
		.n_fds = 4,
	};
	if (null < 0)
		return -errno;
	for (size_t i = 0; i < command.n_fds; i++)
		if (command.fds[i] < 0)
			command.fds[i] = null; // at its end at once
	int r = child_start(event, &command, done, arg, ret_child);
	close(null);
	return r;
}

static bool is_part(struct json_object *part)
{
	return json_object_is_type(part, json_type_object) && *incident_text(part, "part") &&
	       (*incident_text(part, "error") ||
		(*incident_text(part, "file") && strlen(incident_text(part, "blake2b")) == 64));
}

struct json_object *collect_read_answer(const void *bytes, size_t size)
{
	struct json_tokener *tokener = json_tokener_new_ex(4);
	struct json_object *parts = NULL;
	if (!tokener || size > COLLECT_ANSWER_MAX)
		goto out;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	parts = json_tokener_parse_ex(tokener, bytes, (int)size);
	bool fine = json_tokener_get_error(tokener) == json_tokener_success &&
		    json_object_is_type(parts, json_type_array);
	for (size_t i = 0; fine && i < json_object_array_length(parts); i++)
		fine = is_part(json_object_array_get_idx(parts, i));
	if (!fine) {
		json_object_put(parts);
		parts = NULL;
	}
out:
	if (tokener)
		json_tokener_free(tokener);
	return parts;
}
