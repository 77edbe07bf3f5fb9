// All guarded connections of one process: packets in, their fates out.  Pure but for memory: no
// clock, no socket, no file.
#ifndef SEKISHO_INSPECT_INSPECTOR_H
#define SEKISHO_INSPECT_INSPECTOR_H

#include "inspect/apart.h"
#include "inspect/engine.h"
#include "inspect/flight.h"
#include "inspect/hold.h"
#include "inspect/scan.h"

struct inspector;
struct sessions;

// Why a packet was stopped.
enum inspector_trouble {
	TROUBLE_PACKET,	   // not TCP, cut off, or in pieces
	TROUBLE_SUM,	   // wrong checksum
	TROUBLE_FLAGS,	   // flags that do not go together
	TROUBLE_URGENT,	   // urgent data
	TROUBLE_HANDSHAKE, // data in SYN, split, simultaneous or repeated otherwise, signed
			   // segments
	TROUBLE_STRAY,	   // of a connection whose beginning was not seen
	TROUBLE_SEQUENCE,  // outside the window
	TROUBLE_ACK,	   // acknowledges what was never sent
	TROUBLE_STAMP,	   // without its timestamp, or with an old one
	TROUBLE_OVERLAP,   // repeats bytes other than the first time
	TROUBLE_RESET,	   // a reset at the wrong place
	TROUBLE_FIN,	   // bytes behind the end, or an end in the middle
	TROUBLE_FULL,	   // a bound of memory, connections or held packets
	TROUBLE_ENDED,	   // the engine ended the connection
	TROUBLE_SWALLOWED, // a client that was taken over sends too much or for too long
	TROUBLE_ENGINE,	   // the engine ordered what cannot be done: the connection is ended
	TROUBLES,
};

extern const char *const inspector_trouble_names[TROUBLES]; // "packet", "sum", ...

// What a host of scans offers; owner is what inspector_scanned() is to be called with.
struct inspector_scans {
	struct scan *(*begin)(void *arg, void *owner, uint32_t seconds); // NULL: there is none
	bool (*bytes)(struct scan *scan, const uint8_t *bytes, size_t n);
	void (*end)(struct scan *scan);
	void (*drop)(struct scan *scan); // it is forgotten; no call about its owner any more
	void (*mark)(struct scan *scan); // bytes of another kind follow; the vault's alone
};

// What opens files of messages elsewhere (apart.h); owner is what inspector_opened() is to be
// called with.
struct inspector_aparts {
	bool (*begin)(void *arg, void *owner, const struct addr *client,
		      const struct apart_job *job);
	void (*drop)(void *arg, void *owner); // no call about it any more
};

struct inspector_options {
	uint32_t connections_max; // beyond: new ones are dropped and counted
	uint64_t memory_max;	  // bytes of all connections, without the flights held
	uint32_t held_max;	  // flights held at a time
	// A flight that was held has its fate.
	void (*decided)(void *arg, struct flight *flight);
	void (*record)(void *arg, const struct mail_record *record);
	// Something that a peer did and that was stopped, in one word of inspector_trouble_names.
	// Of a connection that is not known peer->flow is NULL.
	void (*trouble)(void *arg, const char *word, const struct engine_peer *peer);
	const struct inspector_scans *scans;   // as in scan.h, with arg; NULL: nobody scans
	const struct inspector_scans *holds;   // likewise, of messages that may have to be held
	const struct inspector_aparts *aparts; // with arg; NULL: files are opened here
	void *arg;
	struct source_limits *limits;	// for the engines; the caller's; may be NULL
	const struct mail_stops *stops; // likewise
};

struct inspector_numbers {
	uint64_t packets, accepted, changed, dropped, held;
	uint64_t connections_made, connections, connections_refused, released, ended;
	uint64_t bytes; // of memory, engines included
	uint64_t by_trouble[TROUBLES];
};

// Takes random bytes from the kernel once.  0, -ENOMEM or -EINVAL.
int inspector_new(const struct inspector_options *options, struct inspector **ret_inspector);
void inspector_free(struct inspector *inspector);

// What counts from now on: for connections that begin, and for those in hand from their next
// transaction on (profiles_follow()).  One whose flow and guard are gone keeps what it had.
// retire() is called once nobody uses profiles any more.
int inspector_set_profiles(struct inspector *inspector, const struct profiles *profiles,
			   void (*retire)(void *arg, const struct profiles *profiles), void *arg);

// Gives the flight a fate: at once, or HOLD and later decided().  A flight that is held has to stay
// where it is until then.
void inspector_packet(struct inspector *inspector, struct flight *flight, uint64_t now_us);
// The verdict of a scan, which is over with it; and that a scan that was behind has caught up.
void inspector_scanned(struct inspector *inspector, void *owner, const struct scan_result *result,
		       uint64_t now_us);
void inspector_scan_room(struct inspector *inspector, void *owner, uint64_t now_us);
// The same of the vault.
void inspector_held(struct inspector *inspector, void *owner, const struct hold_result *result,
		    uint64_t now_us);
void inspector_hold_room(struct inspector *inspector, void *owner, uint64_t now_us);
// What was found in a file.
void inspector_opened(struct inspector *inspector, void *owner, const struct apart_answer *answer,
		      uint64_t now_us);
// Time-outs; at least once a second.
void inspector_tick(struct inspector *inspector, uint64_t now_us);
void inspector_numbers(const struct inspector *inspector, struct inspector_numbers *ret);
// What time it is, for those that call none of these.
void inspector_clock(struct inspector *inspector, uint64_t now_us);
// What its connections share, for those that come by sockets (pipe.h).
struct sessions *inspector_sessions(struct inspector *inspector);

#endif
