// Judges entries of connection tracking by a plan.  Pure: what the kernel knows comes in as a
// `world`, verdicts go out.
//
// An entry is judged as the packet that opened it, by plan_decide(): original addresses, protocol
// and ports.  A destination that the kernel translated is compared with what the plan's NAT makes
// of it, a source likewise: a connection under a translation that is no longer so is cut.
//
//	entry                                judged
//	-----------------------------------  -----------------------------------------------------
//	any state: without an answer yet,    alike: an answer to an entry that was opened under
//	established, closing                 other rules would pass as established
//	announced by a helper (EXPECTED)     kept while the plan allows its master, with a helper
//	zone has one address, one zone       that zone
//	several zones without networks       the one by whose interface the kernel sends to the
//	                                     address; where that says nothing, kept only if every
//	                                     zone it could be of allows it: a connection cut in
//	                                     vain is opened again, one kept in vain is a hole
//	gateway's own address                `self`
//	link-local address                   kept if any zone allows it: the kernel does not say of
//	                                     which link it is, and none is ever forwarded
//	address of no zone                   cut
//	allowed now under a guard, and the   cut: nobody would inspect it
//	mark says it is not inspected
//	both ends on the gateway, loopback   left: the ruleset lets the loopback interface pass
//	source 0.0.0.0 or ::                 left: no zone has it (DHCP); each packet is looked at
//	to multicast or broadcast            left: no answer comes, so each packet is looked at
//	management path of the box file      left
//	another zone of connection tracking  left: it is not of this gate's traffic
//
// IPv6's neighbour discovery and listener reports are not tracked by the kernel at all.  Errors
// about a connection belong to its entry.  "Left" entries are neither judged nor counted as kept by
// a flow.
#ifndef SEKISHO_DAEMON_JUDGE_H
#define SEKISHO_DAEMON_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "kernel/conntrack.h"
#include "plan/plan.h"

enum judge_outcome { JUDGE_LEFT, JUDGE_ALLOWED, JUDGE_CUT, JUDGE_OUTCOMES };

// Why it is cut; judge_reason_word() has the words of events.
enum judge_reason {
	JUDGE_BY_FLOW, // not cut
	JUDGE_SPOOFED, // as enum plan_reason
	JUDGE_MISPLACED,
	JUDGE_NO_PAIR,
	JUDGE_NO_SERVICE,
	JUDGE_NO_ADDRESS,
	JUDGE_EXCEPTED,
	JUDGE_NAT_ELSEWHERE,
	JUDGE_TRANSLATION,   // the kernel translates it otherwise than the plan says
	JUDGE_NOT_INSPECTED, // it needs a guard now
	JUDGE_REASONS,
};
const char *judge_reason_word(enum judge_reason reason);

struct judge_verdict {
	uint8_t outcome;   // enum judge_outcome
	uint8_t reason;	   // enum judge_reason
	uint16_t from, to; // zones of the plan, or UINT16_MAX
	uint16_t zero;
	uint32_t flow; // that allows it, or the nearest one; PLAN_NONE
};

struct judge_home { // which way the kernel sends to an address
	struct addr addr;
	char interface[16];
};

// Arrays sorted by address, family first.
struct judge_world {
	const struct conntrack_entry *entries;
	const struct addr *own, *broadcasts;
	const struct judge_home *homes;
	size_t n_entries, n_own, n_broadcasts, n_homes;
	char management_interface[16]; // "": none
	struct addr_range management_prefix;
	uint16_t management_port;
};

// Of the flows that come nearest, this many are looked for; entries cut beyond have none.
enum { JUDGE_NEAREST_MAX = 200 };

// verdicts: one for each entry.
void judge(const struct plan *plan, const struct judge_world *world,
	   struct judge_verdict *verdicts);

int judge_compare_addr(const struct addr *a, const struct addr *b); // the order of the world

#endif
