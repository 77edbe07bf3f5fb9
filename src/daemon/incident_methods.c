// Incidents for the control socket: what the store has, as rows; what persons add to it.
#include "daemon/incident_methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "base/exit.h"
#include "daemon/export.h"
#include "daemon/incident.h"

static void refuse(struct methods *methods, struct control_token token, uint64_t number, int error)
{
	const char *words = error == -ENOENT	 ? "there is none of that number"
			    : error == -EALREADY ? "it is closed already"
			    : error == -EBADMSG	 ? "its about.json is damaged"
			    : error == -EAGAIN	 ? "its record waits for room on the disk"
						 : strerror(-error);
	control_server_refuse(methods->server, token, EXIT_FAILED, "incident %llu: %s",
			      (unsigned long long)number, words);
}

static const char *state_word(const struct gate *gate, const struct incident *incident)
{
	return incident_is_closed(incident)		       ? "closed"
	       : incident_is_gathering(gate, incident->number) ? "gathering"
							       : "open";
}

static void put_text(struct control_writer *reply, enum control_tag tag, struct json_object *object,
		     const char *member)
{
	control_put_text(reply, tag, incident_text(object, member));
}

// --- list

struct listing {
	const struct gate *gate;
	struct control_writer reply;
};

static int put_listed(void *arg, uint64_t number)
{
	struct listing *listing = arg;
	struct control_writer *reply = &listing->reply;
	struct incident incident;
	int r = incident_read(incidents_folder(listing->gate), number, &incident);
	control_put_mark(reply, CTL_ROW);
	control_put_u64(reply, CTL_INCIDENT, number);
	if (r < 0) {
		control_put_text(reply, CTL_STATE, "damaged");
		return 0;
	}
	control_put_time(reply, CTL_WHEN, incident_number(incident.about, "usec"));
	put_text(reply, CTL_KIND, incident.about, "kind");
	put_text(reply, CTL_SCOPE, incident.about, "scope");
	put_text(reply, CTL_SUBJECT, incident.about, "subject");
	control_put_text(reply, CTL_STATE, state_word(listing->gate, &incident));
	put_text(reply, CTL_ACTOR, incident.about, "actor");
	put_text(reply, CTL_REASON, incident.about, "reason");
	incident_done(&incident);
	return 0;
}

void method_incident_list(struct methods *methods, struct control_request *request)
{
	struct listing listing = { .gate = methods->gate };
	control_writer_init(&listing.reply, CTL_REPLY_MAX);
	if (incidents_folder(methods->gate) >= 0)
		incident_each(incidents_folder(methods->gate), put_listed, &listing);
	control_server_answer(methods->server, request->token, &listing.reply);
}

// --- show

static void put_evidence(struct control_writer *reply, struct json_object *step)
{
	struct json_object *parts = NULL;
	json_object_object_get_ex(step, "parts", &parts);
	size_t n =
		json_object_is_type(parts, json_type_array) ? json_object_array_length(parts) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *part = json_object_array_get_idx(parts, i);
		control_put_mark(reply, CTL_ROW);
		control_put_text(reply, CTL_WHAT, "evidence");
		put_text(reply, CTL_NAME, part, "part");
		put_text(reply, CTL_FILE, part, "file");
		control_put_u64(reply, CTL_SIZE, incident_number(part, "bytes"));
		put_text(reply, CTL_DIGEST, part, "blake2b");
		put_text(reply, CTL_MESSAGE, part, "note");
		put_text(reply, CTL_PROBLEM, part, "error");
	}
}

static void put_steps(struct control_writer *reply, struct json_object *steps)
{
	for (size_t i = 0; i < json_object_array_length(steps); i++) {
		struct json_object *step = json_object_array_get_idx(steps, i);
		control_put_mark(reply, CTL_ROW);
		control_put_text(reply, CTL_WHAT, "step");
		control_put_time(reply, CTL_WHEN, incident_number(step, "usec"));
		put_text(reply, CTL_STEP, step, "step");
		put_text(reply, CTL_ACTOR, step, "actor");
		put_text(reply, CTL_WORDS, step, "text");
		put_text(reply, CTL_PREVENTION, step, "prevention");
		put_evidence(reply, step);
	}
}

static void put_contacts(struct control_writer *reply, struct json_object *box)
{
	struct json_object *contacts = NULL;
	json_object_object_get_ex(box, "contacts", &contacts);
	size_t n = json_object_is_type(contacts, json_type_array)
			   ? json_object_array_length(contacts)
			   : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *contact = json_object_array_get_idx(contacts, i);
		control_put_mark(reply, CTL_ROW);
		control_put_text(reply, CTL_WHAT, "contact");
		put_text(reply, CTL_ROLE, contact, "role");
		put_text(reply, CTL_TITLE, contact, "title");
		put_text(reply, CTL_CONTACT, contact, "contact");
		put_text(reply, CTL_HOURS, contact, "hours");
	}
}

static void put_zones(struct control_writer *reply, struct json_object *about)
{
	struct json_object *zones = NULL;
	json_object_object_get_ex(about, "zones", &zones);
	size_t n =
		json_object_is_type(zones, json_type_array) ? json_object_array_length(zones) : 0;
	for (size_t i = 0; i < n; i++)
		control_put_text(reply, CTL_ABOUT_ZONE,
				 json_object_get_string(json_object_array_get_idx(zones, i)));
}

static void put_incident(struct control_writer *reply, const struct gate *gate,
			 const struct incident *incident)
{
	static const struct {
		enum control_tag tag;
		const char *member;
	} texts[] = {
		{ CTL_KIND, "kind" },	       { CTL_SCOPE, "scope" },
		{ CTL_SUBJECT, "subject" },    { CTL_ACTOR, "actor" },
		{ CTL_REASON, "reason" },      { CTL_ORDERED_BY, "ordered_by" },
		{ CTL_REPORTED_BY, "source" }, { CTL_DETAIL, "detail" },
	};
	struct json_object *about = incident->about, *box = NULL, *own = NULL;
	json_object_object_get_ex(about, "box", &box);
	control_put_u64(reply, CTL_INCIDENT, incident->number);
	control_put_time(reply, CTL_WHEN, incident_number(about, "usec"));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		put_text(reply, texts[i].tag, about, texts[i].member);
	control_put_text(reply, CTL_STATE, state_word(gate, incident));
	json_object_object_get_ex(about, "own_judgment", &own);
	control_put_bool(reply, CTL_OWN_JUDGMENT, json_object_get_boolean(own));
	put_zones(reply, about);
	control_put_u64(reply, CTL_GENERATION, incident_number(box, "generation"));
	put_text(reply, CTL_DIGEST, box, "digest");
	put_text(reply, CTL_HOST, box, "host");
	control_put_bool(reply, CTL_GATHERING, incident_is_gathering(gate, incident->number));
	if (incident->torn)
		control_put_text(
			reply, CTL_PROBLEM,
			"a line of its timeline could not be read (a power cut leaves one)");
	put_steps(reply, incident->steps);
	put_contacts(reply, box);
}

void method_incident_show(struct methods *methods, struct control_request *request)
{
	uint64_t number = control_u64(request->fields, CTL_INCIDENT);
	struct control_writer reply;
	struct incident incident;
	int folder = incidents_folder(methods->gate);
	int r = folder < 0 ? -ENOENT : incident_read(folder, number, &incident);
	if (r < 0) {
		refuse(methods, request->token, number, r);
		return;
	}
	control_writer_init(&reply, CTL_REPLY_MAX);
	put_incident(&reply, methods->gate, &incident);
	incident_done(&incident);
	control_server_answer(methods->server, request->token, &reply);
}

// --- open, note, close

static void answer_number(struct methods *methods, struct control_token token, uint64_t number)
{
	struct control_writer reply;
	control_writer_init(&reply, CTL_MESSAGE_MAX);
	control_put_u64(&reply, CTL_INCIDENT, number);
	control_server_answer(methods->server, token, &reply);
}

void method_incident_open(struct methods *methods, struct control_request *request)
{
	char name[CONTROL_PEER_NAME_MAX];
	const struct incident_what what = {
		.kind = INCIDENT_BY_HAND,
		.subject = control_text(request->fields, CTL_SUBJECT),
		.actor = control_person_name(request->peer.uid, request->peer.login_uid, name),
		.uid = request->peer.uid,
		.login_uid = request->peer.login_uid,
		.reason = control_text(request->fields, CTL_REASON),
		.source = control_text(request->fields, CTL_REPORTED_BY),
	};
	if (!*what.reason) {
		control_server_refuse(methods->server, request->token, EXIT_USAGE,
				      "an incident needs a reason");
		return;
	}
	answer_number(methods, request->token, incident_open(methods->gate, &what));
}

static void add_step(struct methods *methods, struct control_request *request,
		     struct incident_step *step)
{
	uint64_t number = control_u64(request->fields, CTL_INCIDENT);
	char name[CONTROL_PEER_NAME_MAX];
	step->actor = control_person_name(request->peer.uid, request->peer.login_uid, name);
	step->uid = request->peer.uid;
	step->login_uid = request->peer.login_uid;
	if (!*step->text) {
		control_server_refuse(methods->server, request->token, EXIT_USAGE,
				      "words are missing: say what and why");
		return;
	}
	int r = incident_step(methods->gate, number, step);
	if (r < 0)
		refuse(methods, request->token, number, r);
	else
		answer_number(methods, request->token, number);
}

void method_incident_note(struct methods *methods, struct control_request *request)
{
	struct incident_step step = {
		.kind = INCIDENT_NOTED,
		.text = control_text(request->fields, CTL_WORDS),
	};
	add_step(methods, request, &step);
}

void method_incident_close(struct methods *methods, struct control_request *request)
{
	struct incident_step step = {
		.kind = INCIDENT_CLOSED,
		.text = control_text(request->fields, CTL_REASON),
		.prevention = control_text(request->fields, CTL_PREVENTION),
	};
	add_step(methods, request, &step);
}

// --- export

struct exporting {
	struct methods *methods;
	struct control_token token;
	struct control_peer peer;
	uint64_t number;
	bool masked;
	struct child *child;
};

static void record_export(const struct exporting *exporting, const struct control_row *answer)
{
	char name[CONTROL_PEER_NAME_MAX], text[256];
	const struct incident_step step = {
		.kind = INCIDENT_EXPORTED,
		.actor = control_person_name(exporting->peer.uid, exporting->peer.login_uid, name),
		.uid = exporting->peer.uid,
		.login_uid = exporting->peer.login_uid,
		.text = text,
	};
	snprintf(text, sizeof(text), "%smanifest %s", exporting->masked ? "masked, " : "",
		 control_text(answer, CTL_DIGEST));
	struct gate *gate = exporting->methods->gate;
	int r = incident_step(gate, exporting->number, &step);
	if (r < 0) {
		struct failure failure;
		failure_set(&failure, SK_INCIDENT_UNWRITTEN, r,
			    "incident %llu: that it was exported: %s",
			    (unsigned long long)exporting->number, strerror(-r));
		journal_failed(gate->journal, &failure);
	}
}

static void on_exported(void *arg, uint8_t *bytes, size_t size, const struct failure *failure)
{
	struct exporting *exporting = arg;
	struct methods *methods = exporting->methods;
	struct control_rows rows;
	int r = bytes ? control_rows_read(bytes, size, CTL_REQUEST_FIELDS_MAX, &rows) : -EIO;
	free(bytes);
	if (r == 0 && control_check_reply(CTL_INCIDENT_EXPORT, &rows) < 0) {
		control_rows_done(&rows);
		r = -EBADMSG;
	}
	if (r < 0) {
		control_server_refuse(methods->server, exporting->token, EXIT_FAILED,
				      "incident %llu: %s", (unsigned long long)exporting->number,
				      failure ? failure->text : strerror(-r));
		free(exporting);
		return;
	}
	const struct control_row *answer = &rows.v[0];
	if (control_u64(answer, CTL_EXIT) != EXIT_FINE) {
		control_server_refuse(methods->server, exporting->token, EXIT_FAILED,
				      "incident %llu was not exported: %s",
				      (unsigned long long)exporting->number,
				      control_text(answer, CTL_ERROR));
	} else {
		struct control_writer reply;
		record_export(exporting, answer);
		control_writer_init(&reply, CTL_MESSAGE_MAX);
		control_put_u64(&reply, CTL_INCIDENT, exporting->number);
		report_put_row(&reply, answer);
		control_server_answer(methods->server, exporting->token, &reply);
	}
	control_rows_done(&rows);
	free(exporting);
}

static int start_export(struct methods *methods, struct control_request *request,
			struct exporting *exporting)
{
	int folder, r;
	if (incidents_folder(methods->gate) < 0)
		return -ENOENT;
	if (incident_is_gathering(methods->gate, exporting->number))
		return -EBUSY;
	r = incident_open_folder(incidents_folder(methods->gate), exporting->number, &folder);
	if (r < 0)
		return r;
	r = export_start(methods->event, folder, request->fd, methods->gate->state_fd,
			 exporting->masked, on_exported, exporting, &exporting->child);
	close(folder);
	return r;
}

void method_incident_export(struct methods *methods, struct control_request *request)
{
	uint64_t number = control_u64(request->fields, CTL_INCIDENT);
	if (request->fd < 0) {
		control_server_refuse(methods->server, request->token, EXIT_USAGE,
				      "there is no file to export to");
		return;
	}
	struct exporting *exporting = calloc(1, sizeof(*exporting));
	int r = exporting ? 0 : -ENOMEM;
	if (r == 0) {
		*exporting = (struct exporting){
			.methods = methods,
			.token = request->token,
			.peer = request->peer,
			.number = number,
			.masked = control_bool(request->fields, CTL_MASK),
		};
		r = start_export(methods, request, exporting);
	}
	if (r == 0)
		return;
	free(exporting);
	if (r == -EBUSY)
		control_server_refuse(methods->server, request->token, EXIT_FAILED,
				      "incident %llu: its evidence is still being gathered; try "
				      "again in a moment",
				      (unsigned long long)number);
	else
		refuse(methods, request->token, number, r);
}
