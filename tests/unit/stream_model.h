// Two small TCPs with an inspector between them, for tests of streams.  Each end has all that it is
// to send beforehand, sends it in pieces of random sizes, repeats it in others, and keeps what it
// gets; the lines between lose, repeat and reorder packets.  Written after RFC 9293 3.10.7, by
// itself: nothing of src/inspect or proto/tcp is used.
#ifndef SEKISHO_TESTS_STREAM_MODEL_H
#define SEKISHO_TESTS_STREAM_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/flight.h"

enum {
	M_FIN = 1,
	M_SYN = 2,
	M_RST = 4,
	M_PSH = 8,
	M_ACK = 16,
	M_URG = 32,
	M_STREAM_MAX = 1 << 20,
	M_ON_THE_WAY = 4096
};

static uint64_t m_random_state = 1;

static inline uint32_t m_random(uint32_t below)
{
	m_random_state = m_random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(m_random_state >> 33) % (below ? below : 1);
}

static inline bool m_chance(unsigned percent)
{
	return m_random(100) < percent;
}

// --- packets

struct m_segment {
	bool v6, from_server, gso;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window;
	const uint8_t *payload;
	uint32_t size;
	uint8_t options[40];
	uint8_t n_options; // a multiple of four
};

static inline void m_put(uint8_t *at, uint32_t value, unsigned n)
{
	while (n--)
		*at++ = (uint8_t)(value >> 8 * n);
}

static inline uint32_t m_get(const uint8_t *at, unsigned n)
{
	uint32_t value = 0;
	while (n--)
		value = value << 8 | *at++;
	return value;
}

static inline uint32_t m_sum(const uint8_t *bytes, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++) {
		sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
		sum = (sum >> 16) + (sum & 0xffff);
	}
	return sum;
}

static inline uint32_t m_tcp_sum(const uint8_t *bytes, bool v6, uint32_t at, uint32_t total)
{
	uint32_t sum = v6 ? m_sum(bytes + 8, 32, 0) : m_sum(bytes + 12, 8, 0);
	sum += 6 + (total - at);
	sum = (sum >> 16) + (sum & 0xffff);
	return m_sum(bytes + at, total - at, sum);
}

static inline struct flight *m_flight(const struct m_segment *segment)
{
	uint32_t at = segment->v6 ? 40 : 20, head = 20U + segment->n_options;
	uint32_t total = at + head + segment->size;
	struct flight *flight = calloc(1, sizeof(*flight));
	uint8_t *bytes = calloc(1, total + 2048);
	uint8_t *client = bytes + (segment->v6 ? 8 : 12) +
			  (segment->from_server ? (segment->v6 ? 16 : 4) : 0);
	uint8_t *server = bytes + (segment->v6 ? 8 : 12) +
			  (segment->from_server ? 0 : (segment->v6 ? 16 : 4));

	if (segment->v6) {
		bytes[0] = 0x60;
		m_put(bytes + 4, total - 40, 2);
		bytes[6] = 6;
		bytes[7] = 64;
		memcpy(client, (const uint8_t[]){ 0xfd, 0, 0, 0x20, [15] = 9 }, 16);
		memcpy(server, (const uint8_t[]){ 0xfd, 0, 0, 0x40, [15] = 25 }, 16);
	} else {
		bytes[0] = 0x45;
		m_put(bytes + 2, total, 2);
		bytes[6] = 0x40;
		bytes[8] = 64;
		bytes[9] = 6;
		memcpy(client, (const uint8_t[]){ 10, 20, 0, 9 }, 4);
		memcpy(server, (const uint8_t[]){ 192, 0, 2, 25 }, 4);
		m_put(bytes + 10, ~m_sum(bytes, 20, 0) & 0xffff, 2);
	}
	uint8_t *tcp = bytes + at;
	m_put(tcp, segment->from_server ? 25 : 40000, 2);
	m_put(tcp + 2, segment->from_server ? 40000 : 25, 2);
	m_put(tcp + 4, segment->seq, 4);
	m_put(tcp + 8, segment->ack, 4);
	tcp[12] = (uint8_t)(head / 4 << 4);
	tcp[13] = segment->flags;
	m_put(tcp + 14, segment->window, 2);
	memcpy(tcp + 20, segment->options, segment->n_options);
	if (segment->size)
		memcpy(tcp + head, segment->payload, segment->size);
	m_put(tcp + 16, ~m_tcp_sum(bytes, segment->v6, at, total) & 0xffff, 2);
	*flight = (struct flight){
		.bytes = bytes, .size = total, .room = total + 2048, .mark = 1, .gso = segment->gso
	};
	return flight;
}

static inline void m_flight_free(struct flight *flight)
{
	free(flight->bytes);
	free(flight);
}

// --- one end

enum m_state { M_CLOSED, M_LISTEN, M_SYN_SENT, M_SYN_RECEIVED, M_OPEN };

struct m_way_config {
	unsigned loss, twice, late; // percent
};

struct m_end {
	bool v6, server, nagle, gso, lose;
	bool stamps, sacks;
	enum m_state state;
	uint32_t first, peer_first; // sequence number of offset 0
	const uint8_t *out;
	uint32_t n_out, written; // written: by its program
	uint32_t una, nxt;	 // FIN is n_out
	uint32_t edge;		 // what the peer takes
	uint32_t cwnd, mss;
	bool closing; // FIN behind the bytes
	uint8_t *in;
	uint8_t *have;		  // by offset
	uint32_t in_next, fin_at; // fin_at: UINT32_MAX
	bool fin_in, was_reset;
	uint32_t window, stamp_recent, scale, peer_scale;
	uint64_t timer, rto, repaired_at;
	unsigned same_acks, n_sent;
	bool repairs;	   // at once what it learns is missing, and not by its timer
	uint8_t *sacked;   // by offset
	uint32_t repaired; // all before it was repeated or acknowledged
	uint32_t recover;  // what was sent when a loss was noticed
	uint32_t told[2];  // what came twice, to be said (RFC 2883)
	unsigned n_timeouts;
	const char *fault; // what must not have happened
	// How many bytes the segment at offset nxt is to have; NULL: at random.
	uint32_t (*piece)(const struct m_end *end);
};

static inline void m_end_init(struct m_end *end, bool server, const uint8_t *out, uint32_t n_out)
{
	*end = (struct m_end){ .server = server,
			       .state = server ? M_LISTEN : M_CLOSED,
			       .first = m_chance(30) ? 0U - m_random(3000) : m_random(UINT32_MAX),
			       .out = out,
			       .n_out = n_out,
			       .written = n_out,
			       .cwnd = 1000 + m_random(30000),
			       .mss = 200 + m_random(1260),
			       .in = calloc(1, M_STREAM_MAX),
			       .have = calloc(1, M_STREAM_MAX),
			       .sacked = calloc(1, M_STREAM_MAX),
			       .fin_at = UINT32_MAX,
			       .window = 2000 + m_random(60000),
			       .scale = m_random(8),
			       .rto = 40,
			       .closing = true };
}

static inline void m_end_done(struct m_end *end)
{
	free(end->in);
	free(end->have);
	free(end->sacked);
}

// --- the lines

struct m_net {
	struct m_end ends[2]; // client, server
	struct inspector *inspector;
	struct {
		struct flight *flight;
		uint64_t at;
		bool to_server, judged;
	} way[M_ON_THE_WAY];
	unsigned n;
	struct m_way_config config;
	unsigned lose_each[2], n_new[2]; // of packets with new bytes, before the inspector
	uint64_t now;
	bool v6;
};

static inline void m_travel(struct m_net *net, struct flight *flight, bool to_server, bool judged)
{
	uint64_t at = net->now + 1 + (m_chance(net->config.late) ? m_random(30) : 0);

	if (net->n == M_ON_THE_WAY || m_chance(net->config.loss)) {
		m_flight_free(flight);
		return;
	}
	net->way[net->n].flight = flight;
	net->way[net->n].at = at;
	net->way[net->n].to_server = to_server;
	net->way[net->n++].judged = judged;
}

static inline struct flight *m_copy(const struct flight *flight)
{
	struct flight *copy = malloc(sizeof(*copy));
	*copy = *flight;
	copy->bytes = malloc(flight->room);
	memcpy(copy->bytes, flight->bytes, flight->size);
	return copy;
}

static inline void m_launch(struct m_net *net, struct flight *flight, bool to_server)
{
	if (m_chance(net->config.twice))
		m_travel(net, m_copy(flight), to_server, false);
	m_travel(net, flight, to_server, false);
}

static inline void m_option_stamp(struct m_segment *segment, uint64_t now, uint32_t echo)
{
	uint8_t *at = segment->options + segment->n_options;
	memcpy(at, (const uint8_t[]){ 1, 1, 8, 10 }, 4);
	m_put(at + 4, (uint32_t)now + 4000000000U, 4);
	m_put(at + 8, echo, 4);
	segment->n_options += 12;
}

static inline void m_option_sack(struct m_end *end, struct m_segment *segment)
{
	uint32_t a = end->in_next, b;
	uint8_t *at = segment->options + segment->n_options;
	uint32_t blocks[2][2];
	unsigned n = 0;

	if (end->told[0] < end->told[1]) {
		blocks[n][0] = end->told[0];
		blocks[n++][1] = end->told[1];
		end->told[1] = end->told[0];
	}
	while (a < end->in_next + 200000 && a < M_STREAM_MAX && !end->have[a])
		a++;
	if (a < end->in_next + 200000 && a < M_STREAM_MAX) {
		for (b = a; b < M_STREAM_MAX && end->have[b]; b++)
			;
		blocks[n][0] = end->peer_first + a;
		blocks[n++][1] = end->peer_first + b;
	}
	if (!n)
		return;
	memcpy(at, (const uint8_t[]){ 1, 1, 5, (uint8_t)(2 + 8 * n) }, 4);
	for (unsigned i = 0; i < n; i++) {
		m_put(at + 4 + 8 * i, blocks[i][0], 4);
		m_put(at + 8 + 8 * i, blocks[i][1], 4);
	}
	segment->n_options += (uint8_t)(4 + 8 * n);
}

static inline void m_send(struct m_net *net, struct m_end *end, uint8_t flags, uint32_t offset,
			  uint32_t n)
{
	uint32_t window = flags & M_SYN ? end->window : end->window >> end->scale;
	struct m_segment segment = { .v6 = net->v6,
				     .from_server = end->server,
				     .seq = end->first + offset,
				     .ack = end->peer_first + end->in_next + end->fin_in,
				     .flags = flags,
				     .window = (uint16_t)window,
				     .payload = end->out + offset,
				     .size = n,
				     .gso = n > end->mss };

	if (flags & M_SYN) {
		segment.seq = end->first - 1;
		memcpy(segment.options, (const uint8_t[]){ 2, 4, 0, 0, 3, 3, 0, 1, 4, 2, 1, 1 },
		       12);
		m_put(segment.options + 2, end->mss, 2);
		segment.options[6] = (uint8_t)end->scale;
		if (!end->sacks)
			segment.options[8] = segment.options[9] = 1;
		segment.n_options = 12;
	}
	if (!(flags & M_ACK))
		segment.ack = 0;
	if (end->stamps && !(flags & M_RST))
		m_option_stamp(&segment, net->now, end->stamp_recent);
	if (end->sacks && !(flags & (M_SYN | M_RST)) && (flags & M_ACK))
		m_option_sack(end, &segment);
	end->n_sent++;
	if (!end->lose)
		m_launch(net, m_flight(&segment), !end->server);
}

static inline void m_ack(struct m_net *net, struct m_end *end)
{
	m_send(net, end, M_ACK, end->nxt, 0);
}

// From offset on, at most n bytes, and FIN where it comes next.
static inline uint32_t m_send_data(struct m_net *net, struct m_end *end, uint32_t offset,
				   uint32_t n)
{
	bool fin;
	if (offset + n > end->n_out)
		n = offset < end->n_out ? end->n_out - offset : 0;
	fin = end->closing && offset + n == end->n_out && end->written == end->n_out;
	if (offset > end->n_out)
		return offset;
	m_send(net, end, (uint8_t)(M_ACK | (n ? M_PSH : 0) | (fin ? M_FIN : 0)), offset, n);
	return offset + n + fin;
}

// From what is not acknowledged on, cut otherwise than before, perhaps with new bytes behind.
static inline void m_repeat(struct m_net *net, struct m_end *end)
{
	uint32_t n = 1 + m_random(end->mss), to;
	if (n > end->written - end->una)
		n = end->una < end->written ? end->written - end->una : 0;
	if (end->una + n > end->edge)
		n = end->edge > end->una ? end->edge - end->una : 0;
	to = m_send_data(net, end, end->una, n);
	if (to > end->nxt)
		end->nxt = to;
}

static inline void m_push(struct m_net *net, struct m_end *end)
{
	for (unsigned i = 0; i < 8 && end->state == M_OPEN && !end->was_reset; i++) {
		uint32_t edge = end->una + end->cwnd < end->edge ? end->una + end->cwnd : end->edge;
		uint32_t n = end->piece ? end->piece(end)
					: 1 + m_random(end->gso && m_chance(30) ? end->mss * 6
										: end->mss);
		if (end->nxt > end->n_out || (end->nxt == end->n_out && !end->closing))
			return;
		if (n > end->written - end->nxt)
			n = end->written - end->nxt;
		if (end->nxt + n > edge)
			n = edge > end->nxt ? edge - end->nxt : 0;
		if (!n && !(end->nxt == end->n_out && end->closing))
			return;
		if (end->nagle && n < end->mss && end->una < end->nxt)
			return;
		if (end->una == end->nxt)
			end->timer = net->now + end->rto;
		// The last ones are not lost: nothing behind them would tell.
		end->lose = net->lose_each[end->server] && end->nxt + 20 * end->mss < end->n_out &&
			    ++net->n_new[end->server] % net->lose_each[end->server] == 0;
		end->nxt = m_send_data(net, end, end->nxt, n);
		end->lose = false;
	}
}

static inline void m_tick_end(struct m_net *net, struct m_end *end)
{
	if (end->was_reset || end->state == M_CLOSED || end->state == M_LISTEN)
		return;
	if (end->state == M_OPEN)
		m_push(net, end);
	if (net->now < end->timer)
		return;
	if (end->rto < 1000)
		end->rto *= 2;
	end->timer = net->now + end->rto;
	if (end->state == M_OPEN && end->una < end->nxt) {
		end->n_timeouts++;
		end->repaired = 0;
		memset(end->sacked, 0, M_STREAM_MAX);
	}
	if (end->state == M_SYN_SENT)
		m_send(net, end, M_SYN, 0, 0);
	else if (end->state == M_SYN_RECEIVED)
		m_send(net, end, M_SYN | M_ACK, 0, 0);
	else if (end->una < end->nxt)
		m_repeat(net, end);
	else if (end->nxt < end->n_out && end->edge <= end->nxt)
		m_send(net, end, M_ACK, end->nxt - 1, 0); // is the window still closed?
}

static inline void m_take_data(struct m_net *net, struct m_end *end, uint32_t offset,
			       const uint8_t *bytes, uint32_t n, bool fin)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = offset + i;
		if (at < end->in_next || at >= M_STREAM_MAX || end->have[at] ||
		    at >= end->in_next + end->window)
			continue;
		end->in[at] = bytes[i];
		end->have[at] = 1;
	}
	if (fin)
		end->fin_at = offset + n;
	while (end->in_next < M_STREAM_MAX && end->have[end->in_next])
		end->in_next++;
	if (end->in_next == end->fin_at)
		end->fin_in = true;
	m_ack(net, end);
}

struct m_view {
	uint32_t seq, ack, window, size, stamp, mss, scale;
	uint8_t flags;
	bool has_stamp, has_scale, has_sack_permitted;
	uint32_t sacks[8];
	unsigned n_sacks;
	const uint8_t *payload;
};

// Bytes that are known to be missing since later ones arrived (SACK), or the first ones (RFC 6582).
static inline void m_repair(struct m_net *net, struct m_end *end)
{
	uint32_t known = end->una, at = end->una > end->repaired ? end->una : end->repaired;

	for (uint32_t i = end->una; i < end->nxt && i < M_STREAM_MAX; i++)
		known = end->sacked[i] ? i : known;
	if (!end->sacks) {
		if (end->same_acks == 3)
			end->recover = end->nxt;
		known = end->una < end->recover ? end->una + 1 : 0;
	}
	for (uint32_t n; at < known; at += n) {
		for (n = 0; at + n < end->n_out && n < end->mss && at + n < end->nxt &&
			    !end->sacked[at + n];
		     n++)
			;
		if (n)
			m_send_data(net, end, at, n);
		else
			n = 1;
	}
	if (at > end->repaired) {
		end->repaired = at;
		end->repaired_at = net->now;
	}
}

static inline void m_take_sacks(struct m_end *end, const struct m_view *view)
{
	for (unsigned i = 0; i + 1 < view->n_sacks; i += 2) {
		int32_t from = (int32_t)(view->sacks[i] - end->first);
		int32_t to = (int32_t)(view->sacks[i + 1] - end->first);
		if (to > (int32_t)end->nxt)
			end->fault = "SACK of what was never sent";
		for (; from < to && from < (int32_t)M_STREAM_MAX && !end->fault; from++) {
			if (from >= 0)
				end->sacked[from] = 1;
		}
	}
}

static inline void m_take_ack(struct m_net *net, struct m_end *end, const struct m_view *view)
{
	uint32_t ack = view->ack - end->first, window = view->window << end->peer_scale;

	if (ack > end->una) {
		end->una = ack;
		end->rto = end->repairs ? 2000 : 40;
		end->timer = net->now + end->rto;
		end->same_acks = 0;
		if (net->now > end->repaired_at + 6) // what was repeated got lost, too
			end->repaired = 0;
	} else if (ack == end->una && end->una < end->nxt && ++end->same_acks == 3 &&
		   !end->repairs) {
		m_repeat(net, end);
	}
	if (ack + window > end->edge)
		end->edge = ack + window;
	m_take_sacks(end, view);
	if (end->repairs)
		m_repair(net, end);
}

static inline void m_view_options(const uint8_t *tcp, uint32_t head, struct m_view *view)
{
	for (uint32_t i = 20; i < head;) {
		uint8_t kind = tcp[i];
		if (!kind)
			break;
		if (kind == 1) {
			i++;
			continue;
		}
		if (kind == 2)
			view->mss = m_get(tcp + i + 2, 2);
		if (kind == 3) {
			view->scale = tcp[i + 2];
			view->has_scale = true;
		}
		if (kind == 4)
			view->has_sack_permitted = true;
		if (kind == 8) {
			view->has_stamp = true;
			view->stamp = m_get(tcp + i + 2, 4);
		}
		if (kind == 5) {
			for (unsigned j = 0; j < (tcp[i + 1] - 2U) / 4 && j < 8; j++)
				view->sacks[view->n_sacks++] = m_get(tcp + i + 2 + 4 * j, 4);
		}
		i += tcp[i + 1];
	}
}

// NULL, or what is wrong with a packet that the inspector let go.
static inline const char *m_view(const struct flight *flight, struct m_view *ret)
{
	const uint8_t *bytes = flight->bytes;
	bool v6 = bytes[0] >> 4 == 6;
	uint32_t at = v6 ? 40 : 20;
	uint32_t total = v6 ? 40 + m_get(bytes + 4, 2) : m_get(bytes + 2, 2);
	const uint8_t *tcp = bytes + at;
	uint32_t head = (uint32_t)(tcp[12] >> 4) * 4;

	if (total != flight->size || at + head > total)
		return "lengths";
	if (!v6 && (~m_sum(bytes, 20, 0) & 0xffff))
		return "IP checksum";
	if (~m_tcp_sum(bytes, v6, at, total) & 0xffff)
		return "TCP checksum";
	*ret = (struct m_view){ .seq = m_get(tcp + 4, 4),
				.ack = m_get(tcp + 8, 4),
				.flags = tcp[13],
				.window = m_get(tcp + 14, 2),
				.size = total - at - head,
				.payload = tcp + head };
	m_view_options(tcp, head, ret);
	return NULL;
}

static inline void m_no_socket(struct m_net *net, struct m_end *end, const struct m_view *view)
{
	struct m_segment segment = { .v6 = net->v6, .from_server = end->server };

	if (view->flags & M_RST)
		return;
	segment.flags = view->flags & M_ACK ? M_RST : M_RST | M_ACK;
	segment.seq = view->flags & M_ACK ? view->ack : 0;
	segment.ack = view->flags & M_ACK ? 0
					  : view->seq + view->size + !!(view->flags & M_SYN) +
						    !!(view->flags & M_FIN);
	m_launch(net, m_flight(&segment), !end->server);
}

static inline void m_begin(struct m_net *net, struct m_end *end, const struct m_view *view)
{
	end->peer_first = view->seq + 1;
	end->stamps = end->stamps && view->has_stamp;
	end->sacks = end->sacks && view->has_sack_permitted;
	end->peer_scale = view->has_scale ? view->scale : 0;
	if (!view->has_scale)
		end->scale = 0;
	if (view->mss && view->mss < end->mss)
		end->mss = view->mss;
	end->stamp_recent = view->stamp;
	end->edge = view->window;
	end->timer = net->now + end->rto;
}

static inline void m_handshake(struct m_net *net, struct m_end *end, const struct m_view *view)
{
	uint8_t flags = view->flags & (M_SYN | M_ACK | M_RST);

	if (end->state == M_LISTEN && flags == M_SYN) {
		end->state = M_SYN_RECEIVED;
		m_begin(net, end, view);
		m_send(net, end, M_SYN | M_ACK, 0, 0);
	} else if (end->state == M_SYN_SENT && flags == (M_SYN | M_ACK) &&
		   view->ack == end->first) {
		end->state = M_OPEN;
		m_begin(net, end, view);
		m_ack(net, end);
	} else if (end->state == M_SYN_SENT && (flags & M_RST)) {
		end->was_reset = true;
		end->state = M_CLOSED;
	}
}

static inline bool m_reset_or_old(struct m_net *net, struct m_end *end, const struct m_view *view,
				  int32_t offset)
{
	uint32_t expected = end->in_next + end->fin_in;

	if (view->flags & M_RST) {
		if ((uint32_t)offset == expected)
			end->was_reset = true;
		else if (offset > (int32_t)expected && offset < (int32_t)(expected + end->window))
			m_ack(net, end);
		return true;
	}
	if (end->stamps && view->has_stamp && (int32_t)(view->stamp - end->stamp_recent) < 0) {
		if (view->size)
			m_ack(net, end);
		return true;
	}
	// What is old, and what asks whether the window is still closed.
	if ((view->flags & M_SYN) ||
	    (view->size && offset + (int64_t)view->size <= (int64_t)expected) ||
	    (!view->size && offset == (int32_t)expected - 1)) {
		end->told[0] = view->seq;
		end->told[1] = view->seq + view->size;
		m_ack(net, end);
		return true;
	}
	return false;
}

static inline void m_receive(struct m_net *net, struct m_end *end, const struct flight *flight)
{
	struct m_view view;
	int32_t offset, ack;

	end->fault = end->fault ? end->fault : m_view(flight, &view);
	if (end->fault)
		return;
	if (end->was_reset || end->state == M_CLOSED) {
		m_no_socket(net, end, &view);
		return;
	}
	if (end->state == M_LISTEN || end->state == M_SYN_SENT) {
		m_handshake(net, end, &view);
		return;
	}
	offset = (int32_t)(view.seq - end->peer_first);
	ack = (int32_t)(view.ack - end->first);
	if (m_reset_or_old(net, end, &view, offset) || !(view.flags & M_ACK))
		return;
	if (ack > (int32_t)end->nxt) {
		end->fault = "an acknowledgement of what was never sent";
		return;
	}
	if (end->state == M_SYN_RECEIVED)
		end->state = M_OPEN;
	if (end->stamps && view.has_stamp && offset <= (int32_t)(end->in_next + end->fin_in))
		end->stamp_recent = view.stamp;
	if (ack >= 0)
		m_take_ack(net, end, &view);
	if (view.size || (view.flags & M_FIN)) {
		if (offset < 0) { // an old segment with new bytes behind
			view.payload -= offset;
			view.size += (uint32_t)offset;
			offset = 0;
		}
		m_take_data(net, end, (uint32_t)offset, view.payload, view.size,
			    view.flags & M_FIN);
	}
}

#endif
