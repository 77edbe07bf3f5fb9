// Do the links, addresses and routes of the box contradict the zones?  And what can tables of
// others do?  Judged from plain data; each contradiction is a finding.
#ifndef SEKISHO_DAEMON_SURROUNDINGS_H
#define SEKISHO_DAEMON_SURROUNDINGS_H

#include "daemon/findings.h"
#include "daemon/zonemap.h"
#include "kernel/foreign.h"
#include "kernel/network.h"

// Interfaces that were up before: one that never was is only worth a note.
struct surroundings {
	VEC(char *) seen_up;
};
void surroundings_done(struct surroundings *surroundings);

// management: the interface of the management path, "" none.
void surroundings_judge_network(struct surroundings *surroundings, const struct zonemap *map,
				const struct network *network, const char *management,
				struct findings *findings);
void surroundings_judge_foreign(const struct foreign *foreign, struct findings *findings);

#endif
