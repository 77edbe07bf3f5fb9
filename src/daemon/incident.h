// Incidents of the gate (keep/incident.h has their store).  Each isolation opens one, and a hand
// may; its evidence is gathered afterwards by a process of its own that nobody waits for.
//
//	const char *const zones[] = { "office" };
//	const struct incident_what what = {
//		.kind = INCIDENT_ISOLATE,
//		.scope = "zone",
//		.subject = "office",
//		.zones = zones,
//		.n_zones = 1,
//		.actor = "tanaka", .uid = 1001, .login_uid = 1001,
//		.reason = "malware",
//		.own_judgment = true,
//		.time_usec = confirmed_usec,
//	};
//	uint64_t number = incident_open(gate, &what);
#ifndef SEKISHO_DAEMON_INCIDENT_H
#define SEKISHO_DAEMON_INCIDENT_H

#include <stdint.h>

#include <systemd/sd-event.h>

#include "daemon/gate.h"
#include "keep/incident.h"

enum {
	INCIDENT_GATHERING_MAX = 4, // incidents whose evidence is gathered at the same time
	INCIDENT_RETRY_SECONDS = 5, // of records that the disk did not take
};

// Needs the state folder open; numbers go on from those that are there, and evidence that a crash
// cut short is gathered again.  0 or a negative errno.
int incidents_open(struct gate *gate, sd_event *event);
void incidents_close(struct gate *gate); // without them is fine

// Never fails and never waits for evidence.  The number is new; its record is on the disk, or, when
// the disk does not take it, is told as a failure, kept in memory and written as soon as it can be.
// On the main loop only.  0: this gate keeps none (at boot, in tests).
uint64_t incident_open(struct gate *gate, const struct incident_what *what);

// The one that is of this very cut (scope, subject, time) among the newest; 0: none.  For what a
// daemon that died may have opened already.
enum { INCIDENT_FIND_MAX = 64 };
uint64_t incident_find(const struct gate *gate, const struct incident_what *what);

// Adds to the incident's timeline (reconnected, noted, closed …) and records it; on the disk when
// it returns.  -ENOENT: no such incident; -EAGAIN: its record waits for the disk; -EALREADY: closed
// already (INCIDENT_CLOSED only); or what the disk says.
int incident_step(struct gate *gate, uint64_t number, const struct incident_step *step);

// The audit log is evidence while an incident is open: from which local day on nothing of it may be
// removed ("2026-04-01", the day before the oldest open one).  False: none is open.
bool incidents_hold(const struct gate *gate, char ret_day[11]);

// The folder of them all, for readers; -1: there is none.
int incidents_folder(const struct gate *gate);
// Is evidence being gathered for it?
bool incident_is_gathering(const struct gate *gate, uint64_t number);

#endif
