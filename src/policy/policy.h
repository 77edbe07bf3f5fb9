// The tree of a policy: what its files say, word for word, with the place of every word.
// Nothing is resolved here: names are names, addresses are text.  The room `plan` gives meaning.
//
// A tree owns one arena; everything reachable from it dies with it.  Every struct below is plain
// data in that arena; an absent text has .s NULL, an absent list .n 0 with .at.file NULL.
// What keys there are, of what kind, and what they mean is one table (policy/keys.h): the reader,
// the canonical printer, the JSON Schema and the manual's key list are made from it.
#ifndef SEKISHO_POLICY_POLICY_H
#define SEKISHO_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/place.h"

enum {
	POL_FILE_BYTES_MAX = 64 * 1024 * 1024,	 // one file
	POL_FILES_MAX = 1024,			 // in one folder
	POL_TOTAL_BYTES_MAX = 256 * 1024 * 1024, // of all its files
	POL_DEPTH_MAX = 32,			 // of YAML nesting
	POL_SCALAR_BYTES_MAX = 4096,
};

struct pol_text {
	const char *s;	 // UTF-8, NUL-terminated, no control characters, one line
	struct place at; // without quotes
};

struct pol_list {
	struct pol_text *v;
	size_t n;
	struct place at; // of the key
};

struct pol_bool {
	bool set, value;
	struct place at;
};

struct pol_uint {
	bool set;
	uint64_t value;
	struct place at;
};

// A mapping entry's own name; .at is the place of the name.

struct pol_zone {
	struct pol_text id;
	struct pol_text title;
	struct pol_text role;	    // inside (default), uplink, external, public, server
	struct pol_text class;	    // I to IV; absent: I
	struct pol_list interfaces; // names, or a prefix and '*'
	struct pol_list networks;   // prefixes or ranges; none: every address of no other zone
	struct pol_bool relay;	    // may hosts here pass a connection on? default by role
	struct pol_text mss; // "path-mtu" or a number: clamp TCP MSS of what leaves or enters here
};

// id is "name" (a group for use in other networks and flows) or "zone/name" (of that zone).
struct pol_network {
	struct pol_text id;
	struct pol_text title;
	struct pol_list addresses;     // addresses, prefixes, ranges, names of networks
	struct pol_list countries;     // codes of ISO 3166: "JP" ("country:" in the file)
	struct pol_list continents;    // "AS" ("continent:")
	struct pol_list not_countries; // codes of countries that are left out ("not:")
	struct pol_list except;	       // addresses and names as in addresses, taken away
	struct pol_bool relay;	       // overrides the zone's
};

struct pol_service {
	struct pol_text id;
	struct pol_text title;
	struct pol_list members; // "tcp/80", "udp/5000-5010", "icmp/echo-request", "ip/esp", names
	struct pol_list source_ports; // ports or ranges; for tcp, udp and sctp members
};

struct pol_owner {
	struct pol_text id;
	struct pol_text title;
	struct pol_text office;
	struct pol_text contact;
	struct pol_text successor; // another owner's id
};

struct pol_clause {
	struct pol_text id;
	struct pol_text article;
	struct pol_text text;
	struct pol_list controls; // NET-01 ...
};

struct pol_mail_attachment { // what becomes of files that fit
	struct place at;
	struct pol_list from;	    // senders' zones or zone/network; absent: all
	struct pol_text direction;  // in, out; absent: both
	struct pol_list recipients; // addresses or domains; absent: all
	struct pol_list kinds, names, types, words;
	struct pol_uint personal_numbers;
	struct pol_text over, total_over;
	struct pol_uint number_over;
	struct pol_text action; // refuse, record, allow, hold
	struct pol_text clause; // id of one
};

struct pol_mail_habit { // what becomes of messages that have one
	struct place at;
	struct pol_list from;	    // senders' zones or zone/network; absent: all
	struct pol_text direction;  // in, out; absent: both
	struct pol_list recipients; // addresses or domains; absent: all
	struct pol_list senders;    // likewise
	struct pol_bool forwarded;
	struct pol_uint hops_over, outside_over;
	struct pol_list look_alike, names;
	struct pol_bool link_differs;
	struct pol_list link_domains;
	struct pol_bool active_content;
	struct pol_list recipient_domains;
	struct pol_text action; // refuse, mark, record, allow
	struct pol_text clause; // id of one
};

struct pol_mail_malware { // what becomes of what a scanner says
	struct place at;
	struct pol_text direction;		      // in, out, both
	struct pol_text infected, encrypted, too_big; // refuse, record, allow, hold
	struct pol_text down;			      // later, refuse, record, hold
	struct pol_text old;			      // allow, later, hold
	struct pol_uint seconds;
};

struct pol_mail_hold { // of messages that are held
	struct place at;
	struct pol_text answer; // accept, later
	struct pol_text keep;	// a time
	struct pol_uint persons, messages;
	struct pol_text bytes;
};

struct pol_mail_size { // how large a message may be, of those that fit
	struct place at;
	struct pol_list from;	    // senders' zones or zone/network; absent: all
	struct pol_text direction;  // in, out; absent: both
	struct pol_list recipients; // addresses or domains; absent: all
	struct pol_text max;
};

struct pol_mail_limits {
	struct place at;
	struct pol_uint recipients, invalid_recipients, transactions, sessions; // 0: no limit
	struct pol_text session_rate, message_rate;
};

struct pol_mail_mass { // more than this is mass mail
	struct place at;
	struct pol_text by;	   // source, sender, zone, direction
	struct pol_text direction; // in, out; absent: both
	struct pol_text over;	   // a rate, or learned
	struct pol_uint times, at_least;
	struct pol_text count; // messages, recipients
	struct pol_uint sources;
	struct pol_text action;	  // stop, alarm
	struct pol_text stops;	  // source, sender, zone, direction, all; absent: as by
	struct pol_text duration; // "for"; or until-resumed
};
struct pol_mail_verify { // servers that have to prove who they are
	struct place at;
	struct pol_list servers; // zones or zone/network
	struct pol_text name;
};
struct pol_guard {
	struct pol_text id;
	struct pol_text title;
	struct pol_text protocol; // smtp, http, dns
	// smtp only, all of it
	struct pol_text mode;		 // flow, proxy
	struct pol_list domains;	 // the body's own: "city.example.jp", "*.city.example.jp"
	struct pol_list senders;	 // zones or zone/network that may send to any domain
	struct pol_list smart_hosts;	 // servers that mail for other domains may go to
	struct pol_text own_sender;	 // refuse, mark, allow
	struct pol_list own_sender_from; // zones or zone/network
	struct pol_text size, size_in, size_out;
	struct pol_mail_size *sizes;
	size_t n_sizes;
	struct pol_mail_attachment *attachments;
	size_t n_attachments;
	struct pol_mail_habit *habits;
	size_t n_habits;
	struct pol_mail_malware malware;
	struct pol_mail_hold hold;
	struct pol_text tls;	     // clear-only, refuse, allow-blind, inspect
	struct pol_list tls_servers; // zones or zone/network
	struct pol_text tls_reason;
	struct pol_text certificate; // of the box file
	struct pol_text tls_minimum; // 1.2, 1.3
	struct pol_bool tls_required;
	struct pol_mail_verify *tls_verify;
	size_t n_tls_verify;
	struct pol_bool after_greeting;
	struct pol_mail_limits limits;
	struct pol_mail_mass *mass;
	size_t n_mass;
};

// Part of a flow that is not permitted: each absent list means "all of the flow's".
struct pol_except {
	struct place at;
	struct pol_list from, to, services;
};

struct pol_flow {
	struct place at;
	struct pol_text id;
	struct pol_text title;
	struct pol_list from; // "zone", "zone/network", "self"
	struct pol_list to;
	struct pol_list services; // service names or members as in pol_service
	struct pol_except *except;
	size_t n_except;
	struct pol_text guard;	 // a guard's id, or "none"
	struct pol_list helpers; // ftp, tftp, sip, pptp
	struct pol_bool log;
	struct pol_text owner;
	struct pol_text need;	 // why the flow is needed
	struct pol_text request; // number of the application
	struct pol_list clause;	 // ids of clauses
	struct pol_text review;	 // YYYY-MM-DD
};

enum pol_nat_kind { POL_NAT_MASQUERADE, POL_NAT_SOURCE, POL_NAT_FORWARD, POL_NAT_PREFIX };

struct pol_nat {
	struct place at;
	struct pol_text id;
	struct pol_text title;
	struct pol_text kind; // masquerade, source, forward, prefix
	struct pol_list from; // zones or zone/network: where the connection comes from
	struct pol_list
		to; // masquerade, source, prefix: the zone it leaves by (zone or zone/network)
	struct pol_list families; // ipv4, ipv6; masquerade and source only; default ipv4
	struct pol_list services; // forward: what is forwarded; source, masquerade: optional limit
	struct pol_text
		at_address;	 // forward: the address the outside sees ("address:" in the file)
	struct pol_text target;	 // forward: zone/network of one address; source: address or range;
				 // prefix: the outside prefix
	struct pol_text prefix;	 // prefix: the inside prefix
	struct pol_uint port;	 // forward: the target's port where it differs (one-port services)
	struct pol_bool hairpin; // forward: also for clients in the target's own zone
};

// Endpoints of an assertion.
struct pol_assertion {
	struct place at;
	struct pol_text id;
	struct pol_text title;
	struct pol_list clause;
	// exactly one of the three:
	struct { // no packet from any of `from` reaches any of `to` with any of `services`
		struct place at; // .file NULL: not this kind
		struct pol_list from, to, services;
		struct pol_bool direct; // true: only what flows permit themselves, no relays
	} never;
	struct { // every path from `from` to `to` passes through one of `via`
		struct place at;
		struct pol_list from, to, via; // to absent: every uplink, external and public zone
	} only_via;
	struct { // counts
		struct place at;
		struct pol_uint connection_points; // interfaces of uplink and external zones
		struct pol_uint flows;		   // flows from `from` to `to`
		struct pol_list from, to;
	} at_most;
};

// Packets and what must become of them: tried before anything is applied, like assertions.
struct pol_test {
	struct place at;
	struct pol_text id;
	struct pol_text title;
	struct pol_list clause;
	struct pol_list from; // "zone", "zone/network", "zone/ADDRESS", "ADDRESS", "self"
	struct pol_list to;
	struct pol_list services;    // every one from every one to every one
	struct pol_uint source_port; // absent: any
	struct pol_text expect;	     // allow, deny, inspect
	struct pol_text flow;	     // the flow that has to permit it
	struct pol_text translation; // "nat:" in the file: the entry that has to apply, or "none"
};

struct pol_default { // what happens to what is denied, by zone pair
	struct place at;
	struct pol_list from, to; // zones; absent: all
	struct pol_text action;	  // drop, reject
};

struct pol_settings {
	struct pol_text default_action; // drop (default), reject
	struct pol_default *defaults;	// the first that fits counts; two that overlap are a fault
	size_t n_defaults;
	struct pol_uint log_rate_per_second; // default 20
	struct pol_uint log_burst;	     // default 100
	struct pol_bool log_denied;	     // default true
	struct pol_text fragments;	     // allow (default), drop
	struct pol_text invalid_tcp;	     // drop (default), log-and-drop
	struct pol_list icmp_errors;	     // IPv4 error types let back in with their connection
	struct pol_list icmpv6_errors;
	struct pol_list router_advertisements; // zones the gateway hears them from; default: none
	struct pol_list
		send_router_advertisements; // zones the gateway sends them to; default: none
	struct pol_list extension_headers;  // IPv6 extension headers allowed; default: fragment,
					    // esp, ah, destination
};

struct pol_approval_rule { // how many for what; of those that fit, the strictest counts
	struct place at;
	struct pol_list zones;	// that the change touches; absent: any
	struct pol_text weight; // light, normal, heavy; absent: any
	struct pol_uint approvers;
	struct pol_list groups; // absent: those of the section
};

struct pol_deputy { // who stands in for somebody, and when
	struct place at;
	struct pol_text absent;	     // a user or a group of approvers
	struct pol_text deputy;	     // a user
	struct pol_text from, until; // days, both included
};

struct pol_approval {
	struct pol_uint approvers; // other persons; absent: 0
	struct pol_list groups;	   // whose members may; absent: sekisho-approve
	struct pol_text expires;   // of proposals and approvals; absent: 72h
	struct pol_text confirm;   // absent: 120s; "off"
	struct pol_bool emergency; // one person may, in an emergency; absent: false
	struct pol_approval_rule *rules;
	size_t n_rules;
	struct pol_deputy *deputies;
	size_t n_deputies;
};

struct pol_capture {	 // the last packets, kept in memory for an incident
	struct place at; // .file NULL: none
	struct pol_list zones;
	struct pol_uint size, snaplen; // MiB; bytes of a packet
};

struct pol_evidence {
	struct pol_capture capture;
};

struct pol_isolation {
	struct pol_list lifelines;     // zones, networks and flows that stay up
	struct pol_text time_limit;    // absent: none may be ordered
	struct pol_bool second_person; // to reconnect; absent: false
};

struct pol_contact { // whom to tell of an incident
	struct place at;
	struct pol_text role, title, contact, hours;
};

struct pol_mail_record { // what is kept of each message that a guard saw
	struct place at;
	struct pol_text keep;		// "90d"; absent: as the audit log
	struct pol_bool hash_addresses; // absent: false
};

struct pol_record {
	struct place at;
	struct pol_text keep;	       // "400d", "5y"; absent: for ever, and a warning
	struct pol_text rotate;	       // "64M"
	struct pol_text when_full;     // continue (default), close
	struct pol_list checkpoint_to; // "syslog", "file:/PATH"
	struct pol_list hold;	       // "2026-04-01..2026-06-30"
	struct pol_mail_record mail;
};

struct pol_file {
	const char *name; // as given to the reader, for places
	uint64_t size_bytes;
};

struct pol_tree {
	struct pol_text version; // "1" (default)
	struct pol_text title;
	struct pol_zone *zones;
	size_t n_zones;
	struct pol_network *networks;
	size_t n_networks;
	struct pol_service *services; // the policy's own; the library's are in plan
	size_t n_services;
	struct pol_owner *owners;
	size_t n_owners;
	struct pol_clause *clauses;
	size_t n_clauses;
	struct pol_guard *guards;
	size_t n_guards;
	struct pol_flow *flows;
	size_t n_flows;
	struct pol_nat *nat;
	size_t n_nat;
	struct pol_assertion *assertions;
	size_t n_assertions;
	struct pol_test *tests;
	size_t n_tests;
	struct pol_settings settings;
	struct pol_approval approval;
	struct pol_isolation isolation;
	struct pol_evidence evidence;
	struct pol_contact *contacts;
	size_t n_contacts;
	struct pol_record record;
	struct pol_file *files;
	size_t n_files;
	uint8_t digest[32]; // BLAKE2b-256 over the files' names and bytes, in name order
};

struct pol_policy;

// Reads every *.yaml and *.yml of a folder in name order (not of folders below it, no symbolic
// link out of it, nothing whose name starts with a dot).  dir_fd stays the caller's; dir_name is
// what places begin with ("" for bare file names).
// 0 with *ret_policy set, possibly with warnings in diag; -EBADMSG when diag has errors (no tree);
// other negative errno when the folder cannot be read (diag then says so too).
// With ret_partial, a tree with whatever could be read is returned there also on -EBADMSG, so that
// the next stage can find its faults in the same run; it is then never to be applied.  None is
// returned when a file is missing from it or could not be read to its end: what stood there would
// look as if nobody had written it.  Every entry of a tree has an id that is good and its own; in
// a partial one, required keys may be absent and lists empty where a fault has been told.
int policy_read(int dir_fd, const char *dir_name, struct diag *diag, struct pol_policy **ret_policy,
		struct pol_policy **ret_partial);
int policy_read_path(const char *dir, struct diag *diag, struct pol_policy **ret_policy,
		     struct pol_policy **ret_partial);
// One file in memory; for tests, fuzzing and the lab.
int policy_read_text(const char *name, const char *bytes, size_t size, struct diag *diag,
		     struct pol_policy **ret_policy, struct pol_policy **ret_partial);

// Files in memory, as policy_read() would find them in a folder (its rules about names included:
// the caller has applied them); places begin with dir_name.  For the compiler's child, which may
// open nothing.
struct policy_source {
	const char *name; // bare file name
	const char *bytes;
	size_t size;
};
int policy_read_sources(const struct policy_source *sources, size_t n_sources, const char *dir_name,
			struct diag *diag, struct pol_policy **ret_policy,
			struct pol_policy **ret_partial);
// A folder as it would be with one more file in it: for what is only proposed.
int policy_read_path_with(const char *dir, const struct policy_source *more, struct diag *diag,
			  struct pol_policy **ret_policy);
void policy_free(struct pol_policy *policy);

const struct pol_tree *policy_tree(const struct pol_policy *policy);

#endif
