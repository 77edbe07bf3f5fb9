// The engine's side of a stream: bytes in, orders out.
#include "inspect/stream.h"

#include <errno.h>

static void impossible(struct stream *stream)
{
	stream->bad = stream->ending = true;
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

static void on_order(void *arg, const struct engine_order *order)
{
	struct stream *stream = arg;

	if (stream->ending || stream->release)
		return;
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
	case ENGINE_RELEASE:
		if (stream->state != STREAM_OPEN)
			impossible(stream);
		stream->release = true;
		return;
	}
	impossible(stream);
}

static void on_record(void *arg, const struct mail_record *record)
{
	const struct stream *stream = arg;
	const struct inspector_options *options = &stream->inspector->options;

	if (options->record)
		options->record(options->arg, record);
}

static const struct profile_flow *on_renew(void *arg)
{
	struct stream *stream = arg;
	struct profile_use *use = stream->inspector->use;
	const struct profile_flow *flow = NULL;

	if (use && use != stream->use)
		flow = profiles_follow(use->profiles, stream->peer.flow, &stream->peer.client,
				       &stream->peer.server);
	if (!flow)
		return NULL;
	use->n++;
	use_drop(stream->use);
	stream->use = use;
	stream->peer.flow = flow;
	return flow;
}

static bool on_scan_begin(void *arg, uint32_t seconds)
{
	struct stream *stream = arg;
	const struct inspector_options *options = &stream->inspector->options;

	stream->scan = options->scans ? options->scans->begin(options->arg, stream, seconds) : NULL;
	return stream->scan != NULL;
}

static bool on_scan_bytes(void *arg, const uint8_t *bytes, size_t n)
{
	struct stream *stream = arg;

	stream->scan_waits = !stream->inspector->options.scans->bytes(stream->scan, bytes, n);
	return !stream->scan_waits;
}

static void on_scan_end(void *arg)
{
	struct stream *stream = arg;

	stream->scan_waits = true;
	stream->inspector->options.scans->end(stream->scan);
}

void stream_drop_scan(struct stream *stream)
{
	if (stream->scan)
		stream->inspector->options.scans->drop(stream->scan);
	stream->scan = NULL;
	stream->scan_waits = false;
}

static void on_scan_drop(void *arg)
{
	stream_drop_scan(arg);
}

static const struct scan_host scan_host = { on_scan_begin, on_scan_bytes, on_scan_end,
					    on_scan_drop };

int stream_begin_engine(struct stream *stream)
{
	struct inspector *inspector = stream->inspector;
	struct engine_host host = { .order = on_order,
				    .record = on_record,
				    .arg = stream,
				    .scan = &scan_host,
				    .renew = on_renew,
				    .budget = &inspector->budget,
				    .stops = inspector->options.stops };

	stream->began = true;
	return inspector->kind->make(&stream->peer, &host, inspector->options.limits,
				     inspector->wall_us, &stream->engine);
}

void stream_end_engine(struct stream *stream)
{
	if (stream->engine)
		stream->inspector->kind->free(stream->engine, stream->inspector->wall_us);
	if (stream->began)
		stream->inspector->numbers.ended++;
	stream_drop_scan(stream);
	stream->began = false;
	stream->engine = NULL;
}

static bool is_heard(const struct stream *stream, enum engine_side side)
{
	return stream->engine && !stream->ending && !stream->release &&
	       !(stream->state == STREAM_TAKEN && side == ENGINE_SERVER);
}

static void feed_engine(struct stream *stream, uint8_t side, const uint8_t *bytes, uint32_t n)
{
	struct way *way = &stream->ways[side];

	way->next += n;
	if (is_heard(stream, side))
		stream->inspector->kind->feed(stream->engine, side, bytes, n,
					      stream->inspector->wall_us);
	else
		way->decided = way->next;
}

static void feed_end(struct stream *stream, uint8_t side)
{
	struct way *way = &stream->ways[side];

	way->fin = way->next++;
	if (is_heard(stream, side))
		stream->inspector->kind->closed(stream->engine, side, stream->inspector->wall_us);
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
