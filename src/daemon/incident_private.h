// What the files of the gate's incidents share.
#ifndef SEKISHO_DAEMON_INCIDENT_PRIVATE_H
#define SEKISHO_DAEMON_INCIDENT_PRIVATE_H

#include "base/vec.h"
#include "daemon/child.h"
#include "daemon/incident.h"

struct evidence { // being gathered, or waiting to be
	struct gate *gate;
	uint64_t number;
	struct child *child;	  // NULL: waits
	int capture_fd, ready_fd; // until the ring is copied; -1: none
	sd_event_source *lag;
	struct evidence *next;
};

struct incidents {
	struct gate *gate;
	sd_event *event;
	int fd; // of the folder of them all; -1: not to be had yet
	uint64_t last;
	VEC(struct incident_record) waiting; // for the disk
	sd_event_source *retry;
	struct evidence *evidence; // oldest first
};

// Begins with as many as may run at once; the others wait for those to end.
void evidence_add(struct incidents *incidents, uint64_t number);
void evidence_free(struct incidents *incidents); // ends them

void incident_record_step(const struct gate *gate, uint64_t number,
			  const struct incident_step *step);

#endif
