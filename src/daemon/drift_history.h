// The last drifts: told as events, and kept in memory for those who ask.
#ifndef SEKISHO_DAEMON_DRIFT_HISTORY_H
#define SEKISHO_DAEMON_DRIFT_HISTORY_H

#include <stdint.h>

#include "daemon/drift.h"
#include "daemon/findings.h"
#include "daemon/who.h"

struct drift_record {
	uint64_t time_usec;
	enum event_kind kind;
	enum diag_code code;
	enum finding_weight weight;
	char words[480];
	char who[WHO_TEXT_MAX]; // "": nobody is named
};

struct drift_history {
	struct drift_record v[DRIFT_HISTORY]; // a ring
	uint64_t n;			      // ever
	uint64_t drifts, repaired;	      // ever
};

// who NULL: nobody can be named.  duration_us 0: there is none to tell.
void drift_history_tell(struct drift_history *history, struct gate *gate, enum event_kind kind,
			enum diag_code code, const struct who *who, uint64_t duration_us,
			const char *format, ...) __attribute__((format(printf, 7, 8)));
// A finding that is new, or gone.
void drift_history_tell_finding(struct drift_history *history, struct gate *gate,
				const struct finding *finding, bool gone);
// Rows, the newest first.
void drift_history_put(const struct drift_history *history, struct control_writer *reply);

#endif
