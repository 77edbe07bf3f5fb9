// Packets in, fates out.
#include "inspect/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

enum { SECOND = 1000000, LEAP_MAX = 5 * SECOND };

const char *const inspector_trouble_names[TROUBLES] = {
	[TROUBLE_PACKET] = "packet",	   [TROUBLE_SUM] = "sum",
	[TROUBLE_FLAGS] = "flags",	   [TROUBLE_URGENT] = "urgent",
	[TROUBLE_HANDSHAKE] = "handshake", [TROUBLE_STRAY] = "stray",
	[TROUBLE_SEQUENCE] = "sequence",   [TROUBLE_ACK] = "ack",
	[TROUBLE_STAMP] = "stamp",	   [TROUBLE_OVERLAP] = "overlap",
	[TROUBLE_RESET] = "reset",	   [TROUBLE_FIN] = "fin",
	[TROUBLE_FULL] = "full",	   [TROUBLE_ENDED] = "ended",
	[TROUBLE_SWALLOWED] = "swallowed", [TROUBLE_ENGINE] = "engine",
};

int inspector_new_with(const struct inspector_options *options, const struct engine_kind *kind,
		       struct inspector **ret_inspector)
{
	struct inspector *inspector;
	int r;

	if (!options->decided || !options->connections_max)
		return -EINVAL;
	inspector = calloc(1, sizeof(*inspector));
	if (!inspector)
		return -ENOMEM;
	inspector->options = *options;
	sessions_init(&inspector->sessions, &inspector->options, kind);
	r = table_init(inspector);
	if (r < 0) {
		free(inspector);
		return r;
	}
	*ret_inspector = inspector;
	return 0;
}

void inspector_free(struct inspector *inspector)
{
	if (!inspector)
		return;
	table_done(inspector);
	sessions_done(&inspector->sessions);
	free(inspector);
}

int inspector_set_profiles(struct inspector *inspector, const struct profiles *profiles,
			   void (*retire)(void *arg, const struct profiles *profiles), void *arg)
{
	return sessions_set_profiles(&inspector->sessions, profiles, retire, arg);
}

// The wall clock may be set; how long a connection is idle goes by its small steps only.
void inspector_clock(struct inspector *inspector, uint64_t wall_us)
{
	uint64_t *last_us = &inspector->sessions.wall_us;

	if (*last_us && wall_us > *last_us) {
		uint64_t step = wall_us - *last_us;
		inspector->now_us += step < LEAP_MAX ? step : LEAP_MAX;
	}
	*last_us = wall_us;
}

// SYN; SYN and ACK; RST with or without ACK; ACK with or without FIN.  PSH and the bits of
// congestion notification go with all of them.
static bool flags_agree(uint8_t flags)
{
	static const uint8_t fine[] = { TCP_SYN,	   TCP_SYN | TCP_ACK, TCP_RST,
					TCP_RST | TCP_ACK, TCP_ACK,	      TCP_ACK | TCP_FIN };
	flags &= TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN;
	for (size_t i = 0; i < sizeof(fine); i++) {
		if (flags == fine[i])
			return true;
	}
	return false;
}

static bool is_sound(struct inspector *inspector, const struct packet *packet)
{
	const struct flight *flight = packet->flight;
	enum inspector_trouble trouble;

	if (!flags_agree(packet->tcp.flags))
		trouble = TROUBLE_FLAGS;
	else if (packet->tcp.flags & TCP_URG)
		trouble = TROUBLE_URGENT;
	else if (packet->tcp.options & TCP_HAS_SIGNATURE)
		trouble = TROUBLE_HANDSHAKE;
	else if (!flight->sums_not_ready && !flight->sums_checked &&
		 !tcp_sum_right(packet->bytes, &packet->tcp))
		trouble = TROUBLE_SUM;
	else
		return true;
	packet_refuse(inspector, NULL, packet, trouble);
	return false;
}

static void judge(struct inspector *inspector, struct packet *packet)
{
	uint32_t mark = packet->flight->mark & FLIGHT_GUARD;
	bool begins = (packet->tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	struct stream *stream = table_find(inspector, packet, &packet->side);

	if (stream && begins && stream_begins_again(stream, packet)) {
		// Connection tracking may still know the one before, and then does not ask which
		// flow lets it in.
		if (!mark && packet->side == ENGINE_CLIENT && stream->session.peer.flow)
			mark = stream->session.peer.flow->mark;
		table_remove(stream);
		stream = NULL;
	}
	if (stream) {
		stream_packet(stream, packet);
		table_touch(stream);
		table_count(stream);
	} else if (begins) {
		stream_begin(inspector, packet, mark);
	} else {
		reset_stray(inspector, packet);
	}
}

void inspector_packet(struct inspector *inspector, struct flight *flight, uint64_t now_us)
{
	struct packet packet;

	inspector_clock(inspector, now_us);
	inspector->numbers.packets++;
	inspector->current = flight;
	flight->fate = FLIGHT_PENDING;
	flight->changed = flight->passed = flight->liberal = false;
	if (packet_read(flight, &packet) < 0) {
		inspector->numbers.by_trouble[TROUBLE_PACKET]++;
		packet_drop(inspector, flight);
	} else if (is_sound(inspector, &packet)) {
		judge(inspector, &packet);
	}
	// Whatever nobody decided about does not go on.
	if (flight->fate == FLIGHT_PENDING)
		packet_drop(inspector, flight);
	inspector->current = NULL;
}

void inspector_scanned(struct inspector *inspector, void *owner, const struct scan_result *result,
		       uint64_t now_us)
{
	inspector_clock(inspector, now_us);
	session_scanned(owner, result);
}

void inspector_scan_room(struct inspector *inspector, void *owner, uint64_t now_us)
{
	inspector_clock(inspector, now_us);
	session_scan_room(owner);
}

void inspector_held(struct inspector *inspector, void *owner, const struct hold_result *result,
		    uint64_t now_us)
{
	inspector_clock(inspector, now_us);
	session_held(owner, result);
}

void inspector_hold_room(struct inspector *inspector, void *owner, uint64_t now_us)
{
	inspector_clock(inspector, now_us);
	session_hold_room(owner);
}

void inspector_opened(struct inspector *inspector, void *owner, const struct apart_answer *answer,
		      uint64_t now_us)
{
	inspector_clock(inspector, now_us);
	session_opened(owner, answer);
}

void inspector_tick(struct inspector *inspector, uint64_t now_us)
{
	inspector_clock(inspector, now_us);
	hold_tick(inspector);
	table_tick(inspector);
}

void inspector_numbers(const struct inspector *inspector, struct inspector_numbers *ret)
{
	*ret = inspector->numbers;
	ret->ended = inspector->sessions.ended;
}

struct sessions *inspector_sessions(struct inspector *inspector)
{
	return &inspector->sessions;
}
