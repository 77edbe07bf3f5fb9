// A client that was taken over: its server gets nothing more, and the gate answers.  There is no
// packet of the gate's own; both directions of what the peers send carry it.
//
//	client --- DATA, 1448 bytes ---> [old segment of 1448 zeros] ------> server
//	client <-- [ACK of DATA; "552 ..."; FIN] <-- ACK (it knows these) --- server
//	client --- ACK ----------------> [RST] ----------------------------> server is gone
//	client --- FIN ----------------> [old segment] --------------------> server
//	client <-- [ACK of FIN] <----------------------------------- RST --- server
//
// What the kernel translates (addresses, ports, interfaces) is right, since each packet really
// came from the peer that it seems to come from.  Nothing needs a clock: the last byte that the
// client sent is acknowledged only by a packet that carries the whole rest of the reply, so as
// long as the client lacks any of it, it repeats that byte, and each time the server is made to
// answer.
#include "inspect/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND = 1000000, REPEATS_MAX = 3 };

void taken_free(struct taken *taken)
{
	if (taken)
		free(taken->reply);
	free(taken);
}

void taken_end(struct stream *stream)
{
	struct way *server = &stream->ways[ENGINE_SERVER];
	struct taken *taken = stream->taken;

	if (!taken)
		return;
	server->acked_place = taken->at;
	server->trail.shift = taken->sent - server->passed;
	taken_free(taken);
	stream->taken = NULL;
}

int taken_reply(struct stream *stream, const uint8_t *bytes, size_t n)
{
	struct taken *taken = stream->taken;
	uint8_t *reply;

	if (n > STREAM_REPLY_MAX || taken->n + n > STREAM_REPLY_MAX + STREAM_WINDOW_MAX)
		return -E2BIG;
	if (taken->n + n > taken->room) {
		uint32_t room = taken->n + (uint32_t)n;
		reply = realloc(taken->reply, room);
		if (!reply)
			return -ENOMEM;
		taken->reply = reply;
		taken->room = room;
	}
	if (n)
		memcpy(taken->reply + taken->n, bytes, n);
	taken->n += (uint32_t)n;
	return 0;
}

// What was sent on to the client and may have got lost is the beginning of what we have to say.
static int keep_unacknowledged(struct taken *taken, const struct way *server)
{
	int64_t end = trail_place(&server->trail, server->passed);
	uint32_t n = (uint32_t)(end - server->acked_place);

	if (!n)
		return 0;
	taken->reply = malloc(n);
	if (!taken->reply)
		return -ENOMEM;
	trail_write(&server->trail, server->acked_place, end, NULL, server->trail.to, taken->reply);
	taken->n = taken->room = n;
	return 0;
}

int taken_begin(struct stream *stream)
{
	struct way *client = &stream->ways[ENGINE_CLIENT], *server = &stream->ways[ENGINE_SERVER];
	struct taken *taken;

	if (server->passed > server->fin)
		return -EPIPE;
	taken = calloc(1, sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	if (keep_unacknowledged(taken, server) < 0) {
		free(taken);
		return -ENOMEM;
	}
	taken->at = server->acked_place;
	taken->sent = taken->at + taken->n;
	taken->ack_sent = client->acked > client->promised ? client->acked : client->promised;
	taken->window = server->edge - server->acked;
	taken->since_us = stream->inspector->now_us;
	stream->taken = taken;
	stream->state = STREAM_TAKEN;
	stream->liberal = true;
	// The engine may go on to speak of the client's bytes; nothing else needs them.
	trail_done(&client->trail);
	trail_done(&server->trail);
	return 0;
}

// False: it was refused.
static bool client_acks(struct stream *stream, struct packet *packet)
{
	struct taken *taken = stream->taken;
	const struct way *server = &stream->ways[ENGINE_SERVER];
	int64_t place = taken->at + (int32_t)(packet->tcp.ack - way_seq(server, taken->at));
	int64_t end = taken->at + taken->n;

	if (place > taken->sent) {
		packet_refuse(stream->inspector, stream, packet, TROUBLE_ACK);
		return false;
	}
	taken->window = (int64_t)packet->tcp.window << stream->ways[ENGINE_CLIENT].scale;
	if (place <= taken->at)
		return true;
	taken->done = place > end;
	if (place > end)
		place = end;
	taken->n -= (uint32_t)(place - taken->at);
	if (taken->n)
		memmove(taken->reply, taken->reply + (place - taken->at), taken->n);
	taken->at = place;
	taken->repeats = 0;
	return true;
}

bool taken_waits(struct stream *stream, const struct packet *packet)
{
	return stream->session.hold_waits && packet->side == ENGINE_CLIENT &&
	       (packet->tcp.size || packet->fin) && hold_add(stream, packet, true);
}

void taken_held(struct stream *stream)
{
	const struct way *client = &stream->ways[ENGINE_CLIENT];
	int64_t before = client->next;

	hold_swallow(stream);
	stream->taken->swallowed += (uint64_t)(client->next - before);
}

static bool is_spent(const struct stream *stream)
{
	const struct taken *taken = stream->taken;

	return taken->swallowed > STREAM_SWALLOW_MAX ||
	       taken->since_us + (uint64_t)STREAM_SWALLOW_SECONDS * SECOND <
		       stream->inspector->now_us;
}

// False: the connection is being reset.
static bool swallow(struct stream *stream, struct packet *packet)
{
	struct way *client = &stream->ways[ENGINE_CLIENT];
	int64_t before = client->next;

	if (packet->start <= client->next && stream_feed(stream, packet) == 0) {
		stream->taken->swallowed += (uint64_t)(client->next - before);
		taken_held(stream);
	}
	if (stream->bad) {
		packet_tell(stream->inspector, stream, packet, TROUBLE_ENGINE);
		stream_reset(stream, packet);
		return false;
	}
	if (is_spent(stream)) {
		packet_tell(stream->inspector, stream, packet, TROUBLE_SWALLOWED);
		stream_reset(stream, packet);
		return false;
	}
	return true;
}

static uint32_t ack_for_server(const struct stream *stream)
{
	const struct way *server = &stream->ways[ENGINE_SERVER];
	return server->first + (uint32_t)server->next;
}

// What the server expects next: what it said last; before it said anything, most likely all.
static uint32_t server_expects(const struct stream *stream)
{
	const struct way *client = &stream->ways[ENGINE_CLIENT];
	return way_seq(client, stream->taken->heard ? client->acked : client->passed);
}

static void close_engine(struct stream *stream)
{
	if (stream->ending && !stream->taken->closing) {
		stream->taken->closing = true;
		session_end(&stream->session);
	}
}

static void client_reset(struct stream *stream, struct packet *packet)
{
	struct way *client = &stream->ways[ENGINE_CLIENT];

	if (packet->start != client->next && packet->start != stream->taken->ack_sent) {
		packet_refuse(stream->inspector, stream, packet, TROUBLE_RESET);
		return;
	}
	client->told = stream->ways[ENGINE_SERVER].told = true;
	uint32_t seq = server_expects(stream);
	stream_reset(stream, NULL);
	packet_reset(stream->inspector, packet, seq, ack_for_server(stream));
}

static void from_client(struct stream *stream, struct packet *packet, bool fed)
{
	struct way *client = &stream->ways[ENGINE_CLIENT];
	struct taken *taken = stream->taken;
	bool sends = packet->tcp.size || packet->fin;

	if (packet->tcp.flags & TCP_RST) {
		client_reset(stream, packet);
		return;
	}
	if (packet->start < client->acked - STREAM_WINDOW_MAX ||
	    packet->end > client->next + STREAM_WINDOW_MAX) {
		packet_refuse(stream->inspector, stream, packet, TROUBLE_SEQUENCE);
		return;
	}
	if (!client_acks(stream, packet))
		return;
	if ((packet->tcp.options & TCP_HAS_STAMP) &&
	    (int32_t)(packet->tcp.stamp - client->stamp) > 0)
		client->stamp = packet->tcp.stamp;
	if (packet->start > client->next && sends && !taken->done && gap_hold(stream, packet))
		return;
	if (!fed && sends && !swallow(stream, packet))
		return;
	if (taken_waits(stream, packet))
		return;
	close_engine(stream);
	if (taken->done && !client->told) {
		client->told = true;
		packet_reset(stream->inspector, packet, server_expects(stream),
			     ack_for_server(stream));
	} else if (client->told && sends) {
		// Connection tracking takes the answering reset only where the client's own
		// acknowledgements are.  The server may not have got ours: it is repeated next.
		client->told = false;
		packet_probe(stream->inspector, packet, way_seq(client, client->acked),
			     packet->tcp.ack);
	} else if (sends || ((taken->n || (taken->closing && !taken->done)) && taken->window)) {
		packet_probe(stream->inspector, packet, way_seq(client, client->acked),
			     ack_for_server(stream));
	} else {
		packet_drop(stream->inspector, packet->flight);
	}
}

// How much of the reply fits.
static uint32_t reply_fits(const struct stream *stream, const struct packet *packet)
{
	const struct taken *taken = stream->taken;
	const struct way *ways = stream->ways;
	const struct tcp *tcp = &packet->tcp;
	uint32_t room = packet->flight->room - (tcp->at + tcp->head);
	uint32_t most = ways[0].mss < ways[1].mss ? ways[0].mss : ways[1].mss;

	most -= tcp->head - TCP_HEAD_MIN;
	if (taken->repeats >= REPEATS_MAX && most > STREAM_SMALL)
		most = STREAM_SMALL;
	if (most > room)
		most = room;
	if (most > taken->window)
		most = (uint32_t)taken->window;
	return most < taken->n ? most : taken->n;
}

// Up to where the client's bytes are acknowledged; whole: by a packet with all that we have to say.
static int64_t ack_for_client(const struct stream *stream, bool whole)
{
	const struct way *client = &stream->ways[ENGINE_CLIENT];
	const struct taken *taken = stream->taken;
	int64_t ack = way_settled(client);
	bool last = ack == client->next;

	if (last && !whole)
		ack--;
	return ack > taken->ack_sent ? ack : taken->ack_sent;
}

static void from_server(struct stream *stream, struct packet *packet)
{
	struct way *client = &stream->ways[ENGINE_CLIENT], *server = &stream->ways[ENGINE_SERVER];
	struct taken *taken = stream->taken;
	struct tcp *tcp = &packet->tcp;
	uint32_t n, stamp = server->stamp_sent, echo = client->stamp;
	bool whole;

	if (packet->start <= server->next && packet_whole(packet) > server->next &&
	    !(tcp->flags & TCP_RST))
		server->next = packet_whole(packet);
	if ((tcp->flags & (TCP_ACK | TCP_RST)) == TCP_ACK && packet->ack >= client->acked) {
		client->acked = packet->ack;
		taken->heard = true;
		client->told = false; // a reset that it did not get
	}
	if (packet->flight->gso) {
		packet_drop(stream->inspector, packet->flight);
		return;
	}
	if (tcp->options & TCP_HAS_STAMP) {
		// A reset has none, and gets the latest.
		if ((int32_t)(tcp->stamp - stamp) > 0)
			stamp = server->stamp_sent = tcp->stamp;
		echo = tcp->echo;
	}
	if (!(tcp->flags & TCP_RST))
		server->window = tcp->window;
	tcp->flags = TCP_ACK;
	tcp_new_head(packet->bytes, tcp, stream->stamps, stamp, echo);
	stream_write_sacks(stream, packet);
	if (tcp_total(tcp) > packet->flight->room) {
		packet_drop(stream->inspector, packet->flight);
		return;
	}
	n = reply_fits(stream, packet);
	whole = n == taken->n;
	if (n)
		memcpy(packet->bytes + tcp->at + tcp->head, taken->reply, n);
	tcp->size = n;
	tcp->seq = way_seq(server, taken->at + (taken->done ? 1 : 0));
	tcp->flags |= (n ? TCP_PSH : 0) | (whole && taken->closing && !taken->done ? TCP_FIN : 0);
	taken->ack_sent = ack_for_client(stream, whole);
	tcp->ack = client->first + (uint32_t)taken->ack_sent;
	tcp->window = server->window;
	if (taken->at + n + (tcp->flags & TCP_FIN) > taken->sent)
		taken->sent = taken->at + n + (tcp->flags & TCP_FIN);
	if (n && taken->repeats < REPEATS_MAX)
		taken->repeats++;
	packet->flight->liberal = stream->liberal;
	stream->liberal = false;
	packet_send(stream->inspector, packet);
}

void taken_packet(struct stream *stream, struct packet *packet, bool fed)
{
	close_engine(stream);
	if (packet->side == ENGINE_CLIENT)
		from_client(stream, packet, fed);
	else
		from_server(stream, packet);
}
