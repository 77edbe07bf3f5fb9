// Breadth-first search over the boxes of all flows.  See reach.h for the idea.
#include "plan/reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

enum {
	NONE = UINT32_MAX,
	SPORT_SHOWN = 40000, // of packets in messages
};

struct box {
	uint32_t flow;
	const struct plan_term *term;
	struct addr_range source, destination;
};

struct reach {
	const struct plan *plan;
	struct box *boxes; // by source zone, family, first source
	size_t n_boxes;
	uint32_t *starts;  // by 2 * zone (+ 1 for IPv6), and one more: first box
	uint32_t *highest; // tree: 2 * leaves; the box with the highest source end, or NONE
	size_t leaves;
	struct addr_set elsewhere, everywhere;
	struct addr_set
		*zones; // addresses of each; those of zones with networks belong to the plan
	struct addr_set *relays; // the part that may relay
};

static size_t group_of(uint32_t zone, enum addr_family family)
{
	return 2 * (size_t)zone + (family == ADDR_V6);
}

static int compare_boxes(const void *left, const void *right)
{
	const struct box *a = left;
	const struct box *b = right;
	size_t x = group_of(a->term->from, a->source.family);
	size_t y = group_of(b->term->from, b->source.family);

	if (x != y)
		return x < y ? -1 : 1;
	if (a->source.lo != b->source.lo)
		return a->source.lo < b->source.lo ? -1 : 1;
	return a->flow < b->flow ? -1 : a->flow > b->flow;
}

static size_t count_rects(const struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_flows; i++)
		for (size_t j = 0; j < plan->flows[i].n_terms; j++)
			n += plan->flows[i].terms[j].n_rects;
	return n;
}

static void collect_boxes(struct reach *reach)
{
	const struct plan *plan = reach->plan;

	for (size_t i = 0; i < plan->n_flows; i++) {
		for (size_t j = 0; j < plan->flows[i].n_terms; j++) {
			const struct plan_term *term = &plan->flows[i].terms[j];

			for (size_t k = 0; k < term->n_rects && term->n_atoms > 0; k++)
				reach->boxes[reach->n_boxes++] =
					(struct box){ (uint32_t)i, term, term->rects[k].source,
						      term->rects[k].destination };
		}
	}
	qsort(reach->boxes, reach->n_boxes, sizeof(*reach->boxes), compare_boxes);
}

static void *new_array(size_t n, size_t size)
{
	size_t cap = 0;
	void *items = NULL;

	vec_grow(&items, &cap, n ? n : 1, size);
	memset(items, 0, cap * size);
	return items;
}

static void index_groups(struct reach *reach)
{
	size_t groups = 2 * reach->plan->n_zones;
	size_t at = 0;

	reach->starts = new_array(groups + 1, sizeof(*reach->starts));
	for (size_t group = 0; group <= groups; group++) {
		while (at < reach->n_boxes && group_of(reach->boxes[at].term->from,
						       reach->boxes[at].source.family) < group)
			at++;
		reach->starts[group] = (uint32_t)at;
	}
}

static uint32_t higher(const struct reach *reach, uint32_t a, uint32_t b)
{
	if (a == NONE || b == NONE)
		return a == NONE ? b : a;
	return reach->boxes[a].source.hi >= reach->boxes[b].source.hi ? a : b;
}

static void plant_tree(struct reach *reach)
{
	reach->leaves = 1;
	while (reach->leaves < reach->n_boxes)
		reach->leaves *= 2;
	reach->highest = new_array(2 * reach->leaves, sizeof(*reach->highest));
	for (size_t i = 0; i < reach->leaves; i++)
		reach->highest[reach->leaves + i] = i < reach->n_boxes ? (uint32_t)i : NONE;
	for (size_t i = reach->leaves; i-- > 1;)
		reach->highest[i] = higher(reach, reach->highest[2 * i], reach->highest[2 * i + 1]);
}

static void measure_zones(struct reach *reach)
{
	const struct plan *plan = reach->plan;

	reach->zones = new_array(plan->n_zones, sizeof(*reach->zones));
	addr_set_append(&reach->everywhere, addr_range_any(ADDR_V4));
	addr_set_append(&reach->everywhere, addr_range_any(ADDR_V6));
	addr_set_copy(&reach->elsewhere, plan_inside(plan));
	addr_set_complement(&reach->elsewhere);
	for (size_t i = 0; i < plan->n_zones; i++) {
		const struct plan_zone *zone = &plan->zones[i];

		if (i == PLAN_SELF)
			reach->zones[i] = reach->everywhere;
		else if (zone->elsewhere)
			reach->zones[i] = reach->elsewhere;
		else
			reach->zones[i] = (struct addr_set){ (struct addr_range *)zone->networks,
							     zone->n_networks, 0 };
	}
}

// A network in its zone; a group in every zone where it has addresses.
static void set_relay(struct reach *reach, const struct plan_network *network)
{
	struct addr_set set = { (struct addr_range *)network->ranges, network->n_ranges, 0 };

	for (uint32_t zone = 1; zone < reach->plan->n_zones; zone++) {
		struct addr_set here = { 0 };

		if (network->zone != PLAN_NONE && network->zone != zone)
			continue;
		addr_set_copy(&here, &set);
		addr_set_intersect(&here, &reach->zones[zone]);
		if (here.n > 0 && network->relay)
			addr_set_union(&reach->relays[zone], &here);
		else if (here.n > 0)
			addr_set_subtract(&reach->relays[zone], &here);
		addr_set_done(&here);
	}
}

// Networks that differ from their zone: first those that do not relay are taken away, then those
// that do are added.
static void measure_relays(struct reach *reach)
{
	const struct plan *plan = reach->plan;

	reach->relays = new_array(plan->n_zones, sizeof(*reach->relays));
	for (size_t i = 1; i < plan->n_zones; i++)
		if (plan->zones[i].relay)
			addr_set_copy(&reach->relays[i], &reach->zones[i]);
	for (int relay = 0; relay <= 1; relay++)
		for (size_t i = 0; i < plan->n_networks; i++)
			if (plan->networks[i].relay == relay)
				set_relay(reach, &plan->networks[i]);
}

struct reach *reach_new(const struct plan *plan)
{
	struct reach *reach = new_array(1, sizeof(*reach));

	reach->plan = plan;
	reach->boxes = new_array(count_rects(plan), sizeof(*reach->boxes));
	collect_boxes(reach);
	index_groups(reach);
	plant_tree(reach);
	measure_zones(reach);
	measure_relays(reach);
	return reach;
}

void reach_free(struct reach *reach)
{
	if (!reach)
		return;
	for (size_t i = 0; i < reach->plan->n_zones; i++)
		addr_set_done(&reach->relays[i]);
	addr_set_done(&reach->elsewhere);
	addr_set_done(&reach->everywhere);
	free(reach->relays);
	free(reach->zones);
	free(reach->highest);
	free(reach->starts);
	free(reach->boxes);
	free(reach);
}

const struct addr_set *reach_zone(const struct reach *reach, uint32_t zone)
{
	return &reach->zones[zone];
}

void reach_hosts_done(struct reach_hosts *hosts)
{
	addr_set_done(&hosts->set);
	vec_done(&hosts->path);
}

// Hosts from which boxes are to be taken.
struct piece {
	struct addr_range range;
	uint16_t zone;
	uint32_t box; // that led here, or NONE
};

struct walk {
	const struct reach *reach;
	const struct reach_search *search;
	uint32_t *highest;  // copy of the tree; taken boxes are NONE
	uint32_t *taken_by; // by box: index of the piece
	VEC(struct piece) pieces;
	struct addr_set *relays; // by zone: without the hosts that no path may pass
	bool *whole;		 // by group: all that may relay has been added
	size_t missing;		 // targets not yet reached
};

static void forget_box(struct walk *walk, uint32_t box)
{
	size_t i = walk->reach->leaves + box;

	walk->highest[i] = NONE;
	for (i /= 2; i >= 1; i /= 2)
		walk->highest[i] =
			higher(walk->reach, walk->highest[2 * i], walk->highest[2 * i + 1]);
}

// The box with the highest source end among those from lo to before hi.
static uint32_t highest_between(const struct walk *walk, size_t lo, size_t hi)
{
	uint32_t best = NONE;

	for (lo += walk->reach->leaves, hi += walk->reach->leaves; lo < hi; lo /= 2, hi /= 2) {
		if (lo & 1)
			best = higher(walk->reach, best, walk->highest[lo++]);
		if (hi & 1)
			best = higher(walk->reach, best, walk->highest[--hi]);
	}
	return best;
}

// The first box of from..to whose source begins behind the range.
static size_t first_behind(const struct reach *reach, size_t from, size_t to,
			   const struct addr_range *range)
{
	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (reach->boxes[mid].source.lo <= range->hi)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static struct addr_range overlap(const struct addr_range *a, const struct addr_range *b)
{
	return (struct addr_range){ a->family, a->lo > b->lo ? a->lo : b->lo,
				    a->hi < b->hi ? a->hi : b->hi };
}

// A protocol of both that the family has, preferring TCP.
static bool meet(const struct plan_atom *a, const struct plan_atom *b, enum addr_family family,
		 struct plan_atom *ret)
{
	if (!atom_intersect(a, b, ret))
		return false;

	unsigned other = family == ADDR_V4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

	return ret->protocol_lo != other || ret->protocol_hi != other;
}

// An atom of the term that is also one of the search's services.
static bool served(const struct reach_search *search, const struct plan_term *term,
		   enum addr_family family, struct plan_atom *ret)
{
	static const struct plan_atom any = { 0, UINT8_MAX, 0, UINT16_MAX, 0, UINT16_MAX };

	for (size_t i = 0; i < term->n_atoms; i++) {
		if (search->n_services == 0 && meet(&term->atoms[i], &any, family, ret))
			return true;
		for (size_t j = 0; j < search->n_services; j++)
			if (meet(&term->atoms[i], &search->services[j], family, ret))
				return true;
	}
	return false;
}

// An address that a person would believe in: not the network's own, and for "anywhere" one that is
// kept for documentation.
static struct addr pick_address(const struct addr_range *range)
{
	static const addr_bits known_v4[] = { 0xcb007105, 0xc6336405, 0xc0000205, 0x08080808 };
	const addr_bits known_v6 = ((addr_bits)0x20010db8 << 96) + 5;
	struct addr addr = { range->family, range->lo };
	addr_bits size = range->hi - range->lo;

	if (range->family == ADDR_V6 && size >> 64 && addr_range_contains(range, &addr) &&
	    known_v6 >= range->lo && known_v6 <= range->hi) {
		addr.bits = known_v6;
		return addr;
	}
	for (size_t i = 0; range->family == ADDR_V4 && size >= 1 << 24 && i < 4; i++) {
		if (known_v4[i] >= range->lo && known_v4[i] <= range->hi) {
			addr.bits = known_v4[i];
			return addr;
		}
	}
	addr.bits += size >= 15 ? 5 : size >= 2 ? 1 : 0;
	return addr;
}

static void pick_service(const struct plan_atom *atom, enum addr_family family,
			 struct plan_packet *packet)
{
	unsigned icmp = family == ADDR_V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	unsigned echo = family == ADDR_V4 ? 8 : 128;
	bool wide = atom->protocol_lo != atom->protocol_hi;

	packet->protocol =
		wide && atom->protocol_lo <= IPPROTO_TCP && atom->protocol_hi >= IPPROTO_TCP
			? IPPROTO_TCP
			: atom->protocol_lo;
	if (packet->protocol == icmp) {
		packet->port = atom->port_lo <= echo && echo <= atom->port_hi ? (uint16_t)echo
									      : atom->port_lo;
		return;
	}
	packet->port = atom->port_lo;
	if (atom->port_lo <= 1 && atom->port_hi >= 443)
		packet->port = 443;
	packet->sport = atom->sport_lo <= SPORT_SHOWN && atom->sport_hi >= SPORT_SHOWN
				? SPORT_SHOWN
				: atom->sport_lo;
}

// Follows the pieces back from the last box and gives every hop its packet; each hop's source is
// the destination of the one before.
static void trace(const struct walk *walk, uint32_t last, const struct addr_range *hit,
		  struct reach_hosts *target)
{
	struct addr destination = pick_address(hit);

	for (uint32_t box = last; box != NONE;) {
		const struct box *at = &walk->reach->boxes[box];
		const struct piece *piece = &walk->pieces.v[walk->taken_by[box]];
		struct addr_range source = overlap(&piece->range, &at->source);
		struct plan_atom atom = at->term->atoms[0];
		struct reach_hop *hop = vec_add(&target->path);

		if (box == last)
			served(walk->search, at->term, source.family, &atom);
		*hop = (struct reach_hop){ .flow = at->flow };
		hop->packet.from = at->term->from;
		hop->packet.to = at->term->to;
		hop->packet.source = pick_address(&source);
		hop->packet.destination = destination;
		pick_service(&atom, source.family, &hop->packet);
		destination = hop->packet.source;
		box = piece->box;
	}
	for (size_t i = 0, j = target->path.n - 1; i < j; i++, j--) {
		struct reach_hop hop = target->path.v[i];

		target->path.v[i] = target->path.v[j];
		target->path.v[j] = hop;
	}
}

static void try_targets(struct walk *walk, uint32_t box)
{
	const struct box *at = &walk->reach->boxes[box];
	struct plan_atom atom;

	for (size_t i = 0; i < walk->search->n_to; i++) {
		struct reach_hosts *target = &walk->search->to[i];

		if (target->reached || target->zone != at->term->to)
			continue;

		const struct addr_range *found = addr_set_find(&target->set, &at->destination);

		if (!found || !served(walk->search, at->term, at->source.family, &atom))
			continue;

		struct addr_range hit = overlap(found, &at->destination);

		target->reached = true;
		walk->missing--;
		trace(walk, box, &hit, target);
	}
}

// Adds the destination's hosts that may relay.
static void go_on(struct walk *walk, uint32_t box)
{
	const struct box *at = &walk->reach->boxes[box];
	size_t group = group_of(at->term->to, at->destination.family);
	const struct addr_set *relays = &walk->relays[at->term->to];
	struct addr_range left = at->destination;

	if (walk->whole[group])
		return;
	walk->whole[group] = addr_range_is_any(&at->destination);
	for (const struct addr_range *next; (next = addr_set_find(relays, &left));) {
		struct addr_range part = overlap(next, &left);

		vec_push(&walk->pieces, ((struct piece){ part, at->term->to, box }));
		if (part.hi >= left.hi)
			break;
		left.lo = part.hi + 1;
	}
}

static void take_boxes(struct walk *walk, size_t index)
{
	struct piece piece = walk->pieces.v[index]; // the array may move below
	const uint32_t *start = &walk->reach->starts[group_of(piece.zone, piece.range.family)];
	size_t end = first_behind(walk->reach, start[0], start[1], &piece.range);

	while (walk->missing > 0) {
		uint32_t box = highest_between(walk, start[0], end);

		if (box == NONE || walk->reach->boxes[box].source.hi < piece.range.lo)
			return;
		walk->taken_by[box] = (uint32_t)index;
		forget_box(walk, box);
		try_targets(walk, box);
		if (!walk->search->direct)
			go_on(walk, box);
	}
}

static void begin(struct walk *walk)
{
	const struct reach *reach = walk->reach;
	const struct reach_search *search = walk->search;
	size_t n_zones = reach->plan->n_zones;

	walk->highest = new_array(2 * reach->leaves, sizeof(*walk->highest));
	memcpy(walk->highest, reach->highest, 2 * reach->leaves * sizeof(*walk->highest));
	walk->taken_by = new_array(reach->n_boxes, sizeof(*walk->taken_by));
	walk->whole = new_array(2 * n_zones, sizeof(*walk->whole));
	walk->relays = new_array(n_zones, sizeof(*walk->relays));
	memcpy(walk->relays, reach->relays, n_zones * sizeof(*walk->relays));
	for (size_t i = 0; i < search->n_without; i++) {
		struct addr_set *relays = &walk->relays[search->without[i].zone];
		struct addr_set rest = { 0 };

		addr_set_copy(&rest, relays);
		addr_set_subtract(&rest, &search->without[i].set);
		if (relays->v != reach->relays[search->without[i].zone].v)
			addr_set_done(relays);
		*relays = rest;
	}
	for (size_t i = 0; i < search->n_from; i++)
		for (size_t j = 0; j < search->from[i].set.n; j++)
			vec_push(&walk->pieces, ((struct piece){ search->from[i].set.v[j],
								 search->from[i].zone, NONE }));
}

static void end_walk(struct walk *walk)
{
	for (size_t i = 0; i < walk->reach->plan->n_zones; i++)
		if (walk->relays[i].v != walk->reach->relays[i].v)
			addr_set_done(&walk->relays[i]);
	free(walk->relays);
	free(walk->whole);
	free(walk->taken_by);
	free(walk->highest);
	vec_done(&walk->pieces);
}

void reach_find(const struct reach *reach, const struct reach_search *search)
{
	struct walk walk = { .reach = reach, .search = search, .missing = search->n_to };

	begin(&walk);
	for (size_t i = 0; i < walk.pieces.n && walk.missing > 0; i++)
		take_boxes(&walk, i);
	end_walk(&walk);
}

// One end: address and port, "self" for the gateway, of whose addresses the policy knows nothing.
static void end_text(const struct addr *addr, bool self, bool with_port, unsigned port,
		     char out[REACH_PACKET_TEXT_MAX / 3])
{
	bool brackets = addr->family == ADDR_V6 && with_port && !self;
	char text[ADDR_TEXT_MAX];
	char port_text[8] = "";

	if (with_port)
		snprintf(port_text, sizeof(port_text), ":%u", port & UINT16_MAX);
	snprintf(out, REACH_PACKET_TEXT_MAX / 3, "%s%.*s%s%s", brackets ? "[" : "",
		 INET6_ADDRSTRLEN - 1, self ? "self" : addr_text(addr, text), brackets ? "]" : "",
		 port_text);
}

const char *reach_packet_text(const struct plan_packet *packet, char out[REACH_PACKET_TEXT_MAX])
{
	struct plan_atom atom = {
		packet->protocol, packet->protocol, 0, UINT16_MAX, 0, UINT16_MAX
	};
	char source[REACH_PACKET_TEXT_MAX / 3], destination[REACH_PACKET_TEXT_MAX / 3];
	char service[REACH_PACKET_TEXT_MAX / 3];
	bool ports = atom_has_ports(&atom);

	if (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6)
		atom.port_lo = atom.port_hi = packet->port;
	plan_atom_text(&atom, service, sizeof(service));
	end_text(&packet->source, packet->from == PLAN_SELF, ports, packet->sport, source);
	end_text(&packet->destination, packet->to == PLAN_SELF, ports, packet->port, destination);
	snprintf(out, REACH_PACKET_TEXT_MAX, "%.48s %.52s -> %.52s", service, source, destination);
	return out;
}
