// What the porter, which accepts the connections of flows in proxy mode, and an inspector say to
// one another: over a SOCK_SEQPACKET pair that the gate makes and whose end an inspector gets by
// INSPECT_PORTER (daemon/inspection_wire.h), anew whenever a porter starts.
//
//	porter                                     inspector
//	  accepts, connects onward,
//	  struct porter_pair + 2 descriptors --->    serves both, whatever becomes of the porter
//	                              <---           struct porter_done: some of them have ended
//
// The porter takes a pair for the inspector's until it is told.  The end of this socket is the end
// of that porter: pairs in hand go on, and the next porter begins with none.
#ifndef SEKISHO_DAEMON_PORTER_WIRE_H
#define SEKISHO_DAEMON_PORTER_WIRE_H

#include <stdint.h>

#include "base/addr.h"

enum {
	PORTER_PAIR_FDS = 2,
	PORTER_DONE_MAX = 32,
	PORTER_SESSIONS_MAX = 12 * 1024, // at a time, of all inspectors together
};

enum porter_wire_word {
	PORTER_PAIR = 1, // porter to inspector
	PORTER_DONE,	 // inspector to porter
};

// Descriptors: [0] the client's socket, accepted; [1] the server's, connecting or connected.
// Neither blocks.  Whether the server was reached is told by [1] being writable and its SO_ERROR.
struct porter_pair {
	uint32_t word;
	uint32_t mark; // PROFILE_NUMBER and PROFILE_STAMP of the flow (profiles_find())
	uint16_t client_port, server_port;
	uint32_t zero;
	uint64_t serial; // of this pair; of one porter, no two are the same
	struct addr client, server;
};

// Pairs that have ended: the message is as long as its n serials.
struct porter_done {
	uint32_t word, n;
	uint64_t serials[PORTER_DONE_MAX];
};

// --- gate to porter

enum porter_order_word {
	PORTER_HELLO,	      // whom to become, how many inspectors there are
	PORTER_INSPECTOR,     // one is there: the socket to it
	PORTER_END_INSPECTOR, // it is not any more
};
struct porter_order {
	uint32_t word, index;
	uint32_t uid, gid, n, zero;
};

// --- porter to gate

struct porter_numbers { // since it began
	uint64_t accepted;
	uint64_t given;	       // to an inspector, as a pair
	uint64_t ended;	       // of these
	uint64_t strangers;    // refused: nobody brought them here
	uint64_t full;	       // refused: too many at a time, in all or of one source
	uint64_t no_inspector; // refused: theirs is not there, or does not take them
	uint64_t failed;       // no socket could be made for them
	uint64_t sessions;     // now
};

enum porter_word_kind {
	PORTER_READY, // it listens; or error
	PORTER_FAULT, // the inspector of this index makes no sense: end it
	PORTER_ALONE, // the socket to it has ended, whatever the inspector does
	PORTER_NUMBERS,
};
struct porter_word {
	uint32_t word, index;
	int32_t error;
	uint32_t zero;
	struct porter_numbers numbers;
};

#endif
