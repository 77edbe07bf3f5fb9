// Three answers to the same packet: the reference evaluator's (from the policy's words), the plan's
// (what `query` says), and the kernel's (a real packet through the running gateway of the lab).
//
//   lab-agree DIR [--seed N] [--count N] [--most] [--list FILE]      DIR: the policy that the lab's
//   gateway runs
//
// A packet is sent to the zone that the probe names whatever its address: its DSCP chooses the
// gateway's route, so that misplaced destinations are tried too.  A verdict is what was seen: allow
// is an arrival in the right zone with the right translation, inspect a packet in the queue, deny a
// packet that entered the gateway and came out nowhere.  What does not agree is tried again twice,
// for a lost packet.  Exit 0 if all agree, 4 if not.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agree/agree.h"
#include "base/diag.h"
#include "compile/compile.h"

enum { AGREE_QUIET_MS = 80, AGREE_TRIES = 3, AGREE_COUNT = 3000, AGREE_SHOWN_MAX = 40 };

// --- the plan against the reference -------------------------------------------------------------

static enum agree_verdict reference_verdict(const struct reference_answer *answer)
{
	if (answer->reason != REFERENCE_FLOW)
		return AGREE_DENY;
	return answer->guarded ? AGREE_INSPECT : AGREE_ALLOW;
}

static bool same_nat(const struct pol_nat *reference, const struct plan_nat *plan)
{
	if (!reference || !plan)
		return !reference && !plan;
	return strcmp(reference->id.s, plan->id) == 0;
}

static void compare_plan(const struct agree *agree, struct agree_probe *probe)
{
	static const enum agree_verdict verdicts[] = {
		[PLAN_DENY] = AGREE_DENY, [PLAN_ALLOW] = AGREE_ALLOW, [PLAN_INSPECT] = AGREE_INSPECT
	};
	const struct reference_answer *reference = &probe->reference;
	struct plan_answer *plan = &probe->plan;
	struct plan_packet packet = {
		.from = agree_plan_zone(agree, probe->packet.from),
		.to = agree_plan_zone(agree, probe->packet.to),
		.source = probe->packet.source,
		.destination = probe->packet.destination,
		.protocol = probe->packet.protocol,
		.sport = probe->packet.sport,
		.port = probe->packet.port,
	};
	plan_query(agree->plan, &packet, plan);
	// Asked for the zone of the outside address, `query` follows the translation; routing told
	// otherwise does not.
	if (reference->reason == REFERENCE_ELSEWHERE && plan->destination_nat &&
	    plan->translated.to != packet.to)
		return;
	probe->plan_differs = verdicts[plan->verdict] != probe->verdict;
	if (probe->verdict == AGREE_DENY)
		return;
	probe->plan_differs |=
		!same_nat(reference->forward, plan->destination_nat) ||
		plan->translated.destination.bits != reference->translated.destination.bits ||
		plan->translated.port != reference->translated.port ||
		(plan->hairpin_nat != NULL) != reference->hairpin;
	if (!reference->hairpin)
		probe->plan_differs |= !same_nat(reference->source_nat, plan->source_nat);
}

// --- what the kernel can be asked ---------------------------------------------------------------

// Why a packet that should pass cannot show it, or NULL.  A denied one always can.
static const char *mute(const struct agree_probe *probe)
{
	const struct reference_packet *packet = &probe->packet;
	bool v6 = packet->source.family == ADDR_V6;
	bool self = packet->to == REFERENCE_SELF || packet->from == REFERENCE_SELF;

	if (packet->from == REFERENCE_SELF && packet->to == REFERENCE_SELF)
		return "from the gateway to itself";
	if (self && packet->protocol == IPPROTO_ICMPV6 &&
	    ((packet->port >= 130 && packet->port <= 137) || packet->port == 143))
		return "IPv6 essentials";
	if (probe->verdict == AGREE_DENY)
		return NULL;
	switch (packet->protocol) {
	case IPPROTO_ICMP:
		if (v6)
			return "ICMP in IPv6";
		return packet->port == 8 || packet->port == 13 || packet->port == 15 ||
				       packet->port == 17
			       ? NULL
			       : "ICMP type that opens nothing";
	case IPPROTO_ICMPV6:
		if (!v6)
			return "ICMPv6 in IPv4";
		return packet->port == 128 ? NULL : "ICMPv6 type that opens nothing";
	case IPPROTO_DCCP:
		return "DCCP";
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_NONE:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
		return v6			       ? "IPv6 extension header"
		       : packet->protocol == 0 && self ? "protocol 0"
						       : NULL;
	case IPPROTO_RAW:
		return self ? "protocol 255" : NULL;
	default:
		return NULL;
	}
}

// --- rounds -------------------------------------------------------------------------------------

struct key_order {
	uint64_t key;
	size_t index;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 29;
}

static uint64_t end_key(const struct addr *addr, uint16_t port)
{
	uint64_t hash = mix(addr->family, (uint64_t)addr->bits);
	return mix(mix(hash, (uint64_t)(addr->bits >> 64)), port);
}

// Has the protocol anything that source translation can alter to keep two connections apart?
static bool has_ports(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return true;
	default:
		return false;
	}
}

// The same for both directions of a connection, after destination translation; and for all that
// would be one connection outside: without ports, one translated host at a time has an outside
// host.
static uint64_t connection_key(const struct agree_probe *probe)
{
	const struct reference_packet *packet = &probe->packet;
	bool alone = probe->plan.source_nat && !has_ports(packet->protocol);
	uint64_t a = alone ? 0 : end_key(&packet->source, packet->sport);
	uint64_t b = end_key(&probe->plan.translated.destination, probe->plan.translated.port);
	return mix(a < b ? mix(a, b) : mix(b, a), packet->protocol);
}

static int by_key(const void *left, const void *right)
{
	const struct key_order *a = left, *b = right;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

// Packets of one connection, or of its other direction, get different rounds: connections are
// forgotten in between.
static unsigned give_rounds(struct agree *agree)
{
	struct key_order *order = calloc(agree->n + 1, sizeof(*order));
	unsigned rounds = 1, round = 0;
	if (!order)
		abort();
	for (size_t i = 0; i < agree->n; i++)
		order[i] = (struct key_order){ connection_key(&agree->probes[i]), i };
	qsort(order, agree->n, sizeof(*order), by_key);
	for (size_t i = 0; i < agree->n; i++) {
		round = i > 0 && order[i].key == order[i - 1].key ? round + 1 : 0;
		agree->probes[order[i].index].round = round;
		rounds = round + 1 > rounds ? round + 1 : rounds;
	}
	free(order);
	return rounds;
}

// Once over all rounds; packets of a connection never share a round.
static void try_all(struct agree *agree, unsigned rounds, bool again)
{
	for (unsigned round = 0; round < rounds; round++) {
		size_t sent = 0;
		for (size_t i = 0; i < agree->n; i++) {
			struct agree_probe *probe = &agree->probes[i];
			if (probe->round != round || probe->mute ||
			    (again && !probe->kernel_differs))
				continue;
			if (sent++ == 0)
				wire_forget_connections(&agree->wire);
			probe->seen = (struct agree_seen){ 0 };
			agree_send(agree, probe);
		}
		if (sent > 0)
			wire_collect(&agree->wire, AGREE_QUIET_MS, agree_note, agree);
	}
	for (size_t i = 0; i < agree->n; i++)
		if (!agree->probes[i].mute)
			agree->probes[i].kernel_differs = !agree_kernel(agree, &agree->probes[i]);
}

// --- the report ---------------------------------------------------------------------------------

static size_t print_differences(const struct agree *agree)
{
	size_t n = 0;
	for (size_t i = 0; i < agree->n; i++) {
		const struct agree_probe *probe = &agree->probes[i];
		if (!probe->plan_differs && !probe->kernel_differs)
			continue;
		if (n++ < AGREE_SHOWN_MAX)
			agree_print(agree, probe);
	}
	return n;
}

static void print_totals(const struct agree *agree, const char *dir, uint64_t seed, size_t differ)
{
	static const char *const names[] = { "denied", "allowed", "inspected" };
	size_t sent = 0, counts[3] = { 0 };
	for (size_t i = 0; i < agree->n; i++) {
		if (agree->probes[i].mute)
			continue;
		sent++;
		counts[agree->probes[i].verdict]++;
	}
	printf("agree: %s, seed %llu: %zu probes, %zu as real packets (", dir,
	       (unsigned long long)seed, agree->n, sent);
	for (size_t i = 0; i < 3; i++)
		printf("%zu %s%s", counts[i], names[i], i < 2 ? ", " : ")");
	printf("; %zu without a packet; %zu differ\n", agree->n - sent, differ);
}

// Every packet that was sent and what the kernel made of it, for who wants to compare:
// VERDICT FROM SOURCE SPORT TO DESTINATION PORT PROTOCOL, addresses and ports as sent, TO as it is
// after translation.
static void list_probes(const struct agree *agree, const char *path)
{
	static const char *const words[] = { "denied", "allowed", "inspected" };
	FILE *out = fopen(path, "we");
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];
	size_t n;
	const struct plan_zone *zones = plan_zones(agree->plan, &n);
	for (size_t i = 0; out && i < agree->n; i++) {
		const struct agree_probe *probe = &agree->probes[i];
		if (probe->mute || probe->kernel_differs)
			continue;
		fprintf(out, "%s %s %s %u %s %s %u %u\n", words[probe->verdict],
			zones[agree_plan_zone(agree, probe->packet.from)].id,
			addr_text(&probe->packet.source, source), probe->packet.sport,
			zones[probe->plan.translated.to].id,
			addr_text(&probe->packet.destination, destination), probe->packet.port,
			probe->packet.protocol);
	}
	if (!out || fclose(out) != 0) {
		perror(path);
		exit(1);
	}
}

static void make_probes(struct agree *agree, uint64_t seed, size_t count, bool most)
{
	struct probe *made;
	agree->n = probes_make(agree->tree, seed, count, most, &made);
	agree->probes = calloc(agree->n + 1, sizeof(*agree->probes));
	if (!agree->probes)
		abort();
	for (size_t i = 0; i < agree->n; i++) {
		struct agree_probe *probe = &agree->probes[i];
		probe->packet = made[i].packet;
		probe->about = made[i].about;
		agree_own_addresses(agree, probe);
		reference_ask(agree->tree, &probe->packet, &probe->reference);
		probe->verdict = reference_verdict(&probe->reference);
		compare_plan(agree, probe);
		probe->mute = mute(probe);
		if (probe->packet.to == REFERENCE_SELF)
			wire_listen(&agree->wire, (uint8_t)probe->packet.source.family,
				    probe->packet.protocol);
	}
	free(made);
}

int main(int argc, char **argv)
{
	static struct agree agree;
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	uint64_t seed = 1;
	size_t count = AGREE_COUNT;
	bool most = false;
	const char *list = NULL;

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc)
			count = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--list") == 0 && i + 1 < argc)
			list = argv[++i];
		else if (strcmp(argv[i], "--most") == 0)
			most = true;
		else
			argc = 0;
	}
	if (argc < 2) {
		fprintf(stderr,
			"usage: lab-agree DIR [--seed N] [--count N] [--most] [--list FILE]\n");
		return 2;
	}
	if (policy_read_path(argv[1], diag, &policy, NULL) < 0 ||
	    plan_make(policy, diag, &agree.plan, NULL) < 0) {
		diag_print(diag, stderr);
		return 3;
	}
	agree.tree = policy_tree(policy);
	wire_open(&agree.wire);
	wire_listen_queue(&agree.wire, QUEUE_FIRST);
	agree_steer(&agree);
	make_probes(&agree, seed, count, most);
	unsigned rounds = give_rounds(&agree);
	for (int i = 0; i < AGREE_TRIES; i++)
		try_all(&agree, rounds, i > 0);
	size_t differ = print_differences(&agree);
	print_totals(&agree, argv[1], seed, differ);
	if (list)
		list_probes(&agree, list);
	agree_unsteer(&agree);
	wire_close(&agree.wire);
	free(agree.probes);
	plan_free(agree.plan);
	policy_free(policy);
	diag_free(diag);
	return differ ? 4 : 0;
}
