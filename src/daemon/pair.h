// A pair of sockets in an inspector, a client's and a server's, with the pipe between them
// (inspect/pipe.h).  Nothing blocks.
//
// Whoever is reset gets RST: half a message is none, and a client that was not answered is to know.
// A client that was answered gets FIN behind the answer, and what it still says is read, so that
// its system does not throw the answer away.
#ifndef SEKISHO_DAEMON_PAIR_H
#define SEKISHO_DAEMON_PAIR_H

#include "daemon/wire.h"
#include "inspect/pipe.h"

enum {
	PAIR_TURN = 8,		     // reads in a row before others have their turn
	PAIR_CONNECT_MS = 30 * 1000, // the server has to be reached in
};

struct pair {
	struct pipe pipe;
	struct pair *older, *newer; // of all, by when they last moved
	struct pair *next;	    // of those that have something to do
	struct pipes *pipes;
	struct wire wires[2]; // by enum engine_side
	bool connected, queued, answered;
	bool told_tls[2]; // the engine knows what was agreed on
	bool starved;	  // there was no memory to read for
	uint64_t serial;  // the porter's
	uint64_t porter;  // which porter
	uint64_t moved_ms, answered_ms;
	uint32_t memory; // as counted
};

enum pair_after {
	PAIR_RESTS,   // until epoll says something
	PAIR_GOES_ON, // it has had its turn
	PAIR_OVER,    // and closed
};

// What epoll said of a side.
void pair_hear(struct pair *pair, enum engine_side side, uint32_t events);
// Reads and sends what can be; scratch has PIPE_READ_MAX bytes, of which it reads at most `most` at
// a time (0: only sends).
enum pair_after pair_run(struct pair *pair, uint8_t *scratch, size_t most, uint64_t now_ms);
// Time passes.
enum pair_after pair_tick(struct pair *pair, uint64_t now_ms);
// RST to both.
void pair_reset(struct pair *pair);
size_t pair_memory(const struct pair *pair);

#endif
