// What a guard demands: the mail part of a policy, resolved, as the engine asks it.  Made outside
// this room from a plan (daemon/mail_profile.h), immutable, dies with its arena.
#ifndef SEKISHO_INSPECT_PROFILE_H
#define SEKISHO_INSPECT_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/terms.h"

enum profile_tls {
	PROFILE_TLS_CLEAR_ONLY, // the offer is taken out of the answer to EHLO
	PROFILE_TLS_REFUSE,	// STARTTLS is answered 454 here
	PROFILE_TLS_BLIND,	// let through, unread, to the servers named; taken out elsewhere
	PROFILE_TLS_INSPECT,	// proxy mode: ended here and begun anew towards the server
};

// A set of addresses, as an addr_set: sorted, disjoint.
struct profile_addrs {
	const struct addr_range *v;
	size_t n;
};

// A server that has to prove who it is.
struct profile_tls_name {
	struct profile_addrs servers;
	const char *name;
};

struct profile_tls_inspect {
	const char *certificate; // the body's own, by its name in sekisho.yaml: for clients
	uint16_t least_client, least_server;  // 0x0303: 1.2, 0x0304: 1.3
	bool required;			      // of clients: no mail without it
	bool at_once;			      // from the first byte, not by STARTTLS
	const struct profile_tls_name *names; // the first that holds the server
	size_t n_names;
};

enum profile_own_sender { // a sender of an own domain, from outside
	PROFILE_OWN_ALLOW,
	PROFILE_OWN_REFUSE,
	PROFILE_OWN_MARK, // let through, and told in the record
};

// "city.example.jp" (subdomains: false) or "*.city.example.jp"; lower case, A-labels.
struct profile_domain {
	const char *name; // without "*."
	bool subdomains;  // those below it, not itself
};

// Which messages a rule is about: any member may be absent, and then fits.
struct profile_whose {
	const struct profile_addrs *clients; // NULL: all
	bool only_in, only_out;		     // to own domains; to others
	const char *const *recipients;	     // addresses or "@domain", lower case
	size_t n_recipients;		     // 0: all; else the transaction has one of them
};

// The first that fits holds.
struct profile_size {
	struct profile_whose whose;
	uint64_t max; // bytes of DATA on the wire, before its final dot
};

enum { PROFILE_ATTACHMENTS_MAX = 256 }; // rules; a message cannot be judged by more

enum profile_action {
	PROFILE_ALLOW,	// passes, whatever later rules say of this file
	PROFILE_RECORD, // passes, and the record says what was found
	PROFILE_MARK,	// passes with a header line that says so; rules about habits only
	PROFILE_REFUSE, // 550 5.7.1; sizes 552 5.3.4
	PROFILE_HOLD,	// kept inside until somebody has decided: 250, or 451 4.7.1
};

// About one file of a message: an attachment, or an entry inside of one at any depth.  The first
// rule that fits decides; one fits when all of its members do that are not empty, kinds, doubts and
// unread being one: any of these.  A file that no rule fits passes.  A message is refused if any of
// its files is.
struct profile_attachment {
	struct profile_whose whose;
	// Any of these bits of enum unpack_kind.  With PROFILE_ALLOW: and none of those bits that
	// are a danger, but for these: a PDF that is a program as well is not let pass as a PDF.
	uint32_t kinds;
	uint32_t doubts; // any of these bits, 1 << enum mime_doubt: what cannot be read in one way
	bool unread;	 // an archive that could not be read to its end (enum unpack_limit)
	// "*.exe": any reading of the name (PROFILE_ALLOW: every one), in lower case; * and ? only
	const char *const *names;
	size_t n_names;
	const char *const *types; // "video/*": the type that the part says, in lower case
	size_t n_types;
	uint64_t words;	      // any of these bits of profile.terms, in its text, name or subject
	uint32_t numbers;     // of persons, at least, in its text
	uint64_t size_over;   // bytes of the decoded file
	uint64_t total_over;  // of all attachments of the message together, decoded
	uint32_t number_over; // attachments of the message
	enum profile_action action;
	const char *clause; // or ""
};

enum { PROFILE_HABITS_MAX = 64 };

// What a message has of the habits that rules are about.
enum profile_sign {
	PROFILE_FORWARDED, // it was sent on by a rule of a mailbox
	PROFILE_LOOP,	   // it has come by here before
	PROFILE_OUTSIDE,   // recipients outside that see one another
	PROFILE_ALIKE,	   // its sender seems to be somebody else
	PROFILE_LINK,
	PROFILE_ACTIVE, // its HTML does more than to be read
	PROFILE_DOMAIN, // a recipient's
	PROFILE_SIGNS,
};

// Of PROFILE_ALIKE.
enum {
	PROFILE_ALIKE_DOMAIN = 1, // resembles an own domain (habit_alike.h)
	PROFILE_ALIKE_NAME = 2,	 // the name shows an own domain or one of `words`, the address none
	PROFILE_ALIKE_OWN = 4,	 // an own domain in From, from outside
	PROFILE_ALIKE_OTHER = 8, // From is of another registration than the envelope
};

// The first rule of its sign that fits decides.
struct profile_habit {
	struct profile_whose whose;
	const char *const *senders; // as recipients: the envelope's or any of From; PROFILE_ALLOW:
				    // all of them
	size_t n_senders;
	enum profile_sign sign;
	unsigned alike;
	uint64_t words;		    // ALIKE_NAME: any of these bits of profile.names
	uint32_t over;		    // LOOP: more lines of Received; OUTSIDE: more addresses
	bool differs;		    // LINK: it shows another one than it leads to
	const char *const *domains; // LINK: to these or below; DOMAIN.  Sorted by strcmp
	size_t n_domains;
	enum profile_action action;
	const char *clause; // or ""
};

// What becomes of what a scanner says of a message (inspect/scan.h).
struct profile_malware {
	bool in, out;					  // which are scanned
	enum profile_action infected, encrypted, too_big; // REFUSE: 550 5.7.1; 552 5.3.4
	bool down_passes, down_refuses, down_holds;	  // without a verdict; none: 451 4.7.1
	bool old_holds, old_waits;			  // its definitions are too old: 451
	uint32_t seconds;				  // until there is none
};

// What becomes of messages that are held (event/held_wire.h).
struct profile_hold {
	bool any; // something in the profile holds
	bool later;
	uint32_t keep_seconds, persons, messages_max;
	uint64_t bytes_max;
};

struct profile_limits {		     // 0: no limit
	uint32_t recipients;	     // of a transaction: 452 4.5.3
	uint32_t invalid_recipients; // of a session, refused by us or the server: 421 4.7.0
	uint32_t transactions;	     // of a session
	uint32_t sessions;	     // at a time from one source: 421 4.7.0
	uint32_t session_rate;	     // sessions from one source in session_seconds
	uint32_t session_seconds;
	uint32_t message_rate; // messages from one source in message_seconds: 451 4.7.1
	uint32_t message_seconds;
};

struct profile {
	const char *guard; // its id
	const struct profile_domain *domains;
	size_t n_domains;
	struct profile_addrs senders; // clients that may send to any domain
	struct profile_addrs
		smart_hosts; // servers that may be given mail for any domain, by senders
	enum profile_own_sender own_sender;
	struct profile_addrs own_sender_from; // clients outside that may, all the same
	const struct profile_size *sizes;
	size_t n_sizes;
	const struct profile_attachment *attachments; // none: messages are not taken apart
	size_t n_attachments;
	const struct terms *terms; // of all their words; NULL: none has any, nor numbers
	const struct profile_habit *habits;
	size_t n_habits;
	const struct terms *names; // of all their words; NULL: none has any
	struct profile_malware malware;
	struct profile_hold hold;
	enum profile_tls tls;
	struct profile_addrs tls_servers; // BLIND: servers that keep the rules themselves
	struct profile_tls_inspect tls_inspect;
	bool after_greeting; // no more is looked at once EHLO was answered
	struct profile_limits limits;
	bool mass; // its messages are counted (daemon/mass.h)
};

struct profile_zone {
	const char *id;
	struct profile_addrs addrs;
};

// Of a mark: which flow, and a hash of its id and its guard's (0 where older rules have none).
enum { PROFILE_NUMBER = 0xfff, PROFILE_STAMP = 0x3ffff000 };

enum { PROFILE_CONTROLS = 12 };

// A flow whose guard reads SMTP.
struct profile_flow {
	uint32_t mark; // plan_flow.guard_mark: of the packet that begins a connection
	const char *id;
	const char *clause; // the first, or ""
	// By the number of a control, MAIL-01 being 1: the clause that answers it, or ""; NULL:
	// none does any.
	const char *const *clauses;
	const struct profile *profile;
	const struct profile_zone *from, *to; // by address: the first that holds it
	size_t n_from, n_to;
};

struct profiles {
	const struct profile_flow *flows; // by PROFILE_NUMBER of mark
	size_t n;
};

// NULL: there is none, or that number is now another flow's, or its flow has another guard.
const struct profile_flow *profiles_find(const struct profiles *profiles, uint32_t mark);
// What a connection that began under a flow of older profiles goes on under: the flow of that id,
// whatever its guard is now; else the first with the same guard between the zones of its ends.
// NULL: there is none.
const struct profile_flow *profiles_follow(const struct profiles *profiles,
					   const struct profile_flow *before,
					   const struct addr *client, const struct addr *server);
// Whether the list, if it has any, names this address (lower case) or its "@domain".
bool profile_lists(const char *const *recipients, size_t n, const char *address);
// Whether a message of that client to that recipient, of an own domain or another, is one of them.
bool profile_is_about(const struct profile_whose *whose, const struct addr *client, bool own,
		      const char *address);
// The clause that the record of a message cites by itself, for a control; "" if there is none.
const char *profile_clause(const struct profile_flow *flow, const char *control);
// Who that server has to be by its certificate; NULL: anybody.
const char *profile_tls_name(const struct profile_tls_inspect *inspect, const struct addr *server);
bool profile_holds(const struct profile_addrs *addrs, const struct addr *addr);
// domain in lower case, without a trailing dot.
bool profile_owns(const struct profile *profile, const char *domain);

#endif
