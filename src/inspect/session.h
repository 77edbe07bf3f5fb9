// An engine at work for one connection, and what all of a process share: what packets (stream.h)
// and sockets (pipe.h) have in common.  Not for those outside but as a name.
#ifndef SEKISHO_INSPECT_SESSION_H
#define SEKISHO_INSPECT_SESSION_H

#include "inspect/apart.h"
#include "inspect/content.h"
#include "inspect/engine.h"
#include "inspect/hold.h"
#include "inspect/inspector.h"
#include "inspect/scan.h"

// Whose functions an engine is: the SMTP engine, or that of a test.
struct engine_kind {
	int (*make)(const struct engine_peer *peer, const struct engine_host *host,
		    struct source_limits *limits, uint64_t now_us, struct engine **ret_engine);
	void (*free)(struct engine *engine, uint64_t now_us);
	void (*feed)(struct engine *engine, enum engine_side side, const uint8_t *bytes,
		     size_t size, uint64_t now_us);
	void (*closed)(struct engine *engine, enum engine_side side, uint64_t now_us);
	size_t (*memory)(const struct engine *engine); // bytes that it takes now
	void (*scanned)(struct engine *engine, const struct scan_result *result, uint64_t now_us);
	void (*scan_room)(struct engine *engine, uint64_t now_us);
	void (*held)(struct engine *engine, const struct hold_result *result, uint64_t now_us);
	void (*hold_room)(struct engine *engine, uint64_t now_us);
	void (*opened)(struct engine *engine, const struct apart_answer *answer, uint64_t now_us);
	// Only of sockets; NULL: nobody is late.
	void (*failed)(struct engine *engine, enum engine_failure failure, uint64_t now_us);
	void (*agreed)(struct engine *engine, enum engine_side side, uint16_t suite); // NULL: no
	void (*late)(struct engine *engine, bool stuck, uint64_t now_us);
	unsigned (*patience)(const struct engine *engine);
};

// Profiles that connections use.
struct profile_use {
	const struct profiles *profiles;
	void (*retire)(void *arg, const struct profiles *profiles);
	void *arg;
	uint64_t n; // connections, and one for being the current one
};

struct sessions { // of a process
	const struct inspector_options *options;
	const struct engine_kind *kind;
	struct profile_use *use;
	struct content_budget budget;
	uint64_t wall_us; // since 1970: what engines are told
	// Whether TLS can be inspected now for a session of that flow; NULL: never.
	bool (*tls)(void *arg, const struct engine_peer *peer);
	void *tls_arg;
	uint64_t ended; // not released
};

void sessions_init(struct sessions *sessions, const struct inspector_options *options,
		   const struct engine_kind *kind);
void sessions_done(struct sessions *sessions); // once no session is left
int sessions_set_profiles(struct sessions *sessions, const struct profiles *profiles,
			  void (*retire)(void *arg, const struct profiles *profiles), void *arg);

struct session;
enum { SESSION_VAULT_SECONDS = 60 }; // until the vault counts as down

struct session_calls {
	void (*order)(struct session *session, const struct engine_order *order);
	void (*go_on)(struct session *session); // the engine ordered something of its own
	bool tls;				// it can be told ENGINE_TLS
	bool inserts;				// and ENGINE_INSERT
};

struct session {
	struct sessions *sessions;
	const struct session_calls *calls;
	struct engine_peer peer;
	struct engine *engine;
	struct profile_use *use;
	struct scan *scan; // of the message in hand, or NULL
	bool apart;	   // files of it are with somebody else
	bool apart_waits;  // and the client's bytes wait for what is found in them
	bool scan_waits;   // the client's bytes do, for more room there or for the verdict
	struct scan *hold; // the same at the vault, which may have to hold the message
	bool hold_waits;
	bool taken; // the client is ours
	bool over;  // the engine is not called again: it ended, or let go
	bool began; // the engine was made, and did not let go
};

// The flow of the mark counts from now on for the peer.  -ENOENT: there is none.
int session_use(struct session *session, uint32_t mark);
void session_drop_use(struct session *session);
// The engine is made: it may give orders at once.
int session_begin(struct session *session);
// The connection is gone, or needs no engine any more.
void session_end(struct session *session);
// Whether the engine decides about bytes of that side.
bool session_hears(const struct session *session, enum engine_side side);
// To an engine that hears.
void session_feed(struct session *session, enum engine_side side, const uint8_t *bytes, size_t n);
void session_closed(struct session *session, enum engine_side side);
// Of the inspector's scans, which have the session for an owner.
void session_scanned(struct session *session, const struct scan_result *result);
void session_scan_room(struct session *session);
// The same of the vault.
void session_held(struct session *session, const struct hold_result *result);
void session_hold_room(struct session *session);
static inline bool session_waits(const struct session *session)
{
	return session->scan_waits || session->hold_waits || session->apart_waits;
}
// Of files that were opened elsewhere.
void session_opened(struct session *session, const struct apart_answer *answer);
size_t session_memory(const struct session *session); // of the engine

#endif
