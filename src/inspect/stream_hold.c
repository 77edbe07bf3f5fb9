// Packets that wait: for the engine, or for those that come before them.
#include "inspect/stream.h"

#include <errno.h>
#include <stdlib.h>

enum { SECOND = 1000000 };

bool hold_add(struct stream *stream, const struct packet *packet, bool fed)
{
	struct inspector *inspector = stream->inspector;
	struct way *way = &stream->ways[packet->side];
	struct hold **at = &way->held, *hold;

	if (way->n_held >= STREAM_HELD_MAX || inspector->n_held >= inspector->options.held_max)
		return false;
	hold = malloc(sizeof(*hold));
	if (!hold)
		return false;
	while (*at && (*at)->start <= packet->start)
		at = &(*at)->next;
	*hold = (struct hold){ .next = *at,
			       .older = inspector->newest_hold,
			       .stream = stream,
			       .flight = packet->flight,
			       .start = packet->start,
			       .end = packet->end,
			       .since_us = inspector->now_us,
			       .side = packet->side,
			       .fin = packet->fin,
			       .fed = fed };
	*at = hold;
	*(hold->older ? &hold->older->newer : &inspector->oldest_hold) = hold;
	inspector->newest_hold = hold;
	way->n_held++;
	inspector->n_held++;
	inspector->numbers.held++;
	packet->flight->fate = FLIGHT_HOLD;
	return true;
}

bool hold_covers(const struct way *way, int64_t start, int64_t end, bool fed)
{
	for (const struct hold *hold = way->held; hold; hold = hold->next) {
		if (hold->fed == fed && hold->start <= start && hold->end + hold->fin >= end)
			return true;
	}
	return false;
}

// Out of its lists; *at is in the way's.
static struct flight *let_go(struct hold **at)
{
	struct hold *hold = *at;
	struct inspector *inspector = hold->stream->inspector;
	struct flight *flight = hold->flight;

	*at = hold->next;
	*(hold->older ? &hold->older->newer : &inspector->oldest_hold) = hold->newer;
	*(hold->newer ? &hold->newer->older : &inspector->newest_hold) = hold->older;
	hold->stream->ways[hold->side].n_held--;
	inspector->n_held--;
	free(hold);
	return flight;
}

// As it was when it came: it was read once, so it can be read.
static bool read_again(const struct hold *hold, struct packet *ret)
{
	if (packet_read(hold->flight, ret) < 0)
		return false;
	ret->side = hold->side;
	packet_place(hold->stream, ret);
	ret->start = hold->start;
	ret->end = hold->end;
	return true;
}

static bool is_decided(const struct stream *stream, const struct hold *hold)
{
	return stream->state == STREAM_RELEASED ||
	       (hold->fed && hold->end + hold->fin <= way_settled(&stream->ways[hold->side]));
}

// Of the first packet of a way that waits for the engine, what was decided.
static void deliver_beginning(struct stream *stream, struct way *way)
{
	const struct hold *hold = way->held;
	struct packet packet;

	if (!hold || !hold->fed || hold->start >= way->decided || way->passed >= way->decided ||
	    hold->end <= way->decided || !read_again(hold, &packet) ||
	    !stream_can_cut(stream, &packet, way->decided))
		return;
	let_go(&way->held);
	stream_write_cut(stream, &packet, way->decided);
}

void hold_deliver(struct stream *stream)
{
	for (unsigned side = 0; side < 2; side++) {
		struct hold **at = &stream->ways[side].held;
		while (*at && is_decided(stream, *at)) {
			struct packet packet;
			bool readable = read_again(*at, &packet);
			struct flight *flight = let_go(at);
			if (readable)
				stream_write(stream, &packet);
			else
				packet_drop(stream->inspector, flight);
		}
		if (stream->state != STREAM_RELEASED)
			deliver_beginning(stream, &stream->ways[side]);
	}
}

static struct hold **first_ready(struct stream *stream)
{
	for (unsigned side = 0; side < 2; side++) {
		struct way *way = &stream->ways[side];
		struct hold **at = &way->held;
		while (*at && (*at)->fed)
			at = &(*at)->next;
		if (*at && (*at)->start <= way->next)
			return at;
	}
	return NULL;
}

bool hold_feed(struct stream *stream)
{
	struct hold **at = first_ready(stream);
	struct packet packet = { 0 };
	int r = -EPROTO;

	if (!at)
		return false;
	(*at)->fed = true;
	(*at)->since_us = stream->inspector->now_us;
	if (read_again(*at, &packet))
		r = stream_feed(stream, &packet);
	if (r < 0) {
		packet_tell(stream->inspector, stream, &packet, feed_trouble(r));
		packet_drop(stream->inspector, let_go(at));
	}
	return true;
}

bool hold_take_last(struct stream *stream, struct packet *ret)
{
	struct hold **last = NULL;
	struct flight *flight;
	bool readable;

	for (struct hold **at = &stream->ways[ENGINE_CLIENT].held; *at; at = &(*at)->next)
		if ((*at)->fed)
			last = at;
	if (!last)
		return false;
	readable = read_again(*last, ret);
	flight = let_go(last);
	if (!readable)
		packet_drop(stream->inspector, flight);
	return readable;
}

void hold_drop_all(struct stream *stream)
{
	for (unsigned side = 0; side < 2; side++) {
		while (stream->ways[side].held)
			packet_drop(stream->inspector, let_go(&stream->ways[side].held));
	}
}

static void drop_fed(struct way *way, struct inspector *inspector)
{
	for (struct hold **at = &way->held; *at;) {
		if ((*at)->fed)
			packet_drop(inspector, let_go(at));
		else
			at = &(*at)->next;
	}
}

void hold_swallow(struct stream *stream)
{
	struct way *server = &stream->ways[ENGINE_SERVER];

	while (server->held)
		packet_drop(stream->inspector, let_go(&server->held));
	while (hold_feed(stream))
		;
	drop_fed(&stream->ways[ENGINE_CLIENT], stream->inspector);
}

void hold_tick(struct inspector *inspector)
{
	struct hold *newer;

	for (struct hold *hold = inspector->oldest_hold; hold; hold = newer) {
		struct stream *stream = hold->stream;
		uint64_t seconds = hold->fed ? STREAM_HELD_SECONDS : STREAM_GAP_SECONDS;
		struct hold **at = &stream->ways[hold->side].held;

		newer = hold->newer;
		if (hold->since_us + seconds * SECOND >= inspector->now_us)
			continue;
		if (hold->fed) {
			// Its sender may have been told that it arrived: there is no way back.
			stream_reset(stream, NULL);
			newer = inspector->oldest_hold;
			continue;
		}
		while (*at != hold)
			at = &(*at)->next;
		packet_drop(inspector, let_go(at));
		table_count(stream);
	}
}
