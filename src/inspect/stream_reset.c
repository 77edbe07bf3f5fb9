// Ending both sides without a packet of our own: what each sends becomes a reset for the other.  A
// side that was told is gone, and answers what still comes for it with a reset of its own, which is
// the packet that tells the first one.
//
//	A --- data ----> [becomes RST] ----> B is gone
//	A --- data ----> [becomes an old, empty segment] ----> B has no such connection
//	A is gone <----- [RST at the place A expects] <------- RST --- B
//
// A lone acknowledgement becomes a reset always: turned into a segment that asks for an answer it
// could be answered by another of the kind for ever.
#include "inspect/stream.h"

enum { LARGEST_WINDOW = 1 << 30 }; // RFC 7323 2.3

static uint32_t ack_for(const struct stream *stream, const struct packet *packet)
{
	const struct way *other = &stream->ways[!packet->side];

	return stream->stray ? packet->tcp.ack : other->first + (uint32_t)other->next;
}

void reset_packet(struct stream *stream, struct packet *packet)
{
	struct way *way = &stream->ways[packet->side], *other = &stream->ways[!packet->side];
	uint8_t flags = packet->tcp.flags;
	bool sends = packet->tcp.size || (flags & (TCP_FIN | TCP_SYN));
	uint32_t seq, ack = ack_for(stream, packet);

	if ((flags & TCP_ACK) && !(flags & TCP_RST) &&
	    (stream->stray || packet->ack_place > other->acked_place)) {
		other->acked_place = packet->ack_place;
		other->heard = true;
	}
	// Whoever is reset says nothing more, so the one that has bytes to repeat is kept for last.
	if (!way->told && !other->told && !sends && !(flags & TCP_RST) && way->next <= way->acked &&
	    other->next > other->acked) {
		packet_drop(stream->inspector, packet->flight);
		return;
	}
	if (!way->told && !(flags & TCP_RST)) {
		way->told = true;
		seq = stream->stray ? packet->tcp.seq
		      : way->heard  ? way_seq(way, way->acked_place)
				    : way_seq(way, trail_place(&way->trail, way->passed));
		packet_reset(stream->inspector, packet, seq, ack);
		return;
	}
	seq = stream->stray && !way->heard ? packet->tcp.seq : way_seq(way, way->acked_place);
	if (!(flags & TCP_RST) && sends) {
		// Where somebody unknown stands is not known before it speaks.  What lies a window
		// of the largest kind back is old to it all the same; what comes right before this
		// packet may be missing there, and would be taken for the sender's bytes.
		if (stream->stray && !way->heard)
			seq -= LARGEST_WINDOW;
		// Connection tracking takes the answering reset only where this side's own
		// acknowledgements are.  Ours may have got lost: it is repeated next.
		way->told = false;
		packet_probe(stream->inspector, packet, seq,
			     flags & TCP_ACK ? packet->tcp.ack : ack);
		return;
	}
	way->told = true;
	packet_reset(stream->inspector, packet, seq, ack);
}

void stream_reset(struct stream *stream, struct packet *packet)
{
	stream->state = STREAM_RESET;
	hold_drop_all(stream);
	session_end(&stream->session);
	taken_end(stream);
	if (packet)
		reset_packet(stream, packet);
	table_touch(stream);
	table_count(stream);
}

// A reset counts where its receiver stands, and nowhere else (RFC 5961 3.2).  Which of these the
// receiver has reached is not known; a sender that is gone repeats it at the right one.
void stream_peer_reset(struct stream *stream, struct packet *packet)
{
	struct inspector *inspector = stream->inspector;
	struct way *way = &stream->ways[packet->side];
	int64_t passed = trail_place(&way->trail, way->passed);

	if (packet->start == way->next || packet->start == way->passed) {
		way->told = true;
		stream_reset(stream, NULL);
		packet_reset(inspector, packet, way_seq(way, passed), ack_for(stream, packet));
	} else if (packet->start == way->acked) {
		way->told = true;
		stream_reset(stream, NULL);
		packet_reset(inspector, packet, way_seq(way, way->acked_place),
			     ack_for(stream, packet));
	} else if (packet->start > way->acked && packet->start <= way->edge) {
		packet_tell(inspector, stream, packet, TROUBLE_RESET);
		stream_ask(stream, packet);
	} else {
		packet_refuse(inspector, stream, packet, TROUBLE_RESET);
	}
}

void reset_stray(struct inspector *inspector, struct packet *packet)
{
	struct stream *stream;

	packet_tell(inspector, NULL, packet, TROUBLE_STRAY);
	if ((packet->tcp.flags & (TCP_RST | TCP_SYN)) || !(packet->tcp.flags & TCP_ACK)) {
		packet_drop(inspector, packet->flight);
		return;
	}
	stream = table_add(inspector, packet);
	if (!stream) {
		packet_reset(inspector, packet, packet->tcp.seq, packet->tcp.ack);
		return;
	}
	stream->stray = true;
	stream->state = STREAM_RESET;
	stream->ways[0].first = packet->tcp.seq;
	stream->ways[1].first = packet->tcp.ack;
	packet->side = 0;
	packet_place(stream, packet);
	reset_packet(stream, packet);
}
