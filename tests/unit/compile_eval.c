// The slow twin: runs packets through the ruleset's data, rule by rule and element by element, and
// compares with what the plan says about the same packets.  SEKISHO_SEED=N repeats a run.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "compile/storage.h"
#include "plan/query.h"
#include "unit/compile_make.h"
#include "unit/compile_packet.h"

#define FOLDER "tests/golden"

enum { PROBES = 3000, DEPTH = 16, POLICIES_MAX = 100 };

enum outcome { OUT_ACCEPT, OUT_DROP, OUT_REJECT, OUT_QUEUE };

struct run {
	const struct ruleset *r;
	struct packet *packet;
	uint32_t counter; // the object counted last
	enum outcome outcome;
	uint32_t steps;
};

static bool matches(const struct packet *p, const struct rs_stmt *stmt)
{
	unsigned size = rs_key_info(stmt->keys[0])->size;
	uint8_t value[16];
	bool inside;

	if (!load(p, stmt->keys[0], value))
		return false;
	for (unsigned i = 0; stmt->masked && i < size; i++)
		value[i] &= stmt->mask[i];
	inside = !memcmp(value, stmt->value, size);
	if (stmt->op == RS_IN_RANGE || stmt->op == RS_NOT_IN_RANGE)
		inside = memcmp(value, stmt->value, size) >= 0 &&
			 memcmp(value, stmt->value_hi, size) <= 0;
	return inside == (stmt->op == RS_EQ || stmt->op == RS_IN_RANGE);
}

// 1 found, 0 not, -1 the packet has no such key.  More than one element never fits.
static int find(const struct run *run, const struct rs_stmt *stmt, const struct rs_elem **ret_elem)
{
	const struct rs_set *set = &run->r->sets[stmt->ref];
	uint8_t key[RS_KEYS_MAX][16];
	int found = 0;

	for (unsigned i = 0; i < stmt->n_keys; i++) {
		if (!load(run->packet, stmt->keys[i], key[i]))
			return -1;
		for (unsigned bit = stmt->bits[i]; bit && bit < 128; bit++)
			key[i][bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	}
	for (uint32_t e = 0; e < set->n_elems; e++) {
		const struct rs_elem *elem = &run->r->elems[set->first_elem + e];
		const uint8_t *lo = run->r->pool + elem->key;
		const uint8_t *hi = set->interval ? lo + set->key_bytes : lo;
		bool fits = true;

		for (unsigned i = 0; i < stmt->n_keys; i++) {
			unsigned size = rs_key_info(stmt->keys[i])->size;

			fits &= memcmp(key[i], lo, size) >= 0 && memcmp(key[i], hi, size) <= 0;
			lo += rs_padded(size);
			hi += rs_padded(size);
		}
		if (fits) {
			assert_int_equal(found, 0);
			found = 1;
			*ret_elem = elem;
		}
	}
	return found;
}

struct place_in {
	uint32_t chain, rule;
};

struct stack {
	struct place_in at[DEPTH];
	unsigned n;
};

// true when the packet's fate is decided.
static bool take_verdict(struct run *run, struct stack *stack, struct place_in *here,
			 enum rs_verdict verdict, uint32_t chain)
{
	switch (verdict) {
	case RS_ACCEPT:
	case RS_DROP:
		run->outcome = verdict == RS_ACCEPT ? OUT_ACCEPT : OUT_DROP;
		return true;
	case RS_JUMP:
		assert_true(stack->n < DEPTH);
		stack->at[stack->n++] = *here;
		*here = (struct place_in){ chain, 0 };
		return false;
	case RS_GOTO:
		*here = (struct place_in){ chain, 0 };
		return false;
	case RS_RETURN:
		here->rule = run->r->chains[here->chain].n_rules;
		return false;
	default:
		return false;
	}
}

static void translate(struct packet *p, const struct rs_stmt *stmt)
{
	addr_bits lo = addr_from_bytes(p->source.family, stmt->value);
	addr_bits hi = addr_from_bytes(p->source.family, stmt->value_hi);

	if (!stmt->destination || stmt->kind == RS_MASQUERADE) {
		p->source_translated = true;
		return;
	}
	p->destination_translated = true;
	if (stmt->kind == RS_NETMAP)
		lo |= p->destination.bits & (hi - lo);
	p->destination.bits = lo;
	if (stmt->port_lo)
		p->port = stmt->port_lo;
}

static void set_mark(uint32_t *mark, const struct rs_stmt *stmt, unsigned keep_at, unsigned put_at)
{
	uint32_t keep, put;

	memcpy(&keep, stmt->value + keep_at * sizeof(keep), sizeof(keep));
	memcpy(&put, stmt->value + put_at * sizeof(put), sizeof(put));
	*mark = (*mark & keep) | put;
}

enum step { NEXT_STMT, NEXT_RULE, MOVED, DECIDED };

static enum step step(struct run *run, struct stack *stack, struct place_in *here,
		      const struct rs_stmt *stmt)
{
	const struct rs_elem *elem = NULL;
	int found;

	switch (stmt->kind) {
	case RS_MATCH:
		return matches(run->packet, stmt) ? NEXT_STMT : NEXT_RULE;
	case RS_LOOKUP:
		found = find(run, stmt, &elem);
		return found >= 0 && found == (stmt->op == RS_EQ) ? NEXT_STMT : NEXT_RULE;
	case RS_COUNT_MAP:
		if (find(run, stmt, &elem) != 1)
			return NEXT_RULE;
		run->counter = elem->ref;
		return NEXT_STMT;
	case RS_COUNT:
		run->counter = stmt->ref;
		return NEXT_STMT;
	case RS_VMAP:
		if (find(run, stmt, &elem) != 1)
			return NEXT_RULE;
		return take_verdict(run, stack, here, elem->verdict, elem->ref) ? DECIDED : MOVED;
	case RS_VERDICT:
		return take_verdict(run, stack, here, stmt->verdict, stmt->ref) ? DECIDED : MOVED;
	case RS_REJECT:
	case RS_QUEUE:
		run->outcome = stmt->kind == RS_REJECT ? OUT_REJECT : OUT_QUEUE;
		return DECIDED;
	case RS_NAT:
	case RS_NETMAP:
	case RS_MASQUERADE:
		translate(run->packet, stmt);
		run->outcome = OUT_ACCEPT;
		return DECIDED;
	case RS_TPROXY:
		run->packet->taken = run->packet->protocol == 6;
		return run->packet->taken ? NEXT_STMT : NEXT_RULE;
	case RS_SET_META_MARK:
		set_mark(&run->packet->mark, stmt, 1, 0);
		return NEXT_STMT;
	case RS_SET_CT_MARK:
		set_mark(&run->packet->ct_mark, stmt, 0, 1);
		return NEXT_STMT;
	case RS_EXTHDR:
	case RS_IP_OPTION:
	case RS_RT_TYPE:
		return NEXT_RULE; // the probes have none
	default:
		return NEXT_STMT;
	}
}

static void run_chain(struct run *run, const char *name)
{
	struct stack stack = { .n = 0 };
	struct place_in here = { ruleset_find_chain(run->r, name), 0 };
	const struct rs_chain *base = &run->r->chains[here.chain];

	if (here.chain == RS_NONE)
		return;
	for (;;) {
		const struct rs_chain *chain = &run->r->chains[here.chain];
		const struct rs_rule *rule;
		enum step went = NEXT_STMT;

		if (here.rule >= chain->n_rules) {
			if (!stack.n)
				break;
			here = stack.at[--stack.n];
			continue;
		}
		rule = &run->r->rules[chain->first_rule + here.rule++];
		run->steps++;
		for (uint32_t i = 0; i < rule->n_stmts && went == NEXT_STMT; i++)
			went = step(run, &stack, &here, &run->r->stmts[rule->first_stmt + i]);
		if (went == DECIDED)
			return;
	}
	run->outcome = base->drop ? OUT_DROP : OUT_ACCEPT;
}

struct world {
	const struct plan *plan;
	const struct ruleset *ruleset;
	const struct plan_zone *zones;
	const struct plan_pair *pairs;
	const struct plan_nat *nats;
	size_t n_zones, n_pairs, n_nats;
	unsigned seed;
};

static unsigned pick(struct world *w, unsigned n)
{
	return n ? (unsigned)rand_r(&w->seed) % n : 0;
}

static addr_bits near(struct world *w, const struct addr_range *range)
{
	addr_bits at = pick(w, 2) ? range->lo : range->hi;

	switch (pick(w, 4)) {
	case 0:
		return range->lo + pick(w, 1u << 16) % (range->hi - range->lo + 1 ?: 1);
	case 1:
		return (at - 1) & addr_max(range->family);
	case 2:
		return (at + 1) & addr_max(range->family);
	default:
		return at;
	}
}

static addr_bits random_address(struct world *w, uint32_t zone, enum addr_family family)
{
	const struct plan_zone *it = &w->zones[zone];
	const struct addr_range other = addr_range_any(family);

	if (it->n_networks) {
		const struct addr_range *range = &it->networks[pick(w, it->n_networks)];

		if (range->family == family)
			return near(w, range);
	}
	return near(w, &other) ^ (addr_bits)rand_r(&w->seed);
}

// Around the borders of a cell of the pair, or of the zones' networks.
static void pick_addresses(struct world *w, const struct plan_packet *zones,
			   const struct plan_class *class, struct packet *p)
{
	enum addr_family family = pick(w, 2) ? ADDR_V4 : ADDR_V6;

	if (class && class->n_cells) {
		const struct plan_rect *rect = &class->cells[pick(w, class->n_cells)].rect;

		family = rect->source.family;
		p->source.bits = near(w, &rect->source);
		p->destination.bits = near(w, &rect->destination);
	}
	if (!class || pick(w, 3) == 0)
		p->source.bits = random_address(w, zones->from, family);
	if (!class || pick(w, 3) == 0)
		p->destination.bits = random_address(w, zones->to, family);
	if (family == ADDR_V4) {
		p->source.bits &= UINT32_MAX;
		p->destination.bits &= UINT32_MAX;
	}
	p->source.family = p->destination.family = family;
}

static uint16_t near_port(struct world *w, uint16_t lo, uint16_t hi)
{
	return (pick(w, 2) ? lo : hi) + (int)pick(w, 3) - 1;
}

static void pick_service(struct world *w, const struct plan_class *class, struct packet *p)
{
	static const uint8_t protocols[] = { 6, 17, 132, 1, 58, 47 };

	p->protocol = protocols[pick(w, sizeof(protocols))];
	p->sport = rand_r(&w->seed);
	p->port = rand_r(&w->seed);
	if (class && class->n_atoms) {
		const struct plan_atom *atom = &class->atoms[pick(w, class->n_atoms)];

		p->protocol = pick(w, 2) ? atom->protocol_lo : atom->protocol_hi;
		if (pick(w, 4)) // not always: the range may be wide
			p->sport = near_port(w, atom->sport_lo, atom->sport_hi);
		p->port = near_port(w, atom->port_lo, atom->port_hi);
	}
	if (p->protocol == 1 || p->protocol == 58)
		p->port &= 0xff;
}

static void name_interface(struct world *w, uint32_t zone, char out[16])
{
	const struct plan_zone *it = &w->zones[zone];
	const struct plan_interface *interface;

	memset(out, 0, 16);
	if (!it->n_interfaces)
		return;
	interface = &it->interfaces[pick(w, it->n_interfaces)];
	snprintf(out, 16, "%.12s%s", interface->name, interface->pattern ? "7" : "");
}

static bool link_local(const struct addr *addr)
{
	return addr->family == ADDR_V6 && (addr->bits == 0 || addr->bits >> 118 == 0x3fa);
}

static const char *hook_of(const struct plan_packet *q)
{
	if (q->from == PLAN_SELF)
		return "output";
	return q->to == PLAN_SELF ? "input" : "forward";
}

static enum outcome wanted(const struct plan_answer *answer)
{
	if (answer->verdict == PLAN_INSPECT)
		return OUT_QUEUE;
	if (answer->verdict == PLAN_ALLOW)
		return OUT_ACCEPT;
	return answer->denied_action == PLAN_REJECT ? OUT_REJECT : OUT_DROP;
}

static bool agrees(struct world *w, const struct plan_answer *answer, const struct run *run)
{
	bool translated = answer->source_nat || answer->hairpin_nat;
	const struct plan_flow *flows;
	size_t n;

	if (run->outcome != wanted(answer))
		return false;
	if (answer->verdict == PLAN_DENY)
		return true;
	flows = plan_flows(w->plan, &n);
	return run->counter != RS_NONE && translated == run->packet->source_translated &&
	       !strcmp(rs_string(w->ruleset, w->ruleset->objs[run->counter].name) + 2,
		       flows[answer->flow].id);
}

static void expect(struct world *w, const struct plan_packet *q, const struct plan_answer *answer,
		   const struct run *run)
{
	static const char *const words[] = { "accept", "drop", "reject", "queue" };
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];
	size_t n;
	const struct plan_flow *flows = plan_flows(w->plan, &n);

	if (agrees(w, answer, run))
		return;
	fail_msg("%s to %s: %s -> %s protocol %u %u -> %u: the plan says %s (%s), the ruleset %s",
		 q->from ? w->zones[q->from].id : "self", q->to ? w->zones[q->to].id : "self",
		 addr_text(&q->source, source), addr_text(&q->destination, destination),
		 q->protocol, q->sport, q->port, words[wanted(answer)],
		 answer->flow == PLAN_NONE ? "no flow" : flows[answer->flow].id,
		 words[run->outcome]);
}

// Accepted by the porter, which connects onward with the client's address.
static void run_proxy(struct run *run)
{
	struct packet *p = run->packet;
	uint32_t counted = run->counter;
	uint32_t flow = p->mark & PACKET_GUARD;

	assert_int_equal(run->outcome, OUT_ACCEPT);
	assert_int_equal(p->mark & PACKET_PROXY, PACKET_DIVERTED);
	assert_int_equal(p->ct_mark & MARK_PROXY, MARK_PROXY);
	assert_int_not_equal(flow, 0);
	run_chain(run, "input");
	assert_int_equal(run->outcome, OUT_ACCEPT);
	assert_int_equal(p->mark, flow); // what the accepted socket sends is not brought here
	memset(p->in, 0, sizeof(p->in));
	p->taken = false;
	p->ct_mark = 0;
	p->mark = PACKET_ONWARD | flow;
	run_chain(run, "output");
	assert_int_equal(run->outcome, OUT_ACCEPT);
	assert_int_equal(p->ct_mark & MARK_PROXY, MARK_PROXY);
	p->mark ^= 1u << 20; // of other rules
	run_chain(run, "output");
	assert_int_equal(run->outcome, OUT_DROP);
	p->mark ^= 1u << 20;
	run_chain(run, "translate_source");
	run->outcome = OUT_QUEUE;
	run->counter = counted;
}

static void run_packet(const struct plan_packet *q, struct run *run)
{
	run->outcome = OUT_ACCEPT;
	if (q->from != PLAN_SELF) {
		run_chain(run, "spoof");
		if (run->outcome != OUT_ACCEPT)
			return;
		run_chain(run, "translate_destination");
		run->outcome = OUT_ACCEPT;
		run_chain(run, "divert");
		if (run->packet->taken)
			run_proxy(run);
		if (run->packet->mark || run->outcome != OUT_ACCEPT)
			return;
	}
	run_chain(run, hook_of(q));
	if (q->to != PLAN_SELF && (run->outcome == OUT_ACCEPT || run->outcome == OUT_QUEUE)) {
		enum outcome kept = run->outcome;

		run_chain(run, "translate_source");
		run->outcome = kept;
	}
}

// Towards the outside address of a forward or prefix, from a zone that it is for or from any.
static void aim_at_nat(struct world *w, struct plan_packet *q, struct packet *p)
{
	const struct plan_nat *nat = &w->nats[pick(w, w->n_nats)];
	uint32_t owner;

	if (nat->kind != POL_NAT_FORWARD && nat->kind != POL_NAT_PREFIX)
		return;
	if (nat->kind == POL_NAT_PREFIX)
		q->from = nat->to[pick(w, nat->n_to)];
	else
		q->from = pick(w, 3) ? nat->from[pick(w, nat->n_from)] : nat->to[0];
	p->source.family = p->destination.family = nat->family;
	p->source.bits = random_address(w, q->from, nat->family) & addr_max(nat->family);
	p->destination.bits =
		near(w, nat->kind == POL_NAT_PREFIX ? &nat->target : &nat->destinations[0]);
	if (plan_zones_of(w->plan, &p->destination, &owner, 1))
		q->to = owner;
	if (nat->n_atoms) {
		const struct plan_atom *atom = &nat->atoms[pick(w, nat->n_atoms)];

		p->protocol = atom->protocol_lo;
		p->port = near_port(w, atom->port_lo, atom->port_hi);
	}
}

// Is it a packet on which plan and ruleset have to agree?  Link-local addresses and IPv6 essentials
// are the hooks' own business, not a flow's.
static bool telling(const struct plan_packet *q, const struct packet *p)
{
	if (q->from == PLAN_SELF && q->to == PLAN_SELF)
		return false;
	if (link_local(&p->source) || link_local(&p->destination) || p->source.bits == 0)
		return false;
	return p->protocol != 58 || p->port < 130 || p->port > 143;
}

static void probe(struct world *w)
{
	const struct plan_class *class = NULL;
	struct packet p = { .protocol = 0 };
	struct plan_packet q = { .from = pick(w, w->n_zones), .to = pick(w, w->n_zones) };
	struct plan_answer answer;
	struct run run = { .r = w->ruleset, .packet = &p, .counter = RS_NONE };

	if (w->n_pairs && pick(w, 4)) {
		const struct plan_pair *pair = &w->pairs[pick(w, w->n_pairs)];

		q.from = pair->from;
		q.to = pair->to;
		if (pair->n_classes)
			class = &pair->classes[pick(w, pair->n_classes)];
	}
	pick_addresses(w, &q, class, &p);
	pick_service(w, class, &p);
	if (w->n_nats && pick(w, 3) == 0)
		aim_at_nat(w, &q, &p);
	if (!telling(&q, &p))
		return;
	q.source = p.source;
	q.destination = p.destination;
	q.protocol = p.protocol;
	q.sport = p.sport;
	q.port = p.port;
	plan_query(w->plan, &q, &answer);
	if (answer.reason == PLAN_NAT_ELSEWHERE)
		return; // routing cannot send it where it was asked about
	q.to = answer.translated.to;
	name_interface(w, q.from, p.in);
	name_interface(w, q.to, p.out);
	run_packet(&q, &run);
	expect(w, &q, &answer, &run);
}

static unsigned seed;

static void compare(const char *yaml)
{
	const struct compile_options options = { .generation = 1 };
	struct made made;
	struct world w = { .seed = seed };

	assert_int_equal(make_text(yaml, &options, &made), 0);
	w.plan = made.plan;
	w.ruleset = made.ruleset;
	w.zones = plan_zones(made.plan, &w.n_zones);
	w.pairs = plan_pairs(made.plan, &w.n_pairs);
	w.nats = plan_nats(made.plan, &w.n_nats);
	for (int i = 0; i < PROBES; i++)
		probe(&w);
	made_done(&made);
}

static void agree(void **state)
{
	char path[512];
	char *yaml;

	snprintf(path, sizeof(path), FOLDER "/%s/policy.yaml", (const char *)*state);
	yaml = file_text(path);
	assert_non_null(yaml);
	compare(yaml);
	free(yaml);
}

// A network of random width: single addresses mostly, some ranges that reach over many shards.
static void write_network(FILE *out, const char *zone, unsigned net, int index, unsigned *random)
{
	unsigned lo = rand_r(random) % 65536, hi = lo;

	if (rand_r(random) % 4 == 0)
		hi = lo + rand_r(random) % (rand_r(random) % 8 ? 64 : 40000);
	if (hi > 65535)
		hi = 65535;
	fprintf(out, "  %s/n%d: [10.%u.%u.%u-10.%u.%u.%u, \"fd00:%u::%x-fd00:%u::%x\"]\n", zone,
		index, net, lo >> 8, lo & 255, net, hi >> 8, hi & 255, net, lo, net, hi);
}

// Many overlapping cells, so that every group is sharded.
static void generated(void **state)
{
	enum { NETWORKS = 1500, FLOWS = 2500 };
	static const char *const services[] = { "tcp/80-90", "tcp/85", "udp/53", "any" };
	unsigned random = seed;
	char *yaml = NULL;
	size_t size;
	FILE *out = open_memstream(&yaml, &size);

	(void)state;
	fputs("zones:\n"
	      "  a: { interfaces: [lan-a], networks: [10.1.0.0/16, 'fd00:1::/32'] }\n"
	      "  b: { interfaces: [lan-b], networks: [10.2.0.0/16, 'fd00:2::/32'] }\n"
	      "networks:\n",
	      out);
	for (int i = 0; i < NETWORKS; i++) {
		write_network(out, "a", 1, i, &random);
		write_network(out, "b", 2, i, &random);
	}
	fputs("flows:\n", out);
	for (int i = 0; i < FLOWS; i++) {
		int from = rand_r(&random) % NETWORKS, to = rand_r(&random) % NETWORKS;

		fprintf(out, "  - { id: f%d, from: a/n%d, to: ", i, from);
		fprintf(out, rand_r(&random) % 8 ? "b/n%d" : "b", to);
		fprintf(out, ", services: [%s], log: %s }\n", services[rand_r(&random) % 40 / 13],
			rand_r(&random) % 3 ? "false" : "true");
	}
	fclose(out);
	compare(yaml);
	free(yaml);
}

int main(void)
{
	static struct CMUnitTest tests[POLICIES_MAX];
	const char *given = getenv("SEKISHO_SEED");
	DIR *folder = opendir(FOLDER);
	struct dirent *entry;
	size_t n = 0;
	int failed;

	if (!folder) {
		fputs("run from the top of the tree: " FOLDER " is not here\n", stderr);
		return 1;
	}
	seed = given ? strtoul(given, NULL, 0) : (unsigned)time(NULL);
	printf("SEKISHO_SEED=%u\n", seed);
	while ((entry = readdir(folder)) && n < POLICIES_MAX - 1) {
		char path[512], *name;

		snprintf(path, sizeof(path), FOLDER "/%.200s/policy.yaml", entry->d_name);
		if (entry->d_name[0] == '.' || !(name = file_text(path)))
			continue;
		free(name);
		name = strdup(entry->d_name);
		tests[n++] = (struct CMUnitTest){ name, agree, NULL, NULL, name };
	}
	closedir(folder);
	tests[n++] = (struct CMUnitTest){ "generated", generated, NULL, NULL, NULL };
	failed = _cmocka_run_group_tests("compile_eval", tests, n, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		free(tests[i].initial_state);
	return failed;
}
