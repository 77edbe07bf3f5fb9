// What opens, closes and changes between two plans: exact, from the plans, never from their texts.
//
// What a plan permits between two zones is a set of packets (protocol, source port, port, source,
// destination), of addresses that the zones have.  Zones are the same when their ids are.  For each
// flow of one plan, what it permits and the other plan does not is told as rows, each a product
//
//     sources x destinations (of one family) x services
//
// so the rows of kind `opens` together are exactly what is permitted after and was not before, and
// those of kind `closes` the opposite.  Two flows that permit the same packet each tell it: a row
// reads like its flow, and rows of different flows may overlap.  ICMP stands for IPv4 only and
// ICMPv6 for IPv6 only.  Addresses that no zone has, before or after, may be in a row as well: no
// packet has them.  Translation is told apart: rows are of packets as the flows see them.
//
// Rows of kind `changes`: how permitted packets are treated (guard, log, helpers), zones,
// translation, defaults, settings, assertions, sections about how the box is run (as "section
// approval"). Rows of kind `words`: what no packet notices.
#ifndef SEKISHO_PLAN_DIFF_H
#define SEKISHO_PLAN_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "plan/plan.h"

enum {
	DIFF_PARTS_MAX = 50,		    // rows of one flow, one kind; further parts are counted
	DIFF_ROWS_MAX = 20000,		    // of one diff; further rows are counted
	DIFF_NAMES_MAX = 12,		    // names or addresses spelled out in a text
	DIFF_WORK_MAX = 1000 * 1000 * 1000, // steps of box arithmetic
};

enum diff_kind { DIFF_OPENS, DIFF_CLOSES, DIFF_CHANGES, DIFF_WORDS };
enum diff_weight { DIFF_LIGHT, DIFF_NORMAL, DIFF_HEAVY };

struct diff_row {
	enum diff_kind kind;
	enum diff_weight weight;
	const char *reason;	  // of the weight, in words
	const char *subject;	  // "flow office-files", "zone office", "setting log-denied"
	const char *flow;	  // its id; NULL: not of a flow
	const char *owner;	  // title, else id, of the flow's owner; "" if none
	const char *what;	  // changes, words: what changes; opens, closes: "" or what to know
	const char *const *zones; // ids of zones it is about besides from and to
	size_t n_zones;
	struct place at; // opens: in the policy after, closes: before; changes: after if it is
			 // there, else before
	// Of packets; from NULL: the row is not about packets.
	const char *from, *to;				 // ids of zones
	const char *from_text, *to_text, *services_text; // names where they fit, else addresses
	// Every address or network named in these texts is spelled out there unless it is a zone's.
	const struct addr_range *sources, *destinations; // sorted, disjoint
	size_t n_sources, n_destinations;
	const struct plan_atom *atoms;
	size_t n_atoms;
	// The flow could not be told apart from what was permitted within DIFF_WORK_MAX: all of it
	// stands here, and some of that may have been permitted before (closes: may still be).
	bool inexact;
	size_t more; // further parts of this flow and kind that have no row
};

struct plan_diff {
	struct arena *arena;
	struct diff_row *rows; // by kind, weight (heavy first), subject
	size_t n;
	size_t omitted;		 // rows past DIFF_ROWS_MAX
	size_t counts[4];	 // by enum diff_kind
	enum diff_weight weight; // the heaviest; DIFF_LIGHT when there is no row
	bool same_text;		 // the files of both are the same, byte for byte
};

// Never fails; memory for it ends the process when there is none, like all of this room's.
void plan_diff(const struct plan *before, const struct plan *after, struct plan_diff *ret);
// The same with another bound than DIFF_WORK_MAX.
void plan_diff_within(const struct plan *before, const struct plan *after, size_t max_work,
		      struct plan_diff *ret);
void plan_diff_done(struct plan_diff *diff);

// Does the row, of kind opens or closes, hold a packet of its zones?
struct plan_packet;
bool diff_row_holds(const struct diff_row *row, const struct plan_packet *packet);

const char *diff_kind_word(enum diff_kind kind);       // "opens"
const char *diff_weight_word(enum diff_weight weight); // "heavy"

#endif
