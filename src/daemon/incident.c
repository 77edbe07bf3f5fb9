// Incidents as the gate has them: numbers, records, and what waits for a disk that takes them.
#include "daemon/incident.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct incidents {
	int fd; // of the folder of them all; -1: not to be had yet
	uint64_t last;
};

static const char folder_name[] = "incidents";

static int open_folder(const struct gate *gate)
{
	int fd;
	if (gate->state_fd < 0)
		return -EBADF;
	if (mkdirat(gate->state_fd, folder_name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(gate->state_fd, folder_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static const char *host_name(char out[256])
{
	if (gethostname(out, 256) < 0)
		out[0] = '\0';
	out[255] = '\0';
	return out;
}

static int store(struct incidents *incidents, const struct gate *gate,
		 const struct incident_what *what)
{
	char host[256];
	const struct incident_box box = {
		.host = host_name(host),
		.version = SEKISHO_VERSION,
		.generation = gate->current.about.number,
		.digest = gate->current.about.digest,
	};
	return incident_store(incidents->fd, incidents->last, what, &box);
}

static void record(const struct gate *gate, uint64_t number, const struct incident_what *what)
{
	struct event event;
	event_init(&event, EVENT_INCIDENT_OPENED, journal_now_usec());
	event_number(&event, EVENT_INCIDENT, number);
	event_text(&event, EVENT_NAME, what->subject);
	event_text(&event, EVENT_ACTOR, what->actor);
	event_number(&event, EVENT_UID, what->uid);
	if (what->login_uid != INCIDENT_NO_LOGIN)
		event_number(&event, EVENT_LOGIN_UID, what->login_uid);
	event_text(&event, EVENT_REASON, what->reason);
	journal_write(gate->journal, &event);
}

int incidents_open(struct gate *gate)
{
	struct incidents *incidents = calloc(1, sizeof(*incidents));
	if (!incidents)
		return -ENOMEM;
	incidents->fd = open_folder(gate);
	if (incidents->fd >= 0)
		incident_last(incidents->fd, &incidents->last);
	gate->incidents = incidents;
	return 0;
}

void incidents_close(struct gate *gate)
{
	if (!gate->incidents)
		return;
	if (gate->incidents->fd >= 0)
		close(gate->incidents->fd);
	free(gate->incidents);
	gate->incidents = NULL;
}

uint64_t incident_open(struct gate *gate, const struct incident_what *what)
{
	struct incidents *incidents = gate->incidents;
	struct failure failure;
	if (!incidents)
		return 0;
	incidents->last++;
	int r = store(incidents, gate, what);
	record(gate, incidents->last, what);
	if (r < 0) {
		failure_set(&failure, SK_INCIDENT_UNWRITTEN, r, "incident %llu: %s",
			    (unsigned long long)incidents->last, strerror(-r));
		journal_failed(gate->journal, &failure);
	}
	return incidents->last;
}

static void record_step(const struct gate *gate, uint64_t number, const struct incident_step *step)
{
	static const enum event_kind kinds[INCIDENT_STEP_COUNT] = {
		[INCIDENT_OPENED] = EVENT_INCIDENT_OPENED,
		[INCIDENT_EVIDENCE] = EVENT_INCIDENT_EVIDENCE,
		[INCIDENT_RECONNECTED] = EVENT_INCIDENT_NOTED,
		[INCIDENT_NOTED] = EVENT_INCIDENT_NOTED,
		[INCIDENT_EXPORTED] = EVENT_INCIDENT_EXPORTED,
		[INCIDENT_CLOSED] = EVENT_INCIDENT_CLOSED,
	};
	struct event event;
	event_init(&event, kinds[step->kind], journal_now_usec());
	event_number(&event, EVENT_INCIDENT, number);
	event_text(&event, EVENT_NAME, incident_step_word(step->kind));
	event_text(&event, EVENT_ACTOR, step->actor);
	if (step->actor)
		event_number(&event, EVENT_UID, step->uid);
	if (step->actor && step->login_uid != INCIDENT_NO_LOGIN)
		event_number(&event, EVENT_LOGIN_UID, step->login_uid);
	event_text(&event, EVENT_REASON, step->text);
	journal_write(gate->journal, &event);
}

static int check_closed(const struct incidents *incidents, uint64_t number)
{
	struct incident incident;
	int r = incident_read(incidents->fd, number, &incident);
	if (r < 0)
		return r;
	r = incident_is_closed(&incident) ? -EALREADY : 0;
	incident_done(&incident);
	return r;
}

int incident_step(struct gate *gate, uint64_t number, const struct incident_step *step)
{
	const struct incidents *incidents = gate->incidents;
	if (!incidents)
		return -ENOENT;
	int r = step->kind == INCIDENT_CLOSED ? check_closed(incidents, number) : 0;
	if (r == 0)
		r = incident_append(incidents->fd, number, step);
	if (r == 0)
		record_step(gate, number, step);
	return r;
}
