// Guards of a plan: what an inspection demands, with every name resolved.
//
// Mail.  A client is told by its address.  Own domains may be sent to by everybody, others by
// senders alone, and where smart_hosts are named only to those servers.  The first of sizes that
// fits a recipient counts, the last fits all; a message to several has the least of theirs.  Of
// each file in a message the first of attachments that fits counts.  A message is scanned for
// malware if any of its recipients' directions is.
#ifndef SEKISHO_PLAN_GUARD_H
#define SEKISHO_PLAN_GUARD_H

#include <stdio.h>

#include "plan/plan.h"

struct plan_places {			 // zones and networks of zones, by what addresses they have
	const struct addr_range *ranges; // as an addr_set
	size_t n;
	const char *const *names; // as the policy has them; none: the key is absent
	size_t n_names;
};

struct plan_domain {
	const char *name; // lower case, A-labels, without "*."
	bool subdomains;  // what is below it, not itself
};

enum plan_mail_direction { PLAN_MAIL_BOTH, PLAN_MAIL_IN, PLAN_MAIL_OUT };

struct plan_mail_whose {	 // messages
	struct plan_places from; // n_names 0: all
	enum plan_mail_direction direction;
	const char *const *recipients; // "plans@city.example.jp" or "@city.example.jp", lower case
	size_t n_recipients;	       // 0: all
	const char *clause;	       // that demands it: its id; NULL or "": none is named
};

struct plan_mail_size {
	struct plan_mail_whose whose;
	uint64_t max; // bytes as they travel
};

enum { PLAN_MAIL_ATTACHMENTS_MAX = 256 }; // rules of a guard, the one that is added among them

// By what it lets pass.  MARK: of habits only.
enum plan_mail_action {
	PLAN_MAIL_REFUSE,
	PLAN_MAIL_HOLD,
	PLAN_MAIL_RECORD,
	PLAN_MAIL_ALLOW,
	PLAN_MAIL_MARK,
};

struct plan_words {
	const char *const *v;
	size_t n;
};

// A file fits when all of these do that are not empty or 0.
struct plan_mail_attachment {
	struct plan_mail_whose whose;
	struct plan_words kinds;	// as the policy has them, by name
	struct plan_words names, types; // patterns in lower case, by name
	struct plan_words words;	// as the policy has them
	uint32_t personal_numbers;
	uint64_t over, total_over; // bytes, decoded
	uint32_t number_over;
	enum plan_mail_action action;
	bool added; // not of the policy: closes what it leaves open
};

enum { PLAN_MAIL_HABITS_MAX = 64 }; // rules of a guard

enum plan_habit {
	PLAN_HABIT_FORWARDED,
	PLAN_HABIT_LOOP,
	PLAN_HABIT_OUTSIDE,
	PLAN_HABIT_ALIKE,
	PLAN_HABIT_LINK,
	PLAN_HABIT_ACTIVE,
	PLAN_HABIT_DOMAIN,
};

struct plan_mail_habit {
	struct plan_mail_whose whose;
	struct plan_words senders; // as whose.recipients; none: all
	enum plan_habit sign;
	unsigned alike;		   // bits: domain, name, own-domain, envelope
	struct plan_words names;   // as the policy has them
	uint32_t over;		   // LOOP: lines of Received; OUTSIDE: addresses
	bool differs;		   // LINK
	struct plan_words domains; // LINK, DOMAIN: in lower case, by name
	enum plan_mail_action action;
};

enum plan_mail_down {
	PLAN_MAIL_DOWN_LATER,
	PLAN_MAIL_DOWN_REFUSE,
	PLAN_MAIL_DOWN_RECORD,
	PLAN_MAIL_DOWN_HOLD,
};
enum plan_mail_old { PLAN_MAIL_OLD_ALLOW, PLAN_MAIL_OLD_LATER, PLAN_MAIL_OLD_HOLD };

struct plan_mail_malware {
	bool scan;
	enum plan_mail_direction direction;
	enum plan_mail_action infected, encrypted, too_big;
	enum plan_mail_down down; // no verdict
	enum plan_mail_old old;	  // nothing found, by old definitions
	uint32_t seconds;	  // until there is none
};

struct plan_mail_hold {
	bool any;   // something is held
	bool later; // 451 until somebody has decided
	uint32_t keep_seconds, persons, messages;
	uint64_t bytes;
};

struct plan_mail_limits { // 0: no limit
	uint32_t recipients, invalid_recipients, transactions, sessions;
	uint32_t session_rate, session_seconds; // session_rate in session_seconds
	uint32_t message_rate, message_seconds;
};

enum plan_mass {
	PLAN_MASS_SOURCE,
	PLAN_MASS_SENDER,
	PLAN_MASS_ZONE,
	PLAN_MASS_DIRECTION,
	PLAN_MASS_ALL,
};
enum { PLAN_MASS_MAX = 16 }; // rows of a guard

struct plan_mail_mass {
	enum plan_mass by, stops;
	enum plan_mail_direction direction;
	uint32_t over, seconds;	  // over in seconds; 0: learned, by the hour
	uint32_t times, at_least; // learned
	uint32_t sources;	  // networks that it takes; 0: one will do
	bool recipients;	  // are counted, not messages
	bool alarm;		  // and nothing stops
	uint32_t for_seconds;	  // 0: until resumed
};

// By the number of a control, MAIL-01 being 1: the clause that answers it, or "".
enum { PLAN_MAIL_CONTROLS = 12 };

enum plan_mail_tls { PLAN_TLS_CLEAR_ONLY, PLAN_TLS_REFUSE, PLAN_TLS_BLIND, PLAN_TLS_INSPECT };

struct plan_mail_verify { // servers that have to prove who they are
	struct plan_places servers;
	const char *name; // lower case, A-labels
};
enum plan_own_sender { PLAN_OWN_REFUSE, PLAN_OWN_MARK, PLAN_OWN_ALLOW };

struct plan_mail {
	bool proxy; // accepted and connected onward; else read packet by packet
	const struct plan_domain *domains;
	size_t n_domains;
	struct plan_places senders;	// n_names 0: nobody
	struct plan_places smart_hosts; // n_names 0: all servers
	enum plan_own_sender own_sender;
	struct plan_places own_sender_from;
	const struct plan_mail_size *sizes; // at least one
	size_t n_sizes;
	const struct plan_mail_attachment *attachments; // none: messages are not taken apart
	size_t n_attachments;
	const struct plan_mail_habit *habits;
	size_t n_habits;
	struct plan_mail_malware malware;
	struct plan_mail_hold hold;
	enum plan_mail_tls tls;
	struct plan_places tls_servers;
	const char *tls_reason; // "" if none
	// With PLAN_TLS_INSPECT
	const char *certificate; // of the box file
	bool tls_newest;	 // 1.3 alone
	bool tls_required;
	const struct plan_mail_verify *verify;
	size_t n_verify;
	bool after_greeting;
	struct plan_mail_limits limits;
	const struct plan_mail_mass *mass;
	size_t n_mass;
};

struct plan_guard {
	const char *id, *title;	      // title "" if none
	const char *protocol;	      // smtp, http, dns
	const struct plan_mail *mail; // NULL: not smtp
	struct place at;
};

const struct plan_guard *plan_guards(const struct plan *plan, size_t *ret_n); // by id
// NULL: there is none.  id may be NULL.
const struct plan_guard *plan_find_guard(const struct plan *plan, const char *id);

// What a guard demands in words, by fields from 0; each is named as its key is.  A field that says
// nothing of this guard prints nothing.
enum { PLAN_GUARD_FIELDS = 14, PLAN_GUARD_MASS = PLAN_GUARD_FIELDS - 1 };
const char *plan_guard_field(size_t field);
void plan_guard_say(const struct plan_guard *guard, size_t field, FILE *out);
// The same as text to be freed; NULL: it says nothing, or nothing that counts after_greeting.
char *plan_guard_said(const struct plan_guard *guard, size_t field);
// "20 MB", "1500 KB", "20 MiB", "1000001 bytes": exact.
const char *plan_size_text(uint64_t bytes, char *out, size_t size);

#endif
