// The plan: a policy with every name resolved, every overlap settled and every assertion proved.
// It can be made only here, is immutable, and is what everything else asks: the compiler turns it
// into a ruleset, `query` evaluates it.
//
// Meaning.  A packet belongs to a pair of zones (where it comes in, where it goes out; `self` is
// the gateway).  A pair has service classes that are disjoint in (protocol, source port, port);
// a class has cells that are disjoint in (source, destination) and each belong to one flow.  The
// packet that opens a connection is permitted exactly if its class has a cell that holds it, its
// source is an address of its zone (anti-spoofing) and its destination one of the other (from
// `self` also link-local, local multicast and broadcast addresses).  A zone without networks has
// every address that no other zone has, but for those that no packet between networks carries:
// loopback, link-local, multicast, reserved.  NAT of destinations comes before, of sources after.
// Replies and related errors follow their connection.
#ifndef SEKISHO_PLAN_PLAN_H
#define SEKISHO_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/diag.h"
#include "base/place.h"
#include "geo/known.h"
#include "policy/policy.h"

enum {
	PLAN_SELF = 0,	       // index of the zone `self`
	PLAN_ZONES_MAX = 1000, // `self` included
	PLAN_FLOWS_MAX = 100000,
	PLAN_CELLS_MAX = 2000000, // all together
	PLAN_CLASS_CELLS_MAX = 200000,
	PLAN_LIFELINES_MAX = 256, // rules
	PLAN_GUARDED_MAX = 4095,  // flows with a guard
	PLAN_GUARD_STAMP = 0x3ffff000,
	PLAN_NONE = UINT32_MAX,
};

enum plan_role { PLAN_INSIDE, PLAN_UPLINK, PLAN_EXTERNAL, PLAN_PUBLIC, PLAN_SERVER, PLAN_GATEWAY };

struct plan_interface {
	const char *name; // without the '*'
	bool pattern;	  // name is a prefix
	struct place at;
};

struct plan_zone {
	const char *id;
	const char *title; // "" if none
	enum plan_role role;
	unsigned class; // 1 to 4
	const struct plan_interface *interfaces;
	size_t n_interfaces;
	const struct addr_range *networks; // as an addr_set: sorted, disjoint
	size_t n_networks;
	bool elsewhere; // no networks given: every address that is not in plan_inside()
	bool relay;
	uint16_t mss; // 0: leave alone; 1: path MTU; else the value
	struct place at;
};

// protocol: one protocol (lo == hi), or a range of several, which then has full ports ("any", and
// what remains of it beside other services).
// port: destination port of TCP, UDP, SCTP; ICMP or ICMPv6 type, 0-255; else 0-65535.
struct plan_atom {
	uint8_t protocol_lo, protocol_hi;
	uint16_t sport_lo, sport_hi; // 0-65535 when it does not matter
	uint16_t port_lo, port_hi;
};

struct plan_rect {
	struct addr_range source, destination; // one family
};

enum plan_treatment { PLAN_PLAIN = 0, PLAN_LOG = 1, PLAN_GUARD = 2 }; // bits; higher is stricter
enum plan_helper { PLAN_FTP = 1, PLAN_TFTP = 2, PLAN_SIP = 4, PLAN_PPTP = 8 };

struct plan_term { // a flow is the union of these: every rect with every atom; ICMP only has
		   // IPv4 rects, ICMPv6 only IPv6 ones
	uint16_t from, to;
	const struct plan_rect *rects;
	size_t n_rects;
	const struct plan_atom *atoms;
	size_t n_atoms;
	unsigned helpers; // enum plan_helper bits: those of the flow that fit these atoms
};

struct plan_flow {
	const char *id;
	const char *title;
	const char *owner, *owner_title; // "" if none
	const char *need, *request, *review;
	const char *const *clauses;  // ids
	const char *const *articles; // of the body's rules, of each: "第60条第1項", or ""
	size_t n_clauses;
	const char *const *mail_clauses; // of a flow whose guard reads mail: plan/guard.h
	unsigned treatment;		 // PLAN_LOG | PLAN_GUARD
	unsigned helpers;		 // enum plan_helper bits
	const char *guard;		 // guard id or NULL
	const char *guard_protocol;	 // smtp, http, dns; NULL without a guard
	uint32_t guard_mark;		 // its own number, 1 to PLAN_GUARDED_MAX, and above it, as
					 // bits of PLAN_GUARD_STAMP, a hash of its id and its
					 // guard's, never 0; the whole is 0 without a guard
	bool proxy;			 // that guard accepts connections and connects onward
	const struct plan_term *terms; // as written, except taken away, before overlaps are settled
	size_t n_terms;
	const struct plan_term *excepted; // what `except` takes away, for "why not"; may overlap
	size_t n_excepted;
	struct place at; // of its id
	struct place review_at;
};

struct plan_cell {
	struct plan_rect rect;
	uint32_t flow;	    // the flow it counts on
	unsigned treatment; // strictest of all flows that permit it (helpers likewise the union)
	unsigned helpers;
	uint32_t guard_flow; // whose guard applies, or PLAN_NONE
};

struct plan_class {
	const struct plan_atom *atoms; // disjoint within the pair
	size_t n_atoms;
	const struct plan_cell *cells; // disjoint within the class; IPv4 first
	size_t n_cells;
};

struct plan_pair {
	uint16_t from, to;
	const struct plan_class *classes;
	size_t n_classes;
};

struct plan_nat {
	enum pol_nat_kind kind;
	const char *id, *title;
	enum addr_family family;
	// Which connections: from any of the zones, with source and destination in the sets (before
	// translation for forward; the zone pair and addresses of the forward hook for the others).
	const uint16_t *from;
	size_t n_from;
	const uint16_t *to; // forward: the one target zone
	size_t n_to;
	const struct addr_range *sources; // n 0: any
	size_t n_sources;
	const struct addr_range *destinations; // forward: exactly the outside address
	size_t n_destinations;
	const struct plan_atom *atoms; // n 0: any
	size_t n_atoms;
	struct addr_range target; // source, forward (one address), prefix (outside prefix);
				  // masquerade: unused
	struct addr_range inside; // prefix only
	uint16_t port;		  // forward: 0 keeps the port
	bool hairpin;
	struct place at;
};

enum plan_action { PLAN_DROP, PLAN_REJECT };

struct plan_default {
	uint16_t from, to;
	enum plan_action action;
};

enum plan_extension { // bits
	PLAN_EXT_HOPOPTS = 1,
	PLAN_EXT_ROUTING = 2,
	PLAN_EXT_FRAGMENT = 4,
	PLAN_EXT_DSTOPTS = 8,
	PLAN_EXT_ESP = 16,
	PLAN_EXT_AH = 32,
	PLAN_EXT_MOBILITY = 64,
};

struct plan_settings {
	enum plan_action action;
	const struct plan_default *defaults; // one entry a pair that differs from action
	size_t n_defaults;
	unsigned log_rate_per_second, log_burst;
	bool log_denied, log_invalid, drop_fragments;
	const uint8_t *icmp_errors;
	size_t n_icmp_errors;
	const uint8_t *icmpv6_errors;
	size_t n_icmpv6_errors;
	const uint16_t *hear_ra; // zones
	size_t n_hear_ra;
	const uint16_t *send_ra;
	size_t n_send_ra;
	unsigned extensions; // allowed ones
};

struct plan_assertion { // one that holds; a test too
	const char *id;
	const char *text; // "never from public-wifi to office, lgwan": what it says, in one line
	struct place at;
};

// Who must approve a change, and how an apply is made sure.
enum plan_weight { PLAN_WEIGHT_ANY, PLAN_WEIGHT_LIGHT, PLAN_WEIGHT_NORMAL, PLAN_WEIGHT_HEAVY };

enum {
	PLAN_EXPIRES_SECONDS = 72 * 3600, // unless the policy says otherwise
	PLAN_EXPIRES_SECONDS_MIN = 60,
	PLAN_EXPIRES_SECONDS_MAX = 31 * 24 * 3600,
	PLAN_CONFIRM_SECONDS = 120,
	PLAN_CONFIRM_SECONDS_MAX = 3600,
};

struct plan_approval_rule {
	const uint32_t *zones; // none: any
	size_t n_zones;
	enum plan_weight weight;
	unsigned approvers;
	const char *const *groups; // none: those of the section
	size_t n_groups;
};

struct plan_deputy {
	const char *absent, *deputy; // names of the box, which the policy cannot check
	const char *from, *until;    // "YYYY-MM-DD", both included
};

struct plan_approval {
	unsigned approvers;
	const char *const *groups; // at least one
	size_t n_groups;
	uint32_t expires_seconds, confirm_seconds; // 0: an apply does not wait
	bool emergency;
	const struct plan_approval_rule *rules;
	size_t n_rules;
	const struct plan_deputy *deputies;
	size_t n_deputies;
};

// The audit log (keep/audit.h).
struct plan_record {
	uint32_t keep_days;	  // 0: the policy does not say, and nothing is removed
	uint32_t mail_keep_days;  // of records of mail; 0: nothing is removed
	bool mail_hash_addresses; // they hold hashes in the place of addresses
	uint64_t rotate_bytes;
	bool closes;	       // the gate closes while it cannot be written
	const char *const *to; // "syslog", "file:/PATH"
	size_t n_to;
	const char *const *holds; // "2026-04-01..2026-06-30"
	size_t n_holds;
};

struct plan;

// Resolves, settles, proves.  0 with *ret_plan, possibly with warnings in diag; -EBADMSG when diag
// has errors.  *ret_assertions_failed (may be NULL) tells whether assertions or tests are among
// them. The plan keeps no pointer into the policy: it may be freed first.
int plan_make(const struct pol_policy *policy, struct diag *diag, struct plan **ret_plan,
	      bool *ret_assertions_failed);
// The same with what is known of countries (NULL: nothing).  A policy that names countries has no
// plan without a sound and fresh table of them.
int plan_make_with(const struct pol_policy *policy, const struct geo_known *countries,
		   struct diag *diag, struct plan **ret_plan, bool *ret_assertions_failed);
// Whether it names countries at all, so that a table is worth having.
bool plan_needs_countries(const struct pol_policy *policy);
void plan_free(struct plan *plan);

// Adds a warning for every flow whose review date is before today ("YYYY-MM-DD").
void plan_review(const struct plan *plan, const char *today, struct diag *diag);

const struct plan_zone *plan_zones(const struct plan *plan, size_t *ret_n);
const struct plan_flow *plan_flows(const struct plan *plan, size_t *ret_n); // by id
const struct plan_pair *plan_pairs(const struct plan *plan, size_t *ret_n); // by from, to
// Where several fit a packet the first counts: what is part of another stands before it.
const struct plan_nat *plan_nats(const struct plan *plan, size_t *ret_n);
// A rule of what stays up (plan/isolation.c; kernel/lifeline.h tells what its parts mean).
struct plan_lifeline {
	const char *name;			// zone, network or flow as the policy names it
	bool out, far, answer;			// leaving; by the other end's address; answers
	const struct plan_interface *interface; // NULL: any
	bool addressed;
	struct addr_range range;
	uint8_t protocol; // 0: any
	uint16_t port_lo, port_hi;
};

struct plan_isolation {
	const struct plan_lifeline *lifelines;
	size_t n_lifelines;
	uint32_t time_limit_seconds; // 0: no isolation may be limited in time
	bool second_person;	     // to reconnect
};

struct plan_contact {
	const char *role, *title, *contact, *hours; // "" if absent
};

struct plan_evidence {
	const uint16_t *zones; // whose packets are kept for an incident, by index; none: no capture
	size_t n_zones;
	unsigned size_mib, snaplen;
	const struct plan_contact *contacts;
	size_t n_contacts;
};

const struct plan_isolation *plan_isolation(const struct plan *plan);
const struct plan_evidence *plan_evidence(const struct plan *plan);
const struct plan_settings *plan_settings(const struct plan *plan);
const struct plan_record *plan_record(const struct plan *plan);
const struct plan_assertion *plan_assertions(const struct plan *plan, size_t *ret_n);
const struct plan_assertion *plan_tests(const struct plan *plan, size_t *ret_n);
// Names of the bits of enum plan_extension, with commas.
const char *plan_extensions_text(unsigned extensions, char *out, size_t size);
const struct plan_approval *plan_approval(const struct plan *plan);
const char *plan_title(const struct plan *plan);
const uint8_t *plan_digest(const struct plan *plan); // 32 bytes: the policy's

uint32_t plan_find_zone(const struct plan *plan, const char *id); // or PLAN_NONE
uint32_t plan_find_flow(const struct plan *plan, const char *id);
const struct plan_pair *plan_find_pair(const struct plan *plan, uint16_t from, uint16_t to);
uint32_t plan_zone_of_interface(const struct plan *plan, const char *name);
// Can the zone have addresses of the family?  (No, if all of its networks are of the other.)
bool plan_zone_has_family(const struct plan *plan, uint32_t zone, enum addr_family family);
// What no zone without networks has: the networks of all zones, and the addresses that are never
// routed.
const struct addr_set *plan_inside(const struct plan *plan);
// The addresses of all networks by country together: cells within it come in great numbers, and
// alike. Empty where no network names a country.
const struct addr_set *plan_countries(const struct plan *plan);
// The network by country whose ranges of the family are exactly these, or one that has the first of
// them: its id, or NULL.
const char *plan_country_network(const struct plan *plan, const struct addr_range *ranges, size_t n,
				 bool *ret_exact);
// Is the address one of the zone's?  (For a zone without networks: not in plan_inside().)
bool plan_zone_has(const struct plan *plan, uint32_t zone, const struct addr *addr);
// Zones that have this address; those without networks only if no other has it.  Returns the count.
size_t plan_zones_of(const struct plan *plan, const struct addr *addr, uint32_t *ret, size_t max);
// The network of the zone that has exactly these addresses, "zone/name"; NULL: none has.
const char *plan_network_like(const struct plan *plan, uint32_t zone, const struct addr_set *set);
// What denied packets of the pair get.
enum plan_action plan_default_action(const struct plan *plan, uint16_t from, uint16_t to);
// Text such as "tcp/8000-8010" or "icmp/echo-request".
const char *plan_atom_text(const struct plan_atom *atom, char *out, size_t size);
// A service name of the policy or the library, or a member ("tcp/80"): its atoms.
// 0, or -ENOENT.  *ret_atoms lives as long as the plan.
int plan_service(struct plan *plan, const char *name, const struct plan_atom **ret_atoms,
		 size_t *ret_n);
// An endpoint as in a flow: zone (then *ret_n is 0), zone/network.  -ENOENT, or -EINVAL when it is
// no endpoint.
int plan_endpoint(struct plan *plan, const char *name, uint32_t *ret_zone,
		  const struct addr_range **ret_ranges, size_t *ret_n);

#endif
