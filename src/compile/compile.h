// Plan to ruleset.  Pure: the same plan and options give the same bytes.
#ifndef SEKISHO_COMPILE_COMPILE_H
#define SEKISHO_COMPILE_COMPILE_H

#include "compile/ruleset.h"
#include "plan/plan.h"

// The connection mark, divided once.  Nobody else writes it.
enum {
	MARK_INSPECT = 0x00000001,  // the connection's packets go to the inspector's queue
	MARK_PASSED = 0x00000002,   // inspected to the end: leaves the queue
	MARK_PROXY = 0x00000004,    // either half of a connection in proxy mode
	MARK_CALENDAR = 0x00ffff00, // calendar id, 0: always open
	MARK_SPARE = 0xff0000f8,
};

// A packet's own mark on its way to the inspector and back.
enum {
	PACKET_GUARD = 0x3fffffff,  // plan_flow.guard_mark of the flow that lets a new connection
				    // in; 0: of one that is there already
	PACKET_PASSED = 0x40000000, // set with its verdict: the connection leaves the queue
};

// A packet's own mark in proxy mode, with PACKET_GUARD of its flow.
#define PACKET_PROXY	0xc0000000u // these bits of it tell:
#define PACKET_DIVERTED 0xc0000000u // on its way to a socket of this box; routed by it
#define PACKET_ONWARD	0x80000000u // from the socket that connects onward (SO_MARK)
// Where the porter listens for connections that are brought to it.  Below the ports that this box
// connects from.
enum { PORTER_PORT = 15025 };
// Of the gate's own connection that delivers a message which a person has released
// (daemon/delivery.h): this bit alone.  Only who may change these rules can set it.
#define PACKET_DELIVERY 0x40000000u

enum { COMPILE_ELEMS_MAX = 4000000 }; // set elements of one ruleset

enum { NFLOG_GROUP = 5, NFLOG_SNAPLEN = 128, QUEUE_FIRST = 100, QUEUE_COUNT = 1 };
// Where packets wait that the inspector holds; no rule leads there.
enum { QUEUE_HELD = QUEUE_FIRST + QUEUE_COUNT };

struct compile_options {
	uint64_t generation; // appears in log prefixes
	const char *
		management_interface; // NULL: none; always open to the gateway's own administration
	struct addr_range management_prefix;
	uint16_t management_port;
	uint16_t nflog_group; // of log records; 0: NFLOG_GROUP
};

// 0 with *ret_ruleset; -EBADMSG when diag has errors (a name too long, a limit passed).
int compile(const struct plan *plan, const struct compile_options *options, struct diag *diag,
	    struct ruleset **ret_ruleset);

#endif
