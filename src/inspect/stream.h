// One guarded connection as packets, and what the files stream*.c tell one another.  Not for those
// outside: they see inspector.h.
//
// A packet is placed on its sender's way (offsets, see stream_trail.h), judged, and its new bytes
// are fed to the engine.  It goes on when all of its bytes were decided; until then it is held.
#ifndef SEKISHO_INSPECT_STREAM_H
#define SEKISHO_INSPECT_STREAM_H

#include "inspect/inspector.h"
#include "inspect/session.h"
#include "inspect/stream_trail.h"
#include "proto/header.h"
#include "proto/tcp.h"

enum {
	// What a side may send before it is acknowledged; most systems ask for less, so that no
	// acknowledgement of theirs needs to be changed.
	STREAM_WINDOW_MAX = 6 * 1024 * 1024,
	STREAM_WINDOW_TIGHT = 256 * 1024, // while a quarter of all memory is in use
	STREAM_HELD_MAX = 128,		  // packets of one direction
	STREAM_REPLY_MAX = 16 * 1024,
	STREAM_SWALLOW_MAX = 256 * 1024 * 1024,
	STREAM_SWALLOW_SECONDS = 900,
	STREAM_GAP_SECONDS = 5,	   // a packet held for those missing before it
	STREAM_HELD_SECONDS = 300, // one held for the engine
	STREAM_SMALL = 512,	   // what fits every path: sent when something larger got lost
};

_Static_assert((int)STREAM_GAP_SECONDS + STREAM_HELD_SECONDS < FLIGHT_HOLD_SECONDS_MAX,
	       "the ferry ends an inspector that holds a packet longer");

int inspector_new_with(const struct inspector_options *options, const struct engine_kind *kind,
		       struct inspector **ret_inspector);

enum stream_state {
	STREAM_OPENING,	 // the client's SYN
	STREAM_ANSWERED, // the server's SYN
	STREAM_OPEN,
	STREAM_RELEASED, // looked at no more
	STREAM_TAKEN,	 // the client is ours (stream_taken.c)
	STREAM_RESET,	 // both sides are being reset (stream_reset.c)
	STREAM_STATES,
};

// Lists of connections by how long they may say nothing.
enum stream_list {
	LIST_OPENING,
	LIST_OPEN,
	LIST_CLOSED, // both have sent FIN, or it is reset or released
	LIST_TAKEN,
	STREAM_LISTS,
};

// A packet that waits.
struct hold {
	struct hold *next;	    // of the way, by start
	struct hold *older, *newer; // of all
	struct stream *stream;
	struct flight *flight;
	int64_t start, end; // offsets; end without FIN
	uint64_t since_us;
	uint8_t side;
	bool fin, fed;
};

// What one side sends.  Offsets are int64 so that nothing wraps; FIN counts as one.
struct way {
	struct trail trail;
	struct hold *held;
	int64_t next;	  // all before it was seen, in order
	int64_t decided;  // ... and decided by the engine
	int64_t passed;	  // ... and sent on
	int64_t acked;	  // ... and acknowledged by the other side
	int64_t promised; // acknowledged by us while it is held
	int64_t edge;	  // up to where the other side takes bytes
	int64_t fin;	  // where FIN is, or INT64_MAX
	int64_t acked_place;
	uint64_t repaired_us; // when promised bytes were last sent
	int64_t gap;	      // the offset of the one that packets were counted behind
	int64_t asked;	      // the place up to which old segments asked because of a gap
	uint32_t first;	      // sequence number of offset 0
	uint32_t stamp;	      // latest timestamp taken, and sent on
	uint32_t stamp_sent;
	uint16_t mss, window; // what this side said of itself
	uint8_t scale;
	uint8_t n_held;
	uint8_t behind; // packets behind that gap
	bool known;	// its sender knows of it without being told
	bool told;	// its receiver was told that it was reset
	bool heard;	// its receiver spoke since then
};

// A client that we answer in the server's stead.
struct taken {
	uint8_t *reply; // what it has not acknowledged
	uint32_t n, room;
	int64_t at;   // the place of reply[0] on the server's way
	int64_t sent; // the place behind all that was sent
	int64_t ack_sent;
	int64_t window; // of the client
	uint64_t since_us, swallowed;
	uint8_t repeats; // of the same bytes
	bool closing;	 // FIN behind the reply
	bool done;	 // the client has it all
	bool heard;	 // the server answered since
};

struct stream {
	struct session session;
	struct inspector *inspector;
	struct stream *chain;	      // of the hash table
	struct stream *older, *newer; // of its list
	struct taken *taken;
	struct way ways[2]; // by engine_side of the sender
	uint64_t seen_us;
	uint32_t memory; // as counted
	uint8_t state, list;
	bool stamps, sacks; // agreed on
	bool scaled;
	bool liberal;	  // to be told with the next packet
	bool stray;	  // its beginning was not seen
	bool ending, bad; // what the engine ordered: to end; something impossible
	bool release;	  // to be released
	bool left;	  // it left the queue
};

struct stream_ends { // of a list: the one seen longest ago first
	struct stream *oldest, *newest;
	uint32_t n;
};

struct inspector {
	struct inspector_options options;
	struct sessions sessions;
	struct inspector_numbers numbers;
	struct stream **table;
	uint32_t buckets; // a power of two
	uint8_t key[16];
	struct stream_ends lists[STREAM_LISTS];
	struct hold *oldest_hold, *newest_hold;
	uint32_t n_held;
	struct flight *current; // its fate is returned, not told
	uint64_t rested_us;	// when quiet connections last gave back memory
	uint64_t now_us;	// goes on evenly, however the wall clock is set
	uint8_t scratch[FLIGHT_BYTES_MAX];
};

// A flight with its segment, placed on a stream.
struct packet {
	struct flight *flight;
	uint8_t *bytes;
	struct tcp tcp;
	struct addr from, to;
	uint8_t side;	    // who sent it
	int64_t start, end; // offsets of its payload
	int64_t ack;	    // offset on the other way
	int64_t ack_place;
	bool fin;
};

// --- stream_packet.c: one packet

// -EBADMSG: not a whole TCP segment.
int packet_read(struct flight *flight, struct packet *ret);
void packet_place(const struct stream *stream, struct packet *packet);
// Its offset behind the last byte, FIN counted.
int64_t packet_whole(const struct packet *packet);
void packet_accept(struct inspector *inspector, struct flight *flight);
void packet_drop(struct inspector *inspector, struct flight *flight);
// Counted and told.
void packet_tell(struct inspector *inspector, const struct stream *stream,
		 const struct packet *packet, enum inspector_trouble trouble);
// The same, and dropped.
void packet_refuse(struct inspector *inspector, const struct stream *stream,
		   const struct packet *packet, enum inspector_trouble trouble);
// Lengths and sums as packet->tcp says; accepted.
void packet_send(struct inspector *inspector, struct packet *packet);
// An old segment without content that ends at sequence number end: its receiver answers at once
// with an acknowledgement (RFC 9293 3.10.7.4).
void packet_probe(struct inspector *inspector, struct packet *packet, uint32_t end, uint32_t ack);
void packet_reset(struct inspector *inspector, struct packet *packet, uint32_t seq, uint32_t ack);

// --- stream_table.c: all of them

int table_init(struct inspector *inspector);
void table_done(struct inspector *inspector);
// Of packet's two ends; *ret_side: which of them sent it.
struct stream *table_find(const struct inspector *inspector, const struct packet *packet,
			  uint8_t *ret_side);
// NULL: no room or no memory.
struct stream *table_add(struct inspector *inspector, const struct packet *packet);
void table_remove(struct stream *stream);
// Whether there is memory for more of `stream`, if need be that of another connection.
bool table_has_memory(const struct stream *stream);
// The connection said something: it goes to the end of the list of its state.  One that is over
// needs no engine any more.
void table_touch(struct stream *stream);
void table_tick(struct inspector *inspector);
// Counts what the stream's memory is now.
void table_count(struct stream *stream);

// --- stream_open.c: how connections begin

// The first SYN; mark: of the flow that lets it in.
void stream_begin(struct inspector *inspector, struct packet *packet, uint32_t mark);
// Whether this SYN begins another connection between the same ends.
bool stream_begins_again(const struct stream *stream, const struct packet *packet);
// Takes out of a SYN the options that are not understood, and lets it go on.
void stream_pass_syn(struct stream *stream, struct packet *packet);
void stream_handshake(struct stream *stream, struct packet *packet);

// --- stream.c: connections in course

// A packet of a connection that is known.
void stream_packet(struct stream *stream, struct packet *packet);
// Sequence number of a place on a way.
uint32_t way_seq(const struct way *way, int64_t place);
// What is decided, with FIN where all before it is.
int64_t way_settled(const struct way *way);
// A packet of a stream whose segment may not go on: makes its receiver say what it has.
void stream_ask(struct stream *stream, struct packet *packet);
// Carries out what the engine ordered; packet: the one in hand, or NULL.
void stream_settle(struct stream *stream, struct packet *packet);

// The same with no packet in hand: what the engine ordered of its own.
void stream_go_on(struct stream *stream);

// --- stream_feed.c: the engine's side

extern const struct session_calls stream_calls;
// Compares the packet's old bytes, feeds its new ones.  -EEXIST: other bytes than the first time;
// -EPROTO: bytes behind FIN, or FIN before bytes; -ENOMEM: no room.
int stream_feed(struct stream *stream, const struct packet *packet);
enum inspector_trouble feed_trouble(int error);

// --- stream_hold.c: packets that wait

// False: too many.
bool hold_add(struct stream *stream, const struct packet *packet, bool fed);
// Whether a packet held has all of these bytes.
bool hold_covers(const struct way *way, int64_t start, int64_t end, bool fed);
// Sends on what is decided.
void hold_deliver(struct stream *stream);
// Feeds the first packet that is no longer behind a gap.  False: there is none.
bool hold_feed(struct stream *stream);
void hold_drop_all(struct stream *stream);
// The client was taken over: nothing goes on.  Those behind a gap stay, and are fed when it is
// closed.
void hold_swallow(struct stream *stream);
// Out of the packets held, the last one of the client's that was fed, as it came.  False: none.
bool hold_take_last(struct stream *stream, struct packet *ret);
void hold_tick(struct inspector *inspector);

// --- stream_gap.c: what is missing, and how its sender learns of it

struct block {
	int64_t from, to; // offsets
};

// A packet behind a gap.  False: it is not held, but is to ask.
bool gap_hold(struct stream *stream, struct packet *packet);
void gap_ask(struct stream *stream, struct packet *packet);
bool gap_is_open(const struct way *way);
// What is held behind the gap, at most so many blocks.
unsigned gap_blocks(const struct way *way, struct block *ret, unsigned most);

// --- stream_write.c: a segment as its receiver is to see it

void stream_write(struct stream *stream, struct packet *packet);
// Timestamps of what is sent on do not go back: its receiver would take it for an old one.
bool stream_write_stamp(struct way *way, struct packet *packet);
// SACK of what the receiver has got and of what is held behind a gap.
bool stream_write_sacks(const struct stream *stream, struct packet *packet);
// The same of its bytes before offset end; its sender repeats the others, or they go with a later
// packet of that side.  The kernel sends no packet on that says it is to be cut up and is too
// short.
bool stream_can_cut(const struct stream *stream, const struct packet *packet, int64_t end);
void stream_write_cut(struct stream *stream, struct packet *packet, int64_t end);

// --- stream_taken.c

int taken_begin(struct stream *stream); // 0, -ENOMEM, or -EPIPE: nothing can be said any more
void taken_free(struct taken *taken);
// Nothing more is said; what the client has got is known to its way.
void taken_end(struct stream *stream);
int taken_reply(struct stream *stream, const uint8_t *bytes, size_t n); // 0, -ENOMEM, -E2BIG
// fed: its bytes were given to the engine before the client was taken over.
void taken_packet(struct stream *stream, struct packet *packet, bool fed);
// A packet of the client's whose bytes were fed is kept until the vault has answered, to carry the
// reply; there may be no other for long.  False: it is not.
bool taken_waits(struct stream *stream, const struct packet *packet);
// Of the packets that wait, those of the client that can be fed are.
void taken_held(struct stream *stream);

// --- stream_reset.c

// From now on every packet is a reset for its receiver; this one as well.
void stream_reset(struct stream *stream, struct packet *packet);
void reset_packet(struct stream *stream, struct packet *packet);
// A packet of no known connection.
void reset_stray(struct inspector *inspector, struct packet *packet);
// A peer's own reset.
void stream_peer_reset(struct stream *stream, struct packet *packet);

#endif
