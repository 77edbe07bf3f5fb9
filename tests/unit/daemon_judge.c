// Entries of connection tracking and what becomes of them: a table, and agreement with plan_query()
// on the probes of real and random policies.  SEKISHO_SEED=N build/unit/daemon_judge
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include "compile/compile.h"
#include "daemon/judge_child.h"
#include "daemon/judge_form.h"
#include "plan/query.h"
#include "reference/probes.h"
#include "reference/random_policy.h"

enum { TCP = 6, UDP = 17, ICMP = 1, ICMPV6 = 58, PROBES = 2000, RANDOM_POLICIES = 20 };

static uint64_t seed = 20250401;

static const char policy_text[] =
	"version: 1\n"
	"zones:\n"
	"  office: { interfaces: [lan-office], networks: [10.20.0.0/16, \"fd00:20::/64\"] }\n"
	"  dmz: { role: server, interfaces: [lan-dmz], networks: [192.0.2.0/24] }\n"
	"  lgwan: { role: uplink, interfaces: [wan-lg] }\n"
	"  internet: { role: external, interfaces: [wan-inet] }\n"
	"networks:\n"
	"  dmz/web: [192.0.2.80]\n"
	"guards: { mail: { protocol: smtp, senders: [office] },\n"
	"          proxy: { protocol: smtp, mode: proxy, senders: [office] } }\n"
	"flows:\n"
	"  - { id: web, from: office, to: dmz/web, services: [https, ftp], helpers: [ftp] }\n"
	"  - { id: ping, from: office, to: dmz, services: ping }\n"
	"  - { id: out, from: office, to: internet, services: any }\n"
	"  - { id: both, from: dmz, to: [internet, lgwan], services: udp/53 }\n"
	"  - { id: mail, from: office, to: dmz, services: smtp, guard: mail }\n"
	"  - { id: submit, from: office, to: dmz, services: tcp/587, guard: proxy }\n"
	"  - { id: own, from: self, to: internet, services: udp/123 }\n"
	"  - { id: manage, from: office, to: self, services: [ssh, udp/547] }\n"
	"  - { id: web-in, from: internet, to: dmz/web, services: tcp/8080 }\n"
	"nat:\n"
	"  - { id: hide, kind: masquerade, from: office, to: internet }\n"
	"  - { id: forward, kind: forward, from: internet, address: 203.0.113.80, services: http,\n"
	"      target: dmz/web, port: 8080 }\n";

struct row {
	const char *name, *source, *destination; // of the packet that opened it
	unsigned protocol, port;
	const char *seen_source, *seen_destination; // NULL: not translated
	unsigned seen_port;			    // 0: not translated
	enum judge_outcome outcome;
	enum judge_reason reason;
	const char *flow; // NULL: not looked at
	unsigned zone;
	uint32_t mark, status;
	const char *master_source, *master_destination;
	unsigned master_port;
};

#define AS_IS NULL, NULL, 0
#define OWN   "203.0.113.1"

static const struct row rows[] = {
	{ "allowed", "10.20.0.5", "192.0.2.80", TCP, 443, AS_IS, JUDGE_ALLOWED, JUDGE_BY_FLOW,
	  .flow = "web" },
	{ "another address", "10.20.0.5", "192.0.2.81", TCP, 443, AS_IS, JUDGE_CUT,
	  JUDGE_NO_ADDRESS, .flow = "web" },
	{ "another port", "10.20.0.5", "192.0.2.80", TCP, 444, AS_IS, JUDGE_CUT, JUDGE_NO_SERVICE,
	  .flow = NULL },
	{ "no such pair", "192.0.2.80", "10.20.0.5", TCP, 443, AS_IS, JUDGE_CUT, JUDGE_NO_PAIR,
	  .flow = NULL },
	{ "ping", "10.20.0.5", "192.0.2.81", ICMP, 8, AS_IS, JUDGE_ALLOWED, JUDGE_BY_FLOW,
	  .flow = "ping" },
	{ "masqueraded as it should be", "10.20.0.5", "9.9.9.9", TCP, 443, OWN, NULL, 0,
	  JUDGE_ALLOWED, JUDGE_BY_FLOW, .flow = "out" },
	{ "not masqueraded", "10.20.0.5", "9.9.9.9", TCP, 443, AS_IS, JUDGE_CUT, JUDGE_TRANSLATION,
	  .flow = "out" },
	{ "masqueraded to an address that is gone", "10.20.0.5", "9.9.9.9", TCP, 443,
	  "203.0.113.77", NULL, 0, JUDGE_CUT, JUDGE_TRANSLATION, .flow = "out" },
	{ "masqueraded where nothing is", "10.20.0.5", "192.0.2.80", TCP, 443, OWN, NULL, 0,
	  JUDGE_CUT, JUDGE_TRANSLATION, .flow = NULL },
	{ "forwarded", "9.9.9.9", "203.0.113.80", TCP, 80, NULL, "192.0.2.80", 8080, JUDGE_ALLOWED,
	  JUDGE_BY_FLOW, .flow = "web-in" },
	{ "forwarded elsewhere", "9.9.9.9", "203.0.113.80", TCP, 80, NULL, "192.0.2.81", 8080,
	  JUDGE_CUT, JUDGE_TRANSLATION, .flow = NULL },
	{ "forwarded to another port", "9.9.9.9", "203.0.113.80", TCP, 80, NULL, "192.0.2.80", 80,
	  JUDGE_CUT, JUDGE_TRANSLATION, .flow = NULL },
	{ "forwarded by what is gone", "9.9.9.9", "203.0.113.81", TCP, 80, NULL, "192.0.2.80", 8080,
	  JUDGE_CUT, JUDGE_TRANSLATION, .flow = NULL },
	{ "without its forward", "9.9.9.9", "203.0.113.80", TCP, 80, AS_IS, JUDGE_CUT,
	  JUDGE_TRANSLATION, .flow = NULL },
	{ "of an external zone, by its way", "8.8.8.8", "192.0.2.80", TCP, 8080, AS_IS, JUDGE_CUT,
	  JUDGE_NO_PAIR, .flow = NULL },
	{ "of the other, by its way", "9.9.9.9", "192.0.2.80", TCP, 8080, AS_IS, JUDGE_ALLOWED,
	  JUDGE_BY_FLOW, .flow = "web-in" },
	{ "no way says which, and one forbids it", "7.7.7.7", "192.0.2.80", TCP, 8080, AS_IS,
	  JUDGE_CUT, JUDGE_NO_PAIR, .flow = NULL },
	{ "no way says which, and both allow it", "192.0.2.80", "7.7.7.7", UDP, 53, AS_IS,
	  JUDGE_ALLOWED, JUDGE_BY_FLOW, .flow = "both" },
	{ "a way by no zone's interface", "6.6.6.6", "192.0.2.80", TCP, 8080, AS_IS, JUDGE_CUT,
	  JUDGE_NO_PAIR, .flow = NULL },
	{ "of the gateway", OWN, "9.9.9.9", UDP, 123, AS_IS, JUDGE_ALLOWED, JUDGE_BY_FLOW,
	  .flow = "own" },
	{ "of the gateway, not allowed", OWN, "9.9.9.9", UDP, 124, AS_IS, JUDGE_CUT,
	  JUDGE_NO_SERVICE, .flow = "own" },
	{ "to the gateway", "10.20.0.5", "10.20.0.1", TCP, 22, AS_IS, JUDGE_ALLOWED, JUDGE_BY_FLOW,
	  .flow = "manage" },
	{ "to the gateway, not allowed", "10.20.0.5", OWN, TCP, 23, AS_IS, JUDGE_CUT,
	  JUDGE_NO_SERVICE, .flow = NULL },
	{ "the management path", "192.0.2.9", "10.20.0.1", TCP, 2222, AS_IS, JUDGE_LEFT,
	  JUDGE_BY_FLOW, .flow = NULL },
	{ "its port from elsewhere", "192.0.2.10", "10.20.0.1", TCP, 2222, AS_IS, JUDGE_CUT,
	  JUDGE_NO_PAIR, .flow = NULL },
	{ "its port on another host", "192.0.2.9", "10.20.0.2", TCP, 2222, AS_IS, JUDGE_CUT,
	  JUDGE_NO_PAIR, .flow = NULL },
	{ "loopback", "127.0.0.1", "127.0.0.1", TCP, 5432, AS_IS, JUDGE_LEFT, JUDGE_BY_FLOW,
	  .flow = NULL },
	{ "loopback over IPv6", "::1", "::1", TCP, 5432, AS_IS, JUDGE_LEFT, JUDGE_BY_FLOW,
	  .flow = NULL },
	{ "the gateway to itself", OWN, "10.20.0.1", TCP, 5432, AS_IS, JUDGE_LEFT, JUDGE_BY_FLOW,
	  .flow = NULL },
	{ "a client without an address", "0.0.0.0", "255.255.255.255", UDP, 67, AS_IS, JUDGE_LEFT,
	  JUDGE_BY_FLOW, .flow = NULL },
	{ "to a link's broadcast", "10.20.0.5", "10.20.255.255", UDP, 137, AS_IS, JUDGE_LEFT,
	  JUDGE_BY_FLOW, .flow = NULL },
	{ "multicast", OWN, "224.0.0.5", 89, 0, AS_IS, JUDGE_LEFT, JUDGE_BY_FLOW, .flow = NULL },
	{ "multicast over IPv6", "fe80::1", "ff02::fb", UDP, 5353, AS_IS, JUDGE_LEFT, JUDGE_BY_FLOW,
	  .flow = NULL },
	{ "from a link to the gateway", "fe80::5", "fe80::1", UDP, 547, AS_IS, JUDGE_ALLOWED,
	  JUDGE_BY_FLOW, .flow = "manage" },
	{ "from a link, allowed nowhere", "fe80::5", "fe80::1", UDP, 548, AS_IS, JUDGE_CUT,
	  JUDGE_NO_PAIR, .flow = NULL },
	{ "of no zone", "169.254.1.1", "192.0.2.80", TCP, 443, AS_IS, JUDGE_CUT, JUDGE_SPOOFED,
	  .flow = "" },
	{ "to no zone", "10.20.0.5", "240.0.0.1", TCP, 443, AS_IS, JUDGE_CUT, JUDGE_MISPLACED,
	  .flow = "" },
	{ "inspected", "10.20.0.5", "192.0.2.25", TCP, 25, AS_IS, JUDGE_ALLOWED, JUDGE_BY_FLOW,
	  .flow = "mail", 0, MARK_INSPECT },
	{ "inspected to the end", "10.20.0.5", "192.0.2.25", TCP, 25, AS_IS, JUDGE_ALLOWED,
	  JUDGE_BY_FLOW, .flow = "mail", 0, MARK_INSPECT | MARK_PASSED },
	{ "not inspected, though it has to be", "10.20.0.5", "192.0.2.25", TCP, 25, AS_IS,
	  JUDGE_CUT, JUDGE_NOT_INSPECTED, .flow = "mail" },
	{ "inspected between two sockets", "10.20.0.5", "192.0.2.25", TCP, 587, AS_IS,
	  JUDGE_ALLOWED, JUDGE_BY_FLOW, .flow = "submit", 0, MARK_PROXY },
	{ "inspected by packets, which is now by sockets", "10.20.0.5", "192.0.2.25", TCP, 587,
	  AS_IS, JUDGE_CUT, JUDGE_NOT_INSPECTED, .flow = "submit", 0, MARK_INSPECT },
	{ "inspected by sockets, which is now by packets", "10.20.0.5", "192.0.2.25", TCP, 25,
	  AS_IS, JUDGE_CUT, JUDGE_NOT_INSPECTED, .flow = "mail", 0, MARK_PROXY },
	{ "another zone of connection tracking", "10.20.0.5", "192.0.2.80", TCP, 444, AS_IS,
	  JUDGE_LEFT, JUDGE_BY_FLOW, .flow = NULL, 7 },
	{ "announced by a helper", "192.0.2.80", "10.20.0.5", TCP, 40001, AS_IS, JUDGE_ALLOWED,
	  JUDGE_BY_FLOW, .flow = "web", 0, 0, IPS_EXPECTED, "10.20.0.5", "192.0.2.80", 21 },
	{ "announced by a master that is not allowed", "192.0.2.81", "10.20.0.5", TCP, 40001, AS_IS,
	  JUDGE_CUT, JUDGE_NO_ADDRESS, .flow = NULL, 0, 0, IPS_EXPECTED, "10.20.0.5", "192.0.2.81",
	  21 },
	{ "announced on a flow without a helper", "192.0.2.80", "10.20.0.5", TCP, 40001, AS_IS,
	  JUDGE_CUT, JUDGE_NO_SERVICE, .flow = NULL, 0, 0, IPS_EXPECTED, "10.20.0.5", "9.9.9.9",
	  21 },
	{ "over IPv6", "fd00:20::5", "2600::1", TCP, 443, AS_IS, JUDGE_ALLOWED, JUDGE_BY_FLOW,
	  .flow = "out" },
};

static struct plan *plan;

static struct plan *make_plan(const char *text)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *made = NULL;
	int r = policy_read_text("judge.yaml", text, strlen(text), diag, &policy, NULL);

	if (r == 0)
		r = plan_make(policy, diag, &made, NULL);
	if (r < 0)
		diag_print(diag, stderr);
	policy_free(policy);
	diag_free(diag);
	return made;
}

static struct addr address(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void put_address(const struct addr *addr, uint8_t out[16])
{
	addr_to_bytes(addr->family, addr->bits, out);
}

static void put_text(const char *text, uint8_t out[16])
{
	struct addr addr = address(text);

	put_address(&addr, out);
}

static struct conntrack_entry entry_of(const struct row *row)
{
	struct conntrack_entry entry = {
		.family = (uint8_t)address(row->source).family,
		.protocol = (uint8_t)row->protocol,
		.zone = (uint16_t)row->zone,
		.mark = row->mark,
		.status = row->status | IPS_SEEN_REPLY,
	};
	bool icmp = row->protocol == ICMP || row->protocol == ICMPV6;

	put_text(row->source, entry.original.source);
	put_text(row->destination, entry.original.destination);
	put_text(row->seen_source ? row->seen_source : row->source, entry.reply.destination);
	put_text(row->seen_destination ? row->seen_destination : row->destination,
		 entry.reply.source);
	if (icmp) {
		entry.icmp_type = (uint8_t)row->port;
	} else {
		entry.original.source_port = entry.reply.destination_port = 40000;
		entry.original.destination_port = (uint16_t)row->port;
		entry.reply.source_port = (uint16_t)(row->seen_port ? row->seen_port : row->port);
	}
	if (!row->master_source)
		return entry;
	put_text(row->master_source, entry.master.source);
	put_text(row->master_destination, entry.master.destination);
	entry.master.source_port = 40000;
	entry.master.destination_port = (uint16_t)row->master_port;
	entry.master_protocol = TCP;
	return entry;
}

static int by_address(const void *a, const void *b)
{
	return judge_compare_addr(a, b);
}

// The world that all rows live in.
static struct judge_world world_of_rows(void)
{
	static struct addr own[3], broadcasts[1];
	static struct judge_home homes[4];
	struct judge_world world = {
		.own = own,
		.broadcasts = broadcasts,
		.homes = homes,
		.n_own = 3,
		.n_broadcasts = 1,
		.n_homes = 4,
		.management_interface = "lan-dmz",
		.management_port = 2222,
	};

	own[0] = address(OWN);
	own[1] = address("10.20.0.1");
	own[2] = address("fe80::1");
	broadcasts[0] = address("10.20.255.255");
	homes[0] = (struct judge_home){ address("9.9.9.9"), "wan-inet" };
	homes[1] = (struct judge_home){ address("8.8.8.8"), "wan-lg" };
	homes[2] = (struct judge_home){ address("2600::1"), "wan-inet" };
	homes[3] = (struct judge_home){ address("6.6.6.6"), "tun7" };
	qsort(own, 3, sizeof(own[0]), by_address);
	qsort(homes, 4, sizeof(homes[0]), by_address);
	addr_range_parse("192.0.2.9", &world.management_prefix);
	return world;
}

static void row_is_judged(void **state)
{
	const struct row *row = *state;
	struct conntrack_entry entry = entry_of(row);
	struct judge_world world = world_of_rows();
	struct judge_verdict verdict;
	size_t n;
	const struct plan_flow *flows = plan_flows(plan, &n);

	world.entries = &entry;
	world.n_entries = 1;
	judge(plan, &world, &verdict);
	assert_int_equal(verdict.outcome, row->outcome);
	assert_int_equal(verdict.reason, row->reason);
	if (row->flow)
		assert_string_equal(verdict.flow < n ? flows[verdict.flow].id : "", row->flow);
}

// --- agreement

struct asked { // one probe as an entry, and what the kernel knows about its addresses
	struct conntrack_entry entry;
	struct addr own[2];
	struct judge_home homes[2];
	size_t n_own;
};

static bool has_ports(uint8_t protocol)
{
	return protocol == TCP || protocol == UDP || protocol == 132;
}

static void set_home(const struct plan *of, struct judge_home *home, const struct addr *addr,
		     uint16_t zone)
{
	size_t n;
	const struct plan_zone *zones = plan_zones(of, &n);

	home->addr = *addr;
	home->interface[0] = '\0';
	if (zone != PLAN_SELF && zones[zone].n_interfaces)
		snprintf(home->interface, sizeof(home->interface), "%s",
			 zones[zone].interfaces[0].name);
}

static struct addr seen_source(const struct plan_packet *packet, const struct plan_answer *answer,
			       struct asked *asked)
{
	const struct plan_nat *nat = answer->source_nat;
	struct addr addr = packet->source;

	if (answer->hairpin_nat || (nat && nat->kind == POL_NAT_MASQUERADE)) {
		addr = addr.family == ADDR_V4 ? address("198.18.255.254") : address("3fff::254");
		asked->own[asked->n_own++] = addr;
	} else if (nat && nat->kind == POL_NAT_PREFIX) {
		addr.bits = nat->target.lo + (addr.bits - nat->inside.lo);
	} else if (nat) {
		addr.bits = nat->target.hi;
	}
	return addr;
}

static struct asked ask(const struct plan *of, const struct plan_packet *packet,
			const struct plan_answer *answer)
{
	const struct plan_packet *seen = &answer->translated;
	struct asked asked = { .entry = { .family = (uint8_t)packet->source.family,
					  .protocol = packet->protocol,
					  .mark = answer->verdict == PLAN_INSPECT ? MARK_INSPECT
										  : 0 } };

	if (packet->from == PLAN_SELF)
		asked.own[asked.n_own++] = packet->source;
	if (packet->to == PLAN_SELF)
		asked.own[asked.n_own++] = packet->destination;

	struct addr source = seen_source(packet, answer, &asked);

	put_address(&packet->source, asked.entry.original.source);
	put_address(&packet->destination, asked.entry.original.destination);
	put_address(&seen->destination, asked.entry.reply.source);
	put_address(&source, asked.entry.reply.destination);
	if (has_ports(packet->protocol)) {
		asked.entry.original.source_port = packet->sport;
		asked.entry.original.destination_port = packet->port;
		asked.entry.reply.source_port = seen->port;
	} else {
		asked.entry.icmp_type = (uint8_t)packet->port;
	}
	set_home(of, &asked.homes[0], &packet->source, packet->from);
	set_home(of, &asked.homes[1], &seen->destination, seen->to);
	qsort(asked.own, asked.n_own, sizeof(asked.own[0]), by_address);
	qsort(asked.homes, 2, sizeof(asked.homes[0]), by_address);
	return asked;
}

// An entry has no interfaces: what came by the wrong one cannot be told from it, and never became
// a connection.
static bool is_told_by_addresses(enum plan_reason reason)
{
	return reason != PLAN_SPOOFED && reason != PLAN_MISPLACED && reason != PLAN_NAT_ELSEWHERE;
}

static void agrees(const struct plan *of, const struct pol_tree *tree, const struct probe *probe)
{
	const struct reference_packet *from = &probe->packet;
	struct plan_packet packet = {
		.from = (uint16_t)plan_find_zone(of, reference_zone_name(tree, from->from)),
		.to = (uint16_t)plan_find_zone(of, reference_zone_name(tree, from->to)),
		.source = from->source,
		.destination = from->destination,
		.protocol = from->protocol,
		.sport = from->sport,
		.port = from->port,
	};
	struct plan_answer answer;
	struct judge_verdict verdict;
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];

	plan_query(of, &packet, &answer);
	if (!is_told_by_addresses(answer.reason) ||
	    judge_compare_addr(&from->source, &from->destination) == 0)
		return;

	struct asked asked = ask(of, &packet, &answer);
	struct judge_world world = {
		.entries = &asked.entry,
		.own = asked.own,
		.homes = asked.homes,
		.n_entries = 1,
		.n_own = asked.n_own,
		.n_homes = 2,
	};

	judge(of, &world, &verdict);
	if (verdict.outcome == (answer.verdict == PLAN_DENY ? JUDGE_CUT : JUDGE_ALLOWED) &&
	    (answer.verdict == PLAN_DENY || verdict.flow == answer.flow))
		return;
	fail_msg(
		"seed %llu: %s %s -> %s %s protocol %u port %u (%s %s): plan %d, judge %d reason %d",
		(unsigned long long)seed, reference_zone_name(tree, from->from),
		addr_text(&from->source, source), reference_zone_name(tree, from->to),
		addr_text(&from->destination, destination), from->protocol, from->port, probe->kind,
		probe->about, answer.verdict, verdict.outcome, verdict.reason);
}

static bool agree_on(struct pol_policy *policy, struct diag *diag)
{
	struct plan *of = NULL;
	struct probe *probes;

	if (plan_make(policy, diag, &of, NULL) < 0)
		return false;

	size_t n = probes_make(policy_tree(policy), seed, PROBES, false, &probes);

	for (size_t i = 0; i < n; i++)
		agrees(of, policy_tree(policy), &probes[i]);
	free(probes);
	plan_free(of);
	return true;
}

static void agrees_on_a_folder(void **state)
{
	const char *dir = *state;
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;

	assert_int_equal(policy_read_path(dir, diag, &policy, NULL), 0);
	assert_true(agree_on(policy, diag));
	policy_free(policy);
	diag_free(diag);
}

static void agrees_on_random_policies(void **state)
{
	unsigned sound = 0;

	(void)state;
	for (unsigned i = 0; i < RANDOM_POLICIES; i++) {
		char *text = random_policy(seed * 1000 + i, 0);
		struct diag *diag = diag_new();
		struct pol_policy *policy = NULL;

		if (policy_read_text("random.yaml", text, strlen(text), diag, &policy, NULL) == 0)
			sound += agree_on(policy, diag);
		policy_free(policy);
		diag_free(diag);
		free(text);
	}
	assert_true(sound > RANDOM_POLICIES / 2);
}

// --- forms

static void world_goes_and_comes(void **state)
{
	struct conntrack_entry entries[2] = { entry_of(&rows[0]), entry_of(&rows[1]) };
	struct judge_world world = world_of_rows(), back;
	void *map;
	size_t size;
	int fd;

	(void)state;
	world.entries = entries;
	world.n_entries = 2;
	assert_int_equal(judge_world_write(&world, &fd), 0);
	assert_int_equal(judge_world_map(fd, &back, &map, &size), 0);
	close(fd);
	assert_int_equal(back.n_entries, 2);
	assert_memory_equal(back.entries, entries, sizeof(entries));
	assert_memory_equal(back.own, world.own, world.n_own * sizeof(*world.own));
	assert_memory_equal(back.homes, world.homes, world.n_homes * sizeof(*world.homes));
	assert_int_equal(back.management_port, 2222);
}

// An answer of one verdict, two zones and a flow; then each of its bytes' worth of lies.
struct answer_bytes {
	struct judge_answer_head head;
	struct judge_verdict verdict;
	char names[16];
};

static const struct answer_bytes sound = {
	.head = { .magic = JUDGE_ANSWER_MAGIC, .n_verdicts = 1, .n_zones = 2, .n_flows = 1 },
	.verdict = { .outcome = JUDGE_CUT, .reason = JUDGE_NO_PAIR, .from = 1, .flow = 0 },
	.names = "self\0office\0web",
};

// Without what the compiler adds to the struct.
enum { ANSWER_SIZE = offsetof(struct answer_bytes, names) + 16 };

static int read_answer(const struct answer_bytes *given, size_t size)
{
	struct judge_answer answer;
	uint8_t *bytes = malloc(sizeof(*given));

	memcpy(bytes, given, sizeof(*given));
	int r = judge_answer_read(bytes, size, 1, &answer);
	if (r == 0)
		judge_answer_done(&answer);
	else
		free(bytes);
	return r;
}

static void answers_are_not_believed(void **state)
{
	struct answer_bytes lie;

	(void)state;
	assert_int_equal(read_answer(&sound, ANSWER_SIZE), 0);
	for (size_t size = 0; size < ANSWER_SIZE; size++)
		assert_int_equal(read_answer(&sound, size), -EBADMSG);
#define LIE(member, value)                                                                         \
	lie = sound;                                                                               \
	lie.member = (value);                                                                      \
	assert_int_equal(read_answer(&lie, ANSWER_SIZE), -EBADMSG)
	LIE(head.magic, 0);
	LIE(head.n_verdicts, 2);
	LIE(head.n_zones, 1);
	LIE(head.n_zones, SIZE_MAX);
	LIE(head.n_flows, 2);
	LIE(head.n_flows, SIZE_MAX / 2);
	LIE(verdict.outcome, JUDGE_OUTCOMES);
	LIE(verdict.reason, JUDGE_REASONS);
	LIE(verdict.from, 2);
	LIE(verdict.to, UINT16_MAX - 1);
	LIE(verdict.flow, 1);
	LIE(names[2], '\n');
	LIE(names[2], '\0');
	LIE(names[15], 'x');
#undef LIE
}

int main(void)
{
	enum { ROWS = sizeof(rows) / sizeof(rows[0]), MORE = 9 };
	struct CMUnitTest tests[ROWS + MORE] = { 0 };
	size_t n = 0;
	static const char *const folders[] = { "tests/policies/town", "tests/policies/overlap",
					       "tests/policies/nat",  "tests/policies/families",
					       "rules/branch-office", "rules/municipality" };

	if (getenv("SEKISHO_SEED"))
		seed = strtoull(getenv("SEKISHO_SEED"), NULL, 10);
	print_message("seed %llu\n", (unsigned long long)seed);
	plan = make_plan(policy_text);
	if (!plan)
		return 1;
	for (; n < ROWS; n++)
		tests[n] = (struct CMUnitTest){ rows[n].name, row_is_judged, NULL, NULL,
						(void *)&rows[n] };
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		tests[n++] = (struct CMUnitTest){ folders[i], agrees_on_a_folder, NULL, NULL,
						  (void *)folders[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(agrees_on_random_policies);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(world_goes_and_comes);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(answers_are_not_believed);
	int failed = _cmocka_run_group_tests("judge", tests, n, NULL, NULL);
	plan_free(plan);
	return failed;
}
