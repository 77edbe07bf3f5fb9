// What the files of one compile() share: the plan at hand, the growing ruleset, and the indexes of
// what was made so far.  Lives for one call.
#ifndef SEKISHO_COMPILE_CONTEXT_H
#define SEKISHO_COMPILE_CONTEXT_H

#include "base/arena.h"
#include "base/vec.h"
#include "compile/build.h"
#include "compile/compile.h"
#include "compile/service.h"

enum { V4, V6, FAMILIES }; // index of a family in arrays
enum { NAME_MAX_BYTES = 512 };

// A zone's addresses of one family.
struct space {
	enum { SPACE_NONE, SPACE_ALL, SPACE_INSIDE, SPACE_OUTSIDE } kind; // of the ranges
	const struct addr_range *v;
	size_t n;
	const char *name; // of the set, if one is needed
	uint32_t *set;	  // made at the first use; shared by all zones without networks
};

struct zone_state {
	uint32_t origin;
	uint32_t denied, spoofed;		  // counters
	const struct plan_interface **interfaces; // those that no pattern of the zone covers
	size_t n_interfaces;
	struct space space[FAMILIES];
	uint32_t sets[FAMILIES];
};

// How a flow's packets are treated: one chain f_… each.
struct treatment {
	uint32_t guard_flow;
	unsigned bits, helpers;
	bool diverting;
	uint32_t chain;
	uint32_t next; // of the same flow, or RS_NONE
};

struct flow_state {
	uint32_t origin, counter;
	uint32_t first; // treatment
	unsigned variants;
};

// Zones that the gateway hears router advertisements from, or sends them to.
struct router_zones {
	const uint16_t *zones;
	size_t n;
	uint32_t set;
};

struct compiling {
	const struct plan *plan;
	const struct compile_options *options;
	const struct plan_settings *settings;
	const struct plan_zone *zones;
	size_t n_zones;
	const struct plan_flow *flows;
	size_t n_flows;
	const struct plan_pair *pairs;
	size_t n_pairs;
	struct arena *arena;
	struct build *build;
	struct zone_state *zone;
	struct flow_state *flow;
	VEC(struct treatment) treatments;
	uint32_t helper[6];	     // objects, RS_NONE when no flow needs them
	uint32_t invalid;	     // chain
	uint32_t refuse;	     // chain that rejects
	uint32_t all_sets[FAMILIES]; // the networks of all zones
	uint32_t on_link[FAMILIES];  // what the gateway may also send to
	struct router_zones hear, send;
	bool guarded, proxied, helped;	// guarded: by packets; proxied: by connections
	bool diverting;			// what is written now brings connections to the gate
	uint32_t undiverted;		// chain that drops what was not, RS_NONE without any
	struct country_sets *countries; // countries.c
};

// zones.c: membership, interfaces, anti-spoofing
void zones_begin(struct compiling *c);
void spoof_chain(struct compiling *c);
// A chain that accepts what goes to an address of the zone (or sends it to the inspection queue, or
// lets it out as the gate's half of a connection), and returns for the rest.
enum taking { TAKE_ACCEPT, TAKE_QUEUE, TAKE_ONWARD };
uint32_t destination_chain(struct compiling *c, uint32_t zone, enum taking taking);
// Appends to the rule: the address is (not) the zone's.  Only for SPACE_INSIDE and SPACE_OUTSIDE.
void match_member(struct compiling *c, uint32_t zone, int family, enum rs_key key, bool inside);
// Are all addresses of the range the zone's?
bool has_all(const struct compiling *c, uint32_t zone, int family, const struct addr_range *range);
// A set of the zones' interfaces; zones_set() makes one only if there is more than one (else
// RS_NONE).
uint32_t interfaces_set(struct compiling *c, const uint16_t *zones, size_t n, const char *label);
uint32_t zones_set(struct compiling *c, const uint16_t *zones, size_t n, const char *label);
// Appends to the rule: the interface is one of the zones'; set is zones_set() of the same zones.
// Without any interface (ask zones_named() before) there is nothing to match.
bool zones_named(const struct compiling *c, const uint16_t *zones, size_t n);
void match_zones(struct compiling *c, enum rs_key key, const uint16_t *zones, size_t n,
		 uint32_t set);
void match_nfproto(struct compiling *c, int family);

// names.c: a map (or set) over interface names, in two sets: exact names, and patterns
struct names_map {
	const char *name;
	enum rs_set_kind kind;
	bool in, out;		  // which interfaces are in the key
	bool before;		  // before routing: out is what the routes say
	uint32_t exact, patterns; // sets, RS_NONE until the first element
};
struct names_map names_map(const char *name, enum rs_set_kind kind, bool in, bool out);
void names_map_add(struct compiling *c, struct names_map *map, uint32_t from, uint32_t to,
		   enum rs_verdict verdict, uint32_t ref);
void names_map_add_one(struct compiling *c, struct names_map *map, const struct plan_interface *in,
		       enum rs_verdict verdict, uint32_t ref);
void names_map_rules(struct compiling *c, const struct names_map *map, uint32_t chain);
// Only for packets whose connection is in this state (ct state); 0: any.
void names_map_rules_of(struct compiling *c, const struct names_map *map, uint32_t chain,
			uint32_t state);
// Of a set: packets whose interfaces are in it go to another chain.
void names_map_goto(struct compiling *c, const struct names_map *map, uint32_t chain, uint32_t to);

// packet.c: what looks at headers before any connection: fragments, options, extension headers, MSS
void packet_chains(struct compiling *c);
uint32_t odd_header_chain(struct compiling *c);

// hooks.c: forward, input, output and what they share
void shared_chains(struct compiling *c);
void hook_chains(struct compiling *c);
void match_management(struct compiling *c, bool output);
// What is never forwarded, whatever the flows: in any chain that decides it.
void link_local_rules(struct compiling *c, uint32_t chain, uint32_t denied);
void management_forward_rules(struct compiling *c, uint32_t chain);

// pairs.c
// What a zone's packets may do wherever they leave to: a chain, or RS_NONE when there is nothing.
uint32_t zone_chain(struct compiling *c, uint32_t from);
// What is left of a pair besides; RS_NONE likewise.
uint32_t pair_chain(struct compiling *c, const struct plan_pair *pair);

// What of a pair is brought to the gate; RS_NONE likewise.
uint32_t pair_divert_chain(struct compiling *c, const struct plan_pair *pair);

// divert.c: connections in proxy mode
void divert_begin(struct compiling *c);
void divert_chains(struct compiling *c);
bool divert_has(const struct compiling *c, const struct plan_cell *cell);
void divert_forward_rule(struct compiling *c, uint32_t chain);
void divert_input_rule(struct compiling *c, uint32_t chain);
void divert_output_rule(struct compiling *c, uint32_t chain, uint32_t denied);

// countries.c: sets of the addresses of countries
void countries_begin(struct compiling *c);
void countries_done(struct compiling *c);

// cells.c
// The cells of a class in a chain that its services lead to.
void class_rules(struct compiling *c, uint32_t chain, const char *name,
		 const struct plan_class *class);
// Those of some classes, each with its services and the interface it leaves by (NULL: known).
struct flat {
	const struct plan_class *class;
	const struct plan_interface *leave;
};
void flat_rules(struct compiling *c, uint32_t chain, const char *name, const struct flat *v,
		size_t n);

// treat.c: the chains f_<flow>, helpers
void treat_begin(struct compiling *c);
uint32_t treat_chain(struct compiling *c, const struct plan_cell *cell);

// nat.c
void nat_chains(struct compiling *c);

const char *zone_id(const struct compiling *c, uint32_t zone);
void log_rule(struct compiling *c, uint32_t chain, uint32_t origin, const char *what,
	      const char *id); // a rule that only logs; none when the rate is 0

#endif
