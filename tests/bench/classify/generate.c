#include "bench/classify/generate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/classify/random.h"

enum {
	SITES = 48,
	TRIES = 64,
	RULES_A_NET = 12,
	PORTS_POPULAR = 24,
	PORTS_OTHER = 80,
	PORTS_RANGES = 30,
	SERVICES = 150,
	SERVICES_MAX = 1200,
};

enum ports { PORTS_ANY, PORTS_HIGH, PORTS_LOW, PORTS_RANGE, PORTS_EXACT, PORTS_KINDS };
enum side { SIDE_ANY, SIDE_SITE, SIDE_NET, SIDE_HOST, SIDE_KINDS };

struct style {
	const char *name;
	uint8_t side[2][SIDE_KINDS];   // parts of a hundred
	uint8_t ports[2][PORTS_KINDS]; // the same
	unsigned same_pair;	       // the same: further services for an earlier rule's addresses
	unsigned tcp, udp, icmp;       // the same; the rest leave the protocol open
};

static const struct style styles[] = {
	{ .name = "acl",
	  .side = { { 4, 12, 46, 38 }, { 1, 5, 34, 60 } },
	  .ports = { { 99, 1, 0, 0, 0 }, { 20, 8, 1, 9, 62 } },
	  .same_pair = 30,
	  .tcp = 78,
	  .udp = 14,
	  .icmp = 2 },
	{ .name = "fw",
	  .side = { { 34, 12, 28, 26 }, { 12, 10, 34, 44 } },
	  .ports = { { 66, 16, 1, 2, 15 }, { 24, 10, 3, 9, 54 } },
	  .same_pair = 12,
	  .tcp = 60,
	  .udp = 22,
	  .icmp = 6 },
	{ .name = "ipc",
	  .side = { { 10, 10, 32, 48 }, { 6, 8, 36, 50 } },
	  .ports = { { 76, 8, 1, 2, 13 }, { 32, 8, 2, 6, 52 } },
	  .same_pair = 16,
	  .tcp = 52,
	  .udp = 26,
	  .icmp = 5 },
};
enum { STYLES = sizeof(styles) / sizeof(*styles) };

struct net {
	uint32_t address;
	uint8_t length;
};

struct making {
	struct random_state random;
	struct net site[SITES];
	struct net *net;
	uint32_t n_nets;
	struct set_rule service[STYLES][SERVICES_MAX];
	uint32_t n_services;
	struct ruleset set;
	uint32_t *seen; // hash of rules: number + 1
	uint32_t seen_size;
};

static uint32_t mask_of(unsigned length)
{
	return length ? ~0U << (32 - length) : 0;
}

static unsigned between(struct making *making, unsigned lo, unsigned hi)
{
	return lo + (unsigned)random_below(&making->random, hi - lo + 1);
}

// Small numbers more often: the lesser of three.
static uint32_t skewed(struct making *making, uint32_t n)
{
	uint32_t least = n - 1;

	for (unsigned i = 0; i < 3; i++) {
		uint32_t x = (uint32_t)random_below(&making->random, n);

		least = x < least ? x : least;
	}
	return least;
}

static unsigned choose(struct making *making, const uint8_t *parts, unsigned n)
{
	unsigned at = between(making, 0, 99), kind = 0;

	while (kind + 1 < n && at >= parts[kind])
		at -= parts[kind++];
	return kind;
}

static struct net within(struct making *making, struct net outer, unsigned length)
{
	uint32_t address =
		outer.address | ((uint32_t)random_next(&making->random) & ~mask_of(outer.length));

	if (length < outer.length)
		length = outer.length;
	return (struct net){ address & mask_of(length), (uint8_t)length };
}

static void make_nets(struct making *making, uint32_t n_rules)
{
	// Lengths that networks have: /24 above all.
	static const uint8_t length[] = { 16, 18, 19, 20, 21, 22, 22, 23, 23, 24, 24,
					  24, 24, 24, 24, 25, 25, 26, 26, 27, 28 };

	for (unsigned i = 0; i < SITES; i++)
		making->site[i] = within(making, (struct net){ between(making, 1, 222) << 24, 8 },
					 between(making, 8, 20));
	making->n_nets = n_rules / RULES_A_NET + 16;
	making->net = calloc(making->n_nets, sizeof(*making->net));
	if (!making->net)
		abort();
	for (uint32_t i = 0; i < making->n_nets; i++)
		making->net[i] = within(making, making->site[skewed(making, SITES)],
					length[random_below(&making->random, sizeof(length))]);
}

static struct net side_of(struct making *making, const uint8_t *parts)
{
	switch (choose(making, parts, SIDE_KINDS)) {
	case SIDE_SITE:
		return making->site[skewed(making, SITES)];
	case SIDE_NET:
		return making->net[skewed(making, making->n_nets)];
	case SIDE_HOST: {
		struct net net = making->net[skewed(making, making->n_nets)];
		struct net host = within(making, net, 32);

		// The first few addresses of a network are where its servers are.
		if (net.length >= 20 && between(making, 0, 2))
			host.address =
				net.address | (between(making, 1, 24) & ~mask_of(net.length));
		return host;
	}
	default:
		return (struct net){ 0, 0 };
	}
}

static void ports_of(struct making *making, const uint8_t *parts, uint32_t *ret_lo,
		     uint32_t *ret_hi)
{
	static const uint16_t popular[PORTS_POPULAR] = { 80,   443,  53,   25,	 22,   21,
							 110,  143,  123,  161,	 389,  636,
							 445,  139,  135,  1433, 1521, 3306,
							 3389, 5432, 8080, 8443, 5060, 514 };
	uint32_t lo = 0, hi = CLASSIFY_FIELD_MAX, which;

	switch (choose(making, parts, PORTS_KINDS)) {
	case PORTS_HIGH:
		lo = 1024;
		break;
	case PORTS_LOW:
		hi = 1023;
		break;
	case PORTS_RANGE: // of a few different ones
		which = skewed(making, PORTS_RANGES);
		lo = 1024 + 1500 * which;
		hi = lo + (16U << which % 8) - 1;
		break;
	case PORTS_EXACT:
		which = skewed(making, PORTS_POPULAR + PORTS_OTHER);
		lo = which < PORTS_POPULAR ? popular[which] : 1024 + 37 * which;
		hi = lo;
		break;
	default:
		break;
	}
	*ret_lo = lo;
	*ret_hi = hi;
}

// The two addresses of an earlier rule, which has other services, or new ones.
static void sides_of_rule(struct making *making, const struct style *style, struct set_rule *rule)
{
	const struct ruleset *set = &making->set;

	if (set->n && between(making, 0, 99) < style->same_pair) {
		const struct set_rule *earlier = &set->v[random_below(&making->random, set->n)];

		for (unsigned side = 0; side < 2; side++) {
			rule->lo[side] = earlier->lo[side];
			rule->hi[side] = earlier->hi[side];
			rule->length[side] = earlier->length[side];
		}
		return;
	}
	for (unsigned side = 0; side < 2; side++) {
		struct net net = side_of(making, style->side[side]);

		rule->lo[side] = net.address;
		rule->hi[side] = net.address | ~mask_of(net.length);
		rule->length[side] = net.length;
	}
}

// Ports and protocol, in a rule that has no addresses yet.
static struct set_rule service_of(struct making *making, const struct style *style)
{
	struct set_rule rule = { 0 };
	unsigned at = between(making, 0, 99);

	rule.hi[SET_SOURCE_PORT] = rule.hi[SET_PORT] = CLASSIFY_FIELD_MAX;
	if (at < style->tcp + style->udp) {
		for (unsigned f = SET_SOURCE_PORT; f <= SET_PORT; f++)
			ports_of(making, style->ports[f - SET_SOURCE_PORT], &rule.lo[f],
				 &rule.hi[f]);
		rule.lo[SET_PROTOCOL] = rule.hi[SET_PROTOCOL] = at < style->tcp ? 6 : 17;
	} else if (at < style->tcp + style->udp + style->icmp) {
		rule.lo[SET_PROTOCOL] = rule.hi[SET_PROTOCOL] = 1;
	} else {
		rule.hi[SET_PROTOCOL] = 0xff;
	}
	return rule;
}

// Lists of rules repeat their services: ten times the rules have about twice as many.
static void make_services(struct making *making, uint32_t n_rules)
{
	making->n_services = SERVICES;
	for (uint32_t n = n_rules; n > 1000 && making->n_services < SERVICES_MAX / 2; n /= 10)
		making->n_services *= 2;
	for (unsigned s = 0; s < STYLES; s++)
		for (uint32_t i = 0; i < making->n_services; i++)
			making->service[s][i] = service_of(making, &styles[s]);
}

static struct set_rule rule_of(struct making *making, const struct style *style)
{
	struct set_rule rule = making->service[style - styles][skewed(making, making->n_services)];

	sides_of_rule(making, style, &rule);
	return rule;
}

static bool is_new(struct making *making, const struct set_rule *rule)
{
	uint64_t hash = 0;

	for (unsigned f = 0; f < SET_FIELDS; f++)
		hash = random_mix(hash ^ ((uint64_t)rule->hi[f] << 32 | rule->lo[f]));
	for (uint32_t at = (uint32_t)hash & (making->seen_size - 1);;
	     at = (at + 1) & (making->seen_size - 1)) {
		if (!making->seen[at]) {
			making->seen[at] = making->set.n + 1;
			return true;
		}
		if (!memcmp(&making->set.v[making->seen[at] - 1], rule, sizeof(*rule)))
			return false;
	}
}

static int make_rules(struct making *making, const struct style *style, uint32_t n)
{
	for (uint64_t tries = (uint64_t)n * TRIES; making->set.n < n; tries--) {
		const struct style *one = style ? style : &styles[making->set.n % STYLES];
		struct set_rule rule = rule_of(making, one);

		if (!tries)
			return -E2BIG;
		if (is_new(making, &rule))
			making->set.v[making->set.n++] = rule;
	}
	return 0;
}

struct place {
	unsigned specific;
	uint32_t number;
};

static int by_place(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->specific != b->specific)
		return a->specific < b->specific ? 1 : -1;
	return a->number < b->number ? -1 : 1;
}

// The specific ones first, with some disorder, as in lists that grew.
static void put_in_order(struct making *making)
{
	uint32_t n = making->set.n;
	struct place *place = calloc(n, sizeof(*place));
	struct ruleset sorted = ruleset_copy(&making->set);

	if (!place)
		abort();
	for (uint32_t i = 0; i < n; i++) {
		const struct set_rule *rule = &making->set.v[i];
		bool exact = rule->lo[SET_PORT] == rule->hi[SET_PORT];

		place[i] = (struct place){ (unsigned)rule->length[0] + rule->length[1] +
						   (exact ? 8U : 0U) + between(making, 0, 12),
					   i };
	}
	qsort(place, n, sizeof(*place), by_place);
	for (uint32_t i = 0; i < n; i++)
		sorted.v[i] = making->set.v[place[i].number];
	ruleset_done(&making->set);
	making->set = sorted;
	free(place);
}

int generate_rules(const char *style, uint32_t n, uint64_t seed, struct ruleset *ret)
{
	const struct style *of = NULL;
	struct making making = { .random = { seed }, .seen_size = 1024 };

	for (unsigned i = 0; i < STYLES; i++)
		if (!strcmp(style, styles[i].name))
			of = &styles[i];
	if ((!of && strcmp(style, "mixed")) || !n)
		return -EINVAL;
	if (n > SET_RULES_MAX)
		return -E2BIG;
	while (making.seen_size < 2 * n)
		making.seen_size *= 2;
	making.seen = calloc(making.seen_size, sizeof(*making.seen));
	making.set.v = calloc(n, sizeof(*making.set.v));
	if (!making.seen || !making.set.v)
		abort();
	make_nets(&making, n);
	make_services(&making, n);
	int r = make_rules(&making, of, n);

	if (r == 0)
		put_in_order(&making);
	free(making.net);
	free(making.seen);
	if (r < 0)
		ruleset_done(&making.set);
	else
		*ret = making.set;
	return r;
}
