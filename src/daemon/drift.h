// Drift: what others do to the kernel behind the policy's back.  Changes of our tables are told of
// with the process that made them and put right; what is found around them (tables of others,
// links, addresses, routes, settings) is told of and, but for the gate's own settings, left alone.
//
// The kernel tells at once where something changed (kernel/watch.h); then this looks for itself, so
// that nothing depends on what was told being complete.  A cheap look every few seconds and a whole
// one every few minutes stand behind it.
#ifndef SEKISHO_DAEMON_DRIFT_H
#define SEKISHO_DAEMON_DRIFT_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "control/field.h"
#include "daemon/gate.h"

enum {
	DRIFT_WHOLE_SECONDS = 600,  // between whole looks when nothing is told
	DRIFT_SETTINGS_SECONDS = 1, // between looks at settings, which nobody tells of
	DRIFT_ASKED_SECONDS = 2,    // that a look is good for those who ask
	DRIFT_HISTORY = 64,	    // that are kept for `sekisho drift`
	DRIFT_STORM = 5,	    // repairs, each soon after the other
	DRIFT_CALM_SECONDS = 60,    // without a repair: the next is the first again
	DRIFT_BACKOFF_MS = 250,	    // before the second repair; twice as long before each further
	DRIFT_BACKOFF_MAX_MS = 8000,
};

// Begins to watch, for gate->drift.  When the kernel cannot be watched that is a problem of the
// gate (GATE_WATCH), and it looks every few seconds only.
int drift_open(sd_event *event, struct gate *gate);
void drift_close(struct drift *drift); // NULL is fine, as in all of these

// Around a transaction of our own.
void drift_pause(struct drift *drift);
void drift_resume(struct drift *drift);

// Tells that somebody "removed" or "opened" the guard table, as the last change that the kernel
// told of, with its own words if `told`; false: nobody keeps drifts.
bool drift_tell_guard(struct drift *drift, const char *what, bool told);

// From the poll of the gate, after gate_look().
void drift_poll(struct drift *drift);
// Looks at everything that was not just looked at; true: nothing weighs.
bool drift_look(struct drift *drift);
// What drift_look() found, what is around, and the last that happened: the reply of "drift".
void drift_reply(const struct drift *drift, struct control_writer *reply);

#endif
