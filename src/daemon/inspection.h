// The gate's side of inspection: starts the ferry and the inspectors while a policy has guards,
// hands them the policy, watches them, and starts again whoever ends or has to be ended.  Nothing
// passes uninspected meanwhile: packets that wait for one that is gone are dropped, and without the
// ferry the kernel drops them.
//
//	ferry ends, or is silent for two seconds    it and all inspectors are started again
//	inspector ends, or is silent, or the ferry  it is started again; its connections are ended,
//	  says that it does not answer or makes       for the next one does not know them
//	  no sense
//
// What an inspector says is checked, and counts no more than what the strangers say whose packets
// it reads.
#ifndef SEKISHO_DAEMON_INSPECTION_H
#define SEKISHO_DAEMON_INSPECTION_H

#include "control/field.h"
#include "daemon/gate.h"
#include "inspect/mail_stops.h"

enum {
	INSPECTION_PREPARE_MS = 3000, // that a commit waits for inspectors to know the policy
	INSPECTION_SILENT_MS = 2000,
	INSPECTION_START_MS = 10 * 1000, // until one knows its policy
	INSPECTION_PAUSE_MS = 800,	 // at most, between two that end at once
	INSPECTION_ALARM_MS = 60 * 1000, // how long what was dropped is a problem of the status
};

// Begins to look after what the running policy needs.  0 or -ENOMEM.
int inspection_open(struct gate *gate, sd_event *event);
void inspection_close(struct gate *gate); // and ends them all

// Before the kernel gets these rules of a stored generation: inspectors learn its policy, and are
// started if need be.  One that takes too long is replaced.  Connections in hand take it over
// between two transactions.
void inspection_prepare(struct gate *gate, const struct ruleset *next);
// What the running policy names (countries) has other addresses now.
void inspection_refresh(struct gate *gate);

// Who takes records of mail (event/mail_wire.h), as an inspector made them; NULL: nobody.
typedef void inspection_taker(void *arg, const void *bytes, size_t size);
void inspection_give_records(struct gate *gate, inspection_taker *taker, void *arg);

// Mail that is stopped: given to every inspector, also to those that start later, before its first
// packet.  It has to live until the next call.
void inspection_give_stops(struct gate *gate, const struct mail_stops *stops);

// The certificates that every inspector has (daemon/certificates.h) are others now.
void inspection_give_certificates(struct gate *gate);

void inspection_put_status(const struct gate *gate, struct control_writer *reply);

#endif
