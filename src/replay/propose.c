#include "replay/propose.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

struct seen { // one denied connection
	uint16_t from, to;
	uint8_t protocol;
	uint16_t port;
	struct addr source, destination;
	uint64_t packets;
	bool answered;
};

struct service {
	uint8_t protocol;
	uint16_t lo, hi;
};

struct candidate {
	uint16_t from, to;
	struct addr_set sources, destinations;
	VEC(struct service) services;
	uint64_t connections, answered, packets;
	char id[40];
	size_t source_network, destination_network; // index into networks, or NONE
};

struct network {
	char name[80];
	uint16_t zone;
	struct addr_set set;
	bool known; // the policy has it
};

struct proposal {
	struct plan *plan;
	VEC(struct candidate) flows;
	VEC(struct network) networks;
	uint64_t more; // flows left out
};

#define NO_NETWORK SIZE_MAX

// --- what was denied

static bool has_flow_to_be(const struct connection *entry)
{
	return entry->verdict == REPLAY_DENIED && entry->from != SPOT_NO_ZONE &&
	       entry->to != SPOT_NO_ZONE && entry->reason >= REPLAY_NO_PAIR &&
	       entry->reason <= REPLAY_EXCEPTED;
}

static int compare_addr(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return (a->bits > b->bits) - (a->bits < b->bits);
}

// By pair and service, then by addresses.
static int by_service(const void *x, const void *y)
{
	const struct seen *a = x, *b = y;
	int r;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	r = compare_addr(&a->source, &b->source);
	return r ? r : compare_addr(&a->destination, &b->destination);
}

static bool same_service(const struct seen *a, const struct seen *b)
{
	return a->from == b->from && a->to == b->to && a->protocol == b->protocol &&
	       a->port == b->port;
}

static size_t collect(const struct replay *replay, struct seen **ret)
{
	const struct tracks *tracks = &replay->tracks;
	struct seen *seen = calloc(tracks->n + 1, sizeof(*seen));
	size_t n = 0;

	if (!seen)
		abort();
	for (size_t i = 0; i < tracks->n; i++) {
		const struct connection *entry = track_at(tracks, i);
		struct judge_answer answer;

		if (replay_is_alias(entry) || !has_flow_to_be(entry))
			continue;
		judge_connection(&replay->judge, entry, &answer);
		seen[n++] = (struct seen){
			.from = answer.translated.from,
			.to = answer.translated.to,
			.protocol = answer.translated.protocol,
			.port = answer.translated.port,
			.source = answer.translated.source,
			.destination = answer.translated.destination,
			.packets = entry->packets[0] + entry->packets[1],
			.answered = entry->flags & CONNECTION_ANSWERED,
		};
	}
	qsort(seen, n, sizeof(*seen), by_service);
	*ret = seen;
	return n;
}

// --- flows

static void add_address(struct addr_set *set, const struct addr *addr)
{
	addr_set_append(set, (struct addr_range){ addr->family, addr->bits, addr->bits });
}

static struct candidate candidate_of(const struct seen *seen, size_t n)
{
	struct candidate candidate = { .from = seen->from, .to = seen->to, .connections = n };
	struct service service = { seen->protocol, seen->port, seen->port };

	for (size_t i = 0; i < n; i++) {
		add_address(&candidate.sources, &seen[i].source);
		add_address(&candidate.destinations, &seen[i].destination);
		candidate.answered += seen[i].answered;
		candidate.packets += seen[i].packets;
	}
	addr_set_normalise(&candidate.sources);
	addr_set_normalise(&candidate.destinations);
	vec_push(&candidate.services, service);
	return candidate;
}

static bool same_set(const struct addr_set *a, const struct addr_set *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = a->v[i].family == b->v[i].family && a->v[i].lo == b->v[i].lo &&
		       a->v[i].hi == b->v[i].hi;
	return same;
}

static void candidate_done(struct candidate *candidate)
{
	addr_set_done(&candidate->sources);
	addr_set_done(&candidate->destinations);
	vec_done(&candidate->services);
}

// Only the newest ones are looked at: what belongs together stands near in the order of services.
static void add_candidate(struct proposal *proposal, struct candidate *candidate)
{
	size_t n = proposal->flows.n;

	for (size_t i = n; i > 0 && n - i < PROPOSE_FLOWS_MAX; i--) {
		struct candidate *other = &proposal->flows.v[i - 1];

		if (other->from != candidate->from || other->to != candidate->to)
			break;
		if (!same_set(&other->sources, &candidate->sources) ||
		    !same_set(&other->destinations, &candidate->destinations))
			continue;
		vec_push(&other->services, candidate->services.v[0]);
		other->connections += candidate->connections;
		other->answered += candidate->answered;
		other->packets += candidate->packets;
		candidate_done(candidate);
		return;
	}
	vec_push(&proposal->flows, *candidate);
}

static int by_weight(const void *x, const void *y)
{
	const struct candidate *a = x, *b = y;

	if (a->answered != b->answered)
		return a->answered > b->answered ? -1 : 1;
	if (a->connections != b->connections)
		return a->connections > b->connections ? -1 : 1;
	return 0;
}

// Ports of one protocol, in their order, become one range where they are many.
static void join_ports(struct candidate *candidate)
{
	size_t kept = 0;

	for (size_t i = 0, end; i < candidate->services.n; i = end) {
		struct service *v = candidate->services.v;

		for (end = i + 1; end < candidate->services.n && v[end].protocol == v[i].protocol;)
			end++;
		bool ports = v[i].protocol == IPPROTO_TCP || v[i].protocol == IPPROTO_UDP ||
			     v[i].protocol == IPPROTO_SCTP;
		if (ports && end - i > PROPOSE_PORTS_MAX) {
			v[kept] = v[i];
			v[kept++].hi = v[end - 1].hi;
			continue;
		}
		for (size_t k = i; k < end; k++)
			v[kept++] = v[k];
	}
	candidate->services.n = kept;
}

// --- names

static bool taken(struct proposal *proposal, const char *name)
{
	uint32_t zone;
	const struct addr_range *ranges;
	size_t n;

	for (size_t i = 0; i < proposal->networks.n; i++)
		if (strcmp(proposal->networks.v[i].name, name) == 0)
			return true;
	return plan_endpoint(proposal->plan, name, &zone, &ranges, &n) == 0;
}

static uint64_t addresses_of(const struct addr_set *set)
{
	uint64_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += (uint64_t)(set->v[i].hi - set->v[i].lo) + 1;
	return n;
}

// The index of a network that has the addresses, or NO_NETWORK for the whole zone.
static size_t network_for(struct proposal *proposal, uint16_t zone, const struct addr_set *set)
{
	size_t n;
	const char *zone_id = plan_zones(proposal->plan, &n)[zone].id;
	struct network network = { .zone = zone };
	const char *known = plan_network_like(proposal->plan, zone, set);

	if (zone == PLAN_SELF || (!known && addresses_of(set) > PROPOSE_ADDRESSES_MAX))
		return NO_NETWORK;
	for (size_t i = 0; i < proposal->networks.n; i++)
		if (proposal->networks.v[i].zone == zone &&
		    same_set(&proposal->networks.v[i].set, set))
			return i;
	if (known)
		snprintf(network.name, sizeof(network.name), "%s", known);
	for (unsigned k = 1; !known; k++) {
		snprintf(network.name, sizeof(network.name), "%s/seen-%u", zone_id, k);
		if (!taken(proposal, network.name))
			break;
	}
	network.known = known != NULL;
	addr_set_copy(&network.set, set);
	vec_push(&proposal->networks, network);
	return proposal->networks.n - 1;
}

static void name_flows(struct proposal *proposal)
{
	unsigned k = 1;

	for (size_t i = 0; i < proposal->flows.n; i++) {
		struct candidate *flow = &proposal->flows.v[i];

		do
			snprintf(flow->id, sizeof(flow->id), "seen-%u", k++);
		while (plan_find_flow(proposal->plan, flow->id) != PLAN_NONE);
		join_ports(flow);
		flow->source_network = network_for(proposal, flow->from, &flow->sources);
		flow->destination_network = network_for(proposal, flow->to, &flow->destinations);
	}
}

struct proposal *propose(struct plan *plan, const struct replay *replay)
{
	struct proposal *proposal = calloc(1, sizeof(*proposal));
	struct seen *seen;
	size_t n = collect(replay, &seen);

	if (!proposal)
		abort();
	proposal->plan = plan;
	for (size_t i = 0, end; i < n; i = end) {
		struct candidate candidate;

		for (end = i + 1; end < n && same_service(&seen[i], &seen[end]);)
			end++;
		candidate = candidate_of(&seen[i], end - i);
		add_candidate(proposal, &candidate);
	}
	free(seen);
	if (proposal->flows.n)
		qsort(proposal->flows.v, proposal->flows.n, sizeof(proposal->flows.v[0]),
		      by_weight);
	while (proposal->flows.n > PROPOSE_FLOWS_MAX) {
		candidate_done(&proposal->flows.v[--proposal->flows.n]);
		proposal->more++;
	}
	name_flows(proposal);
	return proposal;
}

void propose_done(struct proposal *proposal)
{
	if (!proposal)
		return;
	for (size_t i = 0; i < proposal->flows.n; i++)
		candidate_done(&proposal->flows.v[i]);
	for (size_t i = 0; i < proposal->networks.n; i++)
		addr_set_done(&proposal->networks.v[i].set);
	vec_done(&proposal->flows);
	vec_done(&proposal->networks);
	free(proposal);
}

size_t propose_flows(const struct proposal *proposal)
{
	return proposal->flows.n;
}

// --- text

static void print_network(const struct network *network, FILE *out)
{
	char text[ADDR_TEXT_MAX];

	fprintf(out, "  %s: [", network->name);
	for (size_t i = 0; i < network->set.n; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", addr_range_text(&network->set.v[i], text));
	fputs("]\n", out);
}

static bool is_used(const struct proposal *proposal, size_t network, const bool *include)
{
	for (size_t i = 0; i < proposal->flows.n; i++)
		if (include[i] && (proposal->flows.v[i].source_network == network ||
				   proposal->flows.v[i].destination_network == network))
			return true;
	return false;
}

static void print_networks(const struct proposal *proposal, const bool *include, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < proposal->networks.n; i++) {
		if (proposal->networks.v[i].known || !is_used(proposal, i, include))
			continue;
		if (!any)
			fputs("networks:\n", out);
		any = true;
		print_network(&proposal->networks.v[i], out);
	}
}

static const char *end_of(const struct proposal *proposal, uint16_t zone, size_t network)
{
	size_t n;

	return network == NO_NETWORK ? plan_zones(proposal->plan, &n)[zone].id
				     : proposal->networks.v[network].name;
}

// Of a flow that is not proposed: its networks are not in the file.
static void print_end(const struct proposal *proposal, uint16_t zone, size_t network, FILE *out)
{
	const struct network *named = network == NO_NETWORK ? NULL : &proposal->networks.v[network];
	char text[ADDR_TEXT_MAX];
	size_t n;

	if (!named || named->known)
		fputs(end_of(proposal, zone, network), out);
	else
		fprintf(out, "%s/%s%s", plan_zones(proposal->plan, &n)[zone].id,
			addr_range_text(&named->set.v[0], text), named->set.n > 1 ? ", ..." : "");
}

static void print_services(const struct candidate *flow, FILE *out)
{
	char text[64];

	for (size_t i = 0; i < flow->services.n; i++) {
		const struct service *service = &flow->services.v[i];
		struct plan_atom atom = { service->protocol, service->protocol, 0,
					  UINT16_MAX,	     service->lo,	service->hi };

		if (service->protocol != IPPROTO_TCP && service->protocol != IPPROTO_UDP &&
		    service->protocol != IPPROTO_SCTP && service->protocol != IPPROTO_ICMP &&
		    service->protocol != IPPROTO_ICMPV6) {
			atom.port_lo = 0;
			atom.port_hi = UINT16_MAX;
		}
		fprintf(out, "%s%s", i ? ", " : "", plan_atom_text(&atom, text, sizeof(text)));
	}
}

static void print_flow(const struct proposal *proposal, const struct candidate *flow, FILE *out)
{
	fprintf(out, "  # %llu connections, %llu of them answered, %llu packets\n",
		(unsigned long long)flow->connections, (unsigned long long)flow->answered,
		(unsigned long long)flow->packets);
	fprintf(out, "  - id: %s\n    from: %s\n    to: %s\n    services: [", flow->id,
		end_of(proposal, flow->from, flow->source_network),
		end_of(proposal, flow->to, flow->destination_network));
	print_services(flow, out);
	fputs("]\n", out);
}

void propose_print(const struct proposal *proposal, const bool *include, const char *const *note,
		   FILE *out)
{
	bool any = false;

	print_networks(proposal, include, out);
	for (size_t i = 0; i < proposal->flows.n; i++) {
		const struct candidate *flow = &proposal->flows.v[i];

		if (!include[i])
			continue;
		if (!any)
			fputs("flows:\n", out);
		any = true;
		print_flow(proposal, flow, out);
	}
	for (size_t i = 0; note && i < proposal->flows.n; i++) {
		const struct candidate *flow = &proposal->flows.v[i];

		if (include[i] || !note[i])
			continue;
		fputs("# not proposed: ", out);
		print_end(proposal, flow->from, flow->source_network, out);
		fputs(" -> ", out);
		print_end(proposal, flow->to, flow->destination_network, out);
		fputs(", ", out);
		print_services(flow, out);
		fprintf(out, " (%llu connections): %s\n", (unsigned long long)flow->connections,
			note[i]);
	}
	if (note && proposal->more)
		fprintf(out, "# %llu more were left out; permit these first\n",
			(unsigned long long)proposal->more);
}
