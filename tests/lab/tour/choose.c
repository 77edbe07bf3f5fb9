// Choosing what to try: from the plan's own cells, between addresses that stand in the lab.
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lab/tour/tour.h"

// The best service to show: a page, then any TCP connection, an echo, a datagram.
static int client_of(const struct plan_atom *atom, enum addr_family family, bool to_self,
		     enum tour_client *ret)
{
	if (atom->protocol_lo != atom->protocol_hi || atom->sport_lo != 0 ||
	    atom->sport_hi != 65535)
		return atom->protocol_lo == 0 && atom->protocol_hi == 255 ? (*ret = TOUR_CURL, 2)
									  : 0;
	switch (atom->protocol_lo) {
	case IPPROTO_TCP:
		*ret = atom->port_lo <= 80 && atom->port_hi >= 80 ? TOUR_CURL : TOUR_TCP;
		return *ret == TOUR_CURL ? 4 : 3;
	case IPPROTO_ICMP:
		*ret = TOUR_PING;
		return family == ADDR_V4 && atom->port_lo <= 8 && atom->port_hi >= 8 ? 2 : 0;
	case IPPROTO_ICMPV6:
		*ret = TOUR_PING;
		return family == ADDR_V6 && atom->port_lo <= 128 && atom->port_hi >= 128 ? 2 : 0;
	case IPPROTO_UDP:
		*ret = TOUR_UDP;
		return to_self ? 0 : 1;
	default:
		return 0;
	}
}

static void set_service(struct plan_packet *packet, enum tour_client client, uint16_t port)
{
	bool v6 = packet->source.family == ADDR_V6;
	packet->sport = 40000;
	switch (client) {
	case TOUR_PING:
		packet->protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		packet->port = v6 ? 128 : 8;
		packet->sport = 0;
		break;
	case TOUR_CURL:
		packet->protocol = IPPROTO_TCP;
		packet->port = 80;
		break;
	case TOUR_TCP:
	case TOUR_UDP:
		packet->protocol = client == TOUR_TCP ? IPPROTO_TCP : IPPROTO_UDP;
		packet->port = port;
		break;
	}
}

// A host of the zone within the range; for self the gateway's address on the other zone's cable.
static bool find_host(const struct tour *tour, uint16_t zone, uint16_t other,
		      const struct addr_range *range, struct addr *ret)
{
	for (size_t i = 0; i < tour->hosts.n; i++) {
		const struct tour_host *host = &tour->hosts.v[i];
		bool fits = zone == PLAN_SELF ? host->gateway && host->zone == other
					      : !host->gateway && host->zone == zone;
		if (fits && host->addr.family == range->family &&
		    addr_range_contains(range, &host->addr)) {
			*ret = host->addr;
			return true;
		}
	}
	*ret = (struct addr){ range->family, range->lo };
	return zone != PLAN_SELF && !addr_range_is_any(range) &&
	       plan_zone_has(tour->plan, zone, ret);
}

static bool fill(const struct tour *tour, const struct plan_rect *rect, enum tour_client client,
		 uint16_t port, struct tour_attempt *attempt)
{
	struct plan_packet *packet = &attempt->packet;
	packet->from = attempt->from;
	packet->to = attempt->to;
	if (!find_host(tour, attempt->from, attempt->to, &rect->source, &packet->source) ||
	    !find_host(tour, attempt->to, attempt->from, &rect->destination, &packet->destination))
		return false;
	attempt->client = client;
	set_service(packet, client, port);
	plan_query(tour->plan, packet, &attempt->answer);
	return true;
}

static void choose_permitted(struct tour *tour, const struct plan_pair *pair,
			     enum addr_family family)
{
	struct tour_attempt best = { 0 };
	int best_score = 0;
	for (size_t i = 0; i < pair->n_classes; i++) {
		const struct plan_class *class = &pair->classes[i];
		for (size_t a = 0; a < class->n_atoms; a++) {
			enum tour_client client;
			int score =
				client_of(&class->atoms[a], family, pair->to == PLAN_SELF, &client);
			for (size_t c = 0; score > best_score && c < class->n_cells; c++) {
				struct tour_attempt attempt = { .from = pair->from,
								.to = pair->to };
				if (class->cells[c].rect.source.family != family ||
				    !fill(tour, &class->cells[c].rect, client,
					  class->atoms[a].port_lo ? class->atoms[a].port_lo : 1,
					  &attempt) ||
				    attempt.answer.verdict != PLAN_ALLOW)
					continue;
				best = attempt;
				best_score = score;
			}
		}
	}
	if (best_score > 0)
		*vec_add(&tour->attempts) = best;
}

static void choose_denied(struct tour *tour, uint16_t from, uint16_t to, enum addr_family family)
{
	static const uint16_t ports[] = { 445, 3389, 22, 23, 25, 8081 };
	struct plan_rect any = { addr_range_any(family), addr_range_any(family) };
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		struct tour_attempt attempt = { .from = from, .to = to };
		if (!fill(tour, &any, TOUR_TCP, ports[i], &attempt))
			return;
		if (attempt.answer.verdict == PLAN_DENY) {
			*vec_add(&tour->attempts) = attempt;
			return;
		}
	}
}

void tour_choose(struct tour *tour)
{
	for (uint16_t from = 0; from < tour->n_zones; from++) {
		for (uint16_t to = 0; to < tour->n_zones; to++) {
			const struct plan_pair *pair = plan_find_pair(tour->plan, from, to);
			if (from == to)
				continue;
			for (int family = ADDR_V4; family <= ADDR_V6; family += ADDR_V6 - ADDR_V4) {
				if (pair)
					choose_permitted(tour, pair, (enum addr_family)family);
				choose_denied(tour, from, to, (enum addr_family)family);
			}
		}
	}
}

const char *tour_service(const struct tour_attempt *attempt, char *out, size_t size)
{
	static const char *const names[] = { "ping", "curl", "nc", "nc -u" };
	const struct plan_packet *packet = &attempt->packet;
	const char *client = names[attempt->client];
	if (attempt->client == TOUR_PING)
		snprintf(out, size, "%s", client);
	else
		snprintf(out, size, "%s %s/%u", client,
			 packet->protocol == IPPROTO_TCP ? "tcp" : "udp", packet->port);
	return out;
}
