// Probes as packets.  The gateway is made to route by DSCP: zone number i + 1, set by the sender,
// becomes a mark, the mark a routing table with one default route to that zone.  This comes after
// anti-spoofing (priority -290) and before any translation, and takes nothing away from the rules.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/agree/agree.h"

enum { STEER_TABLE = 1000, STEER_ZONES_MAX = 63, STEER_TOKEN = 0x20000000 };

unsigned agree_wire_zone(const struct agree *agree, int zone)
{
	if (zone == REFERENCE_SELF)
		return 0;
	const char *name = agree->tree->zones[zone].id.s;
	for (unsigned i = 1; i < agree->wire.n_zones; i++)
		if (strcmp(agree->wire.zones[i].name, name) == 0)
			return i;
	fprintf(stderr, "lab-agree: the lab has no zone %s: it runs another policy\n", name);
	exit(2);
}

uint16_t agree_plan_zone(const struct agree *agree, int zone)
{
	return zone == REFERENCE_SELF
		       ? PLAN_SELF
		       : (uint16_t)plan_find_zone(agree->plan, agree->tree->zones[zone].id.s);
}

// --- steering -----------------------------------------------------------------------------------

static void run(struct agree *agree, unsigned zone, const char *command, FILE *batch, char **text)
{
	fclose(batch);
	wire_command(&agree->wire, zone, command, *text);
	free(*text);
	*text = NULL;
}

// The zone's end by its link-local address: good for both families and always there.
static void link_local(const uint8_t mac[6], char out[64])
{
	snprintf(out, 64, "fe80::%02x%02x:%02xff:fe%02x:%02x%02x", mac[0] ^ 2, mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
}

static void print_routes(const struct agree *agree, bool v6, FILE *batch)
{
	// Steered packets go to their zone even if the address is the gateway's own.
	fprintf(batch, "rule add pref 200 lookup local\nrule del pref 0 lookup local\n");
	for (unsigned i = 1; i < agree->wire.n_zones && i < STEER_ZONES_MAX; i++) {
		const struct wire_link *link = &agree->wire.zones[i].links[0];
		const uint8_t *m = link->zone_mac;
		unsigned table = STEER_TABLE + i;
		char via[64];
		link_local(m, via);
		if (v6)
			fprintf(batch,
				"neigh replace %s lladdr %02x:%02x:%02x:%02x:%02x:%02x dev %s "
				"nud permanent\n",
				via, m[0], m[1], m[2], m[3], m[4], m[5], link->gateway);
		fprintf(batch, "route replace default via %s%s dev %s table %u\n",
			v6 ? "" : "inet6 ", via, link->gateway, table);
		fprintf(batch, "rule add pref 100 fwmark %u lookup %u\n", table, table);
	}
}

static void print_marks(const struct agree *agree, FILE *batch)
{
	fprintf(batch, "table inet lab_steer {\n\tchain steer {\n"
		       "\t\ttype filter hook prerouting priority -200; policy accept;\n");
	for (int f = 4; f <= 6; f += 2) {
		const char *ip = f == 4 ? "ip" : "ip6";
		fprintf(batch, "\t\t%s dscp != 0 meta mark set %s dscp map {", ip, ip);
		for (unsigned i = 1; i < agree->wire.n_zones && i < STEER_ZONES_MAX; i++)
			fprintf(batch, "%s %u : %u", i > 1 ? "," : "", i + 1, STEER_TABLE + i);
		fprintf(batch, " }\n");
	}
	fprintf(batch, "\t}\n}\n");
}

void agree_steer(struct agree *agree)
{
	char *text = NULL;
	size_t size;
	FILE *batch;

	wire_fix_neighbours(&agree->wire);
	for (int v6 = 1; v6 >= 0; v6--) {
		batch = open_memstream(&text, &size);
		print_routes(agree, v6, batch);
		run(agree, 0, v6 ? "ip -6 -batch -" : "ip -4 -batch -", batch, &text);
	}
	batch = open_memstream(&text, &size);
	print_marks(agree, batch);
	run(agree, 0, "nft -f -", batch, &text);
	for (unsigned i = 1; i < agree->wire.n_zones; i++)
		wire_command(
			&agree->wire, i, "nft -f -",
			"table inet lab_quiet {\n\tchain quiet {\n"
			"\t\ttype filter hook prerouting priority -400; policy drop;\n\t}\n}\n");
}

void agree_unsteer(struct agree *agree)
{
	wire_command(&agree->wire, 0,
		     "nft delete table inet lab_steer; for f in 4 6; do "
		     "ip -$f rule add pref 0 lookup local; ip -$f rule del pref 200; "
		     "while ip -$f rule del pref 100 2>/dev/null; do :; done; done",
		     "");
	for (unsigned i = 1; i < agree->wire.n_zones; i++)
		wire_command(&agree->wire, i, "nft delete table inet lab_quiet", "");
}

// --- packets ------------------------------------------------------------------------------------

static void own_address(const struct agree *agree, unsigned near, struct addr *addr)
{
	bool v6 = addr->family == ADDR_V6;
	for (unsigned i = 0; i < agree->wire.n_zones; i++) { // the near zone first, then any
		const struct wire_zone *zone = &agree->wire.zones[i ? i : near];
		for (unsigned k = 0; k < zone->n_links; k++)
			if (zone->links[k].address[v6][0] &&
			    addr_parse(zone->links[k].address[v6], addr) == 0)
				return;
	}
}

void agree_own_addresses(struct agree *agree, struct agree_probe *probe)
{
	struct reference_packet *packet = &probe->packet;
	struct reference_answer answer;

	reference_ask(agree->tree, packet, &answer);
	if (packet->to == REFERENCE_SELF && !answer.forward)
		own_address(agree, agree_wire_zone(agree, packet->from), &packet->destination);
	if (packet->from == REFERENCE_SELF)
		own_address(agree, agree_wire_zone(agree, packet->to), &packet->source);
}

void agree_send(struct agree *agree, const struct agree_probe *probe)
{
	const struct reference_packet *packet = &probe->packet;
	const struct reference_answer *reference = &probe->reference;
	// Asked for the zone of an outside address, a forwarded packet is routed to its target.
	int routed = reference->forward && reference->reason != REFERENCE_ELSEWHERE
			     ? reference->translated.to
			     : packet->to;
	unsigned from = agree_wire_zone(agree, packet->from), to = agree_wire_zone(agree, routed);
	size_t index = (size_t)(probe - agree->probes);
	struct wire_packet out = {
		.family = (uint8_t)packet->source.family,
		.protocol = packet->protocol,
		.sport = packet->sport,
		.port = packet->port,
		.token = STEER_TOKEN + (uint32_t)index,
		.tos = to && to < STEER_ZONES_MAX ? (uint8_t)((to + 1) << 2) : 0,
	};
	if (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6)
		out.sport = (uint16_t)index; // the identifier of the exchange
	addr_to_bytes(packet->source.family, packet->source.bits, out.source);
	addr_to_bytes(packet->destination.family, packet->destination.bits, out.destination);
	unsigned links = agree->wire.zones[from].n_links;
	wire_send(&agree->wire, from, links ? (unsigned)(index % links) : 0, &out,
		  to ? STEER_TABLE + to : 0);
}

void agree_note(void *arg, const struct wire_event *event)
{
	struct agree *agree = arg;
	size_t index = event->token - STEER_TOKEN;
	if (index >= agree->n)
		return;
	struct agree_seen *seen = &agree->probes[index].seen;
	switch (event->what) {
	case WIRE_ENTERED:
		seen->entered = true;
		break;
	case WIRE_ANSWERED: // every zone is silent: a reply sent as a probe, or the gateway's own
		if (event->port != agree->probes[index].packet.port)
			break;
		seen->arrived = true;
		seen->arrival = *event;
		break;
	case WIRE_ARRIVED:
		seen->arrived = true;
		seen->arrival = *event;
		break;
	case WIRE_RESET:
		seen->reset = true;
		break;
	case WIRE_ERROR:
		seen->error = true;
		break;
	case WIRE_QUEUED:
		seen->queued = true;
		break;
	}
}

// --- judging ------------------------------------------------------------------------------------

static bool is_own(const struct agree *agree, unsigned zone, const struct addr *addr)
{
	for (unsigned k = 0; k < agree->wire.zones[zone].n_links; k++) {
		struct addr own;
		const char *text =
			agree->wire.zones[zone].links[k].address[addr->family == ADDR_V6];
		if (*text && addr_parse(text, &own) == 0 && own.bits == addr->bits)
			return true;
	}
	return false;
}

static bool source_fits(const struct agree *agree, const struct agree_probe *probe)
{
	enum addr_family family = probe->packet.source.family;
	struct addr source = { family, addr_from_bytes(family, probe->seen.arrival.source) };
	const struct plan_nat *nat = probe->plan.source_nat;

	if (probe->reference.hairpin || (nat && nat->kind == POL_NAT_MASQUERADE))
		return is_own(agree, probe->seen.arrival.zone, &source);
	if (nat)
		return addr_range_contains(&nat->target, &source);
	return source.bits == probe->packet.source.bits;
}

static bool arrival_fits(const struct agree *agree, const struct agree_probe *probe)
{
	const struct wire_event *arrival = &probe->seen.arrival;
	const struct reference_packet *expected = &probe->reference.translated;
	enum addr_family family = expected->destination.family;

	if (arrival->zone != agree_wire_zone(agree, expected->to))
		return false;
	// An IPv6 raw socket of the gateway does not tell the destination.
	if (!(arrival->zone == 0 && family == ADDR_V6) &&
	    addr_from_bytes(family, arrival->destination) != expected->destination.bits)
		return false;
	if (arrival->port != expected->port &&
	    (expected->protocol == IPPROTO_TCP || expected->protocol == IPPROTO_UDP))
		return false;
	return source_fits(agree, probe);
}

// What was denied with an answer is answered so.
static bool denial_fits(const struct agree *agree, const struct agree_probe *probe)
{
	const struct reference_packet *packet = &probe->packet;
	bool answered = probe->seen.reset || probe->seen.error;

	if (probe->plan.denied_action == PLAN_DROP)
		return !answered;
	if (packet->from == REFERENCE_SELF || probe->plan_differs)
		return true;
	for (unsigned i = 1; i < agree->wire.n_zones; i++)
		if (is_own(agree, i, &packet->source)) // the gateway answers itself
			return true;
	if (packet->protocol == IPPROTO_TCP)
		return probe->seen.reset;
	return packet->protocol != IPPROTO_UDP || probe->seen.error;
}

// In proxy mode the gateway itself takes what is for others, as its sender wrote it but for its
// destination's translation.
static bool is_taken_in(const struct agree_probe *probe)
{
	const struct wire_event *arrival = &probe->seen.arrival;
	const struct reference_packet *expected = &probe->reference.translated;
	enum addr_family family = expected->destination.family;

	return probe->seen.arrived && !probe->seen.queued && probe->plan.proxied &&
	       arrival->zone == 0 && arrival->port == expected->port &&
	       addr_from_bytes(family, arrival->source) == probe->packet.source.bits &&
	       (family == ADDR_V6 || // a raw socket does not tell the destination
		addr_from_bytes(family, arrival->destination) == expected->destination.bits);
}

bool agree_kernel(const struct agree *agree, const struct agree_probe *probe)
{
	const struct agree_seen *seen = &probe->seen;

	if (probe->packet.from != REFERENCE_SELF && !seen->entered)
		return false;
	switch (probe->verdict) {
	case AGREE_ALLOW:
		return seen->arrived && !seen->queued && arrival_fits(agree, probe);
	case AGREE_INSPECT:
		return is_taken_in(probe) ||
		       (seen->queued && !seen->arrived && !probe->plan.proxied);
	default:
		return !seen->arrived && !seen->queued && denial_fits(agree, probe);
	}
}

// --- printing -----------------------------------------------------------------------------------

static void print_seen(const struct agree *agree, const struct agree_seen *seen)
{
	if (seen->arrived) {
		const struct wire_event *at = &seen->arrival;
		enum addr_family family = at->family == 6 ? ADDR_V6 : ADDR_V4;
		struct addr source = { family, addr_from_bytes(family, at->source) };
		struct addr destination = { family, addr_from_bytes(family, at->destination) };
		char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];
		printf("arrived in %s from %s %u at %s %u", agree->wire.zones[at->zone].name,
		       addr_text(&source, a), at->sport, addr_text(&destination, b), at->port);
	} else {
		printf("%s", seen->queued    ? "queued"
			     : seen->reset   ? "reset"
			     : seen->error   ? "refused"
			     : seen->entered ? "silent"
					     : "not seen");
	}
}

void agree_print(const struct agree *agree, const struct agree_probe *probe)
{
	static const char *const verdicts[] = { "deny", "allow", "inspect" };
	static const char *const plan_verdicts[] = { "deny", "allow", "inspect" };
	const struct reference_packet *packet = &probe->packet;
	const struct plan_answer *plan = &probe->plan;
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];
	size_t n;
	const struct plan_flow *flows = plan_flows(agree->plan, &n);

	printf("%s %s %s %s %u %u %u (%s)\n", reference_zone_name(agree->tree, packet->from),
	       reference_zone_name(agree->tree, packet->to), addr_text(&packet->source, source),
	       addr_text(&packet->destination, destination), packet->protocol, packet->sport,
	       packet->port, probe->about);
	printf("    reference %s%s%s%s%s; query %s %s %s%s; kernel ", verdicts[probe->verdict],
	       probe->reference.flow ? " " : "",
	       probe->reference.flow ? probe->reference.flow->id.s : "",
	       probe->reference.forward ? ", forward " : "",
	       probe->reference.forward ? probe->reference.forward->id.s : "",
	       plan_verdicts[plan->verdict], plan->flow < n ? flows[plan->flow].id : "-",
	       plan->destination_nat ? plan->destination_nat->id : "",
	       plan->denied_action == PLAN_REJECT ? " (reject)" : "");
	if (probe->mute)
		printf("not asked: %s", probe->mute);
	else
		print_seen(agree, &probe->seen);
	putchar('\n');
}
