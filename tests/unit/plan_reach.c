// The slow twin of assertions: small random policies whose every host and port can be tried one by
// one with the reference evaluator.  What an assertion says must be what is found so, and the
// packets that a violation names must be a path.  SEKISHO_SEED=N gives the seed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/plan.h"
#include "reference/reference.h"

enum {
	ZONES = 4,
	HOSTS_OF_ZONE = 8,
	HOSTS = ZONES * HOSTS_OF_ZONE,
	NETWORKS = 3, // of a zone
	PORTS = 8,
	FLOWS_MAX = 14,
	ASSERTIONS = 24,
	POLICIES = 150,
	POLICIES_LEAST = 100, // free of other faults
	VIOLATIONS_LEAST = 200,
	TEXT_MAX = 32 * 1024,
	TCP = 6,
};

static uint64_t seed = 7;

struct claim { // one assertion
	bool only_via, direct;
	char from[16], to[16], via[16];
	unsigned port_lo, port_hi;
	unsigned line;
};

struct world {
	uint64_t state;
	char text[TEXT_MAX];
	size_t used;
	unsigned line; // of what comes next
	struct claim claims[ASSERTIONS];
	const struct pol_tree *tree;
	uint8_t edges[HOSTS][HOSTS]; // a bit for each permitted port
	bool relays[HOSTS];
};

static unsigned roll(struct world *world, unsigned sides)
{
	world->state = world->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(world->state >> 33) % sides;
}

static void put(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct world *world, const char *format, ...)
{
	va_list args;
	size_t before = world->used;

	va_start(args, format);
	world->used += (size_t)vsnprintf(world->text + before, TEXT_MAX - before, format, args);
	va_end(args);
	assert_true(world->used < TEXT_MAX);
	for (size_t i = before; i < world->used; i++)
		world->line += world->text[i] == '\n';
}

static void write_places(struct world *world)
{
	put(world, "zones:\n"
		   "  z0: { interfaces: [e0], networks: [10.0.0.0/29] }\n"
		   "  z1: { role: server, interfaces: [e1], networks: [10.1.0.0/29] }\n"
		   "  z2: { interfaces: [e2], networks: [10.2.0.0/29], relay: false }\n"
		   "  z3: { role: public, interfaces: [e3], networks: [10.3.0.0/29] }\n"
		   "networks:\n");
	for (unsigned zone = 0; zone < ZONES; zone++) {
		for (unsigned i = 0; i < NETWORKS; i++) {
			static const char *const relay[] = { "", "", ", relay: true",
							     ", relay: false" };
			unsigned lo = roll(world, HOSTS_OF_ZONE);
			unsigned hi = lo + roll(world, HOSTS_OF_ZONE - lo);

			put(world, "  z%u/n%u: { addresses: [10.%u.0.%u-10.%u.0.%u]%s }\n", zone, i,
			    zone, lo, zone, hi, relay[roll(world, 4)]);
		}
	}
}

static const char *endpoint(struct world *world, char out[16])
{
	unsigned zone = roll(world, ZONES);

	if (roll(world, 4) == 0)
		snprintf(out, 16, "z%u", zone);
	else
		snprintf(out, 16, "z%u/n%u", zone, roll(world, NETWORKS));
	return out;
}

static void write_flows(struct world *world)
{
	unsigned n = 2 + roll(world, FLOWS_MAX - 2);
	char from[16], to[16], hole[16];

	put(world, "flows:\n");
	for (unsigned i = 0; i < n; i++) {
		unsigned lo = 1 + roll(world, PORTS);

		endpoint(world, from);
		put(world, "  - { id: f%u, from: %s, to: %s, services: tcp/%u-%u", i, from,
		    endpoint(world, to), lo, lo + roll(world, PORTS + 1 - lo));
		snprintf(hole, sizeof(hole), "%.2s/n%u", from, roll(world, NETWORKS));
		if (roll(world, 4) == 0)
			put(world, ", except: [{ from: %s, services: tcp/%u }]", hole,
			    1 + roll(world, PORTS));
		put(world, " }\n");
	}
}

static void write_claim(struct world *world, struct claim *claim, unsigned i)
{
	claim->only_via = roll(world, 3) == 0;
	claim->direct = !claim->only_via && roll(world, 3) == 0;
	claim->port_lo = 1;
	claim->port_hi = PORTS;
	endpoint(world, claim->from);
	endpoint(world, claim->to);
	endpoint(world, claim->via);
	put(world, "  - id: x%u\n", i);
	claim->line = world->line - 1;
	if (claim->only_via) {
		put(world, "    only-via: { from: %s, to: %s, via: %s }\n", claim->from, claim->to,
		    claim->via);
		return;
	}
	put(world, "    never: { from: %s, to: %s%s", claim->from, claim->to,
	    claim->direct ? ", direct: true" : "");
	if (roll(world, 2)) {
		claim->port_lo = 1 + roll(world, PORTS);
		claim->port_hi = claim->port_lo + roll(world, PORTS + 1 - claim->port_lo);
		put(world, ", services: tcp/%u-%u", claim->port_lo, claim->port_hi);
	}
	put(world, " }\n");
}

static struct addr host_addr(unsigned host)
{
	return (struct addr){ ADDR_V4, (addr_bits)0x0a000000 + (host / HOSTS_OF_ZONE << 16) +
					       host % HOSTS_OF_ZONE };
}

static bool in_network(const struct world *world, const char *id, unsigned host)
{
	for (size_t i = 0; i < world->tree->n_networks; i++) {
		struct addr addr = host_addr(host);
		struct addr_range range;

		if (strcmp(world->tree->networks[i].id.s, id) == 0)
			return addr_range_parse(world->tree->networks[i].addresses.v[0].s,
						&range) == 0 &&
			       addr_range_contains(&range, &addr);
	}
	return false;
}

static bool is_in(const struct world *world, const char *name, unsigned host)
{
	return strchr(name, '/') ? in_network(world, name, host)
				 : (unsigned)(name[1] - '0') == host / HOSTS_OF_ZONE;
}

static bool may_relay(const struct world *world, unsigned host)
{
	unsigned zone = host / HOSTS_OF_ZONE;
	bool says_no = false;

	for (size_t i = 0; i < world->tree->n_networks; i++) {
		const struct pol_network *network = &world->tree->networks[i];

		if (!network->relay.set || !in_network(world, network->id.s, host))
			continue;
		if (network->relay.value)
			return true;
		says_no = true;
	}
	return !says_no && zone < 2; // by role and by word, see write_places()
}

static bool permits(const struct world *world, const struct pol_flow *only, unsigned from,
		    unsigned to, unsigned port)
{
	struct reference_packet packet = {
		.from = (int)(from / HOSTS_OF_ZONE),
		.to = (int)(to / HOSTS_OF_ZONE),
		.source = host_addr(from),
		.destination = host_addr(to),
		.protocol = TCP,
		.sport = 40000,
		.port = (uint16_t)port,
	};

	for (size_t i = 0; i < world->tree->n_flows; i++)
		if ((!only || only == &world->tree->flows[i]) &&
		    reference_flow_permits(world->tree, &world->tree->flows[i], &packet))
			return true;
	return false;
}

static void measure(struct world *world)
{
	for (unsigned from = 0; from < HOSTS; from++) {
		world->relays[from] = may_relay(world, from);
		for (unsigned to = 0; to < HOSTS; to++)
			for (unsigned port = 1; port <= PORTS; port++)
				if (permits(world, NULL, from, to, port))
					world->edges[from][to] |= (uint8_t)(1u << (port - 1));
	}
}

static bool barred(const struct world *world, const struct claim *claim, unsigned host)
{
	return claim->only_via && is_in(world, claim->via, host);
}

// Host by host: can anything of from get to anything of to?
static bool can_reach(const struct world *world, const struct claim *claim)
{
	uint8_t ports = (uint8_t)((1u << claim->port_hi) - (1u << (claim->port_lo - 1)));
	unsigned queue[2 * HOSTS];
	bool open[HOSTS] = { false };
	unsigned n = 0;

	for (unsigned host = 0; host < HOSTS; host++)
		if (is_in(world, claim->from, host) && !barred(world, claim, host)) {
			queue[n++] = host;
			open[host] = true;
		}
	for (unsigned i = 0; i < n; i++) {
		for (unsigned to = 0; to < HOSTS; to++) {
			uint8_t edge = world->edges[queue[i]][to];

			if (!edge || barred(world, claim, to))
				continue;
			if ((edge & ports) && is_in(world, claim->to, to))
				return true;
			if (!claim->direct && world->relays[to] && !open[to]) {
				queue[n++] = to;
				open[to] = true;
			}
		}
	}
	return false;
}

static unsigned host_of(const char *text)
{
	unsigned zone = 0, host = 0;

	assert_int_equal(sscanf(text, "10.%u.0.%u", &zone, &host), 2);
	return zone * HOSTS_OF_ZONE + host;
}

static const struct pol_flow *find_flow(const struct world *world, const char *id)
{
	for (size_t i = 0; i < world->tree->n_flows; i++)
		if (strcmp(world->tree->flows[i].id.s, id) == 0)
			return &world->tree->flows[i];
	return NULL;
}

// The packets of a message are a path: each permitted by its flow, each from where the one before
// went, from `from`, to `to`, by hosts that relay, and not by `via`.
static void check_path(const struct world *world, const struct claim *claim, const char *message)
{
	unsigned last = HOSTS;
	unsigned port = 0;
	bool gap = false;

	for (const char *at = message; (at = strstr(at, " flow ")); at++) {
		char id[16], source[24], destination[24];
		unsigned line, more;

		if (sscanf(at,
			   " flow %15s (r.yaml:%u) lets tcp %23[0-9.]:40000 -> %23[0-9.]:%u through",
			   id, &line, source, destination, &port) != 5)
			continue;

		const struct pol_flow *flow = find_flow(world, id);
		unsigned from = host_of(source);

		assert_non_null(flow);
		assert_int_equal(flow->id.at.line, line);
		assert_true(permits(world, flow, from, host_of(destination), port));
		if (last == HOSTS)
			assert_true(is_in(world, claim->from, from));
		else
			assert_true((from == last || gap) && world->relays[from]);
		last = host_of(destination);
		assert_false(barred(world, claim, last) || barred(world, claim, from));
		gap = sscanf(strstr(at, " through"), " through, then %u more", &more) == 1;
	}
	assert_true(last < HOSTS && is_in(world, claim->to, last));
	assert_true(port >= claim->port_lo && port <= claim->port_hi);
}

static const struct diag_item *violation_of(const struct diag *diag, const struct claim *claim)
{
	for (size_t i = 0; i < diag_count(diag); i++) {
		const struct diag_item *item = diag_at(diag, i);

		if ((item->code == SK_ASSERTION_NEVER || item->code == SK_ASSERTION_ONLY_VIA) &&
		    item->at.line == claim->line)
			return item;
	}
	return NULL;
}

static bool has_other_errors(const struct diag *diag)
{
	for (size_t i = 0; i < diag_count(diag); i++)
		if (diag_at(diag, i)->severity == DIAG_ERROR &&
		    (diag_at(diag, i)->code < 450 || diag_at(diag, i)->code > 459))
			return true;
	return false;
}

static unsigned check_claims(struct world *world, const struct diag *diag)
{
	unsigned violations = 0;

	measure(world);
	for (unsigned i = 0; i < ASSERTIONS; i++) {
		const struct claim *claim = &world->claims[i];
		const struct diag_item *item = violation_of(diag, claim);

		if ((item != NULL) != can_reach(world, claim))
			fail_msg("seed %llu, assertion x%u: %s\n%s", (unsigned long long)seed, i,
				 item ? item->message : "holds, but should not", world->text);
		if (item)
			check_path(world, claim, item->message);
		violations += item != NULL;
	}
	return violations;
}

// True if the policy had no other faults.
static bool try_world(uint64_t world_seed, unsigned *violations)
{
	struct world *world = calloc(1, sizeof(*world));
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;
	bool sound;

	assert_non_null(world);
	world->state = world_seed;
	world->line = 1;
	write_places(world);
	write_flows(world);
	put(world, "assertions:\n");
	for (unsigned i = 0; i < ASSERTIONS; i++)
		write_claim(world, &world->claims[i], i);
	assert_int_equal(policy_read_text("r.yaml", world->text, world->used, diag, &policy, NULL),
			 0);
	plan_make(policy, diag, &plan, NULL);
	world->tree = policy_tree(policy);
	sound = !has_other_errors(diag);
	if (sound)
		*violations += check_claims(world, diag);
	plan_free(plan);
	policy_free(policy);
	diag_free(diag);
	free(world);
	return sound;
}

static void host_by_host(void **state)
{
	unsigned sound = 0, violations = 0;

	(void)state;
	for (unsigned i = 0; i < POLICIES; i++)
		sound += try_world(seed * 1000 + i, &violations);
	print_message("%u of %u policies without other faults, %u assertions of %u violated\n",
		      sound, POLICIES, violations, sound * ASSERTIONS);
	assert_true(sound >= POLICIES_LEAST && violations >= VIOLATIONS_LEAST);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(host_by_host) };

	if (getenv("SEKISHO_SEED"))
		seed = strtoull(getenv("SEKISHO_SEED"), NULL, 10);
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
