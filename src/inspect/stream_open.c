// How a connection begins: SYN, SYN with ACK, ACK, and nothing else.
#include "inspect/stream.h"

enum {
	SYN_OPTIONS = TCP_HAS_MSS | TCP_HAS_SCALE | TCP_HAS_SACK_PERMITTED | TCP_HAS_STAMP,
	MSS_V4 = 536, // RFC 9293 3.7.1, where none is said
	MSS_V6 = 1220,
};

// What a side says of itself in its SYN.
static void read_syn(struct stream *stream, const struct packet *packet)
{
	struct way *way = &stream->ways[packet->side];
	const struct tcp *tcp = &packet->tcp;

	way->first = tcp->seq + 1;
	way->gap = -1;
	way->mss = tcp->options & TCP_HAS_MSS ? tcp->mss : tcp->v4 ? MSS_V4 : MSS_V6;
	if (way->mss < 64)
		way->mss = 64;
	way->scale = tcp->options & TCP_HAS_SCALE ? tcp->scale : 0;
	way->window = tcp->window;
	way->stamp = way->stamp_sent = tcp->stamp;
	stream->ways[!packet->side].edge = tcp->window;
}

void stream_pass_syn(struct stream *stream, struct packet *packet)
{
	uint8_t keep = SYN_OPTIONS;

	if (packet->side == ENGINE_SERVER) {
		if (!stream->stamps)
			keep &= (uint8_t)~TCP_HAS_STAMP;
		if (!stream->sacks)
			keep &= (uint8_t)~TCP_HAS_SACK_PERMITTED;
		if (!stream->scaled)
			keep &= (uint8_t)~TCP_HAS_SCALE;
	}
	if (tcp_keep_options(packet->bytes, &packet->tcp, keep))
		packet_send(stream->inspector, packet);
	else
		packet_accept(stream->inspector, packet->flight);
}

static bool is_plain(const struct packet *packet)
{
	return !packet->tcp.size && !packet->fin && !(packet->tcp.options & TCP_HAS_SIGNATURE);
}

void stream_begin(struct inspector *inspector, struct packet *packet, uint32_t mark)
{
	struct sessions *sessions = &inspector->sessions;
	struct stream *stream;

	if (!is_plain(packet)) {
		packet_refuse(inspector, NULL, packet, TROUBLE_HANDSHAKE);
		return;
	}
	if (!sessions->use || !profiles_find(sessions->use->profiles, mark)) {
		packet_refuse(inspector, NULL, packet, TROUBLE_STRAY);
		return;
	}
	stream = table_add(inspector, packet);
	if (!stream) {
		packet_refuse(inspector, NULL, packet, TROUBLE_FULL);
		return;
	}
	session_use(&stream->session, mark);
	packet->side = ENGINE_CLIENT;
	stream->stamps = packet->tcp.options & TCP_HAS_STAMP;
	stream->sacks = packet->tcp.options & TCP_HAS_SACK_PERMITTED;
	stream->scaled = packet->tcp.options & TCP_HAS_SCALE;
	read_syn(stream, packet);
	stream_pass_syn(stream, packet);
}

bool stream_begins_again(const struct stream *stream, const struct packet *packet)
{
	const struct way *ways = stream->ways;

	// A late copy of the SYN that began it.
	if (packet->side == ENGINE_CLIENT && packet->tcp.seq + 1 == ways[0].first)
		return false;
	switch ((enum stream_state)stream->state) {
	case STREAM_OPENING:
		return packet->side == ENGINE_CLIENT;
	case STREAM_RESET:
		return true;
	case STREAM_TAKEN:
		return stream->taken->done;
	case STREAM_OPEN:
	case STREAM_RELEASED:
		return stream->left ||
		       (ways[0].passed > ways[0].fin && ways[1].passed > ways[1].fin);
	default:
		return false;
	}
}

static void from_server(struct stream *stream, struct packet *packet)
{
	struct way *client = &stream->ways[ENGINE_CLIENT], *server = &stream->ways[ENGINE_SERVER];
	const struct tcp *tcp = &packet->tcp;

	if (!(tcp->flags & TCP_ACK) || tcp->ack != client->first || !is_plain(packet)) {
		packet_refuse(stream->inspector, stream, packet, TROUBLE_HANDSHAKE);
		return;
	}
	if ((tcp->flags & TCP_RST) && stream->state == STREAM_OPENING) {
		server->first = tcp->seq;
		packet_accept(stream->inspector, packet->flight);
		stream->state = STREAM_RESET;
		server->told = client->told = true;
		return;
	}
	if (!(tcp->flags & TCP_SYN) ||
	    (stream->state == STREAM_ANSWERED && tcp->seq + 1 != server->first)) {
		packet_refuse(stream->inspector, stream, packet, TROUBLE_HANDSHAKE);
		return;
	}
	if (stream->state == STREAM_OPENING) {
		read_syn(stream, packet);
		stream->stamps = stream->stamps && (tcp->options & TCP_HAS_STAMP);
		stream->sacks = stream->sacks && (tcp->options & TCP_HAS_SACK_PERMITTED);
		stream->scaled = stream->scaled && (tcp->options & TCP_HAS_SCALE);
		if (!stream->scaled)
			server->scale = client->scale = 0;
		stream->state = STREAM_ANSWERED;
	}
	stream_pass_syn(stream, packet);
}

static void from_client(struct stream *stream, struct packet *packet)
{
	struct inspector *inspector = stream->inspector;
	const struct tcp *tcp = &packet->tcp;

	packet_place(stream, packet);
	if ((tcp->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && packet->start == -1 &&
	    is_plain(packet)) {
		stream_pass_syn(stream, packet);
	} else if ((tcp->flags & TCP_RST) && packet->start == 0) {
		stream_peer_reset(stream, packet);
	} else if (stream->state == STREAM_ANSWERED && !(tcp->flags & (TCP_SYN | TCP_RST)) &&
		   packet->ack_place == 0 && packet->start >= 0 &&
		   packet->start <= stream->ways[ENGINE_CLIENT].edge) {
		stream->state = STREAM_OPEN;
		inspector->numbers.connections_made++;
		if (session_begin(&stream->session) < 0) {
			packet_tell(inspector, stream, packet, TROUBLE_FULL);
			stream->ending = true;
		}
		// An engine may end or take a connection over before its first byte.
		if (stream->ending && stream->state == STREAM_OPEN)
			stream_reset(stream, packet);
		else
			stream_packet(stream, packet);
	} else {
		packet_refuse(inspector, stream, packet, TROUBLE_HANDSHAKE);
	}
}

void stream_handshake(struct stream *stream, struct packet *packet)
{
	if (packet->side == ENGINE_SERVER)
		from_server(stream, packet);
	else
		from_client(stream, packet);
}
