// What an atom of a service looks at in a packet: as the key of a map, and as the matches of a
// rule. Atoms of one shape can stand in one map.
#ifndef SEKISHO_COMPILE_SERVICE_H
#define SEKISHO_COMPILE_SERVICE_H

#include <stdbool.h>

#include "compile/build.h"
#include "plan/plan.h"

enum service_shape {
	SERVICE_PORT,	  // protocol . one port
	SERVICE_RANGE,	  // protocol . ports
	SERVICE_SOURCE,	  // protocol . source ports . ports
	SERVICE_ICMP,	  // type
	SERVICE_ICMPV6,	  // type
	SERVICE_PROTOCOL, // one protocol, or some in a row
	SERVICE_ALL,	  // everything: nothing to look at
	SERVICE_SHAPES,
};

enum service_shape service_shape(const struct plan_atom *atom);
const char *service_suffix(enum service_shape shape); // of a map's name: "ports"; ALL: "all"

// The keys of a map of this shape; how many.
unsigned service_keys(enum service_shape shape, enum rs_key keys[RS_KEYS_MAX]);
// Whether the atom needs a map of intervals.
bool service_is_range(enum service_shape shape, const struct plan_atom *atom);
// Appends the atom to a key of such a map.  A port can stand in a map of ranges.
void service_key(struct build_key *key, enum service_shape shape, const struct plan_atom *atom);
// Appends to the rule that the packet is of the atom.
void service_match(struct build *build, const struct plan_atom *atom);

// "tcp-443", "udp-53-from-53", "any": no two atoms of a pair of zones have the same.
void service_name(const struct plan_atom *atom, char *out, size_t size);

#endif
