// Evaluates one packet on the plan's own cells: destination NAT, membership, cells, source NAT.
// It never gives a flow a meaning of its own: what it says is what the compiler is given.
#include "plan/query.h"

#include <stddef.h>
#include <string.h>

#include <netinet/in.h>

#include "plan/finder.h"
#include "plan/nearest.h"
#include "plan/plan_internal.h"
#include "plan/words.h"

enum { DHCP_SERVER = 67, DHCP_CLIENT = 68, PENDING_MAX = 256 };

static bool atom_holds(const struct plan_atom *atom, const struct plan_packet *packet)
{
	return packet->protocol >= atom->protocol_lo && packet->protocol <= atom->protocol_hi &&
	       packet->sport >= atom->sport_lo && packet->sport <= atom->sport_hi &&
	       packet->port >= atom->port_lo && packet->port <= atom->port_hi;
}

static bool atoms_hold(const struct plan_atom *atoms, size_t n, const struct plan_packet *packet)
{
	for (size_t i = 0; i < n; i++)
		if (atom_holds(&atoms[i], packet))
			return true;
	return false;
}

static bool ranges_hold(const struct addr_range *ranges, size_t n, const struct addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (addr_range_contains(&ranges[i], addr))
			return true;
	return false;
}

static const struct plan_cell *find_cell(const struct plan_class *class,
					 const struct plan_packet *packet)
{
	for (size_t i = 0; i < class->n_cells; i++) {
		const struct plan_rect *rect = &class->cells[i].rect;

		if (addr_range_contains(&rect->source, &packet->source) &&
		    addr_range_contains(&rect->destination, &packet->destination))
			return &class->cells[i];
	}
	return NULL;
}

size_t plan_find_class(const struct plan_pair *pair, const struct plan_packet *packet)
{
	size_t i = 0;

	// Classes are disjoint: the first that holds the packet is the only one.
	while (i < pair->n_classes &&
	       !atoms_hold(pair->classes[i].atoms, pair->classes[i].n_atoms, packet))
		i++;
	return i;
}

uint32_t plan_match(const struct plan *plan, const struct plan_packet *packet,
		    const struct plan_cell **ret_cell)
{
	const struct plan_pair *pair = plan_find_pair(plan, packet->from, packet->to);
	size_t class = pair ? plan_find_class(pair, packet) : 0;
	const struct plan_cell *cell = NULL;

	if (pair && class < pair->n_classes)
		cell = find_cell(&pair->classes[class], packet);
	if (cell && ret_cell)
		*ret_cell = cell;
	return cell ? cell->flow : (uint32_t)PLAN_NONE;
}

// A client in the target's own zone that uses the outside address.
static bool is_hairpin(const struct plan_nat *nat, const struct plan_packet *packet)
{
	return nat->kind == POL_NAT_FORWARD && nat->hairpin && nat->n_to > 0 &&
	       packet->from == nat->to[0];
}

static bool forward_fits(const struct plan_nat *nat, const struct plan_packet *packet)
{
	bool from =
		plan_zones_hold(nat->from, nat->n_from, packet->from) &&
		(nat->n_sources == 0 || ranges_hold(nat->sources, nat->n_sources, &packet->source));

	return nat->kind == POL_NAT_FORWARD && (from || is_hairpin(nat, packet)) &&
	       ranges_hold(nat->destinations, nat->n_destinations, &packet->destination) &&
	       (nat->n_atoms == 0 || atoms_hold(nat->atoms, nat->n_atoms, packet));
}

// Prefix translation is stateless and so works in both directions: what comes from where the
// prefix's connections go, to an address of the outside prefix, goes to the inside one.
static bool prefix_fits_inward(const struct plan_nat *nat, const struct plan_packet *packet)
{
	return nat->kind == POL_NAT_PREFIX && plan_zones_hold(nat->to, nat->n_to, packet->from) &&
	       addr_range_contains(&nat->target, &packet->destination);
}

const struct plan_nat *plan_translate(const struct plan *plan, const struct plan_packet *packet,
				      struct plan_packet *ret)
{
	size_t n;
	const struct plan_nat *nats = plan_nats(plan, &n);

	for (size_t i = 0; i < n; i++) {
		const struct plan_nat *nat = &nats[i];

		if (nat->family != packet->destination.family)
			continue;
		if (forward_fits(nat, packet)) {
			*ret = *packet;
			ret->destination.bits = nat->target.lo;
			ret->port = nat->port ? nat->port : packet->port;
			ret->to = nat->to[0];
			return nat;
		}
		if (prefix_fits_inward(nat, packet)) {
			*ret = *packet;
			ret->destination.bits =
				nat->inside.lo + (packet->destination.bits - nat->target.lo);
			for (size_t j = 0; j < nat->n_from; j++)
				if (plan_zone_has(plan, nat->from[j], &ret->destination))
					ret->to = nat->from[j];
			return nat;
		}
	}
	return NULL;
}

// May the asker mean this forward?  The target's zone, the gateway's own address, or the zone in
// which the outside address lies.
static bool asked_for(const struct plan *plan, const struct plan_packet *packet, uint16_t target)
{
	return packet->to == target || packet->to == PLAN_SELF ||
	       plan_zone_has(plan, packet->to, &packet->destination);
}

static bool is_link_local(const struct addr *addr)
{
	return addr->family == ADDR_V6 && addr->bits >> 118 == 0xfe80 >> 6;
}

bool plan_source_belongs(const struct plan *plan, const struct plan_packet *packet)
{
	const struct addr *source = &packet->source;

	if (packet->from == PLAN_SELF)
		return true;
	if (is_link_local(source) || (source->family == ADDR_V6 && source->bits == 0))
		return packet->to == PLAN_SELF;
	if (source->family == ADDR_V4 && source->bits == 0)
		return packet->to == PLAN_SELF && packet->protocol == IPPROTO_UDP &&
		       packet->sport == DHCP_CLIENT && packet->port == DHCP_SERVER;
	return plan_zone_has(plan, packet->from, source);
}

// Whom the gateway's own daemons speak to on a link: routers, DHCP clients.  No packet goes on from
// there.
static bool is_on_link(const struct addr *addr)
{
	if (addr->family == ADDR_V4)
		return addr->bits >> 8 == 0xe00000 || addr->bits == 0xffffffff;
	return is_link_local(addr) || addr->bits >> 112 == 0xff02;
}

bool plan_destination_belongs(const struct plan *plan, const struct plan_packet *packet)
{
	if (packet->to == PLAN_SELF)
		return true;
	if (packet->from == PLAN_SELF && is_on_link(&packet->destination))
		return true;
	if (packet->from != PLAN_SELF && is_link_local(&packet->destination))
		return false;
	return plan_zone_has(plan, packet->to, &packet->destination);
}

static bool source_nat_fits(const struct plan_nat *nat, const struct plan_packet *packet)
{
	if (nat->family != packet->source.family ||
	    !plan_zones_hold(nat->from, nat->n_from, packet->from) ||
	    !plan_zones_hold(nat->to, nat->n_to, packet->to))
		return false;
	if (nat->kind == POL_NAT_PREFIX)
		return addr_range_contains(&nat->inside, &packet->source);
	return nat->kind != POL_NAT_FORWARD &&
	       (nat->n_sources == 0 ||
		ranges_hold(nat->sources, nat->n_sources, &packet->source)) &&
	       (nat->n_destinations == 0 ||
		ranges_hold(nat->destinations, nat->n_destinations, &packet->destination)) &&
	       (nat->n_atoms == 0 || atoms_hold(nat->atoms, nat->n_atoms, packet));
}

static const struct plan_nat *find_source_nat(const struct plan *plan,
					      const struct plan_packet *packet)
{
	size_t n;
	const struct plan_nat *nats = plan_nats(plan, &n);

	for (size_t i = 0; i < n; i++)
		if (source_nat_fits(&nats[i], packet))
			return &nats[i];
	return NULL;
}

static void deny(struct plan_answer *answer, enum plan_reason reason)
{
	answer->verdict = PLAN_DENY;
	answer->reason = reason;
	answer->missing = answer->text;
}

// Says why an address does not fit its zone, and which zone does have it.
static void explain_home(const struct plan *plan, const struct addr *addr, uint16_t zone,
			 struct plan_answer *answer)
{
	struct words words = words_in(answer->text, sizeof(answer->text));
	char text[ADDR_TEXT_MAX];
	uint32_t home;

	addr_text(addr, text);
	if (is_link_local(addr)) {
		words_say(&words, "%s is a link-local address, and those are not forwarded", text);
		return;
	}
	if (addr->bits == 0) {
		words_say(&words, "%s is only a source before a host has its address", text);
		return;
	}
	words_say(&words, "%s is no address of zone %s", text, plan->zones[zone].id);
	if (plan_zones_of(plan, addr, &home, 1) > 0 && home != zone)
		words_say(&words, "; it is one of zone %s", plan->zones[home].id);
}

static void explain_elsewhere(const struct plan *plan, const struct plan_packet *packet,
			      struct plan_answer *answer)
{
	struct words words = words_in(answer->text, sizeof(answer->text));
	char outside[ADDR_TEXT_MAX], target[ADDR_TEXT_MAX];

	words_say(&words, "nat %s sends %s to %s in zone %s, not %s", answer->destination_nat->id,
		  addr_text(&packet->destination, outside),
		  addr_text(&answer->translated.destination, target),
		  plan->zones[answer->translated.to].id, plan->zones[packet->to].id);
}

static void allow(const struct plan *plan, const struct plan_cell *cell, struct plan_answer *answer)
{
	const struct plan_packet *seen = &answer->translated;

	answer->verdict = cell->treatment & PLAN_GUARD ? PLAN_INSPECT : PLAN_ALLOW;
	answer->proxied = cell->treatment & PLAN_GUARD && plan->flows[cell->guard_flow].proxy;
	answer->reason = PLAN_BY_FLOW;
	answer->flow = cell->flow;
	if (answer->destination_nat && is_hairpin(answer->destination_nat, seen))
		answer->hairpin_nat = answer->destination_nat;
	answer->source_nat = find_source_nat(plan, seen);
}

// What is decided before any cell is asked: PLAN_BY_FLOW, when nothing is.
static enum plan_reason begin(const struct plan *plan, const struct plan_packet *packet,
			      struct plan_answer *ret)
{
	struct plan_packet *seen = &ret->translated;

	memset(ret, 0, offsetof(struct plan_answer, text)); // the text is long, and seldom used
	ret->text[0] = '\0';
	ret->flow = PLAN_NONE;
	ret->translated = *packet;
	ret->destination_nat = plan_translate(plan, packet, seen);
	ret->denied_action = plan_default_action(plan, seen->from, seen->to);
	if (ret->destination_nat && !asked_for(plan, packet, seen->to))
		return PLAN_NAT_ELSEWHERE;
	if (!plan_source_belongs(plan, seen)) {
		ret->denied_action = PLAN_DROP; // an answer would go to whoever has that address
		return PLAN_SPOOFED;
	}
	return plan_destination_belongs(plan, seen) ? PLAN_BY_FLOW : PLAN_MISPLACED;
}

static enum plan_reason decide(const struct plan *plan, const struct plan_packet *packet,
			       struct plan_answer *ret)
{
	const struct plan_cell *cell = NULL;
	enum plan_reason reason = begin(plan, packet, ret);

	if (reason != PLAN_BY_FLOW)
		return reason;
	plan_match(plan, &ret->translated, &cell);
	if (!cell)
		return PLAN_NO_PAIR;
	allow(plan, cell, ret);
	return PLAN_BY_FLOW;
}

// Those whose cells are asked for together.
struct pending {
	struct plan_packet packets[PENDING_MAX]; // as the forward hook sees them
	const struct plan_cell *cells[PENDING_MAX];
	struct plan_answer *answers[PENDING_MAX];
	size_t n;
};

static void find_pending(const struct plan *plan, struct plan_finder *finder,
			 struct pending *pending)
{
	if (finder) {
		plan_finder_find_many(finder, pending->packets, pending->n, pending->cells);
		return;
	}
	for (size_t i = 0; i < pending->n; i++) {
		pending->cells[i] = NULL;
		plan_match(plan, &pending->packets[i], &pending->cells[i]);
	}
}

static void decide_some(const struct plan *plan, struct plan_finder *finder,
			const struct plan_packet *packets, size_t n, struct plan_answer *ret)
{
	struct pending pending;

	pending.n = 0;
	for (size_t i = 0; i < n; i++) {
		enum plan_reason reason = begin(plan, &packets[i], &ret[i]);

		if (reason != PLAN_BY_FLOW) {
			ret[i].reason = reason;
			continue;
		}
		pending.packets[pending.n] = ret[i].translated;
		pending.answers[pending.n++] = &ret[i];
	}
	find_pending(plan, finder, &pending);
	for (size_t i = 0; i < pending.n; i++) {
		if (pending.cells[i])
			allow(plan, pending.cells[i], pending.answers[i]);
		else
			pending.answers[i]->reason = nearest_reason(plan, &pending.packets[i]);
	}
}

void plan_decide_many(const struct plan *plan, struct plan_finder *finder,
		      const struct plan_packet *packets, size_t n, struct plan_answer *ret)
{
	for (size_t i = 0; i < n; i += PENDING_MAX)
		decide_some(plan, finder, packets + i, n - i < PENDING_MAX ? n - i : PENDING_MAX,
			    ret + i);
}

void plan_decide(const struct plan *plan, struct plan_finder *finder,
		 const struct plan_packet *packet, struct plan_answer *ret)
{
	plan_decide_many(plan, finder, packet, 1, ret);
}

void plan_query(const struct plan *plan, const struct plan_packet *packet, struct plan_answer *ret)
{
	enum plan_reason reason = decide(plan, packet, ret);
	const struct plan_packet *seen = &ret->translated;

	if (reason == PLAN_BY_FLOW)
		return;
	deny(ret, reason);
	if (reason == PLAN_NAT_ELSEWHERE)
		explain_elsewhere(plan, packet, ret);
	else if (reason == PLAN_SPOOFED)
		explain_home(plan, &seen->source, seen->from, ret);
	else if (reason == PLAN_MISPLACED)
		explain_home(plan, &seen->destination, seen->to, ret);
	else
		nearest_explain(plan, seen, ret);
}
