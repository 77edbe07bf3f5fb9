// From an entry to the packets that it may stand for, and from their verdicts to one.
#include "daemon/judge.h"

#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include "compile/compile.h"
#include "plan/finder.h"
#include "plan/query.h"

static const char *const reason_words[JUDGE_REASONS] = {
	[JUDGE_BY_FLOW] = "",
	[JUDGE_SPOOFED] = "spoofed",
	[JUDGE_MISPLACED] = "misplaced",
	[JUDGE_NO_PAIR] = "no-pair",
	[JUDGE_NO_SERVICE] = "no-service",
	[JUDGE_NO_ADDRESS] = "no-address",
	[JUDGE_EXCEPTED] = "excepted",
	[JUDGE_NAT_ELSEWHERE] = "nat-elsewhere",
	[JUDGE_TRANSLATION] = "translation",
	[JUDGE_NOT_INSPECTED] = "not-inspected",
};

const char *judge_reason_word(enum judge_reason reason)
{
	return reason < JUDGE_REASONS ? reason_words[reason] : "";
}

static const uint8_t reason_of_plan[] = {
	[PLAN_BY_FLOW] = JUDGE_BY_FLOW,	      [PLAN_SPOOFED] = JUDGE_SPOOFED,
	[PLAN_MISPLACED] = JUDGE_MISPLACED,   [PLAN_NO_PAIR] = JUDGE_NO_PAIR,
	[PLAN_NO_SERVICE] = JUDGE_NO_SERVICE, [PLAN_NO_ADDRESS] = JUDGE_NO_ADDRESS,
	[PLAN_EXCEPTED] = JUDGE_EXCEPTED,     [PLAN_NAT_ELSEWHERE] = JUDGE_NAT_ELSEWHERE,
};

enum { GROUP_MAX = 128 }; // entries that are judged together

// The nearest flow of a denied packet, found once for all of its kind.
struct nearest {
	uint16_t from, to, port;
	uint8_t protocol, family, reason;
	uint32_t flow;
};

struct judge {
	const struct plan *plan;
	const struct judge_world *world;
	struct plan_finder *finder;
	struct nearest nearest[JUDGE_NEAREST_MAX];
	size_t n_nearest;
};

// An entry, its addresses as numbers.
struct subject {
	const struct conntrack_entry *entry;
	struct addr source, destination;	   // as the opening packet had them
	struct addr seen_source, seen_destination; // after translation: the answers' other ends
};

// The zones that an address may be of.
struct zones {
	uint32_t v[PLAN_ZONES_MAX];
	size_t n;
	bool any; // one that allows is enough
};

// --- addresses

int judge_compare_addr(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return (a->bits > b->bits) - (a->bits < b->bits);
}

static int compare(const void *a, const void *b)
{
	return judge_compare_addr(a, b);
}

static bool among(const struct addr *addr, const struct addr *v, size_t n)
{
	return n && bsearch(addr, v, n, sizeof(*v), compare);
}

static bool is_loopback(const struct addr *addr)
{
	return addr->family == ADDR_V4 ? addr->bits >> 24 == 127 : addr->bits == 1;
}

static bool is_own(const struct judge *judge, const struct addr *addr)
{
	return is_loopback(addr) || among(addr, judge->world->own, judge->world->n_own);
}

static bool is_to_many(const struct judge *judge, const struct addr *addr)
{
	if (addr->family == ADDR_V6)
		return addr->bits >> 120 == 0xff;
	return addr->bits >> 28 == 0xe || addr->bits == UINT32_MAX ||
	       among(addr, judge->world->broadcasts, judge->world->n_broadcasts);
}

static bool is_link_local(const struct addr *addr)
{
	return addr->family == ADDR_V6 && addr->bits >> 118 == 0xfe80 >> 6;
}

static void narrow_by_interface(const struct judge *judge, const struct addr *addr,
				struct zones *zones)
{
	const struct judge_world *world = judge->world;
	const struct judge_home *home =
		bsearch(addr, world->homes, world->n_homes, sizeof(*world->homes), compare);
	uint32_t zone =
		home ? plan_zone_of_interface(judge->plan, home->interface) : (uint32_t)PLAN_NONE;
	for (size_t i = 0; i < zones->n; i++) {
		if (zones->v[i] != zone)
			continue;
		zones->v[0] = zone;
		zones->n = 1;
	}
}

static void find_zones(const struct judge *judge, const struct addr *addr, struct zones *zones)
{
	zones->any = is_link_local(addr);
	zones->v[0] = PLAN_SELF;
	zones->n = 1;
	if (is_own(judge, addr)) {
		zones->any = false;
	} else if (zones->any) {
		plan_zones(judge->plan, &zones->n);
		for (size_t i = 0; i < zones->n; i++)
			zones->v[i] = (uint32_t)i;
	} else {
		zones->n = plan_zones_of(judge->plan, addr, zones->v, PLAN_ZONES_MAX);
		if (zones->n > 1)
			narrow_by_interface(judge, addr, zones);
	}
}

// --- what is not the policy's to decide

static bool is_management(const struct judge *judge, const struct subject *subject)
{
	const struct judge_world *world = judge->world;
	return world->management_interface[0] && subject->entry->protocol == IPPROTO_TCP &&
	       subject->entry->original.destination_port == world->management_port &&
	       addr_range_contains(&world->management_prefix, &subject->source) &&
	       is_own(judge, &subject->destination);
}

static bool is_left(const struct judge *judge, const struct subject *subject)
{
	return subject->entry->zone != 0 || subject->source.bits == 0 ||
	       (is_own(judge, &subject->source) && is_own(judge, &subject->seen_destination)) ||
	       is_to_many(judge, &subject->destination) || is_management(judge, subject);
}

// --- one packet

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static struct plan_packet packet_of(const struct subject *subject)
{
	const struct conntrack_entry *entry = subject->entry;
	struct plan_packet packet = {
		.source = subject->source,
		.destination = subject->destination,
		.protocol = entry->protocol,
	};
	if (has_ports(entry->protocol)) {
		packet.sport = entry->original.source_port;
		packet.port = entry->original.destination_port;
	} else if (entry->protocol == IPPROTO_ICMP || entry->protocol == IPPROTO_ICMPV6) {
		packet.port = entry->icmp_type;
	}
	return packet;
}

static bool same_addr(const struct addr *a, const struct addr *b)
{
	return judge_compare_addr(a, b) == 0;
}

// Does the kernel send it where the plan would?
static bool destination_agrees(const struct subject *subject, const struct plan_answer *answer)
{
	const struct plan_packet *seen = &answer->translated;
	return same_addr(&seen->destination, &subject->seen_destination) &&
	       (!has_ports(seen->protocol) || seen->port == subject->entry->reply.source_port);
}

// Ports of sources are the kernel's own choice.
static bool source_agrees(const struct judge *judge, const struct subject *subject,
			  const struct plan_answer *answer)
{
	const struct plan_nat *nat = answer->source_nat;
	const struct addr *seen = &subject->seen_source;
	if (answer->hairpin_nat)
		return is_own(judge, seen);
	if (!nat)
		return same_addr(seen, &subject->source);
	if (nat->kind == POL_NAT_MASQUERADE)
		return is_own(judge, seen);
	if (nat->kind == POL_NAT_PREFIX)
		return seen->bits == nat->target.lo + (subject->source.bits - nat->inside.lo);
	return addr_range_contains(&nat->target, seen);
}

static void note_nearest(struct judge *judge, const struct plan_packet *packet,
			 struct judge_verdict *verdict)
{
	struct plan_answer answer;
	for (size_t i = 0; i < judge->n_nearest; i++) {
		const struct nearest *known = &judge->nearest[i];
		if (known->from != packet->from || known->to != packet->to ||
		    known->port != packet->port || known->protocol != packet->protocol ||
		    known->family != packet->source.family || known->reason != verdict->reason)
			continue;
		verdict->flow = known->flow;
		return;
	}
	if (judge->n_nearest == JUDGE_NEAREST_MAX)
		return;
	plan_query(judge->plan, packet, &answer);
	judge->nearest[judge->n_nearest++] = (struct nearest){
		packet->from,
		packet->to,
		packet->port,
		packet->protocol,
		(uint8_t)packet->source.family,
		verdict->reason,
		answer.flow,
	};
	verdict->flow = answer.flow;
}

// What the plan's answer for the packet means for the entry.
static struct judge_verdict verdict_of(const struct judge *judge, const struct subject *subject,
				       const struct plan_packet *packet,
				       const struct plan_answer *answer)
{
	struct judge_verdict verdict = { JUDGE_CUT, JUDGE_BY_FLOW, packet->from, packet->to,
					 0,	    PLAN_NONE };
	bool expected = subject->entry->master_protocol != 0;
	verdict.reason = reason_of_plan[answer->reason];
	if (!answer->destination_nat && !expected && !destination_agrees(subject, answer)) {
		verdict.reason = JUDGE_TRANSLATION;
	} else if (answer->verdict != PLAN_DENY) {
		verdict.flow = answer->flow;
		if (!expected && (!destination_agrees(subject, answer) ||
				  !source_agrees(judge, subject, answer)))
			verdict.reason = JUDGE_TRANSLATION;
		else if (answer->verdict == PLAN_INSPECT && !expected &&
			 !(subject->entry->mark & (answer->proxied ? MARK_PROXY : MARK_INSPECT)))
			verdict.reason = JUDGE_NOT_INSPECTED;
		else
			verdict.outcome = JUDGE_ALLOWED;
	}
	return verdict;
}

// --- one entry

static uint16_t only_zone(const struct zones *zones)
{
	return zones->n == 1 ? (uint16_t)zones->v[0] : UINT16_MAX;
}

// Every pair of zones that it may be between; the first that decides is the verdict.
static struct judge_verdict judge_between(struct judge *judge, const struct subject *subject,
					  const struct zones *from, const struct zones *to)
{
	struct judge_verdict verdict = { JUDGE_CUT, JUDGE_MISPLACED, 0, 0, 0, PLAN_NONE };
	uint8_t decides = from->any || to->any ? JUDGE_ALLOWED : JUDGE_CUT;
	struct plan_packet packet = packet_of(subject);
	struct plan_answer answer;
	for (size_t i = 0; i < from->n * to->n; i++) {
		packet.from = (uint16_t)from->v[i / to->n];
		packet.to = (uint16_t)to->v[i % to->n];
		plan_decide(judge->plan, judge->finder, &packet, &answer);
		verdict = verdict_of(judge, subject, &packet, &answer);
		if (verdict.outcome == decides)
			break;
	}
	if (from->n == 0)
		verdict.reason = JUDGE_SPOOFED;
	if (verdict.outcome != JUDGE_CUT)
		return verdict;
	if (from->n * to->n > 0 && verdict.flow == PLAN_NONE)
		note_nearest(judge, &packet, &verdict);
	verdict.from = only_zone(from);
	verdict.to = only_zone(to);
	return verdict;
}

static struct subject subject_of(const struct conntrack_entry *entry)
{
	uint8_t family = entry->family;
	return (struct subject){
		.entry = entry,
		.source = conntrack_addr(family, entry->original.source),
		.destination = conntrack_addr(family, entry->original.destination),
		.seen_source = conntrack_addr(family, entry->reply.destination),
		.seen_destination = conntrack_addr(family, entry->reply.source),
	};
}

static bool has_helper(const struct judge *judge, const struct judge_verdict *verdict)
{
	size_t n;
	const struct plan_flow *flows = plan_flows(judge->plan, &n);
	return verdict->flow < n && flows[verdict->flow].helpers;
}

// The kernel does not say how its master is translated, only whom it connects.
static struct judge_verdict judge_expected(struct judge *judge, const struct subject *subject)
{
	struct conntrack_entry master = *subject->entry;
	struct zones from, to;
	master.original = master.master;
	master.protocol = master.master_protocol;
	struct subject of = subject_of(&master);
	find_zones(judge, &of.source, &from);
	find_zones(judge, &of.destination, &to);
	struct judge_verdict verdict = judge_between(judge, &of, &from, &to);
	if (verdict.outcome == JUDGE_ALLOWED && !has_helper(judge, &verdict)) {
		verdict.outcome = JUDGE_CUT;
		verdict.reason = JUDGE_NO_SERVICE;
	}
	return verdict;
}

// --- many entries

// Most entries are between two zones and no others: their packets are put to the plan together.
struct group {
	struct subject subjects[GROUP_MAX];
	struct judge_verdict *verdicts[GROUP_MAX];
	struct plan_packet packets[GROUP_MAX];
	struct plan_answer answers[GROUP_MAX];
	size_t n;
};

static void add_to_group(struct group *group, const struct subject *subject,
			 const struct zones *from, const struct zones *to,
			 struct judge_verdict *ret)
{
	struct plan_packet *packet = &group->packets[group->n];
	*packet = packet_of(subject);
	packet->from = (uint16_t)from->v[0];
	packet->to = (uint16_t)to->v[0];
	group->subjects[group->n] = *subject;
	group->verdicts[group->n++] = ret;
}

static void judge_group(struct judge *judge, struct group *group)
{
	plan_decide_many(judge->plan, judge->finder, group->packets, group->n, group->answers);
	for (size_t i = 0; i < group->n; i++) {
		const struct plan_packet *packet = &group->packets[i];
		struct judge_verdict verdict =
			verdict_of(judge, &group->subjects[i], packet, &group->answers[i]);
		if (verdict.outcome == JUDGE_CUT && verdict.flow == PLAN_NONE)
			note_nearest(judge, packet, &verdict);
		*group->verdicts[i] = verdict;
	}
	group->n = 0;
}

static void judge_entry(struct judge *judge, const struct conntrack_entry *entry,
			struct group *group, struct judge_verdict *ret)
{
	struct subject subject = subject_of(entry);
	struct zones from, to;
	if (is_left(judge, &subject)) {
		*ret = (struct judge_verdict){ JUDGE_LEFT, JUDGE_BY_FLOW, UINT16_MAX, UINT16_MAX,
					       0,	   PLAN_NONE };
		return;
	}
	if (entry->status & IPS_EXPECTED && entry->master_protocol) {
		*ret = judge_expected(judge, &subject);
		return;
	}
	find_zones(judge, &subject.source, &from);
	find_zones(judge, &subject.seen_destination, &to);
	if (from.n == 1 && to.n == 1)
		add_to_group(group, &subject, &from, &to, ret);
	else
		*ret = judge_between(judge, &subject, &from, &to);
}

void judge(const struct plan *plan, const struct judge_world *world, struct judge_verdict *verdicts)
{
	struct judge judge = {
		.plan = plan,
		.world = world,
		.finder = plan_finder_new(plan),
	};
	struct group *group = calloc(1, sizeof(*group));
	if (!group)
		abort();
	plan_finder_expect(judge.finder, world->n_entries);
	for (size_t i = 0; i < world->n_entries; i++) {
		judge_entry(&judge, &world->entries[i], group, &verdicts[i]);
		if (group->n == GROUP_MAX)
			judge_group(&judge, group);
	}
	judge_group(&judge, group);
	free(group);
	plan_finder_free(judge.finder);
}
