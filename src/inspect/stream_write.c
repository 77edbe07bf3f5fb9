// A segment as its receiver is to see it: numbers, acknowledgements and SACK of its own ruler,
// edits in their place.
#include "inspect/stream.h"

#include <string.h>

enum { REPAIR_US = 200000 }; // how long a packet may be on its way before it counts as lost

// What the receiver's own block says, in offsets.  False: it says nothing to the sender.  What it
// got twice (RFC 2883) is also how it answers where it was asked because of a gap.
static bool read_sack(const struct way *other, const struct packet *packet, unsigned i,
		      struct block *ret)
{
	int64_t base = other->acked_place, place[2];
	uint32_t edges[2];

	tcp_sack(packet->bytes, &packet->tcp, i, edges);
	for (unsigned j = 0; j < 2; j++)
		place[j] = base + (int32_t)(edges[j] - way_seq(other, base));
	if (place[1] <= other->asked)
		return false;
	*ret = (struct block){ place[0], place[1] };
	if (other->trail.shifted) {
		ret->from = trail_offset(&other->trail, place[0], true);
		ret->to = trail_offset(&other->trail, place[1], false);
		if (ret->from < other->acked)
			return false;
	}
	return ret->from < ret->to;
}

bool stream_write_sacks(const struct stream *stream, struct packet *packet)
{
	const struct way *other = &stream->ways[!packet->side];
	struct tcp *tcp = &packet->tcp;
	// Of what is on its way to the receiver it will speak itself: behind what was told before,
	// that would look reordered.
	bool all = stream->state == STREAM_TAKEN || packet->ack >= other->passed;
	bool gap = all && stream->sacks && (tcp->flags & TCP_ACK) && gap_is_open(other);
	unsigned n = 0, was = tcp->n_sacks, most = tcp_sacks_max(tcp);
	struct block blocks[TCP_SACKS_MAX];
	uint32_t edges[TCP_SACKS_MAX][2];

	if (!was && !gap)
		return false;
	for (unsigned i = 0; i < was; i++)
		n += read_sack(other, packet, i, &blocks[n]);
	if (n == was && !gap && !other->trail.shifted)
		return false;
	// A segment with bytes does not grow.
	if (tcp->size || tcp->at + TCP_HEAD_MAX > packet->flight->room)
		most = was;
	if (gap && most) {
		n -= n == most;
		n += gap_blocks(other, &blocks[n], most - n);
	}
	if (!n && !was)
		return false;
	for (unsigned i = 0; i < n; i++) {
		edges[i][0] = other->first + (uint32_t)blocks[i].from;
		edges[i][1] = other->first + (uint32_t)blocks[i].to;
	}
	tcp_put_sacks(packet->bytes, tcp, edges, n);
	return true;
}

bool stream_write_stamp(struct way *way, struct packet *packet)
{
	struct tcp *tcp = &packet->tcp;

	if (!(tcp->options & TCP_HAS_STAMP))
		return false;
	if ((int32_t)(tcp->stamp - way->stamp_sent) >= 0) {
		way->stamp_sent = tcp->stamp;
		return false;
	}
	tcp_put_stamp(packet->bytes, tcp, way->stamp_sent, tcp->echo);
	return true;
}

static uint32_t window_max(const struct stream *stream)
{
	const struct inspector *inspector = stream->inspector;
	bool tight = inspector->numbers.bytes > inspector->options.memory_max / 4;
	return tight ? STREAM_WINDOW_TIGHT : STREAM_WINDOW_MAX;
}

static bool write_head(struct stream *stream, struct packet *packet)
{
	struct way *way = &stream->ways[packet->side], *other = &stream->ways[!packet->side];
	struct tcp *tcp = &packet->tcp;
	uint8_t keep = (stream->stamps ? TCP_HAS_STAMP : 0) | (stream->sacks ? TCP_HAS_SACK : 0);
	bool changed = tcp_keep_options(packet->bytes, tcp, keep);

	changed |= stream_write_sacks(stream, packet);
	changed |= stream_write_stamp(way, packet);
	if (tcp->flags & TCP_ACK) {
		int64_t offset = packet->ack > other->promised ? packet->ack : other->promised;
		uint32_t ack = other->first + (uint32_t)offset;
		changed |= ack != tcp->ack;
		tcp->ack = ack;
		// What is acknowledged earlier makes no room earlier.
		int64_t window = ((int64_t)tcp->window << way->scale) - (offset - packet->ack);
		if (offset > packet->ack)
			tcp->window = window > 0 ? (uint16_t)(window >> way->scale) : 0;
	}
	if (stream->state == STREAM_OPEN &&
	    (uint32_t)tcp->window << way->scale > window_max(stream)) {
		tcp->window = (uint16_t)(window_max(stream) >> way->scale);
		changed = true;
	}
	return changed;
}

// Bytes of payload that a packet may have beyond what it came with.
static uint32_t payload_max(const struct stream *stream, const struct packet *packet)
{
	const struct way *ways = stream->ways;
	const struct tcp *tcp = &packet->tcp;
	uint32_t head = tcp->at + tcp->head, room = packet->flight->room;
	uint32_t mss = ways[0].mss < ways[1].mss ? ways[0].mss : ways[1].mss;
	uint32_t options = tcp->head - TCP_HEAD_MIN;
	uint32_t most = mss > options ? mss - options : 1;

	if (packet->flight->gso)
		most = UINT16_MAX - head;
	else if (packet->start < ways[packet->side].passed && most > STREAM_SMALL)
		most = STREAM_SMALL; // it did not arrive the first time
	if (most < tcp->size)
		most = tcp->size;
	return most < room - head ? most : room - head;
}

// Nothing of it is left for its receiver, who has to acknowledge it all the same.
static void write_nothing(struct stream *stream, struct packet *packet)
{
	const struct way *way = &stream->ways[packet->side];

	// Not up to its own end: what lies before may have got lost.
	packet_probe(stream->inspector, packet, way_seq(way, way->acked_place), packet->tcp.ack);
}

// The places of [from, packet->end) in the packet; from may lie before its own bytes, which are
// then taken from what is kept.  What does not fit goes with the next packet, or comes again: its
// sender may have been told that it arrived.
static void write_places(struct stream *stream, struct packet *packet, int64_t from)
{
	const struct way *way = &stream->ways[packet->side];
	struct tcp *tcp = &packet->tcp;
	uint8_t *payload = packet->bytes + tcp->at + tcp->head, *out = stream->inspector->scratch;
	int64_t begin = trail_place(&way->trail, from);
	int64_t end = trail_place(&way->trail, packet->end);
	uint32_t most = payload_max(stream, packet);

	if (begin < way->acked_place)
		begin = way->acked_place;
	if (end <= begin && !packet->fin) {
		write_nothing(stream, packet);
		return;
	}
	if (end - begin > most) {
		end = begin + most;
		tcp->flags &= (uint8_t)~TCP_FIN;
		if (!way->trail.shifted || !trail_edited(&way->trail, from, packet->end)) {
			packet->end = trail_offset(&way->trail, end, false);
			packet->fin = false;
		}
	}
	if (end < begin)
		end = begin;
	trail_write(&way->trail, begin, end, payload, packet->start, out);
	memcpy(payload, out, (size_t)(end - begin));
	tcp->size = (uint32_t)(end - begin);
	tcp->seq = way_seq(way, begin);
	packet_send(stream->inspector, packet);
}

// Edits that keep every length are made in place: the packet stays as long as it was.
static void write_same_length(struct stream *stream, struct packet *packet, int64_t from)
{
	const struct way *way = &stream->ways[packet->side];
	struct tcp *tcp = &packet->tcp;
	uint8_t *payload = packet->bytes + tcp->at + tcp->head, *out = stream->inspector->scratch;
	int64_t begin = trail_place(&way->trail, from);
	int64_t end = trail_place(&way->trail, packet->end);
	size_t old = (size_t)(from - packet->start);

	trail_write(&way->trail, begin, end, payload, packet->start, out);
	memset(payload, 0, old);
	memcpy(payload + old, out, (size_t)(end - begin));
	tcp->seq = way_seq(way, begin) - (uint32_t)old;
	packet_send(stream->inspector, packet);
}

// Bytes that were decided after their packet had gone on without them, and those that their sender
// was told had arrived and that did not: they go with whatever it sends next.
static bool write_missing(struct stream *stream, struct packet *packet)
{
	struct way *way = &stream->ways[packet->side];
	int64_t settled = way->decided < way->trail.to ? way->decided : way->trail.to, from;
	uint64_t now = stream->inspector->now_us;

	bool lost = way->promised > way->acked && now >= way->repaired_us + REPAIR_US;

	if (!lost && settled <= way->passed)
		return false;
	from = lost ? way->acked : way->passed;
	if (!packet->tcp.size && !packet->fin) {
		if (settled <= way->passed && settled > way->promised)
			settled = way->promised;
		if (settled <= from)
			return false;
		packet->start = packet->end = settled;
	} else if (packet->start <= from || packet->start > settled) {
		return false;
	}
	way->repaired_us = now;
	write_places(stream, packet, from);
	if (packet->end > way->passed)
		way->passed = packet->end;
	return true;
}

static void write_payload(struct stream *stream, struct packet *packet, bool changed)
{
	struct way *way = &stream->ways[packet->side];
	struct tcp *tcp = &packet->tcp;
	int64_t from = packet->start;
	uint32_t seq;

	if (from < way->acked)
		from = way->acked < packet->end ? way->acked : packet->end;
	if (trail_edited(&way->trail, from, packet->end)) {
		int64_t n = trail_place(&way->trail, packet->end) - trail_place(&way->trail, from);
		if (!way->trail.shifted || n == packet->end - from)
			write_same_length(stream, packet, from);
		else
			write_places(stream, packet, from);
		return;
	}
	if (from > packet->start) {
		memset(packet->bytes + tcp->at + tcp->head, 0, (size_t)(from - packet->start));
		changed = true;
	}
	seq = way_seq(way, trail_place(&way->trail, packet->end)) - tcp->size;
	if (changed || seq != tcp->seq) {
		tcp->seq = seq;
		packet_send(stream->inspector, packet);
	} else {
		packet_accept(stream->inspector, packet->flight);
	}
}

// A connection leaves the queue once nothing that was edited can be sent again.
static bool may_leave(const struct stream *stream)
{
	const struct way *ways = stream->ways;

	if (stream->state != STREAM_RELEASED)
		return false;
	for (unsigned side = 0; side < 2; side++) {
		if (ways[side].trail.shifted || ways[side].trail.n_edits ||
		    ways[side].promised > ways[side].acked)
			return false;
	}
	return true;
}

static void write_all(struct stream *stream, struct packet *packet, bool changed)
{
	struct way *way = &stream->ways[packet->side];
	struct flight *flight = packet->flight;
	bool sends = packet->tcp.size || packet->fin;
	int64_t whole;

	changed |= write_head(stream, packet);
	flight->liberal = stream->liberal;
	stream->liberal = false;
	if (may_leave(stream)) {
		flight->passed = true;
		stream->left = true;
	}
	if (!write_missing(stream, packet))
		write_payload(stream, packet, changed);
	whole = packet_whole(packet);
	if (sends && whole > way->passed) {
		way->passed = whole;
		way->repaired_us = stream->inspector->now_us;
	}
}

void stream_write(struct stream *stream, struct packet *packet)
{
	write_all(stream, packet, false);
}

bool stream_can_cut(const struct stream *stream, const struct packet *packet, int64_t end)
{
	const struct way *ways = stream->ways;
	int64_t mss = ways[0].mss > ways[1].mss ? ways[0].mss : ways[1].mss;

	return !packet->flight->gso || end - packet->start > mss;
}

void stream_write_cut(struct stream *stream, struct packet *packet, int64_t end)
{
	bool cut = end < packet_whole(packet);

	if (cut) {
		packet->tcp.size = (uint32_t)(end - packet->start);
		packet->tcp.flags &= (uint8_t)~TCP_FIN;
		packet->end = end;
		packet->fin = false;
	}
	write_all(stream, packet, cut);
}
