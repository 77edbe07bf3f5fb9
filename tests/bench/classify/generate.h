// Rule sets of the project's own, in the manner of real ones: the same for the same numbers.
//
// Addresses come from a tree of sites: networks of /8 to /20, in them nets of /16 to /28, in those
// hosts, so that prefixes lie in one another and few of them are in many rules.  A style says how
// often a side is open, a net or a host, of what kind the ports are, and which protocols there are:
//
//	acl	towards servers: destination ports exact, sources seldom open
//	fw	firewalls: a side is often open, both ports have ranges
//	ipc	in between, with pairs of hosts
//
// No two rules are equal; more specific rules mostly come first.
#ifndef SEKISHO_BENCH_CLASSIFY_GENERATE_H
#define SEKISHO_BENCH_CLASSIFY_GENERATE_H

#include "bench/classify/ruleset.h"

// style: "acl", "fw", "ipc", or "mixed": a third of each.  0; -EINVAL: no such style, or n is 0;
// -E2BIG: more than SET_RULES_MAX, or the style has not that many different rules.
int generate_rules(const char *style, uint32_t n, uint64_t seed, struct ruleset *ret);

#endif
