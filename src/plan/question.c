// Asking the plan: words to endpoints, endpoints to findings.
//
// A space (zones × addresses × ports) is answered by walking the cells of its pairs: what of each
// lies in the space is a permitted part, and what remains after all of them are taken away is
// denied.  Cells are disjoint, so the parts are too.
#include "plan/question.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "plan/carve.h"

enum { REST_WORK_MAX = 1000000 }; // steps to find what is not permitted; beyond: called partly

struct side {
	uint32_t zones[ENDPOINT_ZONES_MAX];
	size_t n_zones;
	const struct addr_range *ranges; // NULL: all the zone has
	size_t n_ranges;
	struct addr_range one;
};

const char *finding_verdict_text(enum finding_verdict verdict)
{
	static const char *const texts[] = {
		[FIND_DENY] = "DENY",
		[FIND_PARTLY] = "PARTLY",
		[FIND_INSPECT] = "INSPECT",
		[FIND_ALLOW] = "ALLOW",
	};

	return texts[verdict];
}

void question_done(struct question *question)
{
	vec_done(&question->findings);
}

// "ADDRESS": every zone that may have it.  "ZONE/ADDRESS": that one.
static int side_of_address(const struct plan *plan, const char *word, struct side *ret,
			   struct question *question)
{
	const char *slash = strchr(word, '/');
	char zone[64] = "";
	const char *text = word;
	struct addr addr;

	if (slash && (size_t)(slash - word) < sizeof(zone)) {
		memcpy(zone, word, (size_t)(slash - word));
		if (plan_find_zone(plan, zone) != PLAN_NONE)
			text = slash + 1;
	}
	if (addr_range_parse(text, &ret->one) < 0)
		return -EINVAL;
	ret->ranges = &ret->one;
	ret->n_ranges = 1;
	if (text != word) {
		ret->zones[ret->n_zones++] = plan_find_zone(plan, zone);
		return 0;
	}
	addr = (struct addr){ ret->one.family, ret->one.lo };
	ret->n_zones = plan_zones_of(plan, &addr, ret->zones, ENDPOINT_ZONES_MAX);
	if (ret->n_zones == 0)
		snprintf(question->error, sizeof(question->error),
			 "%s is an address of no zone; say which zone: ZONE/%s", word, word);
	return ret->n_zones ? 0 : -EINVAL;
}

static void unknown_side(const struct plan *plan, const char *word, struct question *question)
{
	struct text_nearest near = { .wanted = word };
	size_t n;
	const struct plan_zone *zones = plan_zones(plan, &n);

	for (size_t i = 0; i < n; i++)
		text_nearest_try(&near, zones[i].id);
	if (near.name)
		snprintf(question->error, sizeof(question->error),
			 "\"%s\" is no zone of this policy; did you mean \"%s\"?", word, near.name);
	else
		snprintf(question->error, sizeof(question->error),
			 "\"%s\" is no zone, no zone/network and no address of this policy", word);
}

static int side_of(struct plan *plan, const char *word, struct side *ret, struct question *question)
{
	uint32_t zone;

	if (plan_endpoint(plan, word, &zone, &ret->ranges, &ret->n_ranges) == 0) {
		ret->zones[ret->n_zones++] = zone;
		return 0;
	}
	if (side_of_address(plan, word, ret, question) == 0)
		return 0;
	if (question->error[0] == '\0')
		unknown_side(plan, word, question);
	return -EINVAL;
}

static bool atom_cut(const struct plan_atom *a, const struct plan_atom *b, struct plan_atom *ret)
{
#define CUT(field)                                                                                 \
	ret->field##_lo = a->field##_lo > b->field##_lo ? a->field##_lo : b->field##_lo;           \
	ret->field##_hi = a->field##_hi < b->field##_hi ? a->field##_hi : b->field##_hi;           \
	if (ret->field##_lo > ret->field##_hi)                                                     \
	return false
	CUT(protocol);
	CUT(sport);
	CUT(port);
#undef CUT
	return true;
}

static uint64_t atom_volume(const struct plan_atom *atom)
{
	return (uint64_t)(atom->protocol_hi - atom->protocol_lo + 1) *
	       (uint64_t)(atom->sport_hi - atom->sport_lo + 1) *
	       (uint64_t)(atom->port_hi - atom->port_lo + 1);
}

static void add_finding(struct question *question, const struct finding *finding)
{
	if (question->findings.n < FINDINGS_MAX)
		vec_push(&question->findings, *finding);
	else
		question->beyond++;
}

static struct plan_packet first_packet(const struct finding *space)
{
	return (struct plan_packet){
		.from = space->from,
		.to = space->to,
		.source = { space->rect.source.family, space->rect.source.lo },
		.destination = { space->rect.destination.family, space->rect.destination.lo },
		.protocol = space->atom.protocol_lo,
		.sport = space->atom.sport_lo,
		.port = space->atom.port_lo,
	};
}

static enum finding_verdict ask_packet(const struct plan *plan, const struct finding *space,
				       struct question *question)
{
	struct finding finding = *space;
	struct plan_packet packet = first_packet(space);

	if (question->wordless)
		plan_decide(plan, NULL, &packet, &finding.answer);
	else
		plan_query(plan, &packet, &finding.answer);
	finding.flow = finding.answer.flow;
	finding.to = finding.answer.translated.to;
	finding.verdict = finding.answer.verdict == PLAN_ALLOW	   ? FIND_ALLOW
			  : finding.answer.verdict == PLAN_INSPECT ? FIND_INSPECT
								   : FIND_DENY;
	add_finding(question, &finding);
	return finding.verdict;
}

// What is permitted of a space: `some` of it, with a guard unless `plain`.
struct permitted {
	bool some, plain;
};

// The parts of the space that cells of one class permit; true if they fill all of its addresses.
static bool ask_class(const struct plan_class *class, const struct finding *space,
		      const struct plan_atom *atom, struct question *question,
		      struct permitted *permitted)
{
	carve_rects parts = { 0 };
	carve_rects rest = { 0 };
	size_t work = 0;
	bool full;

	for (size_t i = 0; i < class->n_cells; i++) {
		const struct plan_cell *cell = &class->cells[i];
		struct finding part = *space;

		if (!carve_overlap(&space->rect, &cell->rect))
			continue;
		part.rect = carve_intersect(&space->rect, &cell->rect);
		part.atom = *atom;
		part.flow = cell->flow;
		part.verdict = cell->treatment & PLAN_GUARD ? FIND_INSPECT : FIND_ALLOW;
		vec_push(&parts, part.rect);
		add_finding(question, &part);
		permitted->some = true;
		permitted->plain |= part.verdict == FIND_ALLOW;
	}
	full = carve_without(&space->rect, parts.v, parts.n, REST_WORK_MAX, &work, &rest) == 0 &&
	       rest.n == 0;
	vec_done(&parts);
	vec_done(&rest);
	return full;
}

// A packet in the middle of nowhere special, for the reason why nothing is permitted.
static void ask_denied(const struct plan *plan, const struct finding *space,
		       struct question *question)
{
	size_t before = question->findings.n;
	struct finding *denied;

	ask_packet(plan, space, question);
	if (question->findings.n == before)
		return;
	denied = &question->findings.v[before];
	denied->exact = false;
	denied->to = space->to;
	denied->verdict = FIND_DENY;
}

// An address that is named but lies in another zone than the one asked about: no cell says so, for
// cells hold every address that gets past that check.
static bool is_out_of_zone(const struct plan *plan, const struct finding *space)
{
	const struct plan_rect *rect = &space->rect;
	struct plan_packet packet = {
		.from = space->from,
		.to = space->to,
		.destination = { rect->destination.family, rect->destination.lo },
		.protocol = space->atom.protocol_lo,
		.sport = space->atom.sport_lo,
		.port = space->atom.port_lo,
	};
	struct plan_answer answer;

	for (int last = 0; last < 2; last++) { // the first of all addresses, 0.0.0.0, never belongs
		packet.source = (struct addr){ rect->source.family,
					       last ? rect->source.hi : rect->source.lo };
		plan_decide(plan, NULL, &packet, &answer);
		if (answer.reason == PLAN_SPOOFED && rect->source.lo == rect->source.hi)
			return true;
		if (answer.reason == PLAN_MISPLACED && rect->destination.lo == rect->destination.hi)
			return true;
	}
	return false;
}

// Answers a space of one pair; returns its verdict.
static enum finding_verdict ask_space(const struct plan *plan, const struct finding *space,
				      struct question *question)
{
	const struct plan_pair *pair = plan_find_pair(plan, space->from, space->to);
	uint64_t volume = 0;
	bool full = true;
	struct permitted permitted = { 0 };

	if (is_out_of_zone(plan, space))
		pair = NULL;
	for (size_t i = 0; pair && i < pair->n_classes; i++)
		for (size_t j = 0; j < pair->classes[i].n_atoms; j++) {
			struct plan_atom atom;

			if (!atom_cut(&space->atom, &pair->classes[i].atoms[j], &atom))
				continue;
			volume += atom_volume(&atom);
			full &= ask_class(&pair->classes[i], space, &atom, question, &permitted);
		}
	if (!permitted.some) {
		ask_denied(plan, space, question);
		return FIND_DENY;
	}
	if (!full || volume != atom_volume(&space->atom))
		return FIND_PARTLY;
	return permitted.plain ? FIND_ALLOW : FIND_INSPECT;
}

static bool is_one_packet(const struct finding *space)
{
	return space->rect.source.lo == space->rect.source.hi &&
	       space->rect.destination.lo == space->rect.destination.hi &&
	       space->atom.protocol_lo == space->atom.protocol_hi &&
	       space->atom.port_lo == space->atom.port_hi;
}

static enum finding_verdict combine(enum finding_verdict a, enum finding_verdict b, bool first)
{
	if (first || a == b)
		return b;
	if (a == FIND_DENY || b == FIND_DENY || a == FIND_PARTLY || b == FIND_PARTLY)
		return FIND_PARTLY;
	return FIND_ALLOW;
}

// One destination address may be translated first: then the space asked is the translated one.
static void follow_nat(const struct plan *plan, struct finding *space)
{
	struct plan_answer answer;
	struct plan_packet packet = first_packet(space);

	if (space->rect.destination.lo != space->rect.destination.hi ||
	    space->atom.port_lo != space->atom.port_hi)
		return;
	plan_decide(plan, NULL, &packet, &answer);
	if (!answer.destination_nat)
		return;
	space->answer.destination_nat = answer.destination_nat;
	space->to = answer.translated.to;
	space->rect.destination.lo = space->rect.destination.hi =
		answer.translated.destination.bits;
	space->atom.port_lo = space->atom.port_hi = answer.translated.port;
}

// Whether a flow of the pair asks for source ports: then one of them does not stand for all.
static bool sport_matters(const struct plan *plan, const struct finding *asked)
{
	struct finding space = *asked;
	const struct plan_pair *pair;

	follow_nat(plan, &space);
	pair = plan_find_pair(plan, space.from, space.to);
	for (size_t i = 0; pair && i < pair->n_classes; i++)
		for (size_t j = 0; j < pair->classes[i].n_atoms; j++) {
			struct plan_atom part;

			if (atom_cut(&space.atom, &pair->classes[i].atoms[j], &part) &&
			    (part.sport_lo != space.atom.sport_lo ||
			     part.sport_hi != space.atom.sport_hi))
				return true;
		}
	return false;
}

static size_t side_ranges(const struct plan *plan, const struct side *side, uint32_t zone,
			  struct addr_range any[2], const struct addr_range **ret)
{
	size_t n_zones;
	const struct plan_zone *zones = plan_zones(plan, &n_zones);

	any[0] = addr_range_any(ADDR_V4);
	any[1] = addr_range_any(ADDR_V6);
	if (side->ranges) {
		*ret = side->ranges;
		return side->n_ranges;
	}
	*ret = zones[zone].n_networks ? zones[zone].networks : any;
	return zones[zone].n_networks ? zones[zone].n_networks : 2;
}

struct asking {
	struct plan *plan;
	struct question *question;
	const struct plan_atom *atoms;
	size_t n_atoms;
	const char *source_port;
	bool any_asked;
};

static void ask_rect(struct asking *asking, const struct finding *rect)
{
	for (size_t i = 0; i < asking->n_atoms; i++) {
		struct finding space = *rect;
		enum finding_verdict verdict;

		space.atom = asking->atoms[i];
		// ICMP is of IPv4 and ICMPv6 of IPv6.
		if (space.atom.protocol_lo == space.atom.protocol_hi &&
		    ((space.atom.protocol_lo == 1 && rect->rect.source.family == ADDR_V6) ||
		     (space.atom.protocol_lo == 58 && rect->rect.source.family == ADDR_V4)))
			continue;
		if (is_one_packet(&space) && !sport_matters(asking->plan, &space)) {
			space.exact = true;
			if (!asking->source_port && space.atom.sport_lo == 0)
				space.atom.sport_lo = space.atom.sport_hi = 40000;
			verdict = ask_packet(asking->plan, &space, asking->question);
		} else {
			follow_nat(asking->plan, &space);
			verdict = ask_space(asking->plan, &space, asking->question);
		}
		asking->question->verdict =
			combine(asking->question->verdict, verdict, !asking->any_asked);
		asking->any_asked = true;
	}
}

static void ask_pair(struct asking *asking, const struct side *from, const struct side *to,
		     uint32_t from_zone, uint32_t to_zone)
{
	struct addr_range any_from[2];
	struct addr_range any_to[2];
	const struct addr_range *sources;
	const struct addr_range *destinations;
	size_t n_sources = side_ranges(asking->plan, from, from_zone, any_from, &sources);
	size_t n_destinations = side_ranges(asking->plan, to, to_zone, any_to, &destinations);

	for (size_t i = 0; i < n_sources; i++)
		for (size_t j = 0; j < n_destinations; j++) {
			struct finding rect = { .from = (uint16_t)from_zone,
						.to = (uint16_t)to_zone,
						.rect = { sources[i], destinations[j] },
						.flow = PLAN_NONE };

			if (sources[i].family == destinations[j].family)
				ask_rect(asking, &rect);
		}
}

static int take_source_port(struct asking *asking, struct plan_atom *atoms)
{
	char *end;
	unsigned long port;

	if (!asking->source_port)
		return 0;
	port = strtoul(asking->source_port, &end, 10);
	if (*asking->source_port == '\0' || *end != '\0' || port > 65535)
		return -EINVAL;
	for (size_t i = 0; i < asking->n_atoms; i++)
		atoms[i].sport_lo = atoms[i].sport_hi = (uint16_t)port;
	return 0;
}

int question_end(struct plan *plan, const char *word, struct question *question)
{
	struct side side = { 0 };

	return side_of(plan, word, &side, question);
}

int question_ask(struct plan *plan, const char *from, const char *to, const char *service,
		 const char *source_port, struct question *question)
{
	struct side from_side = { 0 };
	struct side to_side = { 0 };
	struct asking asking = { .plan = plan, .question = question, .source_port = source_port };
	struct plan_atom *atoms;
	int r = -EINVAL;

	if (side_of(plan, from, &from_side, question) < 0 ||
	    side_of(plan, to, &to_side, question) < 0)
		return -EINVAL;
	if (plan_service(plan, service, &asking.atoms, &asking.n_atoms) < 0) {
		snprintf(question->error, sizeof(question->error),
			 "\"%s\" is no service; give a name, or a member such as tcp/443", service);
		return -EINVAL;
	}
	atoms = calloc(asking.n_atoms + 1, sizeof(*atoms));
	if (!atoms)
		return -ENOMEM;
	memcpy(atoms, asking.atoms, asking.n_atoms * sizeof(*atoms));
	asking.atoms = atoms;
	if (take_source_port(&asking, atoms) < 0) {
		snprintf(question->error, sizeof(question->error), "\"%s\" is no port",
			 source_port);
		goto out;
	}
	for (size_t i = 0; i < from_side.n_zones; i++)
		for (size_t j = 0; j < to_side.n_zones; j++)
			ask_pair(&asking, &from_side, &to_side, from_side.zones[i],
				 to_side.zones[j]);
	if (!asking.any_asked)
		snprintf(question->error, sizeof(question->error),
			 "%s and %s have no address of a common family for %s", from, to, service);
	r = asking.any_asked ? 0 : -EINVAL;
out:
	free(atoms);
	return r;
}
