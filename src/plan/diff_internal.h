// The inside of a diff.  Only plan/diff*.c include it.
#ifndef SEKISHO_PLAN_DIFF_INTERNAL_H
#define SEKISHO_PLAN_DIFF_INTERNAL_H

#include <stdio.h>

#include "plan/carve.h"
#include "plan/diff.h"
#include "plan/plan_internal.h"

struct diff_side {
	const struct plan *plan;
	uint32_t *zone_twin;	// by zone: its index in the other plan, or PLAN_NONE
	uint32_t *flow_twin;	// by flow, likewise
	struct addr_set *fresh; // by zone: addresses that it has here and had not there; none for a
				// zone without a twin
	uint32_t *network_first; // by zone, one more at the end: where its networks begin in...
	uint32_t *networks;	 // ...this, indices of plan->networks
	bool *told;		 // by flow: some row of packets names it
};

struct differ {
	struct arena *arena;
	struct diff_side before, after;
	size_t work, max_work;
	VEC(struct diff_row) rows;
	size_t omitted;
};

typedef VEC(struct plan_atom) diff_atoms;

// Some packets: every rect with every atom.
struct diff_part {
	diff_atoms atoms;
	carve_rects rects;
};
typedef VEC(struct diff_part) diff_parts;
void diff_parts_done(diff_parts *parts);

// One family's product of sets, or two families' with what they have in common of the services.
struct diff_product {
	struct addr_set sources, destinations;
	diff_atoms atoms;
};
typedef VEC(struct diff_product) diff_products;
void diff_products_done(diff_products *products);
// Puts parts together into few products, for showing; exactly the same packets.  Consumes parts.
void diff_products_make(diff_parts *parts, diff_products *ret);

// What a term of `of` permits that `other` does not, of packets that zones can have; only by the
// zones' addresses if `same` (the flow itself is the same in both).  -E2BIG: work ran out, *ret is
// then of no use.
int diff_term_alone(struct differ *d, const struct diff_side *of, const struct diff_side *other,
		    const struct plan_term *term, bool same, diff_parts *ret);
// Splits a rect by the zones' addresses: `kept`, where both zones' sources and destinations are the
// same in both plans; `fresh` (may be NULL), where one is new here.
void diff_split_rect(const struct diff_side *of, const struct diff_side *other, uint32_t from,
		     uint32_t to, const struct plan_rect *rect, carve_rects *kept,
		     carve_rects *fresh);

// A row with kind, subject and weight to be filled in; NULL past DIFF_ROWS_MAX (counted).
struct diff_row *diff_add(struct differ *d, enum diff_kind kind);
// Fills the row's packets and their texts; consumes the product.
void diff_fill_packets(struct differ *d, const struct diff_side *side, uint32_t from, uint32_t to,
		       struct diff_product *product, struct diff_row *row);
void diff_fill_flow(struct differ *d, const struct diff_side *side, uint32_t flow,
		    struct diff_row *row);

void diff_name_networks(struct differ *d, struct diff_side *side); // fills side->network*
const char *diff_addresses_text(struct differ *d, const struct diff_side *side, uint32_t zone,
				const struct addr_set *set);
const char *diff_services_text(struct differ *d, const struct diff_side *side,
			       const struct diff_product *product);

// What an object says, in words of any length, to be freed.
typedef void diff_say(const void *object, FILE *out);
char *diff_said(diff_say *say, const void *object);
// For showing: what is longer ends in "..."; "" becomes "none".
enum { DIFF_SHOWN_COLUMNS = 240, DIFF_SHOWN_BYTES = 720 };
const char *diff_shown(struct differ *d, const char *text);
// "IS; before: WAS", or NULL when an object says the same in both.
const char *diff_change(struct differ *d, diff_say *say, const void *was, const void *is);
// Addresses, the first DIFF_NAMES_MAX of them.
const char *diff_ranges_text(struct differ *d, const struct addr_set *set);

// Weights (the table in docs/policy-guide.md is the one in diff_weight.c).
void diff_weigh_open(const struct diff_side *side, uint32_t from, uint32_t to,
		     struct diff_row *row);

// The steps; each adds its rows.
void diff_flows(struct differ *d);     // what opens and closes
void diff_treatment(struct differ *d); // guards, logs, helpers of what stays permitted
void diff_zones(struct differ *d);
void diff_nat(struct differ *d);
void diff_settings(struct differ *d);
void diff_guards(struct differ *d); // what guards demand
void diff_sections(struct differ *d);
void diff_words(struct differ *d); // texts of flows and zones; after all others

#endif
