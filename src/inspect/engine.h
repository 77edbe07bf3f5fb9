// A guarded connection as two streams of bytes.  The engine is given the bytes of each side, in
// order and once, and answers with orders that decide about them, oldest first.  It knows nothing
// of packets or sockets: stream.h maps its orders onto queued packets.
//
// Every byte that is fed is decided by exactly one of PASS, OVERWRITE, REPLACE and SWALLOW, in the
// order in which it was fed, at once or in a later call of any side; what is undecided waits.
// Undecided bytes of one side never exceed ENGINE_WAITING_MAX (the engine ends the session first),
// but for a message's while the scanner or the vault is behind (scan.h, hold.h): those end with the
// server's window.
//
// After END or RELEASE calls do nothing.  A side that has closed sends no more.  What the engine
// does with SMTP is in docs/mail.md.
#ifndef SEKISHO_INSPECT_ENGINE_H
#define SEKISHO_INSPECT_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "inspect/mail_stops.h"
#include "inspect/profile.h"

enum engine_side { ENGINE_CLIENT, ENGINE_SERVER };

enum { ENGINE_WAITING_MAX = 16 * 1024, ENGINE_BYTES_MAX = 4096 };

enum engine_verb {
	ENGINE_PASS,	  // the next size undecided bytes of side go on as they are
	ENGINE_OVERWRITE, // bytes (size of them) go on in their place
	ENGINE_REPLACE,	  // server only: bytes (n_bytes) go on in place of the next size
	ENGINE_TAKE,	  // client only: from its next undecided byte on the server gets nothing
			  // more; what comes is acknowledged by us, fed, and decided by SWALLOW.
			  // Server's bytes are fed no more and do not go on
	ENGINE_SWALLOW,	  // the next size bytes of a client that was taken over
	ENGINE_REPLY,	  // after TAKE: bytes to the client, after all that went to it before
	ENGINE_END,	  // after TAKE and its REPLY: close towards the client, reset the server.
			  // Without TAKE: reset both
	ENGINE_TLS,	  // behind what was decided, both sides speak TLS, and what is fed from
			  // then on is what is in it.  Nothing is undecided.  Only where the host
			  // says that it can
	ENGINE_INSERT,	  // client only: bytes (n_bytes) go on to the server before its next
			  // undecided byte.  Only where the host says that it can
	ENGINE_RELEASE,	  // nothing more needs to be looked at: undecided bytes go on, as all later
			  // ones do; the engine is not called again
};

struct engine_order {
	enum engine_verb verb;
	enum engine_side side;
	uint64_t size;
	const uint8_t *bytes; // valid until the call returns
	size_t n_bytes;
};

struct engine_peer { // told once, when the connection begins
	struct addr client, server;
	uint16_t client_port, server_port;
	const struct profile_flow *flow; // has to live until the engine ends or renews it
};

struct apart_answer;
struct apart_host;
struct mail_record;
struct scan_host;
struct scan_result;
struct hold_host;
struct hold_result;
struct content_budget;

// How an engine speaks to whoever owns it.  No order is given for a call that has returned.
struct engine_host {
	void (*order)(void *arg, const struct engine_order *order);
	void (*record)(void *arg, const struct mail_record *record);
	void *arg;
	const struct scan_host *scan;	// called with arg; NULL: there is no scanner
	const struct hold_host *hold;	// likewise (hold.h); NULL: nobody keeps messages
	const struct apart_host *apart; // likewise (apart.h); NULL: all files are opened here
	struct content_budget *budget;	// for archives, of all engines (content.h); NULL: none
	// Asked between transactions: the flow that counts for the session from now on, or NULL:
	// the one that it has.  That one may be gone when this has returned another.  May be NULL.
	const struct profile_flow *(*renew)(void *arg);
	const struct mail_stops *stops; // as they are at any time; may be NULL
	bool (*tls)(void *arg);		// whether it can do ENGINE_TLS now; NULL: never
	bool inserts;			// it can do ENGINE_INSERT
};

struct engine;
struct source_limits; // counts of sessions and messages by source, shared by the engines of a
		      // process (source_limits.h)

// *ret_engine, or -ENOMEM.  now_us: since 1970.  limits may be NULL: then nothing is counted.
int engine_new(const struct engine_peer *peer, const struct engine_host *host,
	       struct source_limits *limits, uint64_t now_us, struct engine **ret_engine);
// The connection is gone: a transaction in hand is recorded as broken off.  NULL is fine.
void engine_free(struct engine *engine, uint64_t now_us);

void engine_feed(struct engine *engine, enum engine_side side, const uint8_t *bytes, size_t size,
		 uint64_t now_us);
// That side sends no more (FIN).  The engine may END; else the FIN goes on.
void engine_closed(struct engine *engine, enum engine_side side, uint64_t now_us);

// The scanner's verdict on the message in hand, and that it has caught up.
void engine_scanned(struct engine *engine, const struct scan_result *result, uint64_t now_us);
void engine_scan_room(struct engine *engine, uint64_t now_us);
// The same of the vault: whether it keeps the message in hand.
void engine_held(struct engine *engine, const struct hold_result *result, uint64_t now_us);
void engine_hold_room(struct engine *engine, uint64_t now_us);

// What was found in a file of the message in hand.
void engine_opened(struct engine *engine, const struct apart_answer *answer, uint64_t now_us);

enum engine_failure {
	ENGINE_UNREACHED,  // the server was not reached, or refused
	ENGINE_TLS_CLIENT, // no agreement on TLS with that side
	ENGINE_TLS_SERVER,
};

// Of connections that the gate itself makes.
void engine_failed(struct engine *engine, enum engine_failure failure, uint64_t now_us);
// Seconds for which whoever is to say something next may be silent; 0: nobody is.
unsigned engine_patience(const struct engine *engine);
// Somebody was for longer: the session ends.  stuck: it is the server, which takes no more bytes.
void engine_late(struct engine *engine, bool stuck, uint64_t now_us);

// TLS with that side is agreed: the suite by its number in the IANA's list.
void engine_agreed(struct engine *engine, enum engine_side side, uint16_t suite);

// Bytes of memory that it takes now.
size_t engine_memory(const struct engine *engine);

#endif
