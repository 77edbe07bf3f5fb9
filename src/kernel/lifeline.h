// What stays up while everything is isolated, and what else the switch must know: kept as lines of
// plain text, which the daemon writes and sekisho-isolate reads without it.
//
//	management lan-mg 10.0.0.0/24 22
//	zone office lan-of
//	lifeline phones from lan-ph * * *
//	lifeline phones toward * 10.40.0.0/24 * *
//	lifeline phones out-of * 10.40.0.0/24 * *
//	lifeline calls from lan-ph 10.40.0.0/24 udp 5060-5061
//	lifeline calls to lan-ph 10.40.0.0/24 udp 5060-5061 answer
//	time-limit 28800
//	second-person
//
// A lifeline's line is one rule on one side of the gateway.  "from": packets that come in by that
// interface, from those addresses, to (answer: from) that port; "to": packets that go out by it,
// to those addresses.  "toward" and "out-of" are the same sides, with the address of the other end:
// packets that come in for it, and go out from it.  A packet passes when a line lets it in and a
// line lets it out; the policy judges it besides.  Stateless, so addresses are those of the zone
// itself: what is translated is met before it on the way out, and by the far side alone on the way
// in.
#ifndef SEKISHO_KERNEL_LIFELINE_H
#define SEKISHO_KERNEL_LIFELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "kernel/isolation.h"
#include "kernel/kernel.h"

enum {
	LIFELINES_MAX = 256,	 // rules
	SWITCH_ZONES_MAX = 4096, // interfaces of zones
	SWITCH_TEXT_MAX = 1024 * 1024,
	SWITCH_LINE_MAX = 512,
};

struct lifeline {
	char name[ISOLATION_NAME_MAX]; // zone or flow it belongs to
	bool out;		       // "to", "out-of"
	bool far;		       // "toward", "out-of": the other end's address
	bool answer;		       // the port is the source's
	char interface[16];	       // "" any
	bool addressed;		       // only these addresses
	struct addr_range range;
	uint8_t protocol;	   // 0 any
	uint16_t port_lo, port_hi; // 0 any
};

struct switch_zone {
	char zone[ISOLATION_NAME_MAX];
	char interface[16];
};

struct switch_map {
	struct kernel_management management; // interface "": none
	struct switch_zone *zones;
	size_t n_zones;
	struct lifeline *lifelines;
	size_t n_lifelines;
	uint64_t time_limit; // seconds that an isolation may be ordered for; 0: none
	bool second_person;  // reconnecting takes two
};

// Writes one line of a lifeline, newline included.
int lifeline_write(const struct lifeline *lifeline, char *out, size_t size);

// Reads the text.  0; -EBADMSG with the line's number: it makes no sense; -E2BIG.
int switch_map_read(const char *text, struct switch_map *ret, unsigned *ret_line);
void switch_map_done(struct switch_map *map);

// The interfaces of a zone become the isolation's targets.  -ENOENT: no such zone.
int switch_map_zone(const struct switch_map *map, struct isolation *isolation);

#endif
