#include "replay/judge.h"

#include <netinet/in.h>
#include <string.h>

static const struct {
	const char *word, *text;
} reasons[REPLAY_REASONS] = {
	[REPLAY_BY_FLOW] = { "flow", "a flow permits it" },
	[REPLAY_SPOOFED] = { "spoofed", "the source is no address of the zone it comes from" },
	[REPLAY_MISPLACED] = { "misplaced",
			       "the destination is no address of the zone it goes to" },
	[REPLAY_NO_PAIR] = { "no-pair", "no flow between these zones" },
	[REPLAY_NO_SERVICE] = { "no-service", "no flow with this service" },
	[REPLAY_NO_ADDRESS] = { "no-address", "no flow between these addresses" },
	[REPLAY_EXCEPTED] = { "excepted", "the nearest flow excepts it" },
	[REPLAY_NAT_ELSEWHERE] = { "nat-elsewhere", "translation sends it to another zone" },
	[REPLAY_NO_ZONE] = { "no-zone", "an address of no zone" },
	[REPLAY_ZONES_DIFFER] = { "zones-differ",
				  "several zones may have the address; name the interface" },
	[REPLAY_OPENS_NOTHING] = { "opens-nothing", "an ICMP type that opens nothing" },
	[REPLAY_ERROR_ALONE] = { "error-alone", "an ICMP error about no connection" },
	[REPLAY_TCP_FLAGS] = { "tcp-flags", "TCP flags that open nothing" },
	[REPLAY_FRAGMENT] = { "fragment", "the settings drop fragments" },
	[REPLAY_EXTENSION] = { "extension-header", "the settings refuse its extension header" },
	[REPLAY_SAME_ZONE] = { "same-zone", "both ends are in one zone" },
};

const char *replay_reason_word(enum replay_reason reason)
{
	return reasons[reason].word;
}

const char *replay_reason_text(enum replay_reason reason)
{
	return reasons[reason].text;
}

const char *replay_verdict_word(enum replay_verdict verdict)
{
	static const char *const words[REPLAY_VERDICTS] = {
		[REPLAY_ALLOWED] = "allowed", [REPLAY_INSPECTED] = "inspected",
		[REPLAY_DENIED] = "denied",   [REPLAY_AMBIGUOUS] = "ambiguous",
		[REPLAY_INSIDE] = "inside",
	};

	return words[verdict];
}

// --- addresses

static bool is_loopback(const struct addr *addr)
{
	return addr->family == ADDR_V4 ? addr->bits >> 24 == 127 : addr->bits == 1;
}

bool judge_is_self(const struct judge *judge, const struct addr *addr)
{
	if (is_loopback(addr))
		return true;
	for (size_t i = 0; i < judge->n_self; i++)
		if (judge->self[i].family == addr->family && judge->self[i].bits == addr->bits)
			return true;
	return false;
}

static bool is_link_local(const struct addr *addr)
{
	return addr->family == ADDR_V6 && addr->bits >> 118 == 0xfe80 >> 6;
}

static bool is_to_many(const struct addr *addr)
{
	if (addr->family == ADDR_V6)
		return addr->bits >> 120 == 0xff;
	return addr->bits >> 28 == 0xe || addr->bits == UINT32_MAX;
}

struct zones {
	uint32_t v[PLAN_ZONES_MAX];
	size_t n;
};

static void only(struct zones *zones, uint32_t zone)
{
	zones->v[0] = zone;
	zones->n = 1;
}

static void every(const struct judge *judge, struct zones *zones)
{
	size_t n;

	plan_zones(judge->plan, &n);
	zones->n = n - 1;
	for (size_t i = 1; i < n; i++)
		zones->v[i - 1] = (uint32_t)i;
}

static void by_address(const struct judge *judge, const struct addr *addr, struct zones *zones)
{
	if (judge_is_self(judge, addr))
		only(zones, PLAN_SELF);
	else if (is_link_local(addr) || addr->bits == 0)
		every(judge, zones);
	else
		zones->n = plan_zones_of(judge->plan, addr, zones->v, PLAN_ZONES_MAX);
	if (zones->n > PLAN_ZONES_MAX)
		zones->n = PLAN_ZONES_MAX;
}

// Nobody but the gateway sends with an address of the zone that a packet leaves into.
static bool from_gateway(const struct judge *judge, uint16_t zone, const struct addr *source)
{
	size_t n;
	const struct plan_zone *zones = plan_zones(judge->plan, &n);

	return judge_is_self(judge, source) || is_link_local(source) ||
	       (zone < n && !zones[zone].elsewhere && plan_zone_has(judge->plan, zone, source));
}

// Where it was seen leaving is one of the zones that it may go to.
static void narrow(const struct judge *judge, uint16_t left, struct zones *to)
{
	uint16_t zone = judge->zones[left];

	for (size_t i = 0; to->n > 1 && i < to->n; i++)
		if (to->v[i] == zone)
			only(to, zone);
}

static void find_zones(const struct judge *judge, const struct connection *connection,
		       const struct plan_packet *packet, struct zones *from, struct zones *to)
{
	uint16_t zone = judge->zones[connection->slot];
	bool leaving = connection->way == LINK_LEAVING;

	if (leaving && from_gateway(judge, zone, &packet->source))
		only(from, PLAN_SELF);
	else if (!leaving && zone != SPOT_NO_ZONE)
		only(from, zone);
	else
		by_address(judge, &packet->source, from);

	bool from_self = from->n == 1 && from->v[0] == PLAN_SELF;
	bool on_link = is_to_many(&packet->destination) || is_link_local(&packet->destination);

	if (judge_is_self(judge, &packet->destination) || (on_link && !from_self))
		only(to, PLAN_SELF);
	else if (leaving && zone != SPOT_NO_ZONE)
		only(to, zone);
	else if (on_link)
		every(judge, to);
	else
		by_address(judge, &packet->destination, to);
	narrow(judge, connection->left, to);
}

// --- what is decided before any flow is asked

static bool opens_nothing(const struct connection *connection)
{
	static const uint8_t queries[] = { 8, 13, 15, 17 };

	if (connection->key.protocol == IPPROTO_ICMPV6 && connection->key.family == ADDR_V6)
		return connection->type != 128;
	if (connection->key.protocol != IPPROTO_ICMP || connection->key.family != ADDR_V4)
		return false;
	return !memchr(queries, connection->type, sizeof(queries));
}

static bool is_error(const struct connection *connection)
{
	if (connection->key.protocol == IPPROTO_ICMPV6)
		return connection->type < 128;
	return connection->type == 3 || connection->type == 4 || connection->type == 11 ||
	       connection->type == 12;
}

static bool bad_flags(const struct connection *connection)
{
	enum { OPENING = HEADER_SYN | HEADER_FIN | HEADER_RST | HEADER_ACK };

	return connection->key.protocol == IPPROTO_TCP &&
	       !(connection->flags & CONNECTION_MIDDLE) &&
	       (connection->type & OPENING) != HEADER_SYN;
}

static bool bad_extension(const struct judge *judge, const struct connection *connection)
{
	static const struct {
		uint8_t header;
		unsigned plan;
	} bits[] = {
		{ HEADER_HOPOPTS, PLAN_EXT_HOPOPTS },
		{ HEADER_ROUTING, PLAN_EXT_ROUTING },
		{ HEADER_FRAGMENT, PLAN_EXT_FRAGMENT },
		{ HEADER_DSTOPTS, PLAN_EXT_DSTOPTS },
		{ HEADER_AH, PLAN_EXT_AH },
		{ HEADER_MOBILITY, PLAN_EXT_MOBILITY },
	};
	unsigned allowed = plan_settings(judge->plan)->extensions;

	if (connection->key.family != ADDR_V6)
		return false;
	if (connection->key.protocol == IPPROTO_ESP && !(allowed & PLAN_EXT_ESP))
		return true;
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (connection->extensions & bits[i].header && !(allowed & bits[i].plan))
			return true;
	return false;
}

// REPLAY_BY_FLOW: nothing is.
static enum replay_reason reason_before(const struct judge *judge,
					const struct connection *connection)
{
	bool icmp = connection->key.protocol == IPPROTO_ICMP ||
		    connection->key.protocol == IPPROTO_ICMPV6;

	if (connection->extensions & HEADER_FRAGMENT && plan_settings(judge->plan)->drop_fragments)
		return REPLAY_FRAGMENT;
	if (bad_extension(judge, connection))
		return REPLAY_EXTENSION;
	if (bad_flags(connection))
		return REPLAY_TCP_FLAGS;
	if (icmp && opens_nothing(connection))
		return is_error(connection) ? REPLAY_ERROR_ALONE : REPLAY_OPENS_NOTHING;
	return REPLAY_BY_FLOW;
}

// --- the packet

struct plan_packet judge_packet(const struct connection *connection)
{
	const struct track_key *key = &connection->key;
	bool from_b = connection->flags & CONNECTION_FROM_B;
	enum addr_family family = (enum addr_family)key->family;
	struct plan_packet packet = {
		.source = { family, from_b ? key->b : key->a },
		.destination = { family, from_b ? key->a : key->b },
		.protocol = key->protocol,
	};

	if (key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6) {
		packet.port = connection->type;
	} else {
		packet.sport = from_b ? key->port_b : key->port_a;
		packet.port = from_b ? key->port_a : key->port_b;
	}
	return packet;
}

static void take_answer(const struct plan_packet *packet, const struct plan_answer *answer,
			struct judge_answer *ret)
{
	static const enum replay_verdict verdicts[] = { [PLAN_DENY] = REPLAY_DENIED,
							[PLAN_ALLOW] = REPLAY_ALLOWED,
							[PLAN_INSPECT] = REPLAY_INSPECTED };

	*ret = (struct judge_answer){
		.verdict = verdicts[answer->verdict],
		.reason = (enum replay_reason)answer->reason,
		.from = packet->from,
		.to = answer->translated.to,
		.flow = answer->verdict == PLAN_DENY ? (uint32_t)PLAN_NONE : answer->flow,
		.destination_nat = answer->destination_nat,
		.source_nat = answer->source_nat,
		.hairpin_nat = answer->hairpin_nat,
		.packet = *packet,
		.translated = answer->translated,
	};
}

static void ask(const struct judge *judge, const struct plan_packet *packet,
		struct judge_answer *ret)
{
	struct plan_answer answer;

	plan_decide(judge->plan, judge->finder, packet, &answer);
	take_answer(packet, &answer, ret);
}

static void ask_between(const struct judge *judge, const struct plan_packet *opening,
			const struct zones *from, const struct zones *to, struct judge_answer *ret)
{
	struct plan_packet packet = *opening;
	bool first = true;

	for (size_t i = 0; i < from->n * to->n; i++) {
		struct judge_answer answer;

		packet.from = (uint16_t)from->v[i / to->n];
		packet.to = (uint16_t)to->v[i % to->n];
		ask(judge, &packet, &answer);
		if (first)
			*ret = answer;
		first = false;
		if (answer.from != ret->from)
			ret->from = SPOT_NO_ZONE;
		if (answer.to != ret->to)
			ret->to = SPOT_NO_ZONE;
		if (answer.verdict == ret->verdict)
			continue;
		ret->verdict = REPLAY_AMBIGUOUS;
		ret->reason = REPLAY_ZONES_DIFFER;
		ret->flow = PLAN_NONE;
		ret->from = from->n == 1 ? (uint16_t)from->v[0] : SPOT_NO_ZONE;
		ret->to = to->n == 1 ? (uint16_t)to->v[0] : SPOT_NO_ZONE;
		return;
	}
}

// --- many connections

// Those between one zone and one other, whose packets are put to the plan together.
struct pending {
	struct plan_packet packets[JUDGE_MANY];
	struct judge_answer *answers[JUDGE_MANY];
	size_t n;
};

static void judge_or_wait(const struct judge *judge, const struct connection *connection,
			  struct judge_answer *ret, struct pending *pending)
{
	struct plan_packet packet = judge_packet(connection);
	enum replay_reason before = reason_before(judge, connection);
	struct zones from, to;

	find_zones(judge, connection, &packet, &from, &to);
	if (!before && connection->way != LINK_PASSING && from.n == 1 && to.n == 1) {
		packet.from = (uint16_t)from.v[0];
		packet.to = (uint16_t)to.v[0];
		pending->packets[pending->n] = packet;
		pending->answers[pending->n++] = ret;
		return;
	}
	*ret = (struct judge_answer){
		.verdict = REPLAY_DENIED,
		.reason = before ? before : REPLAY_NO_ZONE,
		.from = from.n == 1 ? (uint16_t)from.v[0] : SPOT_NO_ZONE,
		.to = to.n == 1 ? (uint16_t)to.v[0] : SPOT_NO_ZONE,
		.flow = PLAN_NONE,
		.packet = packet,
	};
	if (connection->way == LINK_PASSING) {
		ret->verdict = REPLAY_INSIDE;
		ret->reason = REPLAY_SAME_ZONE;
	} else if (!before && from.n && to.n) {
		ask_between(judge, &packet, &from, &to, ret);
	}
}

static void judge_pending(const struct judge *judge, const struct pending *pending)
{
	struct plan_answer answers[JUDGE_MANY];

	plan_decide_many(judge->plan, judge->finder, pending->packets, pending->n, answers);
	for (size_t i = 0; i < pending->n; i++)
		take_answer(&pending->packets[i], &answers[i], pending->answers[i]);
}

void judge_many(const struct judge *judge, const struct connection *const *connections, size_t n,
		struct judge_answer *ret)
{
	struct pending pending;

	pending.n = 0;
	for (size_t i = 0; i < n; i++)
		judge_or_wait(judge, connections[i], &ret[i], &pending);
	judge_pending(judge, &pending);
	// Loopback; or nobody saw it at the gateway, and nothing says that it would go there.
	for (size_t i = 0; i < n; i++)
		if (ret[i].verdict == REPLAY_DENIED && ret[i].from == ret[i].to &&
		    ret[i].from != SPOT_NO_ZONE &&
		    (ret[i].from == PLAN_SELF || connections[i]->way == LINK_UNKNOWN)) {
			ret[i].verdict = REPLAY_INSIDE;
			ret[i].reason = REPLAY_SAME_ZONE;
		}
}

void judge_connection(const struct judge *judge, const struct connection *connection,
		      struct judge_answer *ret)
{
	judge_many(judge, &connection, 1, ret);
}

struct fate judge_fate(const struct judge_answer *answer)
{
	return (struct fate){
		.verdict = (uint8_t)answer->verdict,
		.reason = (uint8_t)answer->reason,
		.from = answer->from,
		.to = answer->to,
		.flow = answer->flow,
	};
}
