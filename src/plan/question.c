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
#include "plan/atom.h"
#include "plan/carve.h"
#include "plan/inward.h"

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

// Every zone that has some of the range: as many as there are, though at most ENDPOINT_ZONES_MAX
// are listed.
static size_t zones_of_range(const struct plan *plan, const struct addr_range *range, uint32_t *ret)
{
	const struct addr_set *inside = plan_inside(plan);
	const struct addr_range *found = addr_set_find(inside, range);
	bool beyond = !found || !addr_range_within(range, found); // some of it is of no network
	size_t n_zones, n = 0;
	const struct plan_zone *zones = plan_zones(plan, &n_zones);

	for (size_t i = 1; i < n_zones; i++) {
		const struct addr_set networks = { (struct addr_range *)zones[i].networks,
						   zones[i].n_networks, zones[i].n_networks };

		if (!(zones[i].elsewhere ? beyond : addr_set_find(&networks, range) != NULL))
			continue;
		if (n < ENDPOINT_ZONES_MAX)
			ret[n] = (uint32_t)i;
		n++;
	}
	return n;
}

// "ADDRESS": every zone that may have it.  "ZONE/ADDRESS": that one.
static int side_of_address(const struct plan *plan, const char *word, struct side *ret,
			   struct question *question)
{
	const char *slash = strchr(word, '/');
	char zone[64] = "";
	const char *text = word;

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
	ret->n_zones = zones_of_range(plan, &ret->one, ret->zones);
	if (ret->n_zones > 0 && ret->n_zones <= ENDPOINT_ZONES_MAX)
		return 0;
	snprintf(question->error, sizeof(question->error),
		 ret->n_zones ? "%s is of more than 64 zones; say which zone: ZONE/%s"
			      : "%s is an address of no zone; say which zone: ZONE/%s",
		 word, word);
	return -EINVAL;
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

// How much of a range is not the zone's: cells hold every address, for what is not of its zone is
// dropped before any cell is asked.
enum foreign { FOREIGN_NONE, FOREIGN_SOME, FOREIGN_ALL };

static enum foreign foreign_of(const struct plan *plan, const struct addr_range *range,
			       uint16_t zone)
{
	size_t n_zones;
	const struct plan_zone *at = &plan_zones(plan, &n_zones)[zone];
	const struct addr_set networks = { (struct addr_range *)at->networks, at->n_networks,
					   at->n_networks };
	// Of a zone without networks: what others have.
	const struct addr_range *found =
		addr_set_find(at->elsewhere ? plan_inside(plan) : &networks, range);
	bool within = found && addr_range_within(range, found);

	if (zone == PLAN_SELF || addr_range_is_any(range)) // any: the zone as a whole
		return FOREIGN_NONE;
	if (at->elsewhere)
		return within ? FOREIGN_ALL : found ? FOREIGN_SOME : FOREIGN_NONE;
	return within ? FOREIGN_NONE : found ? FOREIGN_SOME : FOREIGN_ALL;
}

// Whether the packets come from, or go to, addresses none of which is of the zone asked about.
// What is foreign can still be link-local, which the gateway itself speaks to.
static bool is_out_of_zone(const struct plan *plan, const struct finding *space)
{
	const struct addr_range *source = &space->rect.source;
	const struct addr_range *destination = &space->rect.destination;
	const struct plan_packet packet = first_packet(space);

	return ((source->lo == source->hi ||
		 foreign_of(plan, source, space->from) == FOREIGN_ALL) &&
		!plan_source_belongs(plan, &packet)) ||
	       ((destination->lo == destination->hi ||
		 foreign_of(plan, destination, space->to) == FOREIGN_ALL) &&
		!plan_destination_belongs(plan, &packet));
}

// What is permitted of a space: `some` of it, with a guard unless `plain`.
struct permitted {
	bool some, plain;
};

// The parts of the space that cells of one class permit; true if they fill all of its addresses.
static bool ask_class(const struct plan *plan, const struct plan_class *class,
		      const struct finding *space, const struct plan_atom *atom,
		      struct question *question, struct permitted *permitted)
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
		if (is_out_of_zone(plan, &part))
			continue;
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

// Answers a space of one pair; returns its verdict.
static enum finding_verdict ask_space(const struct plan *plan, const struct finding *space,
				      struct question *question)
{
	const struct plan_pair *pair = plan_find_pair(plan, space->from, space->to);
	uint64_t volume = 0;
	bool full = foreign_of(plan, &space->rect.source, space->from) != FOREIGN_SOME &&
		    foreign_of(plan, &space->rect.destination, space->to) != FOREIGN_SOME;
	struct permitted permitted = { 0 };

	if (is_out_of_zone(plan, space))
		pair = NULL;
	for (size_t i = 0; pair && i < pair->n_classes; i++)
		for (size_t j = 0; j < pair->classes[i].n_atoms; j++) {
			struct plan_atom atom;

			if (!atom_intersect(&space->atom, &pair->classes[i].atoms[j], &atom))
				continue;
			volume += atom_volume(&atom);
			full &= ask_class(plan, &pair->classes[i], space, &atom, question,
					  &permitted);
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

static bool pair_has_sports(const struct plan *plan, uint16_t from, uint16_t to,
			    const struct plan_atom *atom)
{
	const struct plan_pair *pair = plan_find_pair(plan, from, to);

	for (size_t i = 0; pair && i < pair->n_classes; i++)
		for (size_t j = 0; j < pair->classes[i].n_atoms; j++) {
			struct plan_atom part;

			if (atom_intersect(atom, &pair->classes[i].atoms[j], &part) &&
			    (part.sport_lo != atom->sport_lo || part.sport_hi != atom->sport_hi))
				return true;
		}
	return false;
}

static struct inward_space inward_of(const struct finding *space)
{
	return (struct inward_space){ space->from, space->to, space->rect, space->atom, NULL };
}

// Whether a flow of the pair, or of the pair that a translation leads to, asks for source ports:
// then one of them does not stand for all.
static bool sport_matters(const struct plan *plan, const struct finding *space)
{
	const struct inward_space whole = inward_of(space);
	bool matters = pair_has_sports(plan, space->from, space->to, &space->atom);
	inward_spaces parts = { 0 };

	inward_parts(plan, &whole, &parts);
	for (size_t i = 0; i < parts.n; i++)
		matters |= pair_has_sports(plan, parts.v[i].from, parts.v[i].to, &parts.v[i].atom);
	vec_done(&parts);
	return matters;
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

static void note(struct asking *asking, enum finding_verdict verdict)
{
	asking->question->verdict = combine(asking->question->verdict, verdict, !asking->any_asked);
	asking->any_asked = true;
}

// What of the space is translated first is asked about where it is sent.
static void ask_wide(struct asking *asking, const struct finding *space, bool translate)
{
	const struct inward_space whole = inward_of(space);
	inward_spaces parts = { 0 };
	bool all = translate && inward_parts(asking->plan, &whole, &parts);

	for (size_t i = 0; i < parts.n; i++) {
		struct finding part = *space;

		part.to = parts.v[i].to;
		part.rect = parts.v[i].rect;
		part.atom = parts.v[i].atom;
		part.answer.destination_nat = parts.v[i].nat;
		note(asking, ask_space(asking->plan, &part, asking->question));
	}
	if (!all)
		note(asking, ask_space(asking->plan, space, asking->question));
	vec_done(&parts);
}

static void ask_rect(struct asking *asking, const struct finding *rect, bool translate)
{
	for (size_t i = 0; i < asking->n_atoms; i++) {
		struct finding space = *rect;

		space.atom = asking->atoms[i];
		// ICMP is of IPv4 and ICMPv6 of IPv6.
		if (space.atom.protocol_lo == space.atom.protocol_hi &&
		    ((space.atom.protocol_lo == 1 && rect->rect.source.family == ADDR_V6) ||
		     (space.atom.protocol_lo == 58 && rect->rect.source.family == ADDR_V4)))
			continue;
		if (!is_one_packet(&space) || sport_matters(asking->plan, &space)) {
			ask_wide(asking, &space, translate);
			continue;
		}
		space.exact = true;
		if (!asking->source_port && space.atom.sport_lo == 0)
			space.atom.sport_lo = space.atom.sport_hi = 40000;
		note(asking, ask_packet(asking->plan, &space, asking->question));
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

			// A zone as a whole is its hosts, not what is forwarded in front of them.
			if (sources[i].family == destinations[j].family)
				ask_rect(asking, &rect, to->ranges != NULL);
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
