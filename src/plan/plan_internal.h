// The inside of a plan and of what makes one.  Only files of this room include it.
//
// A plan owns one arena with everything in it.  The builder fills it in this order: zones,
// networks, services, registers, guards, flows (terms), cells (settle), NAT, settings, approval,
// assertions; each step may rely on all earlier ones.  A step that finds faults reports them and
// goes on with what is sound, so that one run shows everything; assertions are only tried on a plan
// without errors.
#ifndef SEKISHO_PLAN_PLAN_INTERNAL_H
#define SEKISHO_PLAN_PLAN_INTERNAL_H

#include "base/arena.h"
#include "base/vec.h"
#include "geo/known.h"
#include "plan/atom.h"
#include "base/names.h"
#include "plan/plan.h"

struct plan_network {
	const char *id;			 // "name" or "zone/name"
	uint32_t zone;			 // PLAN_NONE: a group, of no zone
	const struct addr_range *ranges; // sorted, disjoint
	size_t n_ranges;
	int relay;	// -1: as the zone; else 0 or 1
	bool countries; // some of it is of countries
	struct place at;
};

struct plan_named_service {
	const char *id;
	const char *title;
	const struct plan_atom *atoms; // sorted, without repeats
	size_t n_atoms;
	bool library;	 // not of the policy
	struct place at; // .file NULL: library
};

struct plan_section {
	const char *name;
	const char *text; // canonical, with its line breaks
};

// Which zone an address belongs to, for the zones that have networks: sorted, disjoint.
struct plan_home {
	struct addr_range range;
	uint32_t zone;
};

struct plan {
	struct arena *arena;
	const char *title;
	uint8_t digest[32];
	struct plan_zone *zones;
	size_t n_zones;
	struct plan_network *networks;
	size_t n_networks;
	struct plan_named_service
		*services; // the policy's, then the library's that it leaves alone
	size_t n_services;
	struct plan_guard *guards; // by id
	size_t n_guards;
	struct plan_flow *flows; // by id
	size_t n_flows;
	struct plan_pair *pairs; // by from, to
	size_t n_pairs;
	struct plan_nat *nats;
	size_t n_nats;
	struct plan_settings settings;
	struct plan_isolation isolation;
	struct plan_evidence evidence;
	struct plan_record record;
	struct plan_assertion *assertions; // as in the files
	size_t n_assertions;
	struct plan_assertion *tests;
	size_t n_tests;
	struct plan_section *sections; // by name, of those that plan_diff() compares by text
	size_t n_sections;
	struct plan_approval approval;
	struct plan_home *homes;
	size_t n_homes;
	struct addr_set inside;	   // plan_inside(); on the heap
	struct addr_set countries; // of all networks by country; on the heap
	// Indices; interface_names holds exact names with the index of their zone.
	struct names zone_names, network_names, service_names, flow_names, interface_names;
};

// The builder's context.
struct build {
	struct plan *plan;
	struct arena *arena; // the plan's
	const struct pol_tree *tree;
	const struct geo_known *countries; // NULL: nothing is known
	struct diag *diag;
	struct names owner_names, guard_names, clause_names; // index into the tree's arrays
	struct names file_names;			     // index into files
	VEC(const char *) files;			     // of the plan's arena, for places
	unsigned hints;					     // nearest names looked for so far
	size_t n_rects;					     // of all terms so far
	const struct pol_flow **flow_sources;		     // by index of plan->flows
	bool *flow_guard_none; // by index of plan->flows: it says `guard: none`
	bool sound;	       // no errors before the assertions: the flows can be asked
	bool assertions_failed;
};

// What a flow, assertion or NAT entry names as from or to.
struct endpoint {
	uint32_t zone;
	const struct plan_network *network; // NULL: the whole zone
	const struct addr_range *ranges;    // of the network; NULL with the whole zone
	size_t n_ranges;
};

// Copies into the plan's arena.
const char *build_text(struct build *b, const struct pol_text *text); // absent: ""
struct place build_place(struct build *b, struct place at);
// "; did you mean \"x\"?", or "" if no name is near.
const char *build_hint(struct build *b, const struct names *names, const char *text);
// A set as sorted ranges in the arena; the set is done with.
const struct addr_range *build_ranges(struct build *b, struct addr_set *set, size_t *ret_n);
// An address, prefix or range; whatever is wrong with it is reported.  -EINVAL then.
int build_address(struct build *b, const struct pol_text *text, struct addr_range *ret);

// "72h" in seconds; 0: that is no time.
uint64_t build_seconds(const char *text);

// Warns of every word that stands in the list before.
void build_repeats(struct build *b, const struct pol_list *list);

// "zone", "zone/network", "self".  0, or -ENOENT (then reported, with the nearest name).
int build_endpoint(struct build *b, const struct pol_text *text, struct endpoint *ret);
// A zone's id only.
int build_zone(struct build *b, const struct pol_text *text, uint32_t *ret_zone);
// The ranges in which zone and set meet, as a set of the caller's.
void build_clip(struct build *b, uint32_t zone, struct addr_set *set);
// Names of services and members; sorted, without repeats or parts of others.  An empty list: n 0.
// -ENOENT when any entry was refused (reported); *ret then holds the rest.
int build_services(struct build *b, const struct pol_list *list, const struct plan_atom **ret,
		   size_t *ret_n);
// A clause id that the register does not hold is reported.
void build_clauses(struct build *b, const struct pol_list *list);
// The clause that answers a control ("MAIL-05"): of the flow's the first, else of all; "": none.
const char *build_answer(struct build *b, const struct plan_flow *flow, const char *control);

// The steps.
void build_zones(struct build *b);
void build_networks(struct build *b);
// In countries.c: appends the addresses of a network's countries, of its zone if it has one.  False
// if they are unknown (reported).
bool build_countries(struct build *b, const struct pol_network *source,
		     struct plan_network *network, struct addr_set *ret);
void build_service_table(struct build *b);
void build_registers(struct build *b);
void build_flows(struct build *b);
// In guards.c: the guards, before the flows; what flows ask of them, and the numbers of guarded
// flows, after them.
void build_guards(struct build *b);
void build_guarded(struct build *b);
void build_settle(struct build *b);
void build_nat(struct build *b);
void build_settings(struct build *b);
void build_approval(struct build *b);
void build_isolation(struct build *b);
void build_evidence(struct build *b);
void build_record(struct build *b);
// In assert.c: tries every assertion; a violation is an error of SK450-499 and sets
// b->assertions_failed.
void build_assertions(struct build *b);
// In assert_text.c: fills plan->assertions and plan->tests with what they say.
void build_assertion_texts(struct build *b);
// In test.c: tries every test; one that fails is an error and sets b->assertions_failed.
void build_tests(struct build *b);
// In section_text.c: fills plan->sections.
void build_section_texts(struct build *b);

// plan_make() without the wrapper; for tests that write their tree by hand.
int plan_make_tree(const struct pol_tree *tree, const struct geo_known *countries,
		   struct diag *diag, struct plan **ret_plan, bool *ret_assertions_failed);

static inline bool plan_zones_hold(const uint16_t *zones, size_t n, uint16_t zone)
{
	for (size_t i = 0; i < n; i++)
		if (zones[i] == zone)
			return true;
	return false;
}

#endif
