// What is missing before a packet, and how its sender learns of it.
//
// A packet behind a gap is held, so its receiver knows nothing of it and would not ask for what is
// missing.  So it is we who say what arrived, in the receiver's own acknowledgements; where the
// receiver says nothing, some of the packets, of which there is a copy or which have to come again,
// become old segments that make it speak:
//
//	sender   1   2   3   4   5   6
//	         |  lost |   |   |   |
//	gate     |      held |   +-- held
//	         |           |
//	receiver 1    [old segment]
//	         |           |
//	sender <-+- ACK of 1 +    with SACK of 3 by the gate, and of 5 and 6 if they came
//
// The sender repeats 2 at once, and 4 when it is told of 5.
//
// SACK promises nothing (RFC 2018 8): its sender keeps those bytes, and none of them goes on before
// it was read.  Each question is one of the sender's own packets, and gets one answer.
//
// A packet that asks has to come again, so few do.  The first behind a gap only waits: those before
// it may be late.  The second asks, since more may not come, and the fifth, by when three packets
// are known to have arrived, which is what senders without RACK (RFC 8985) wait for (RFC 6675).
// Where packets are held already when a gap becomes the first one, the acknowledgement of what was
// before it tells all, and none asks.  That one may get lost, or what its sender repeats: each 32nd
// asks.
#include "inspect/stream.h"

enum { GAP_FIRST = 2, GAP_SECOND = 5, GAP_EACH = 32 };

// Without SACK it takes three acknowledgements of the same (RFC 5681 3.2).
enum { GAP_PLAIN_LAST = GAP_FIRST + 2 };

// Whether this packet behind the gap is to be used up.
static bool is_asking(const struct stream *stream, struct way *way)
{
	if (way->gap != way->next) {
		way->gap = way->next;
		way->behind = 0;
		way->known = gap_is_open(way);
	}
	way->behind++; // and over again behind 255
	if (way->behind % GAP_EACH == 0)
		return true;
	if (way->known)
		return false;
	if (stream->sacks)
		return way->behind == GAP_FIRST || way->behind == GAP_SECOND;
	return way->behind >= GAP_FIRST && way->behind <= GAP_PLAIN_LAST;
}

bool gap_hold(struct stream *stream, struct packet *packet)
{
	struct way *way = &stream->ways[packet->side];

	if (hold_covers(way, packet->start, packet_whole(packet), false) || is_asking(stream, way))
		return false;
	if (hold_add(stream, packet, false))
		return true;
	packet_tell(stream->inspector, stream, packet, TROUBLE_FULL);
	return false;
}

void gap_ask(struct stream *stream, struct packet *packet)
{
	struct way *way = &stream->ways[packet->side];
	const struct way *ways = stream->ways;
	uint32_t mss = ways[0].mss > ways[1].mss ? ways[0].mss : ways[1].mss;
	// The kernel sends no packet on that says it is to be cut up and is too short.
	uint32_t most = packet->flight->gso ? mss + 1 : 1;

	if (packet->tcp.size > most)
		packet->tcp.size = most;
	way->asked = way->acked_place;
	stream_ask(stream, packet);
}

bool gap_is_open(const struct way *way)
{
	for (const struct hold *hold = way->held; hold; hold = hold->next) {
		if (!hold->fed)
			return true;
	}
	return false;
}

unsigned gap_blocks(const struct way *way, struct block *ret, unsigned most)
{
	struct block all[STREAM_HELD_MAX];
	unsigned n = 0, n_ret = 0, latest = 0;
	uint64_t latest_us = 0;

	for (const struct hold *hold = way->held; hold; hold = hold->next) {
		int64_t end = hold->end + hold->fin;
		if (hold->fed)
			continue;
		if (n == 0 || hold->start > all[n - 1].to)
			all[n++] = (struct block){ hold->start, end };
		else if (end > all[n - 1].to)
			all[n - 1].to = end;
		if (hold->since_us >= latest_us) {
			latest_us = hold->since_us;
			latest = n - 1;
		}
	}
	// What came last goes first (RFC 2018 4); of the others the highest are the newest.
	if (n && most)
		ret[n_ret++] = all[latest];
	for (unsigned i = n; i-- > 0 && n_ret < most;) {
		if (i != latest)
			ret[n_ret++] = all[i];
	}
	return n_ret;
}
