// A guarded connection as two sockets: what came from each side goes in, what the engine decided
// comes out, to be sent to either side.  Pure but for memory: no socket, no clock.  stream.h is the
// same for packets.
//
//	pipe_room()    how much may be read of a side now
//	pipe_feed()    what was read; it has to stay where it is until
//	pipe_out()     was sent, told by pipe_sent(), and
//	pipe_keep()    has copied what is left of it
//
// A session keeps bytes only while it waits for something: of each side at most ENGINE_WAITING_MAX
// undecided ones that the engine has seen, PIPE_READ_MAX that it has not, and PIPE_READ_MAX (and
// what edits add) that the other side has not taken.  While there are any of the latter two,
// nothing more is read of it.
#ifndef SEKISHO_INSPECT_PIPE_H
#define SEKISHO_INSPECT_PIPE_H

#include <sys/uio.h>

#include "inspect/session.h"

enum {
	PIPE_READ_MAX = 128 * 1024,
	PIPE_PIECES = 2,
	PIPE_SWALLOW_MAX = 256 * 1024 * 1024, // of a client that was taken over
	PIPE_DRAIN_MAX = 1024 * 1024,	      // and after our last word
	PIPE_DRAIN_SECONDS = 20,
	PIPE_RELEASED_SECONDS = 3600,
};

enum pipe_state {
	PIPE_OPEN,
	PIPE_TAKEN,    // the server is to be reset; the client is ours
	PIPE_ANSWERED, // likewise; once all is sent, the client is told that no more comes, and
		       // what it says is read until it closes, so that our last word is not lost
	PIPE_OVER,  // all was said: both may be closed
	PIPE_RESET, // both are to be reset
};

struct pipe_bytes { // [from, to) of v
	uint8_t *v;
	uint32_t from, to, room;
};

struct pipe_way {		// what one side sends
	struct pipe_bytes came; // undecided
	uint32_t fed;		// of these, the engine has seen
	const uint8_t *now;	// of the call in hand, behind `came`: undecided
	uint32_t n_now, fed_now;
	bool closed, told; // it sends no more; the engine knows
	// What is to go on to the other side: first out, then bytes of the call in hand.
	struct pipe_bytes out;
	const uint8_t *piece;
	uint32_t n_piece;
};

struct pipe {
	struct session session;
	struct pipe_way ways[2]; // by enum engine_side of the sender
	void (*woken)(void *arg);
	void *arg;
	uint64_t swallowed;
	uint32_t drained;
	uint8_t state;	 // enum pipe_state
	uint8_t trouble; // why it is reset, or TROUBLES
	bool released, ended, wants_tls;
};

// woken: the engine ordered something of its own, out of no call about this pipe.  -ENOENT: no flow
// has that mark.  The engine may have ended the session at once.
int pipe_open(struct pipe *pipe, struct sessions *sessions, const struct engine_peer *peer,
	      uint32_t mark, void (*woken)(void *arg), void *arg);
// The connection is gone.
void pipe_done(struct pipe *pipe);

// 0: nothing is to be read of that side now.
size_t pipe_room(const struct pipe *pipe, enum engine_side side);
// At most pipe_room().
void pipe_feed(struct pipe *pipe, enum engine_side side, const uint8_t *bytes, size_t n);
void pipe_closed(struct pipe *pipe, enum engine_side side);
void pipe_keep(struct pipe *pipe);

// What is to be sent to that side.
unsigned pipe_out(const struct pipe *pipe, enum engine_side side, struct iovec ret[PIPE_PIECES]);
void pipe_sent(struct pipe *pipe, enum engine_side side, size_t n);
// Whether that was the last of it.
bool pipe_ends(const struct pipe *pipe, enum engine_side side);
// The server is gone: what was for it is not needed any more.
void pipe_forget_server(struct pipe *pipe);

// No more is to be read before both sides speak TLS: once what pipe_out() has is sent.
bool pipe_wants_tls(const struct pipe *pipe);
// TLS with a side is agreed (engine_agreed()).
void pipe_agreed(struct pipe *pipe, enum engine_side side, uint16_t suite);
void pipe_has_tls(struct pipe *pipe);

// The connection could not be made as it is to be; somebody was silent for longer than
// pipe_patience() seconds (0: who waits for the scanner, which has a time of its own).
void pipe_failed(struct pipe *pipe, enum engine_failure failure);
void pipe_late(struct pipe *pipe);
unsigned pipe_patience(const struct pipe *pipe);

size_t pipe_memory(const struct pipe *pipe); // of all that it refers to

#endif
