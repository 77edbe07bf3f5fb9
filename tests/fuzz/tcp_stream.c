// A connection whose two ends do anything: eight bytes say a packet, the engine does what the lines
// say (unit/stream_script.h).  What goes on must be what the engine decided, at its place.
#include <assert.h>
#include <stdint.h>

#include "unit/stream_model.h"
#include "unit/stream_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { DECIDED_MAX = 1 << 16, PACKETS_MAX = 400 };

static uint8_t decided[2][DECIDED_MAX];
static uint64_t n_decided[2];
static int64_t acked[2]; // by the receiver, of what each side sent
static bool over;	 // reset, taken over or released, or of several connections: other rules
static bool turned;	 // the client of the connection has port 25
static uint32_t firsts[2];
static uint32_t starts[2]; // of its bytes, by the SYN that went on: damage makes SYNs elsewhere
static uint32_t came;	   // where the packet that is looked at stood
static bool begun[2];	   // its SYN went on: before that, nobody takes its bytes

static void remember(enum engine_side side, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n && n_decided[side] < DECIDED_MAX; i++)
		decided[side][n_decided[side]++] = bytes[i];
}

// The engine's host sees each order; this one looks on.
static struct engine_host real;
static struct {
	uint8_t bytes[DECIDED_MAX];
	uint64_t from, to;
} waiting[2];

static void on_order(void *arg, const struct engine_order *order)
{
	(void)arg;
	if (order->verb == ENGINE_PASS || order->verb == ENGINE_OVERWRITE ||
	    order->verb == ENGINE_REPLACE) {
		uint64_t from = waiting[order->side].from;
		waiting[order->side].from += order->size;
		if (order->verb == ENGINE_PASS)
			remember(order->side, waiting[order->side].bytes + from, order->size);
		else
			remember(order->side, order->bytes, order->n_bytes);
	} else {
		over = true;
	}
	real.order(real.arg, order);
}

static int make(const struct engine_peer *peer, const struct engine_host *host,
		struct source_limits *limits, uint64_t now_us, struct engine **ret)
{
	struct engine_host between = { .order = on_order,
				       .record = host->record,
				       .arg = host->arg,
				       .renew = host->renew,
				       .stops = host->stops };
	real = *host;
	turned = peer->client_port == 25; // the one that is the server else began
	// The same two ends may begin anew.
	n_decided[0] = n_decided[1] = 0;
	memset(waiting, 0, sizeof(waiting));
	return script_make(peer, &between, limits, now_us, ret);
}

static void feed(struct engine *engine, enum engine_side side, const uint8_t *bytes, size_t size,
		 uint64_t now_us)
{
	if (waiting[side].to + size > DECIDED_MAX) {
		over = true;
		return;
	}
	memcpy(waiting[side].bytes + waiting[side].to, bytes, size);
	waiting[side].to += size;
	script_feed(engine, side, bytes, size, now_us);
}

static const struct engine_kind kind = { .make = make,
					 .free = script_free,
					 .feed = feed,
					 .closed = script_closed,
					 .memory = script_memory };

static void judge(const struct flight *flight)
{
	struct m_view view;
	const uint8_t *tcp = flight->bytes + (flight->bytes[0] >> 4 == 6 ? 40 : 20);
	unsigned side = m_get(tcp, 2) == 25;

	// With options or extension headers, which damage may make: not read here.
	if (flight->bytes[0] != 0x45 && !(flight->bytes[0] >> 4 == 6 && flight->bytes[6] == 6))
		return;
	if (tcp[13] & M_SYN) {
		begun[side] = true;
		starts[side] = m_get(tcp + 4, 4) + 1;
	}
	if (m_view(flight, &view)) {
		assert(!flight->changed); // what is changed is whole, and its sums are right
	} else if (!(view.flags & M_SYN) && !over && !(view.flags & M_RST)) {
		int64_t at = (int32_t)(view.seq - starts[side]);
		int64_t had = acked[side] - (int32_t)(starts[side] - firsts[side]);
		// Where an end of an unknown connection stands is not known, but not that far back.
		bool far = came - (view.seq + view.size) == 1u << 30;
		for (uint32_t i = 0; i < view.size; i++, at++) {
			bool old =
				view.payload[i] == 0 && (at < 0 || at < had || far || !begun[side]);
			bool known = at >= 0 && at < (int64_t)n_decided[side ^ turned] &&
				     decided[side ^ turned][at] == view.payload[i];
			assert(old || known);
		}
	}
}

static void on_decided(void *arg, struct flight *flight)
{
	(void)arg;
	if (flight->fate == FLIGHT_ACCEPT)
		judge(flight);
	m_flight_free(flight);
}

// Damage here makes a packet of another connection.
static bool names_connection(size_t at, bool v6)
{
	size_t address = v6 ? 8 : 12, tcp = v6 ? 40 : 20;
	return at >= address && at < tcp + 4;
}

// Side and size; flags; where (from what it last sent); what it acknowledges; which bytes.
static struct flight *make_packet(const uint8_t *say, uint32_t next[2], uint32_t seen[2], bool v6)
{
	static const uint8_t flags[16] = {
		M_ACK, M_ACK,	      M_ACK,	     M_ACK,	    M_ACK | M_FIN, M_ACK,
		M_RST, M_ACK | M_PSH, M_SYN,	     M_SYN | M_ACK, M_RST | M_ACK, M_ACK,
		M_ACK, M_FIN,	      M_URG | M_ACK, M_ACK
	};
	static const char lines[] = "pab\noabcd\nhab\nrxy\nez\ngq\npqrs\npabc\nttt\n.\nqq\nxx\n";
	unsigned side = say[0] & 1;
	uint32_t n = (say[0] >> 1) % 40;
	struct m_segment segment = { .v6 = v6,
				     .from_server = side,
				     .flags = flags[say[1] & 15],
				     .window = (uint16_t)(say[2] << 6),
				     .gso = say[1] >> 7,
				     .size = n,
				     .payload = (const uint8_t *)lines +
						say[5] % (sizeof(lines) - 41) };

	segment.seq = firsts[side] + next[side] + (uint32_t)(int8_t)say[3];
	segment.ack = firsts[!side] + seen[side] + (uint32_t)(int8_t)say[4];
	if (segment.flags & M_SYN)
		segment.seq = firsts[side] - 1;
	if (!(say[3]) && !(segment.flags & M_SYN))
		next[side] += n;
	if (!say[4])
		seen[side] = next[!side];
	return m_flight(&segment);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct inspector_options options = {
		.connections_max = 8, .memory_max = 1 << 20, .held_max = 64, .decided = on_decided
	};
	struct inspector *inspector;
	uint32_t next[2] = { 0 }, seen[2] = { 0 };
	uint64_t now = 1000000;

	if (size < 8)
		return 0;
	memset(&script, 0, sizeof(script));
	memset(waiting, 0, sizeof(waiting));
	n_decided[0] = n_decided[1] = 0;
	acked[0] = acked[1] = 0;
	over = turned = begun[0] = begun[1] = false;
	memcpy(firsts, bytes, sizeof(firsts));
	memcpy(starts, firsts, sizeof(starts));
	assert(inspector_new_with(&options, &kind, &inspector) == 0);
	assert(inspector_set_profiles(inspector, &script_profiles, NULL, NULL) == 0);
	bool v6 = bytes[0] & 1;
	for (size_t at = 8, n = 0; at + 6 <= size && n < PACKETS_MAX; at += 6, n++) {
		struct flight *flight = make_packet(bytes + at, next, seen, v6);
		const uint8_t *tcp = flight->bytes + (v6 ? 40 : 20);
		unsigned side = bytes[at] & 1;
		int64_t ack = (int32_t)(m_get(tcp + 8, 4) - firsts[!side]);
		if (bytes[at + 1] & 0x40) { // damaged anywhere
			flight->bytes[bytes[at + 2] % flight->size] ^= bytes[at + 3];
			over |= names_connection(bytes[at + 2] % flight->size, v6);
			flight->sums_checked = true;
			ack = INT32_MAX;
		}
		now += bytes[at + 5] == 255 ? 4000000 : 1000;
		// What its receiver claims to have is its own affair.
		if (ack > acked[!side])
			acked[!side] = ack;
		came = m_get(tcp + 4, 4);
		inspector_packet(inspector, flight, now);
		if (flight->fate == FLIGHT_ACCEPT)
			judge(flight);
		if (flight->fate != FLIGHT_HOLD)
			m_flight_free(flight);
		if (bytes[at + 5] == 255)
			inspector_tick(inspector, now);
	}
	inspector_free(inspector);
	assert(script.made == script.freed);
	return 0;
}
