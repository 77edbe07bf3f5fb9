// Incidents as the gate has them: numbers, records, and what waits for a disk that takes them.
#include "daemon/incident_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "base/arena.h"
#include "daemon/record.h"

static const char folder_name[] = "incidents";

enum { HOST_NAME_BYTES = 256, DAY_SECONDS = 24 * 3600 };

// --- records that the disk does not take

static int open_folder(struct incidents *incidents)
{
	const struct gate *gate = incidents->gate;
	if (incidents->fd >= 0)
		return 0;
	if (gate->state_fd < 0)
		return -EBADF;
	if (mkdirat(gate->state_fd, folder_name, 0700) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(gate->state_fd, folder_name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	incidents->fd = fd;
	return 0;
}

static int store(struct incidents *incidents, struct incident_record *record)
{
	int r = open_folder(incidents);
	if (r == 0)
		r = incident_store(incidents->fd, record);
	if (r < 0)
		return r;
	evidence_add(incidents, record->number);
	incident_record_done(record);
	return 0;
}

static void tell(struct incidents *incidents, int error)
{
	struct failure failure;
	if (error < 0)
		failure_set(&failure, SK_INCIDENT_UNWRITTEN, error,
			    "%zu incidents wait in memory, the first is %llu: %s",
			    incidents->waiting.n,
			    (unsigned long long)incidents->waiting.v[0].number, strerror(-error));
	gate_set_problem(incidents->gate, GATE_INCIDENTS, error < 0 ? &failure : NULL);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *arg)
{
	struct incidents *incidents = arg;
	size_t done = 0;
	int r = 0;
	(void)usec;
	while (done < incidents->waiting.n && r == 0) {
		r = store(incidents, &incidents->waiting.v[done]);
		done += r == 0;
	}
	incidents->waiting.n -= done;
	memmove(incidents->waiting.v, incidents->waiting.v + done,
		incidents->waiting.n * sizeof(*incidents->waiting.v));
	tell(incidents, r);
	if (r == 0)
		return 0;
	sd_event_source_set_time_relative(source, INCIDENT_RETRY_SECONDS * 1000000ULL);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void wait_for_disk(struct incidents *incidents, const struct incident_record *record,
			  int error)
{
	vec_push(&incidents->waiting, *record);
	tell(incidents, error);
	sd_event_source_set_time_relative(incidents->retry, INCIDENT_RETRY_SECONDS * 1000000ULL);
	sd_event_source_set_enabled(incidents->retry, SD_EVENT_ONESHOT);
}

static bool is_waiting(const struct incidents *incidents, uint64_t number)
{
	for (size_t i = 0; i < incidents->waiting.n; i++)
		if (incidents->waiting.v[i].number == number)
			return true;
	return false;
}

// --- open and close

static bool has_step(const struct incident *incident, enum incident_step_kind kind)
{
	for (size_t i = 0; i < json_object_array_length(incident->steps); i++)
		if (!strcmp(incident_text(json_object_array_get_idx(incident->steps, i), "step"),
			    incident_step_word(kind)))
			return true;
	return false;
}

// What a crash cut short is gathered again: late, which its timeline shows, but better than none.
static int gather_again(void *arg, uint64_t number)
{
	struct incidents *incidents = arg;
	struct incident incident;
	if (incident_read(incidents->fd, number, &incident) < 0)
		return 0;
	if (!has_step(&incident, INCIDENT_EVIDENCE) && !incident_is_closed(&incident))
		evidence_add(incidents, number);
	incident_done(&incident);
	return 0;
}

int incidents_open(struct gate *gate, sd_event *event)
{
	struct incidents *incidents = calloc(1, sizeof(*incidents));
	if (!incidents)
		return -ENOMEM;
	*incidents = (struct incidents){ .gate = gate, .event = event, .fd = -1 };
	gate->incidents = incidents;
	int r = sd_event_add_time_relative(event, &incidents->retry, CLOCK_MONOTONIC, 0, 100000,
					   on_retry, incidents);
	if (r >= 0)
		r = sd_event_source_set_enabled(incidents->retry, SD_EVENT_OFF);
	if (r >= 0 && open_folder(incidents) == 0) {
		incident_last(incidents->fd, &incidents->last);
		incident_each(incidents->fd, gather_again, incidents);
	}
	return r < 0 ? r : 0;
}

void incidents_close(struct gate *gate)
{
	struct incidents *incidents = gate->incidents;
	if (!incidents)
		return;
	evidence_free(incidents);
	sd_event_source_disable_unref(incidents->retry);
	for (size_t i = 0; i < incidents->waiting.n; i++)
		incident_record_done(&incidents->waiting.v[i]);
	vec_done(&incidents->waiting);
	if (incidents->fd >= 0)
		close(incidents->fd);
	free(incidents);
	gate->incidents = NULL;
}

struct oldest {
	int fd;
	uint64_t usec; // 0: none is open
};

static int look_for_oldest(void *arg, uint64_t number)
{
	struct oldest *oldest = arg;
	struct incident incident;
	if (incident_read(oldest->fd, number, &incident) < 0)
		return 0;
	uint64_t usec = incident_number(incident.about, "usec");
	if (!incident_is_closed(&incident) && (!oldest->usec || usec < oldest->usec))
		oldest->usec = usec;
	incident_done(&incident);
	return 0;
}

bool incidents_hold(const struct gate *gate, char ret_day[11])
{
	struct oldest oldest = { .fd = incidents_folder(gate) };
	struct tm tm;
	if (oldest.fd < 0 || incident_each(oldest.fd, look_for_oldest, &oldest) < 0 || !oldest.usec)
		return false;
	time_t before = (time_t)(oldest.usec / 1000000) - DAY_SECONDS;
	return localtime_r(&before, &tm) && strftime(ret_day, 11, "%Y-%m-%d", &tm) == 10;
}

int incidents_folder(const struct gate *gate)
{
	return gate->incidents ? gate->incidents->fd : -1;
}

// --- a new one

static void record_opened(const struct gate *gate, uint64_t number,
			  const struct incident_what *what)
{
	const struct incident_step step = {
		.kind = INCIDENT_OPENED,
		.actor = what->actor,
		.uid = what->uid,
		.login_uid = what->login_uid,
		.text = what->reason,
	};
	incident_record_step(gate, number, &step);
}

// The texts of a tag that repeats.
static const char *const *texts_of(const struct control_row *row, enum control_tag tag,
				   struct arena *arena, size_t *ret_n)
{
	const char **texts = arena_array_of(arena, const char *, row->n);
	size_t n = 0;
	for (size_t i = 0; i < row->n; i++)
		if (row->v[i].tag == tag)
			texts[n++] = row->v[i].text;
	*ret_n = n;
	return texts;
}

static void describe_zone(const struct control_row *row, struct arena *arena,
			  struct incident_zone *ret)
{
	*ret = (struct incident_zone){
		.id = control_text(row, CTL_ID),
		.title = control_text(row, CTL_TITLE),
		.role = control_text(row, CTL_ROLE),
		.class = control_text(row, CTL_CLASS),
	};
	ret->interfaces = texts_of(row, CTL_INTERFACE, arena, &ret->n_interfaces);
	ret->networks = texts_of(row, CTL_NETWORK, arena, &ret->n_networks);
}

static const struct incident_contact *contacts_of(const struct control_rows *rows,
						  struct arena *arena, size_t *ret_n)
{
	size_t n = rows->n ? rows->n - 1 : 0;
	struct incident_contact *list = arena_array_of(arena, struct incident_contact, n);
	for (size_t i = 0; i < n; i++)
		list[i] = (struct incident_contact){
			.role = control_text(&rows->v[i + 1], CTL_ROLE),
			.title = control_text(&rows->v[i + 1], CTL_TITLE),
			.contact = control_text(&rows->v[i + 1], CTL_CONTACT),
			.hours = control_text(&rows->v[i + 1], CTL_HOURS),
		};
	*ret_n = n;
	return list;
}

static void describe_box(const struct gate *gate, struct arena *arena, struct incident_box *ret)
{
	const struct control_rows *zones = &gate->current.report.zones;
	size_t n = zones->n ? zones->n - 1 : 0; // row 0 is the section's head
	struct incident_zone *list = arena_array_of(arena, struct incident_zone, n);
	char *host = arena_alloc(arena, HOST_NAME_BYTES);
	gethostname(host, HOST_NAME_BYTES - 1);
	for (size_t i = 0; i < n; i++)
		describe_zone(&zones->v[i + 1], arena, &list[i]);
	*ret = (struct incident_box){
		.host = host,
		.version = SEKISHO_VERSION,
		.generation = gate->current.about.number,
		.digest = gate->current.about.digest,
		.zones = list,
		.n_zones = n,
	};
	ret->contacts = contacts_of(&gate->current.report.evidence, arena, &ret->n_contacts);
}

static bool is_of(int folder_fd, uint64_t number, const struct incident_what *what)
{
	struct incident incident;
	if (incident_read(folder_fd, number, &incident) < 0)
		return false;
	bool same = incident_number(incident.about, "usec") == what->time_usec &&
		    !strcmp(incident_text(incident.about, "scope"), what->scope) &&
		    !strcmp(incident_text(incident.about, "subject"), what->subject);
	incident_done(&incident);
	return same;
}

uint64_t incident_find(const struct gate *gate, const struct incident_what *what)
{
	const struct incidents *incidents = gate->incidents;
	int folder_fd = incidents_folder(gate);
	for (uint64_t back = 0; folder_fd >= 0 && back < INCIDENT_FIND_MAX; back++) {
		if (back >= incidents->last)
			break;
		if (is_of(folder_fd, incidents->last - back, what))
			return incidents->last - back;
	}
	return 0;
}

uint64_t incident_open(struct gate *gate, const struct incident_what *what)
{
	struct incidents *incidents = gate->incidents;
	struct incident_record record;
	if (!incidents)
		return 0;
	struct arena *arena = arena_new();
	struct incident_box box;
	uint64_t number = ++incidents->last;
	describe_box(gate, arena, &box);
	incident_record_make(number, what, &box, &record);
	arena_free(arena);
	int r = store(incidents, &record);
	if (r < 0)
		wait_for_disk(incidents, &record, r);
	record_opened(gate, number, what);
	record_settle(gate); // the log is held from now on
	return number;
}

// --- steps

void incident_record_step(const struct gate *gate, uint64_t number,
			  const struct incident_step *step)
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
	event_text(&event, EVENT_ACTOR, step->actor);
	if (step->actor)
		event_number(&event, EVENT_UID, step->uid);
	if (step->actor && step->login_uid != INCIDENT_NO_LOGIN)
		event_number(&event, EVENT_LOGIN_UID, step->login_uid);
	event_text(&event, EVENT_REASON, step->text);
	journal_write(gate->journal, &event);
}

static int check_open(const struct incidents *incidents, uint64_t number)
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
	if (is_waiting(incidents, number))
		return -EAGAIN;
	if (incidents->fd < 0)
		return -ENOENT;
	int r = step->kind == INCIDENT_CLOSED ? check_open(incidents, number) : 0;
	if (r == 0)
		r = incident_append(incidents->fd, number, step);
	if (r == 0)
		incident_record_step(gate, number, step);
	if (r == 0 && step->kind == INCIDENT_CLOSED)
		record_settle(gate);
	return r;
}
