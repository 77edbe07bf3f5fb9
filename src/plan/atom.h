// Atoms of services: boxes of protocol, source port and port; their text forms and arithmetic.
#ifndef SEKISHO_PLAN_ATOM_H
#define SEKISHO_PLAN_ATOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/plan.h"

enum { ATOM_PIECES_MAX = 6 };

// "tcp/80", "icmp/echo-request", "ip/esp", "any", "udp": one member.  0; -EINVAL: not of this form
// (may be a name); -ERANGE: inverted or too large; -ENOENT: unknown protocol or type name.
int atom_parse(const char *text, struct plan_atom *ret);
// "80" or "8000-8010", at most max.  -EINVAL: no number; -ERANGE: inverted or too large.
int number_range_parse(const char *text, unsigned max, uint16_t *ret_lo, uint16_t *ret_hi);
// Name or number of an ICMP (protocol 1) or ICMPv6 (58) type.  -ENOENT, -ERANGE.
int icmp_type_parse(unsigned protocol, const char *text, uint8_t *ret_type);

bool atom_overlaps(const struct plan_atom *a, const struct plan_atom *b);
bool atom_within(const struct plan_atom *inner, const struct plan_atom *outer);
bool atom_intersect(const struct plan_atom *a, const struct plan_atom *b, struct plan_atom *ret);
bool atom_has_ports(const struct plan_atom *atom); // one of TCP, UDP, SCTP
// What remains of `from`: disjoint pieces, returns how many.
size_t atom_subtract(const struct plan_atom *from, const struct plan_atom *hole,
		     struct plan_atom ret[ATOM_PIECES_MAX]);
int atom_compare(const void *left, const void *right); // by protocol, port, source port
// Sorts, drops repeats and parts of others.  Returns the new count.
size_t atoms_tidy(struct plan_atom *atoms, size_t n);

#endif
