// Finds the flow that comes nearest to a denied packet.  A flow is a union of terms, a term every
// rect with every atom, so the best rect and the best atom of a term are found apart.
#include "plan/nearest.h"

#include <netinet/in.h>

#include "plan/plan_internal.h"
#include "plan/words.h"

enum {
	OTHER_ZONE = 300,     // farther than any address of the right zone
	OTHER_PROTOCOL = 100, // farther than any port of the right protocol
};

enum dimension { LACKS_SOURCE = 1, LACKS_DESTINATION = 2, LACKS_SERVICE = 4 };

struct near {
	uint32_t flow;
	const struct plan_term *term;
	const struct plan_rect *rect;
	const struct plan_atom *atom;
	unsigned lacks; // enum dimension bits
	unsigned distance;
};

// Bits that a distance takes to write: 0 for none, so that a neighbour is 1 away.
static unsigned bit_length(addr_bits value)
{
	unsigned bits = 0;

	for (; value; value >>= 1)
		bits++;
	return bits;
}

static unsigned range_distance(const struct addr_range *range, addr_bits bits)
{
	if (bits < range->lo)
		return bit_length(range->lo - bits);
	return bits > range->hi ? bit_length(bits - range->hi) : 0;
}

static unsigned number_distance(unsigned lo, unsigned hi, unsigned value)
{
	if (value < lo)
		return bit_length(lo - value);
	return value > hi ? bit_length(value - hi) : 0;
}

static unsigned atom_distance(const struct plan_atom *atom, const struct plan_packet *packet)
{
	if (packet->protocol < atom->protocol_lo || packet->protocol > atom->protocol_hi)
		return OTHER_PROTOCOL;
	return number_distance(atom->port_lo, atom->port_hi, packet->port) +
	       number_distance(atom->sport_lo, atom->sport_hi, packet->sport);
}

static bool is_nearer(const struct near *a, const struct near *b)
{
	int lacks_a = __builtin_popcount(a->lacks);
	int lacks_b = __builtin_popcount(b->lacks);

	return lacks_a != lacks_b ? lacks_a < lacks_b : a->distance < b->distance;
}

static void best_atom(const struct plan_packet *packet, struct near *near)
{
	unsigned best = UINT32_MAX;

	for (size_t i = 0; i < near->term->n_atoms; i++) {
		unsigned distance = atom_distance(&near->term->atoms[i], packet);

		if (distance < best) {
			best = distance;
			near->atom = &near->term->atoms[i];
		}
	}
	near->distance += best;
	near->lacks |= best ? LACKS_SERVICE : 0;
}

// What one rect adds to a term whose atom is chosen.
static struct near with_rect(const struct plan_packet *packet, const struct near *base,
			     const struct plan_rect *rect)
{
	struct near near = *base;
	unsigned source = base->term->from == packet->from
				  ? range_distance(&rect->source, packet->source.bits)
				  : OTHER_ZONE;
	unsigned destination =
		base->term->to == packet->to
			? range_distance(&rect->destination, packet->destination.bits)
			: OTHER_ZONE;

	near.rect = rect;
	near.distance += source + destination;
	near.lacks |= (source ? LACKS_SOURCE : 0) | (destination ? LACKS_DESTINATION : 0);
	return near;
}

static void try_term(const struct plan_packet *packet, uint32_t flow, const struct plan_term *term,
		     struct near *best)
{
	struct near base = { .flow = flow, .term = term };

	if ((term->from != packet->from && term->to != packet->to) || term->n_atoms == 0)
		return;
	best_atom(packet, &base);
	for (size_t i = 0; i < term->n_rects; i++) {
		if (term->rects[i].source.family != packet->source.family)
			continue;

		struct near near = with_rect(packet, &base, &term->rects[i]);

		if (best->flow == PLAN_NONE || is_nearer(&near, best))
			*best = near;
	}
}

static bool term_holds(const struct plan_term *term, const struct plan_packet *packet)
{
	struct near near = { .term = term };

	if (term->from != packet->from || term->to != packet->to || term->n_atoms == 0)
		return false;
	best_atom(packet, &near);
	for (size_t i = 0; i < term->n_rects && !near.lacks; i++) {
		const struct plan_rect *rect = &term->rects[i];

		if (addr_range_contains(&rect->source, &packet->source) &&
		    addr_range_contains(&rect->destination, &packet->destination))
			return true;
	}
	return false;
}

// The flow whose `except` takes the packet away; NULL term: none.
static struct near find_excepted(const struct plan *plan, const struct plan_packet *packet)
{
	for (size_t i = 0; i < plan->n_flows; i++)
		for (size_t j = 0; j < plan->flows[i].n_excepted; j++)
			if (term_holds(&plan->flows[i].excepted[j], packet))
				return (struct near){ .flow = (uint32_t)i,
						      .term = &plan->flows[i].excepted[j] };
	return (struct near){ .flow = PLAN_NONE };
}

static struct near find_nearest(const struct plan *plan, const struct plan_packet *packet)
{
	struct near best = { .flow = PLAN_NONE };

	for (size_t i = 0; i < plan->n_flows; i++)
		for (size_t j = 0; j < plan->flows[i].n_terms; j++)
			try_term(packet, (uint32_t)i, &plan->flows[i].terms[j], &best);
	return best;
}

static bool atom_holds(const struct plan_atom *atom, const struct plan_packet *packet)
{
	return packet->protocol >= atom->protocol_lo && packet->protocol <= atom->protocol_hi &&
	       packet->port >= atom->port_lo && packet->port <= atom->port_hi &&
	       packet->sport >= atom->sport_lo && packet->sport <= atom->sport_hi;
}

// No flow, no service, or no address?  The settled cells say.
enum plan_reason nearest_reason(const struct plan *plan, const struct plan_packet *packet)
{
	const struct plan_pair *pair = plan_find_pair(plan, packet->from, packet->to);
	bool any = false;

	for (size_t i = 0; pair && i < pair->n_classes; i++) {
		if (pair->classes[i].n_cells == 0)
			continue;
		any = true;
		for (size_t j = 0; j < pair->classes[i].n_atoms; j++)
			if (atom_holds(&pair->classes[i].atoms[j], packet))
				return PLAN_NO_ADDRESS;
	}
	return any ? PLAN_NO_SERVICE : PLAN_NO_PAIR;
}

static bool same_atom(const struct plan_atom *a, const struct plan_atom *b)
{
	return a->protocol_lo == b->protocol_lo && a->protocol_hi == b->protocol_hi &&
	       a->sport_lo == b->sport_lo && a->sport_hi == b->sport_hi &&
	       a->port_lo == b->port_lo && a->port_hi == b->port_hi;
}

// "smtp (tcp/25)", or "tcp/25" when no service is exactly that.
static void say_service(struct words *words, const struct plan *plan, const struct plan_atom *atom)
{
	char text[64];

	plan_atom_text(atom, text, sizeof(text));
	for (size_t i = 0; i < plan->n_services; i++) {
		const struct plan_named_service *service = &plan->services[i];

		if (service->n_atoms == 1 && same_atom(&service->atoms[0], atom)) {
			words_say(words, "%s (%s)", service->id, text);
			return;
		}
	}
	words_say(words, "%s", text);
}

static bool holds_range(const struct plan_network *network, const struct addr_range *range)
{
	for (size_t i = 0; i < network->n_ranges; i++)
		if (network->ranges[i].family == range->family &&
		    network->ranges[i].lo == range->lo && network->ranges[i].hi == range->hi)
			return true;
	return false;
}

// "dmz/mail-hub (192.0.2.25)", "192.0.2.25 in dmz", or "dmz".
static void say_endpoint(struct words *words, const struct plan *plan, uint32_t zone,
			 const struct addr_range *range)
{
	char text[ADDR_TEXT_MAX];

	addr_range_text(range, text);
	if (addr_range_is_any(range)) {
		words_say(words, "%s", plan->zones[zone].id);
		return;
	}
	for (size_t i = 0; i < plan->n_networks; i++) {
		const struct plan_network *network = &plan->networks[i];

		if (network->zone == zone && holds_range(network, range)) {
			words_say(words, "%s (%s)", network->id, text);
			return;
		}
	}
	words_say(words, "%s in %s", text, plan->zones[zone].id);
}

// The source port is only said where that is what is wrong.
static void say_packet_service(struct words *words, const struct plan_packet *packet,
			       const struct plan_atom *nearest)
{
	struct plan_atom atom = { packet->protocol, packet->protocol, 0,
				  UINT16_MAX,	    packet->port,     packet->port };
	char text[64];

	if (packet->port == 0 && packet->protocol != IPPROTO_ICMP)
		atom.port_hi = UINT16_MAX;
	if (packet->protocol >= nearest->protocol_lo && packet->protocol <= nearest->protocol_hi &&
	    number_distance(nearest->port_lo, nearest->port_hi, packet->port) == 0)
		atom.sport_lo = atom.sport_hi = packet->sport;
	words_say(words, "%s", plan_atom_text(&atom, text, sizeof(text)));
}

static void say_lack(struct words *words, const struct plan *plan, const char *verb,
		     const struct addr *addr, uint16_t zone, bool other_zone)
{
	char text[ADDR_TEXT_MAX];

	if (other_zone)
		words_say(words, "%s zone %s", verb, plan->zones[zone].id);
	else
		words_say(words, "%s %s", verb, addr_text(addr, text));
}

// "; this packet goes to 192.0.2.30 and is udp/53".
static void say_lacks(struct words *words, const struct plan *plan,
		      const struct plan_packet *packet, const struct near *near)
{
	const char *glue = "; this packet ";

	if (near->lacks & LACKS_SOURCE) {
		words_say(words, "%s", glue);
		say_lack(words, plan, "comes from", &packet->source, packet->from,
			 near->term->from != packet->from);
		glue = " and ";
	}
	if (near->lacks & LACKS_DESTINATION) {
		words_say(words, "%s", glue);
		say_lack(words, plan, "goes to", &packet->destination, packet->to,
			 near->term->to != packet->to);
		glue = " and ";
	}
	if (near->lacks & LACKS_SERVICE) {
		words_say(words, "%sis ", glue);
		say_packet_service(words, packet, near->atom);
	}
}

static void say_nearest(struct words *words, const struct plan *plan,
			const struct plan_packet *packet, const struct near *near)
{
	words_say(words, "flow %s allows ", plan->flows[near->flow].id);
	say_service(words, plan, near->atom);
	if (near->lacks & LACKS_SOURCE) {
		words_say(words, " from ");
		say_endpoint(words, plan, near->term->from, &near->rect->source);
	}
	if (near->lacks & LACKS_DESTINATION) {
		words_say(words, " to ");
		say_endpoint(words, plan, near->term->to, &near->rect->destination);
	}
	say_lacks(words, plan, packet, near);
}

void nearest_explain(const struct plan *plan, const struct plan_packet *packet,
		     struct plan_answer *answer)
{
	struct words words = words_in(answer->text, sizeof(answer->text));
	struct near near = find_excepted(plan, packet);

	answer->reason = near.term ? PLAN_EXCEPTED : nearest_reason(plan, packet);
	if (!near.term)
		near = find_nearest(plan, packet);
	answer->flow = near.flow;
	if (answer->reason == PLAN_EXCEPTED)
		words_say(&words, "flow %s excepts it", plan->flows[near.flow].id);
	else if (near.term)
		say_nearest(&words, plan, packet, &near);
	else
		words_say(&words, "no flow from %s, and none to %s", plan->zones[packet->from].id,
			  plan->zones[packet->to].id);
}
