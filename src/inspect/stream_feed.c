// The engine's side of a stream: bytes in, orders out.
#include "inspect/stream.h"

#include <errno.h>

static void impossible(struct stream *stream)
{
	stream->bad = stream->ending = stream->session.over = true;
}

// PASS, OVERWRITE, REPLACE and SWALLOW decide bytes that were seen.
static void decide_bytes(struct stream *stream, const struct engine_order *order)
{
	struct way *way = &stream->ways[order->side];
	bool swallow = order->verb == ENGINE_SWALLOW;
	int64_t seen = way->next > way->fin ? way->fin : way->next;
	size_t out = order->verb == ENGINE_OVERWRITE ? order->size : order->n_bytes;

	if (order->size > (uint64_t)(seen - way->decided) ||
	    swallow != (stream->state == STREAM_TAKEN) ||
	    (swallow && order->side != ENGINE_CLIENT)) {
		impossible(stream);
		return;
	}
	if (order->verb == ENGINE_OVERWRITE || order->verb == ENGINE_REPLACE) {
		if (!order->size || order->size > ENGINE_WAITING_MAX ||
		    out > ENGINE_BYTES_MAX * 4 ||
		    (order->verb == ENGINE_REPLACE && order->side != ENGINE_SERVER) ||
		    trail_edit(&way->trail, way->decided, (uint32_t)order->size, order->bytes,
			       (uint32_t)out) < 0) {
			impossible(stream);
			return;
		}
		stream->liberal = stream->liberal || way->trail.shifted;
	}
	way->decided += (int64_t)order->size;
}

static void take(struct stream *stream, const struct engine_order *order)
{
	if (stream->state != STREAM_OPEN || order->side != ENGINE_CLIENT || taken_begin(stream) < 0)
		impossible(stream);
}

static struct stream *stream_of(struct session *session)
{
	return (struct stream *)((char *)session - offsetof(struct stream, session));
}

static void on_order(struct session *session, const struct engine_order *order)
{
	struct stream *stream = stream_of(session);

	switch (order->verb) {
	case ENGINE_PASS:
	case ENGINE_OVERWRITE:
	case ENGINE_REPLACE:
	case ENGINE_SWALLOW:
		decide_bytes(stream, order);
		return;
	case ENGINE_TAKE:
		take(stream, order);
		return;
	case ENGINE_REPLY:
		if (stream->state != STREAM_TAKEN ||
		    taken_reply(stream, order->bytes, order->n_bytes) < 0)
			impossible(stream);
		return;
	case ENGINE_END:
		stream->ending = true;
		return;
	case ENGINE_TLS: // not of packets
	case ENGINE_INSERT:
		break;
	case ENGINE_RELEASE:
		if (stream->state != STREAM_OPEN)
			impossible(stream);
		stream->release = true;
		return;
	}
	impossible(stream);
}

static void on_go_on(struct session *session)
{
	struct stream *stream = stream_of(session);

	stream_go_on(stream);
	table_count(stream);
}

const struct session_calls stream_calls = { on_order, on_go_on, false, false };

static void feed_engine(struct stream *stream, uint8_t side, const uint8_t *bytes, uint32_t n)
{
	struct way *way = &stream->ways[side];

	way->next += n;
	if (session_hears(&stream->session, side))
		session_feed(&stream->session, side, bytes, n);
	else
		way->decided = way->next;
}

static void feed_end(struct stream *stream, uint8_t side)
{
	struct way *way = &stream->ways[side];

	way->fin = way->next++;
	if (session_hears(&stream->session, side))
		session_closed(&stream->session, side);
}

int stream_feed(struct stream *stream, const struct packet *packet)
{
	struct way *way = &stream->ways[packet->side];
	const uint8_t *bytes = packet->bytes + packet->tcp.at + packet->tcp.head;
	int64_t fed = way->next < way->fin ? way->next : way->fin;
	uint32_t n;

	if (packet->end > way->fin || (packet->fin && packet->end != way->fin &&
				       (way->fin != INT64_MAX || packet->end < way->next)))
		return -EPROTO;
	if (packet->start < fed) {
		n = packet->tcp.size;
		if (packet->end > fed)
			n = (uint32_t)(fed - packet->start);
		if (!trail_same(&way->trail, packet->start, bytes, n))
			return -EEXIST;
	}
	if (packet->end > fed) {
		n = (uint32_t)(packet->end - fed);
		bytes += packet->tcp.size - n;
		// What nobody answers for any more needs not be kept; but from where the client is
		// taken over on nothing goes to the server, so nothing can differ.
		if (stream->state != STREAM_TAKEN) {
			if (!table_has_memory(stream) || trail_add(&way->trail, bytes, n) < 0)
				return -ENOMEM;
		}
		if (packet->tcp.options & TCP_HAS_STAMP)
			way->stamp = packet->tcp.stamp;
		feed_engine(stream, packet->side, bytes, n);
	}
	if (packet->fin && way->fin == INT64_MAX && packet->end == way->next)
		feed_end(stream, packet->side);
	return 0;
}

enum inspector_trouble feed_trouble(int error)
{
	return error == -EEXIST ? TROUBLE_OVERLAP : error == -EPROTO ? TROUBLE_FIN : TROUBLE_FULL;
}
