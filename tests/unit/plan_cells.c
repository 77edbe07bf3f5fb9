// Cells against brute force: small random policies, every address and service of a small world.
//
// The slow twin reads nothing but the numbers that the policy's text was written from.  For every
// point (source, destination, service) of every pair of zones: at most one class and one cell hold
// it; one does exactly if some flow permits it; the cell's treatment and helpers are those of all
// flows that do, and the flow it counts on is one of the strictest.  A policy is refused for its
// guards exactly if some point has two, or one and a way around it.
// The seed is printed and can be given: SEKISHO_SEED=N build/unit/plan_cells
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan/plan.h"

enum {
	POLICIES = 400,
	SOUND_LEAST = 150,
	FLOWS_MAX = 9,
	ENDS_MAX = 2,
	ATOMS_MAX = 3,
	EXCEPT_MAX = 2,
	ZONES = 3, // a, b, c; c has no networks
	HOSTS = 16,
	PORTS = 8,
	TEXT_MAX = 32 * 1024,
};

struct end { // a zone, or hosts lo to hi of it
	int zone;
	bool whole;
	unsigned v4_lo, v4_hi, v6_lo, v6_hi; // v6_lo > v6_hi: none
};

struct service {
	const char *text;
	unsigned protocol; // 256: any
	unsigned lo, hi;
	unsigned sport; // 0: any
};

struct lists { // n 0 in an exception: everything
	struct end from[ENDS_MAX], to[ENDS_MAX];
	int n_from, n_to;
	struct service services[ATOMS_MAX];
	int n_services;
	char texts[ATOMS_MAX][32];
};

struct flow {
	struct lists lists;
	struct lists except[EXCEPT_MAX];
	int n_except;
	bool log, none, ftp;
	const char *guard; // NULL: no guard
};

struct world {
	struct flow flows[FLOWS_MAX];
	int n_flows;
	char text[TEXT_MAX];
	size_t used;
	int n_networks;
	char networks[TEXT_MAX];
	size_t networks_used;
};

struct point {
	int from, to;
	enum addr_family family;
	unsigned source, destination; // HOSTS: an address that is no zone's own
	unsigned protocol, sport, port;
};

static uint64_t seed = 20250311;

static uint64_t random_bits(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static unsigned below(unsigned n)
{
	return (unsigned)((random_bits() >> 11) % n);
}

static void say(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct world *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	w->used += (size_t)vsnprintf(w->text + w->used, TEXT_MAX - w->used, format, args);
	va_end(args);
	assert_true(w->used < TEXT_MAX);
}

static void declare(struct world *w, const struct end *end)
{
	char v6[64] = "";
	int n;

	if (end->v6_lo <= end->v6_hi)
		snprintf(v6, sizeof(v6), ", 'fd0%d::%x-fd0%d::%x'", end->zone, end->v6_lo,
			 end->zone, end->v6_hi);
	n = snprintf(w->networks + w->networks_used, TEXT_MAX - w->networks_used,
		     "  %c/n%d: [10.0.%d.%u-10.0.%d.%u%s]\n", 'a' + end->zone, w->n_networks,
		     end->zone, end->v4_lo, end->zone, end->v4_hi, v6);
	w->networks_used += (size_t)n;
}

static struct end random_end(struct world *w, int zone)
{
	struct end end = { .zone = zone, .whole = zone == 2 || below(3) == 0, .v6_lo = 1 };

	if (end.whole) {
		say(w, "%c", 'a' + zone);
		return end;
	}
	end.v4_lo = below(HOSTS);
	end.v4_hi = end.v4_lo + below(HOSTS - end.v4_lo);
	if (below(2)) {
		end.v6_lo = below(HOSTS);
		end.v6_hi = end.v6_lo + below(HOSTS - end.v6_lo);
	}
	declare(w, &end);
	say(w, "%c/n%d", 'a' + zone, w->n_networks++);
	return end;
}

static struct service random_service(char text[32], bool tcp_only)
{
	struct service s = { .protocol = 6, .lo = 0, .hi = 65535 };
	unsigned kind = tcp_only ? below(3) : below(10);

	if (kind == 0) {
		snprintf(text, 32, "tcp");
	} else if (kind <= 2 || kind >= 7) {
		s.lo = 1 + below(PORTS);
		s.hi = s.lo + below(PORTS + 1 - s.lo);
		s.protocol = kind == 7 ? 17 : 6;
		s.sport = kind == 8 ? 100 : 0;
		// Service s1-3: tcp/1-3 from 100, declared for every range.
		if (s.sport)
			snprintf(text, 32, "s%u-%u", s.lo, s.hi);
		else
			snprintf(text, 32, "%s/%u-%u", s.protocol == 17 ? "udp" : "tcp", s.lo,
				 s.hi);
	} else if (kind == 3) {
		s.protocol = 256;
		snprintf(text, 32, "any");
	} else if (kind == 4) {
		s.protocol = 1;
		s.lo = s.hi = 8;
		snprintf(text, 32, "icmp/8");
	} else if (kind == 5) {
		s.protocol = 58;
		s.hi = 255;
		snprintf(text, 32, "icmpv6");
	} else {
		s.protocol = 47;
		snprintf(text, 32, "ip/gre");
	}
	s.text = text;
	return s;
}

static void random_lists(struct world *w, struct lists *lists, bool may_lack, bool tcp_only)
{
	int zone_from = (int)below(ZONES);

	memset(lists, 0, sizeof(*lists));
	if (!may_lack || below(2)) {
		say(w, "from: [");
		lists->n_from = 1 + (int)below(ENDS_MAX);
		for (int i = 0; i < lists->n_from; i++) {
			say(w, i ? ", " : "");
			lists->from[i] = random_end(w, may_lack ? (int)below(ZONES) : zone_from);
		}
		say(w, "], ");
	}
	if (!may_lack || below(2)) {
		say(w, "to: [");
		lists->n_to = 1 + (int)below(ENDS_MAX);
		for (int i = 0; i < lists->n_to; i++) {
			say(w, i ? ", " : "");
			lists->to[i] = random_end(w, (int)below(ZONES));
		}
		say(w, "], ");
	}
	if (!may_lack || below(2) || (lists->n_from == 0 && lists->n_to == 0)) {
		say(w, "services: [");
		lists->n_services = 1 + (int)below(ATOMS_MAX);
		for (int i = 0; i < lists->n_services; i++) {
			lists->services[i] = random_service(lists->texts[i], tcp_only);
			say(w, "%s%s", i ? ", " : "", lists->texts[i]);
		}
		say(w, "]");
	}
}

static void random_flow(struct world *w, struct flow *flow, int index)
{
	static const char *const guards[] = { NULL, NULL, NULL, NULL, "mail", "web" };

	memset(flow, 0, sizeof(*flow));
	flow->guard = guards[below(6)];
	flow->log = below(3) == 0;
	flow->ftp = !flow->guard && below(5) == 0;
	flow->none = !flow->guard && below(4) != 0;
	say(w, "  - { id: f%d, ", index);
	random_lists(w, &flow->lists, false, flow->guard || flow->ftp);
	if (below(2)) {
		say(w, ", except: [");
		flow->n_except = 1 + (int)below(EXCEPT_MAX);
		for (int i = 0; i < flow->n_except; i++) {
			say(w, i ? ", { " : "{ ");
			random_lists(w, &flow->except[i], true, false);
			say(w, " }");
		}
		say(w, "]");
	}
	if (flow->guard || flow->none)
		say(w, ", guard: %s", flow->none ? "none" : flow->guard);
	say(w, "%s%s }\n", flow->log ? ", log: true" : "", flow->ftp ? ", helpers: [ftp]" : "");
}

static void random_world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	say(w,
	    "zones:\n  a: { interfaces: [e0], networks: [10.0.0.0/28, 'fd00::/124'] }\n"
	    "  b: { interfaces: [e1], networks: [10.0.1.0/28, 'fd01::/124'] }\n"
	    "  c: { role: external, interfaces: [e2] }\n"
	    "guards:\n  mail: { protocol: smtp, domains: [a.example], tls-reason: t }\n  web: http\nservices:\n");
	for (unsigned lo = 1; lo <= PORTS; lo++)
		for (unsigned hi = lo; hi <= PORTS; hi++)
			say(w, "  s%u-%u: { members: [tcp/%u-%u], source-ports: [100] }\n", lo, hi,
			    lo, hi);
	w->n_flows = 1 + (int)below(FLOWS_MAX);
	say(w, "flows:\n");
	for (int i = 0; i < w->n_flows; i++)
		random_flow(w, &w->flows[i], i);
	say(w, "networks:\n  spare: [192.0.2.1]\n%s", w->networks);
}

static bool end_has(const struct end *end, int zone, enum addr_family family, unsigned host)
{
	if (end->zone != zone)
		return false;
	if (end->whole)
		return true;
	return family == ADDR_V4 ? host >= end->v4_lo && host <= end->v4_hi && host < HOSTS
				 : host >= end->v6_lo && host <= end->v6_hi && host < HOSTS;
}

static bool service_has(const struct service *s, const struct point *p)
{
	if (s->protocol == 256)
		return true;
	if (s->protocol != p->protocol || (s->sport && s->sport != p->sport))
		return false;
	return p->port >= s->lo && p->port <= s->hi;
}

static bool lists_have(const struct lists *lists, const struct point *p)
{
	bool from = lists->n_from == 0;
	bool to = lists->n_to == 0;
	bool service = lists->n_services == 0;

	for (int i = 0; i < lists->n_from; i++)
		from = from || end_has(&lists->from[i], p->from, p->family, p->source);
	for (int i = 0; i < lists->n_to; i++)
		to = to || end_has(&lists->to[i], p->to, p->family, p->destination);
	for (int i = 0; i < lists->n_services; i++)
		service = service || service_has(&lists->services[i], p);
	return from && to && service;
}

static bool permits(const struct flow *flow, const struct point *p)
{
	if (!lists_have(&flow->lists, p))
		return false;
	for (int i = 0; i < flow->n_except; i++)
		if (lists_have(&flow->except[i], p))
			return false;
	return true;
}

static struct addr address(int zone, enum addr_family family, unsigned host)
{
	struct addr addr = { family, 0 };

	if (family == ADDR_V4)
		addr.bits = host < HOSTS ? (10u << 24) + ((unsigned)zone << 8) + host : 0xc6336401u;
	else
		addr.bits = host < HOSTS ? ((addr_bits)(0xfd00u + (unsigned)zone) << 112) + host
					 : ((addr_bits)0x20010db8u << 96) + 1;
	return addr;
}

static bool atom_has(const struct plan_atom *atom, const struct point *p)
{
	return p->protocol >= atom->protocol_lo && p->protocol <= atom->protocol_hi &&
	       p->sport >= atom->sport_lo && p->sport <= atom->sport_hi &&
	       p->port >= atom->port_lo && p->port <= atom->port_hi;
}

static const struct plan_class *find_class(const struct plan_pair *pair, const struct point *p)
{
	const struct plan_class *found = NULL;

	for (size_t i = 0; pair && i < pair->n_classes; i++) {
		for (size_t j = 0; j < pair->classes[i].n_atoms; j++) {
			if (!atom_has(&pair->classes[i].atoms[j], p))
				continue;
			assert_null(found);
			found = &pair->classes[i];
		}
	}
	return found;
}

static const struct plan_cell *find_cell(const struct plan_class *class, const struct point *p)
{
	const struct plan_cell *found = NULL;
	struct addr source = address(p->from, p->family, p->source);
	struct addr destination = address(p->to, p->family, p->destination);

	for (size_t i = 0; class && i < class->n_cells; i++) {
		const struct plan_rect *rect = &class->cells[i].rect;

		if (!addr_range_contains(&rect->source, &source) ||
		    !addr_range_contains(&rect->destination, &destination))
			continue;
		assert_null(found);
		found = &class->cells[i];
	}
	return found;
}

static unsigned treatment_of(const struct flow *flow)
{
	return (flow->log ? PLAN_LOG : 0) | (flow->guard ? PLAN_GUARD : 0);
}

// FTP's own port, if the flow has it, else all that is TCP.
static bool is_helped(const struct flow *flow, const struct point *p)
{
	bool own = false;

	for (int i = 0; i < flow->lists.n_services; i++)
		own = own || flow->lists.services[i].hi >= 21;
	return flow->ftp && p->protocol == 6 && (!own || p->port == 21);
}

struct expectation {
	bool some;
	unsigned treatment, helpers, strictest;
	bool guard_and_plain, two_guards;
};

static struct expectation expect(const struct world *w, const struct point *p)
{
	struct expectation e = { 0 };
	const char *guard = NULL;
	bool plain = false;

	for (int i = 0; i < w->n_flows; i++) {
		const struct flow *flow = &w->flows[i];

		if (!permits(flow, p))
			continue;
		e.some = true;
		e.treatment |= treatment_of(flow);
		e.helpers |= is_helped(flow, p) ? PLAN_FTP : 0;
		e.strictest = treatment_of(flow) > e.strictest ? treatment_of(flow) : e.strictest;
		plain = plain || (!flow->guard && !flow->none);
		e.two_guards = e.two_guards || (guard && flow->guard && guard != flow->guard);
		guard = flow->guard ? flow->guard : guard;
	}
	e.guard_and_plain = guard && plain;
	return e;
}

static const struct {
	unsigned protocol, sport, port;
} services[] = {
	{ 6, 100, 1 },	{ 6, 100, 2 },	{ 6, 100, 5 },	{ 6, 100, 8 }, { 6, 200, 1 },
	{ 6, 200, 2 },	{ 6, 200, 5 },	{ 6, 200, 8 },	{ 6, 200, 9 }, { 6, 200, 21 },
	{ 17, 100, 1 }, { 17, 100, 4 }, { 17, 200, 8 }, { 17, 1, 60 }, { 1, 0, 8 },
	{ 1, 0, 0 },	{ 58, 0, 128 }, { 47, 0, 0 },	{ 99, 0, 0 },  { 0, 0, 0 },
	{ 255, 0, 0 },
};

// Calls back for every point of the world.  ICMP in IPv6 and ICMPv6 in IPv4 do not exist.
static void each_point(void (*each)(void *arg, const struct point *p), void *arg)
{
	for (int pair = 0; pair < ZONES * ZONES; pair++) {
		for (unsigned s = 0; s < sizeof(services) / sizeof(services[0]); s++) {
			for (unsigned a = 0; a < 2 * (HOSTS + 1) * (HOSTS + 1); a++) {
				unsigned address_pair = a / 2;
				struct point p = {
					pair / ZONES,
					pair % ZONES,
					a % 2 ? ADDR_V6 : ADDR_V4,
					address_pair / (HOSTS + 1),
					address_pair % (HOSTS + 1),
					services[s].protocol,
					services[s].sport,
					services[s].port,
				};

				if (p.protocol != (p.family == ADDR_V4 ? 58 : 1))
					each(arg, &p);
			}
		}
	}
}

struct check {
	uint64_t number; // the world's seed
	const struct world *world;
	const struct plan *plan;
	const struct plan_flow *flows;
	const struct plan_class *class; // of the last service and pair
	int pair;
	unsigned protocol, sport, port;
	bool guard_and_plain, two_guards; // without a plan: what was met
};

static void check_point(void *arg, const struct point *p)
{
	struct check *c = arg;
	struct expectation e = expect(c->world, p);
	const struct plan_cell *cell;

	c->guard_and_plain |= e.guard_and_plain;
	c->two_guards |= e.two_guards;
	if (!c->plan)
		return;
	if (c->pair != p->from * ZONES + p->to || c->protocol != p->protocol ||
	    c->sport != p->sport || c->port != p->port) {
		c->class = find_class(
			plan_find_pair(c->plan, (uint16_t)(p->from + 1), (uint16_t)(p->to + 1)), p);
		c->pair = p->from * ZONES + p->to;
		c->protocol = p->protocol;
		c->sport = p->sport;
		c->port = p->port;
	}
	cell = find_cell(c->class, p);
	if (!cell != !e.some)
		fail_msg(
			"seed %llu: zones %d to %d, IPv%d, hosts %u to %u, protocol %u, ports %u to %u: "
			"%s",
			(unsigned long long)c->number, p->from, p->to, p->family, p->source,
			p->destination, p->protocol, p->sport, p->port,
			cell ? "no flow permits it" : "no cell holds it");
	if (!cell)
		return;
	const struct flow *flow = &c->world->flows[atoi(c->flows[cell->flow].id + 1)];

	assert_true(permits(flow, p));
	assert_int_equal(treatment_of(flow), e.strictest);
	assert_int_equal(cell->treatment, e.treatment);
	assert_int_equal(cell->helpers, e.helpers);
	assert_int_equal(cell->guard_flow, flow->guard ? cell->flow : PLAN_NONE);
}

static bool has_code(const struct diag *diag, enum diag_code code)
{
	for (size_t i = 0; i < diag_count(diag); i++)
		if (diag_at(diag, i)->code == code)
			return true;
	return false;
}

// Faults of the generator's making: the policy says nothing, or nothing is left.
static bool is_unlucky(const struct diag *diag)
{
	return has_code(diag, SK_FLOW_NOTHING) || has_code(diag, SK_FLOW_EXCEPTED) ||
	       has_code(diag, SK_FLOW_FAMILIES) || has_code(diag, SK_HELPER_SERVICE);
}

static bool check_world(struct world *w, uint64_t number)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;
	struct check check = { .number = number, .world = w, .pair = -1 };
	bool unlucky;
	size_t n;

	if (policy_read_text("random", w->text, w->used, diag, &policy, NULL) == 0)
		plan_make(policy, diag, &plan, NULL);
	unlucky = is_unlucky(diag);
	if (!policy || (!plan && !unlucky && !has_code(diag, SK_GUARD_AND_PLAIN) &&
			!has_code(diag, SK_GUARDS_OVERLAP))) {
		diag_print(diag, stderr);
		fail_msg("seed %llu: the policy was not expected to fail",
			 (unsigned long long)number);
	}
	check.plan = plan;
	check.flows = plan ? plan_flows(plan, &n) : NULL;
	if (!unlucky) {
		each_point(check_point, &check);
		// Addresses stand for all others of their zone, so what is met is all there is;
		// services are samples, so a fault may be about one that is none.
		if (check.guard_and_plain)
			assert_true(has_code(diag, SK_GUARD_AND_PLAIN));
		if (check.two_guards)
			assert_true(has_code(diag, SK_GUARDS_OVERLAP));
	}
	plan_free(plan);
	policy_free(policy);
	diag_free(diag);
	return plan != NULL;
}

static void random_policies(void **state)
{
	static struct world world;
	int sound = 0;

	(void)state;
	for (int i = 0; i < POLICIES; i++) {
		uint64_t number = seed;

		random_world(&world);
		if (getenv("SEKISHO_SHOW"))
			fputs(world.text, stderr);
		sound += check_world(&world, number);
	}
	printf("%d of %d policies without a fault\n", sound, POLICIES);
	assert_true(sound >= SOUND_LEAST || getenv("SEKISHO_SEED"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_policies) };

	if (getenv("SEKISHO_SEED"))
		seed = strtoull(getenv("SEKISHO_SEED"), NULL, 10);
	printf("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
