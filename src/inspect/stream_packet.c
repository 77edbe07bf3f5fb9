// One packet: read, placed, given its fate.
#include "inspect/stream.h"

#include <errno.h>
#include <string.h>

int packet_read(struct flight *flight, struct packet *ret)
{
	struct packet packet = { .flight = flight, .bytes = flight->bytes };
	struct header header;
	int r = header_parse(flight->bytes, flight->size, &header);

	if (r == 0)
		r = tcp_parse(flight->bytes, flight->size, &header, &packet.tcp);
	if (r == 0 && packet.tcp.at > FLIGHT_HEAD_MAX)
		r = -EBADMSG; // the ferry could not tell that the packet stayed what it was
	if (r < 0)
		return r;
	packet.from = header.source;
	packet.to = header.destination;
	packet.fin = packet.tcp.flags & TCP_FIN;
	*ret = packet;
	return 0;
}

static int64_t nearest(int64_t base, uint32_t base_seq, uint32_t seq)
{
	return base + (int32_t)(seq - base_seq);
}

void packet_place(const struct stream *stream, struct packet *packet)
{
	const struct way *way = &stream->ways[packet->side], *other = &stream->ways[!packet->side];
	int64_t place = trail_place(&other->trail, other->passed);

	packet->start = nearest(way->next, way->first + (uint32_t)way->next, packet->tcp.seq);
	packet->end = packet->start + packet->tcp.size;
	packet->ack_place = nearest(place, way_seq(other, place), packet->tcp.ack);
	packet->ack = trail_offset(&other->trail, packet->ack_place, false);
	// Bytes of which nothing is left are acknowledged with those before them, but not unsent.
	if (packet->ack > other->passed)
		packet->ack = other->passed;
}

int64_t packet_whole(const struct packet *packet)
{
	return packet->end + packet->fin;
}

// A flight that is not the one in hand was held: its owner is told.
static void decide(struct inspector *inspector, struct flight *flight, enum flight_fate fate)
{
	flight->fate = fate;
	if (fate == FLIGHT_DROP)
		inspector->numbers.dropped++;
	else
		inspector->numbers.accepted++;
	if (flight->changed && fate == FLIGHT_ACCEPT)
		inspector->numbers.changed++;
	if (flight != inspector->current)
		inspector->options.decided(inspector->options.arg, flight);
}

void packet_accept(struct inspector *inspector, struct flight *flight)
{
	decide(inspector, flight, FLIGHT_ACCEPT);
}

void packet_drop(struct inspector *inspector, struct flight *flight)
{
	flight->changed = false;
	decide(inspector, flight, FLIGHT_DROP);
}

void packet_tell(struct inspector *inspector, const struct stream *stream,
		 const struct packet *packet, enum inspector_trouble trouble)
{
	struct engine_peer stranger = { .client = packet->from,
					.server = packet->to,
					.client_port = packet->tcp.port[0],
					.server_port = packet->tcp.port[1] };

	inspector->numbers.by_trouble[trouble]++;
	if (inspector->options.trouble)
		inspector->options.trouble(inspector->options.arg, inspector_trouble_names[trouble],
					   stream ? &stream->session.peer : &stranger);
}

void packet_refuse(struct inspector *inspector, const struct stream *stream,
		   const struct packet *packet, enum inspector_trouble trouble)
{
	packet_tell(inspector, stream, packet, trouble);
	packet_drop(inspector, packet->flight);
}

void packet_send(struct inspector *inspector, struct packet *packet)
{
	tcp_finish(packet->bytes, &packet->tcp);
	packet->flight->size = tcp_total(&packet->tcp);
	packet->flight->changed = true;
	packet_accept(inspector, packet->flight);
}

void packet_probe(struct inspector *inspector, struct packet *packet, uint32_t end, uint32_t ack)
{
	struct tcp *tcp = &packet->tcp;

	tcp_keep_options(packet->bytes, tcp, TCP_HAS_STAMP);
	// An old segment without bytes may be answered once in half a second only
	// (tcp_invalid_ratelimit of Linux).
	if (tcp->size == 0)
		tcp->size = 1;
	if (tcp_total(tcp) > packet->flight->room) {
		packet_drop(inspector, packet->flight);
		return;
	}
	memset(packet->bytes + tcp->at + tcp->head, 0, tcp->size);
	tcp->seq = end - tcp->size;
	tcp->ack = ack;
	tcp->flags = TCP_ACK;
	packet_send(inspector, packet);
}

void packet_reset(struct inspector *inspector, struct packet *packet, uint32_t seq, uint32_t ack)
{
	struct tcp *tcp = &packet->tcp;

	tcp_keep_options(packet->bytes, tcp, TCP_HAS_STAMP);
	// The kernel sends no packet on that says it is to be cut up, and is too short for that.
	if (packet->flight->gso)
		memset(packet->bytes + tcp->at + tcp->head, 0, tcp->size);
	else
		tcp->size = 0;
	tcp->seq = seq;
	tcp->ack = ack;
	tcp->flags = TCP_RST | TCP_ACK;
	tcp->window = 0;
	packet_send(inspector, packet);
}
