// What can reach what: paths over everything that the flows permit, for assertions.
//
// A flow's rect is a box: it leads from the hosts of its source to the hosts of its destination.
// A search starts with a set of hosts, takes every box whose source holds one of them, and goes on
// from the destination's hosts that may relay, and so on: breadth first, so the first path to a
// target is a shortest one.  A box's destinations don't depend on which source opened it, so each
// box is taken once; the boxes of a zone stand in a sorted array with a tree of the highest ends
// over it, and taking the next box that overlaps a range costs its logarithm.
//
// Who relays: a zone's hosts as plan_zone.relay says, a network's as its own `relay` says; where
// two networks that say different things share an address, it relays.  `self` never does.  A host
// that is reached is that host: what hosts of one zone do among themselves passes no gateway, and
// is not followed.
#ifndef SEKISHO_PLAN_REACH_H
#define SEKISHO_PLAN_REACH_H

#include "plan/plan_internal.h"
#include "plan/query.h"

struct reach;

struct reach_hop {
	uint32_t flow;
	struct plan_packet packet;
};

// A set of hosts of one zone.  Targets also say what was found.
struct reach_hosts {
	const char *name; // as written
	uint16_t zone;
	struct addr_set set;
	bool reached;
	VEC(struct reach_hop) path; // when reached: every packet of a shortest path
};

struct reach_search {
	const struct reach_hosts *from;
	size_t n_from;
	struct reach_hosts *to;
	size_t n_to;
	const struct reach_hosts *without; // hosts that no path may pass
	size_t n_without;
	const struct plan_atom *services; // of a path's last packet; n 0: any
	size_t n_services;
	bool direct; // paths of one packet only
};

struct reach *reach_new(const struct plan *plan);
void reach_free(struct reach *reach);

// The addresses that packets of a zone may have; of `self`, any.
const struct addr_set *reach_zone(const struct reach *reach, uint32_t zone);
// Marks the targets that can be reached and gives each its path.  Targets and starting points must
// be without the hosts of `without` already.
void reach_find(const struct reach *reach, const struct reach_search *search);
void reach_hosts_done(struct reach_hosts *hosts);

// "tcp 172.16.0.5:40000 -> 192.0.2.25:25"
enum { REACH_PACKET_TEXT_MAX = 192 };
const char *reach_packet_text(const struct plan_packet *packet, char out[REACH_PACKET_TEXT_MAX]);

#endif
