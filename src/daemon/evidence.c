// Evidence of incidents: a child for each, a few at a time, and what it said into the timeline.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <json-c/json.h>

#include "daemon/capture.h"
#include "daemon/collect.h"
#include "daemon/incident_private.h"

static void start_next(struct incidents *incidents);

static void close_capture(struct evidence *evidence)
{
	sd_event_source_disable_unref(evidence->lag);
	evidence->lag = NULL;
	if (evidence->capture_fd >= 0)
		close(evidence->capture_fd);
	if (evidence->ready_fd >= 0)
		close(evidence->ready_fd); // the child goes on
	evidence->capture_fd = evidence->ready_fd = -1;
}

static void drop(struct incidents *incidents, struct evidence *evidence)
{
	struct evidence **at = &incidents->evidence;
	while (*at != evidence)
		at = &(*at)->next;
	*at = evidence->next;
	child_cancel(evidence->child);
	close_capture(evidence);
	free(evidence);
}

static void fail(struct gate *gate, uint64_t number, const char *what)
{
	struct failure failure;
	failure_set(&failure, SK_EVIDENCE_FAILED, 0, "incident %llu: %s",
		    (unsigned long long)number, what);
	journal_failed(gate->journal, &failure);
}

// "counters, ruleset; not log (No space left on device)": how many parts failed is returned.
static size_t words_of(struct json_object *parts, char *out, size_t size)
{
	size_t failed = 0;
	out[0] = '\0';
	for (size_t i = 0; i < json_object_array_length(parts); i++) {
		struct json_object *part = json_object_array_get_idx(parts, i);
		const char *error = incident_text(part, "error");
		size_t used = strlen(out);
		snprintf(out + used, size - used, "%s%s%s%s%s%s", used ? ", " : "",
			 *error ? "not " : "", incident_text(part, "part"), *error ? " (" : "",
			 error, *error ? ")" : "");
		failed += *error != '\0';
	}
	return failed;
}

static void finish(struct evidence *evidence, struct json_object *parts, const char *what)
{
	struct incidents *incidents = evidence->gate->incidents;
	struct gate *gate = evidence->gate;
	uint64_t number = evidence->number;
	const struct incident_step step = {
		.kind = INCIDENT_EVIDENCE,
		.login_uid = INCIDENT_NO_LOGIN,
		.text = what,
		.parts = parts,
	};
	evidence->child = NULL; // gone already
	drop(incidents, evidence);
	int r = incident_append(incidents->fd, number, &step);
	incident_record_step(gate, number, &step);
	if (r < 0)
		fail(gate, number, strerror(-r));
	start_next(incidents);
}

static void on_gathered(void *arg, uint8_t *bytes, size_t size, const struct failure *failure)
{
	struct evidence *evidence = arg;
	struct json_object *parts = bytes ? collect_read_answer(bytes, size) : NULL;
	char what[INCIDENT_TEXT_MAX];
	free(bytes);
	if (!parts) {
		snprintf(what, sizeof(what), "none: %s",
			 failure ? failure->text : "the process that gathers it made no sense");
		fail(evidence->gate, evidence->number, what);
	} else if (words_of(parts, what, sizeof(what)) > 0) {
		fail(evidence->gate, evidence->number, what);
	}
	finish(evidence, parts, what);
	json_object_put(parts);
}

// What was under way to the ring when the incident opened has come in.
static int on_lag(sd_event_source *source, uint64_t usec, void *arg)
{
	struct evidence *evidence = arg;
	(void)source;
	(void)usec;
	capture_copy(evidence->gate, evidence->capture_fd); // what is missing, the child tells
	close_capture(evidence);
	return 0;
}

static int prepare_capture(struct incidents *incidents, struct evidence *evidence,
			   int *ret_ready_fd)
{
	int pipes[2];
	*ret_ready_fd = -1;
	if (!evidence->gate->capture)
		return 0;
	evidence->capture_fd = memfd_create("capture", MFD_CLOEXEC);
	if (evidence->capture_fd < 0 || pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	*ret_ready_fd = pipes[0];
	evidence->ready_fd = pipes[1];
	return sd_event_add_time_relative(incidents->event, &evidence->lag, CLOCK_MONOTONIC,
					  CAPTURE_LAG_MS * 1000ULL, 1000, on_lag, evidence);
}

static int open_log(const struct gate *gate)
{
	char path[PATH_MAX];
	if (!gate->options->log)
		return -1;
	snprintf(path, sizeof(path), "%s/audit", gate->options->log);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int start(struct incidents *incidents, struct evidence *evidence)
{
	int folder, ready = -1, log;
	int r = incident_open_folder(incidents->fd, evidence->number, &folder);
	if (r < 0)
		return r;
	log = open_log(evidence->gate);
	r = prepare_capture(incidents, evidence, &ready);
	const struct collect_job job = {
		.folder_fd = folder,
		.log_fd = log,
		.capture_fd = evidence->capture_fd,
		.ready_fd = ready,
	};
	if (r >= 0)
		r = collect_start(incidents->event, &job, on_gathered, evidence, &evidence->child);
	if (ready >= 0)
		close(ready);
	if (log >= 0)
		close(log);
	close(folder);
	return r;
}

static void start_next(struct incidents *incidents)
{
	size_t running = 0;
	for (struct evidence *at = incidents->evidence; at; at = at->next)
		running += at->child != NULL;
	for (struct evidence *at = incidents->evidence; at && running < INCIDENT_GATHERING_MAX;) {
		struct evidence *next = at->next;
		if (!at->child) {
			int r = start(incidents, at);
			if (r < 0) {
				char what[80];
				snprintf(what, sizeof(what), "none: %s", strerror(-r));
				fail(incidents->gate, at->number, what);
				finish(at, NULL, what); // and it goes on from there
				return;
			}
			running++;
		}
		at = next;
	}
}

void evidence_add(struct incidents *incidents, uint64_t number)
{
	struct evidence *evidence = calloc(1, sizeof(*evidence));
	struct evidence **end = &incidents->evidence;
	if (!evidence) {
		fail(incidents->gate, number, strerror(ENOMEM));
		return;
	}
	*evidence = (struct evidence){
		.gate = incidents->gate, .number = number, .capture_fd = -1, .ready_fd = -1
	};
	while (*end)
		end = &(*end)->next;
	*end = evidence;
	start_next(incidents);
}

void evidence_free(struct incidents *incidents)
{
	while (incidents->evidence)
		drop(incidents, incidents->evidence);
}

bool incident_is_gathering(const struct gate *gate, uint64_t number)
{
	for (const struct evidence *at = gate->incidents ? gate->incidents->evidence : NULL; at;
	     at = at->next)
		if (at->number == number)
			return true;
	return false;
}
