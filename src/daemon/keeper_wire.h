// What the gate and the keeper say to one another, over a socket pair of whole messages.  Both are
// the same program of the same machine; each checks the sizes of what it hears all the same.
#ifndef SEKISHO_DAEMON_KEEPER_WIRE_H
#define SEKISHO_DAEMON_KEEPER_WIRE_H

#include <stdint.h>

#include "keep/audit.h"

enum {
	KEEPER_SOCKET = 3, // the keeper's descriptor
	KEEPER_MESSAGE_MAX = 48 * 1024,
	KEEPER_FLIGHT_MAX = 512 * 1024, // bytes of events that are sent and not yet acknowledged
	KEEPER_PATH_MAX = 512,
};

enum keeper_word {
	KEEPER_HELLO,  // struct keeper_hello
	KEEPER_LIMITS, // struct audit_limits
	KEEPER_EVENTS, // lines: bodies of records, a newline after each
	KEEPER_PROBE,  // nothing: how is it now?
	KEEPER_END,    // nothing: sign what there is, and end
};

struct keeper_head {
	uint32_t word;
	uint32_t events; // of KEEPER_EVENTS
	uint64_t token;	 // of KEEPER_PROBE, to be given back
};

struct keeper_hello {
	uint32_t uid, gid; // to become
	uint32_t resumes;  // the events that follow `since` in the log are this gate's
	uint32_t zero;
	char folder[KEEPER_PATH_MAX];
	uint8_t secret[KEY_SECRET_BYTES];
	struct chain since; // the newest record that is known to be durable
	struct audit_limits limits;
};

// Each answer says everything; which of it is news is the gate's to see.
struct keeper_answer {
	int32_t error;		 // what keeps it from writing; 0: nothing
	uint32_t is_ready;	 // the first answer of a keeper
	uint64_t token;		 // of the newest probe that is answered
	uint64_t durable_events; // how many of the events of this keeper's life are on the disk
	uint64_t survivors;	 // of is_ready: events after `since` that were on the disk already
	struct chain end, checkpoint;
	char trouble[AUDIT_TROUBLE_MAX]; // something that was noticed; "": nothing
};

#endif
