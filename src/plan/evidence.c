// What is kept ready for an incident: whose packets, and whom to tell.
#include <string.h>

#include "plan/plan_internal.h"

enum { CAPTURE_MIB = 16, CAPTURE_SNAPLEN = 256, CLASS_I = 1 };

static bool is_captured(const struct build *b, const struct pol_list *list, size_t index)
{
	const struct plan_zone *zone = &b->plan->zones[index];

	if (index == PLAN_SELF)
		return false;
	if (!list->at.file)
		return zone->class > CLASS_I;
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i].s, zone->id) == 0)
			return true;
	return false;
}

static void build_capture(struct build *b)
{
	const struct pol_capture *given = &b->tree->evidence.capture;
	struct plan_evidence *evidence = &b->plan->evidence;
	uint16_t *zones;
	uint32_t zone;
	bool sound = true; // every name is a zone

	if (!given->at.file)
		return;
	build_repeats(b, &given->zones);
	for (size_t i = 0; i < given->zones.n; i++)
		sound &= build_zone(b, &given->zones.v[i], &zone) == 0;
	zones = arena_array_of(b->arena, uint16_t, b->plan->n_zones);
	for (size_t i = 0; i < b->plan->n_zones; i++)
		if (is_captured(b, &given->zones, i))
			zones[evidence->n_zones++] = (uint16_t)i;
	evidence->zones = zones;
	evidence->size_mib = given->size.set ? (unsigned)given->size.value : CAPTURE_MIB;
	evidence->snaplen = given->snaplen.set ? (unsigned)given->snaplen.value : CAPTURE_SNAPLEN;
	if (sound && !evidence->n_zones)
		diag_add(
			b->diag, SK_CAPTURE_EMPTY, given->at,
			"no zone is captured; name some in zones, or give a zone its class (II to IV)");
}

static void build_contacts(struct build *b)
{
	static const char *const needed[] = { "ciso", "csirt", "system" };
	const struct pol_tree *tree = b->tree;
	struct plan_contact *contacts =
		arena_array_of(b->arena, struct plan_contact, tree->n_contacts);

	for (size_t i = 0; i < tree->n_contacts; i++)
		contacts[i] = (struct plan_contact){
			.role = build_text(b, &tree->contacts[i].role),
			.title = build_text(b, &tree->contacts[i].title),
			.contact = build_text(b, &tree->contacts[i].contact),
			.hours = build_text(b, &tree->contacts[i].hours),
		};
	b->plan->evidence.contacts = contacts;
	b->plan->evidence.n_contacts = tree->n_contacts;
	for (size_t k = 0; tree->n_contacts && k < sizeof(needed) / sizeof(needed[0]); k++) {
		bool there = false;

		for (size_t i = 0; i < tree->n_contacts; i++)
			there |= strcmp(contacts[i].role, needed[k]) == 0;
		if (!there)
			diag_add(b->diag, SK_CONTACT_MISSING, tree->contacts[0].at,
				 "contacts has nobody for %s", needed[k]);
	}
}

void build_evidence(struct build *b)
{
	build_capture(b);
	build_contacts(b);
}
