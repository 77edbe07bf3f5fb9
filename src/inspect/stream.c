// A connection in course: judges each packet, feeds its bytes, sends it on or holds it.
//
// Invariants of a way: acked <= passed <= settled <= next; the trail keeps [acked, next); nothing
// at or beyond settled has ever been sent on.
#include "inspect/stream.h"

#include <string.h>

enum { OLD_MAX = 2 * STREAM_WINDOW_MAX }; // how old a segment or an acknowledgement may be

uint32_t way_seq(const struct way *way, int64_t place)
{
	return way->first + (uint32_t)place;
}

int64_t way_settled(const struct way *way)
{
	return way->decided == way->fin ? way->fin + 1 : way->decided;
}

void stream_ask(struct stream *stream, struct packet *packet)
{
	struct way *way = &stream->ways[packet->side], *other = &stream->ways[!packet->side];
	int64_t ack = other->acked > other->promised ? other->acked : other->promised;

	// Its receiver takes the timestamp for the latest, and nothing older from then on.
	stream_write_stamp(way, packet);
	packet_probe(stream->inspector, packet, way_seq(way, way->acked_place),
		     other->first + (uint32_t)ack);
}

static int64_t window_of(const struct stream *stream, const struct packet *packet)
{
	int64_t window = (int64_t)packet->tcp.window << stream->ways[packet->side].scale;
	return window < STREAM_WINDOW_MAX ? window : STREAM_WINDOW_MAX;
}

// Notes what the packet acknowledges.  False: it was refused.
static bool take_ack(struct stream *stream, struct packet *packet)
{
	struct way *other = &stream->ways[!packet->side];
	int64_t limit = trail_place(&other->trail, other->passed);

	if (packet->ack_place > limit || packet->ack_place < other->acked_place - OLD_MAX) {
		packet_refuse(stream->inspector, stream, packet, TROUBLE_ACK);
		return false;
	}
	stream->ways[packet->side].window = packet->tcp.window;
	if (packet->ack_place > other->acked_place)
		other->acked_place = packet->ack_place;
	if (packet->ack > other->acked) {
		other->acked = packet->ack;
		trail_forget(&other->trail, packet->ack);
	}
	if (packet->ack + window_of(stream, packet) > other->edge)
		other->edge = packet->ack + window_of(stream, packet);
	return true;
}

// Timestamps that were agreed on are in every segment, and never go back (RFC 7323 5).
static bool is_stamped(const struct stream *stream, const struct packet *packet)
{
	const struct way *way = &stream->ways[packet->side];

	if (!stream->stamps)
		return true;
	return (packet->tcp.options & TCP_HAS_STAMP) &&
	       (int32_t)(packet->tcp.stamp - way->stamp) >= 0;
}

static bool is_in_window(const struct stream *stream, const struct packet *packet)
{
	const struct way *way = &stream->ways[packet->side];
	int64_t edge = way->next > way->edge ? way->next : way->edge;

	return packet->start >= way->acked - OLD_MAX && packet->start <= edge + 1;
}

// What the receiver has acknowledged is not compared with anything: it goes on without content, so
// that the receiver acknowledges once more.
static void repeat_old(struct stream *stream, struct packet *packet)
{
	const struct way *way = &stream->ways[packet->side];

	if (way->trail.shifted || !packet->fin || packet->tcp.size)
		stream_ask(stream, packet);
	else
		stream_write(stream, packet);
}

// Its sender is told that its bytes arrived; they are kept, and go with what it sends next.
static void promise(struct stream *stream, struct packet *packet)
{
	struct way *way = &stream->ways[packet->side];

	// What waits for the scanner or the vault goes on without more of its sender, who is to
	// repeat it until its receiver, or our reply, acknowledges it: then there is a packet to
	// answer with.
	if (session_waits(&stream->session) && packet->side == ENGINE_CLIENT) {
		packet_drop(stream->inspector, packet->flight);
		return;
	}
	if (packet->end > way->promised)
		way->promised = packet->end;
	stream->liberal = true;
	stream_ask(stream, packet);
}

// A copy of what is held.  Its receiver gets none of it, but is made to speak, and the sender is
// told with that packet that its bytes arrived: it may be waiting for this before it sends the
// rest of a line (RFC 9293 3.7.4), without which the engine decides nothing.
static void repeat_held(struct stream *stream, struct packet *packet)
{
	struct way *way = &stream->ways[packet->side];
	int64_t settled = way->decided < packet->end ? way->decided : packet->end;
	const uint8_t *bytes = packet->bytes + packet->tcp.at + packet->tcp.head;

	if (!trail_same(&way->trail, packet->start, bytes, packet->tcp.size)) {
		packet_refuse(stream->inspector, stream, packet, TROUBLE_OVERLAP);
		return;
	}
	// Its beginning was decided, or even sent on, and may be what got lost.
	if (packet->start < settled && way->acked < settled &&
	    stream_can_cut(stream, packet, settled)) {
		stream_write_cut(stream, packet, settled);
		return;
	}
	promise(stream, packet);
}

static void segment(struct stream *stream, struct packet *packet)
{
	struct inspector *inspector = stream->inspector;
	const struct way *way = &stream->ways[packet->side];
	int64_t whole = packet_whole(packet);
	int64_t unsent = packet->start > way->passed ? packet->start : way->passed;
	int r;

	if (whole <= way->acked) {
		repeat_old(stream, packet);
		return;
	}
	if (packet->end > way->edge && packet->end > way->next) {
		// A byte beyond a window of zero asks whether it is open again.
		if (packet->start >= way->edge && packet->tcp.size <= 1 && !packet->flight->gso)
			stream_ask(stream, packet);
		else
			packet_refuse(inspector, stream, packet, TROUBLE_SEQUENCE);
		return;
	}
	if (packet->start > way->next) {
		if (!gap_hold(stream, packet))
			gap_ask(stream, packet);
		return;
	}
	if (whole > way->passed && whole <= way->next && hold_covers(way, unsent, whole, true)) {
		repeat_held(stream, packet);
		return;
	}
	r = stream_feed(stream, packet);
	if (r < 0) {
		packet_refuse(inspector, stream, packet, feed_trouble(r));
		return;
	}
	stream_settle(stream, packet);
}

static void release(struct stream *stream)
{
	stream->state = STREAM_RELEASED;
	stream->inspector->numbers.released++;
	session_end(&stream->session);
	for (unsigned side = 0; side < 2; side++)
		stream->ways[side].decided = stream->ways[side].next;
}

// True: the connection goes on as it did.
static bool obey(struct stream *stream, struct packet *packet)
{
	if (stream->state == STREAM_TAKEN)
		taken_held(stream);
	if (stream->bad && packet)
		packet_tell(stream->inspector, stream, packet, TROUBLE_ENGINE);
	if (stream->bad || (stream->ending && stream->state != STREAM_TAKEN)) {
		stream->inspector->numbers.by_trouble[TROUBLE_ENDED]++;
		stream_reset(stream, packet);
		return false;
	}
	if (stream->state == STREAM_TAKEN) {
		if (packet && !taken_waits(stream, packet))
			taken_packet(stream, packet, true);
		return false;
	}
	if (stream->release && stream->state == STREAM_OPEN)
		release(stream);
	return true;
}

// The bytes are kept all the same.  Whoever sent half a line may wait for its acknowledgement
// before it sends the rest, and others' packets, which it cannot help, take the room.
static void no_room(struct stream *stream, struct packet *packet)
{
	// Whose scanner or vault is slow: its sender repeats it.
	if (!session_waits(&stream->session))
		packet_tell(stream->inspector, stream, packet, TROUBLE_FULL);
	if (packet->tcp.size)
		promise(stream, packet);
	else
		packet_drop(stream->inspector, packet->flight);
}

void stream_settle(struct stream *stream, struct packet *packet)
{
	const struct way *way = &stream->ways[packet->side];

	if (!obey(stream, packet))
		return;
	hold_deliver(stream);
	if (stream->state == STREAM_RELEASED || packet_whole(packet) <= way_settled(way))
		stream_write(stream, packet);
	else if (packet->start < way->decided && way->passed < way->decided &&
		 stream_can_cut(stream, packet, way->decided))
		stream_write_cut(stream, packet, way->decided);
	else if (!hold_add(stream, packet, true))
		no_room(stream, packet);
	while (hold_feed(stream)) {
		if (!obey(stream, NULL))
			return;
		hold_deliver(stream);
	}
}

void stream_go_on(struct stream *stream)
{
	struct packet packet;
	bool taken = stream->state == STREAM_TAKEN && !stream->session.hold_waits &&
		     hold_take_last(stream, &packet);

	if (!obey(stream, taken ? &packet : NULL))
		return;
	hold_deliver(stream);
	while (hold_feed(stream)) {
		if (!obey(stream, NULL))
			return;
		hold_deliver(stream);
	}
}

// A SYN in the middle: the server says where it is (RFC 5961 4.2), and a client that knows nothing
// of the connection resets it.
static void syn_again(struct stream *stream, struct packet *packet)
{
	const struct way *way = &stream->ways[packet->side];
	bool repeated = packet->side == ENGINE_SERVER && (packet->tcp.flags & TCP_ACK) &&
			packet->tcp.seq + 1 == way->first && !packet->tcp.size && !packet->fin &&
			packet->tcp.ack == stream->ways[ENGINE_CLIENT].first;

	if (repeated) {
		stream_pass_syn(stream, packet);
		return;
	}
	packet_tell(stream->inspector, stream, packet, TROUBLE_HANDSHAKE);
	if (packet->flight->gso || packet->tcp.size)
		packet_drop(stream->inspector, packet->flight);
	else
		stream_ask(stream, packet);
}

static void open_packet(struct stream *stream, struct packet *packet)
{
	struct inspector *inspector = stream->inspector;

	if (packet->tcp.flags & TCP_RST) {
		stream_peer_reset(stream, packet);
		return;
	}
	if (!is_in_window(stream, packet)) {
		packet_refuse(inspector, stream, packet, TROUBLE_SEQUENCE);
		return;
	}
	if (!is_stamped(stream, packet)) {
		packet_refuse(inspector, stream, packet, TROUBLE_STAMP);
		return;
	}
	if (!take_ack(stream, packet))
		return;
	if (packet->tcp.size || packet->fin)
		segment(stream, packet);
	else
		stream_write(stream, packet);
}

// Nothing is judged any more; but what was edited stays edited, and what was shifted, shifted.
static void released_packet(struct stream *stream, struct packet *packet)
{
	struct way *way = &stream->ways[packet->side], *other = &stream->ways[!packet->side];
	int64_t whole = packet_whole(packet);

	if ((packet->tcp.flags & TCP_ACK) && packet->ack > other->acked &&
	    packet->ack_place <= trail_place(&other->trail, other->passed)) {
		other->acked = packet->ack;
		other->acked_place = packet->ack_place;
		trail_forget(&other->trail, packet->ack);
	}
	if (packet->fin)
		way->fin = packet->end;
	if (whole > way->next)
		way->next = way->decided = whole;
	if (packet->tcp.flags & TCP_RST)
		stream->left = true;
	stream_write(stream, packet);
}

void stream_packet(struct stream *stream, struct packet *packet)
{
	switch ((enum stream_state)stream->state) {
	case STREAM_OPENING:
	case STREAM_ANSWERED:
		stream_handshake(stream, packet);
		return;
	case STREAM_RESET:
		packet_place(stream, packet);
		reset_packet(stream, packet);
		return;
	default:
		break;
	}
	if (packet->tcp.flags & TCP_SYN) {
		syn_again(stream, packet);
		return;
	}
	packet_place(stream, packet);
	if (stream->state == STREAM_TAKEN)
		taken_packet(stream, packet, false);
	else if (stream->state == STREAM_RELEASED)
		released_packet(stream, packet);
	else
		open_packet(stream, packet);
}
