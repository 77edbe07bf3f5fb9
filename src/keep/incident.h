// Incidents: what is kept when something happened.  Each is a folder below state/incidents:
//
//	N/about.json          what happened, to what, who did it and why; never changed
//	N/timeline.jsonl      its steps, one line each; only ever added to
//	N/connections.txt …   the evidence, written once
//
// A folder appears under its number only when it is whole.  A line of the timeline counts when its
// newline is on the disk; a torn one, of a power cut, is passed over and the next begins a new
// line. What is read is checked as if a stranger had written it.
//
// Places where tests let the daemon die: incident-made, incident-about, incident-linked,
// incident-step.
#ifndef SEKISHO_KEEP_INCIDENT_H
#define SEKISHO_KEEP_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

enum {
	INCIDENT_ZONES_MAX = 64,
	INCIDENT_TEXT_MAX = 1024,	      // bytes of a text that a person gives
	INCIDENT_ABOUT_MAX = 4 * 1024 * 1024, // bytes of about.json
	INCIDENT_TIMELINE_MAX = 16 * 1024 * 1024,
	INCIDENT_STEPS_MAX = 100000,
	INCIDENT_NUMBER_MAX = 999999999,
	INCIDENT_NO_LOGIN = UINT32_MAX,
};

enum incident_kind {
	INCIDENT_ISOLATE,    // a zone, a link, a host or everything
	INCIDENT_QUARANTINE, // a host, by address or MAC
	INCIDENT_BY_HAND,    // reported; nothing was cut
	INCIDENT_KIND_COUNT,
};

// All texts are borrowed; NULL and "" are absent; they are cut at INCIDENT_TEXT_MAX.
struct incident_what {
	enum incident_kind kind;
	const char *scope;	  // "zone", "link", "host", "all"
	const char *subject;	  // what was cut off: "office", "10.20.3.9"
	const char *const *zones; // that it is about; none: all
	size_t n_zones;
	const char *actor;
	uint32_t uid, login_uid; // login_uid INCIDENT_NO_LOGIN: none
	const char *reason;
	const char *ordered_by; // who gave the order, in words
	bool own_judgment;	// and nobody did
	const char *source;	// where a report came from
	const char *detail;	// more in words: what stays open, until when
	uint64_t time_usec;	// since 1970, when the kernel confirmed it; 0: now
};

enum incident_step_kind {
	INCIDENT_OPENED,
	INCIDENT_EVIDENCE, // gathered, or not
	INCIDENT_RECONNECTED,
	INCIDENT_NOTED,
	INCIDENT_EXPORTED,
	INCIDENT_CLOSED,
	INCIDENT_STEP_COUNT,
};
const char *incident_step_word(enum incident_step_kind kind); // "opened", "evidence" …

struct incident_step {
	enum incident_step_kind kind;
	uint64_t time_usec; // 0: now
	const char *actor;
	uint32_t uid, login_uid;
	const char *text;	   // the reason, the note, what went wrong
	const char *prevention;	   // INCIDENT_CLOSED: what is done so that it does not happen again
	struct json_object *parts; // INCIDENT_EVIDENCE: what was gathered; stays the caller's; NULL
};

// The box at that time: goes into about.json beside `what`.
struct incident_zone {
	const char *id, *title, *role, *class;
	const char *const *interfaces, *const *networks;
	size_t n_interfaces, n_networks;
};
struct incident_contact {
	const char *role, *title, *contact, *hours;
};
struct incident_box {
	const char *host, *version;
	uint64_t generation; // 0: none ran
	const char *digest;
	const struct incident_zone *zones;
	size_t n_zones;
	const struct incident_contact *contacts;
	size_t n_contacts;
};

// --- the store; incidents_fd is the folder of them all, and stays the caller's

// The highest number that is taken, 0: none.
int incident_last(int incidents_fd, uint64_t *ret_number);
// What an incident is when it is opened: it borrows nothing any more, so that it can wait for a
// disk.
struct incident_record {
	uint64_t number;
	struct json_object *about, *opened;
};
void incident_record_make(uint64_t number, const struct incident_what *what,
			  const struct incident_box *box, struct incident_record *ret);
void incident_record_done(struct incident_record *record);
// All of it on the disk or nothing.  -EEXIST: the number is taken.
int incident_store(int incidents_fd, const struct incident_record *record);
// Adds a step, on the disk when it returns; when it does not fit, nothing of it is left.
// -ENOENT: no such incident; -EFBIG: its timeline is full.
int incident_append(int incidents_fd, uint64_t number, const struct incident_step *step);
int incident_open_folder(int incidents_fd, uint64_t number, int *ret_fd);

// --- reading

struct incident {
	uint64_t number;
	struct json_object *about; // an object; see incident_text()
	struct json_object *steps; // an array of objects, oldest first
	size_t torn;		   // lines of the timeline that could not be read
};

// Text members: "kind", "scope", "subject", "actor", "reason", "ordered_by", "source", "detail",
// "host", "version", "digest", "time" of about; "step", "time", "actor", "text", "prevention" of a
// step.  "" when there is none.
const char *incident_text(struct json_object *object, const char *member);
uint64_t incident_number(struct json_object *object,
			 const char *member); // "usec", "generation" …; 0

// -ENOENT: none; -EBADMSG: about.json is damaged.
int incident_read(int incidents_fd, uint64_t number, struct incident *ret);
void incident_done(struct incident *incident);
bool incident_is_closed(const struct incident *incident);
// Calls for each number, in order; stops at the first that is not 0 and returns it.
int incident_each(int incidents_fd, int (*each)(void *arg, uint64_t number), void *arg);

// Pure readers of bytes of anyone.  0 or -EBADMSG.
int incident_parse_about(const char *bytes, size_t size, struct json_object **ret_about);
int incident_parse_timeline(const char *bytes, size_t size, struct json_object **ret_steps,
			    size_t *ret_torn);

#endif
