#include "replay/spots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

enum { INDEX_SIZE = 2 * SPOTS_MAX };

void spots_init(struct spots *spots, const struct plan *plan, const struct spot_rule *rules,
		size_t n_rules)
{
	*spots = (struct spots){ .plan = plan, .rules = rules, .n_rules = n_rules };
	spots->v = vec_zeroed(SPOTS_MAX, sizeof(*spots->v));
	spots->index = vec_zeroed(INDEX_SIZE, sizeof(*spots->index));
	spots->n = 1;
	spots->zones = spots_zones(spots, plan);
}

void spots_done(struct spots *spots)
{
	free(spots->v);
	free(spots->zones);
	free(spots->index);
	*spots = (struct spots){ 0 };
}

static bool rule_fits(const char *rule, const struct spot *spot)
{
	char text[16];

	if (strcmp(rule, spot->name) == 0)
		return true;
	snprintf(text, sizeof(text), ".%u", spot->vlan);
	if (spot->vlan && strcmp(rule, text) == 0)
		return true;
	snprintf(text, sizeof(text), "%u", spot->number);
	return spot->numbered && strcmp(rule, text) == 0;
}

static uint16_t zone_by_name(const struct spots *spots, const struct plan *plan, uint16_t spot)
{
	const struct spot *at = &spots->v[spot];
	uint32_t zone = PLAN_NONE;

	if (spot == 0)
		return SPOT_NO_ZONE;
	for (size_t i = 0; i < spots->n_rules; i++)
		if (rule_fits(spots->rules[i].name, at))
			return (uint16_t)plan_find_zone(plan, spots->rules[i].zone);
	if (at->name[0])
		zone = plan_zone_of_interface(plan, at->name);
	for (size_t i = 0; i < spots->n_rules && zone == PLAN_NONE; i++)
		if (strcmp(spots->rules[i].name, "*") == 0)
			zone = plan_find_zone(plan, spots->rules[i].zone);
	return (uint16_t)zone; // PLAN_NONE becomes SPOT_NO_ZONE
}

uint16_t *spots_zones(const struct spots *spots, const struct plan *plan)
{
	uint16_t *zones = vec_zeroed(SPOTS_MAX, sizeof(*zones));

	for (size_t i = 0; i < spots->n; i++)
		zones[i] = zone_by_name(spots, plan, (uint16_t)i);
	return zones;
}

struct spot_key { // what tells spots apart
	uint32_t number;
	uint16_t vlan;
	bool numbered;
};

static bool is_at(const struct spot *spot, const struct spot_key *key)
{
	return spot->number == key->number && spot->vlan == key->vlan &&
	       spot->numbered == key->numbered;
}

// Where a spot's number stands in the index, or the free place for it.
static size_t place_of(const struct spots *spots, const struct spot_key *key)
{
	uint64_t hash = ((uint64_t)key->number << 16 | key->vlan) ^ (uint64_t)key->numbered << 63;
	size_t at = hash * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (INDEX_SIZE - 1);

	while (spots->index[at] && !is_at(&spots->v[spots->index[at]], key))
		at = (at + 1) & (INDEX_SIZE - 1);
	return at;
}

static uint16_t add(struct spots *spots, const struct spot_key *key, size_t place,
		    const struct capture *capture, const struct capture_packet *packet)
{
	struct spot *to = &spots->v[spots->n];
	const char *name = key->numbered ? "" : capture->interfaces[packet->interface].name;

	if (spots->n == SPOTS_MAX)
		return 0;
	to->number = key->number;
	to->vlan = key->vlan;
	to->numbered = key->numbered;
	if (key->vlan)
		snprintf(to->name, sizeof(to->name), "%s.%u", name, key->vlan);
	else
		snprintf(to->name, sizeof(to->name), "%s", name);
	spots->zones[spots->n] = zone_by_name(spots, spots->plan, (uint16_t)spots->n);
	spots->index[place] = (uint16_t)spots->n;
	return (uint16_t)spots->n++;
}

uint16_t spots_find(struct spots *spots, const struct capture *capture,
		    const struct capture_packet *packet, const struct link_frame *frame)
{
	struct spot_key key = {
		.number = frame->interface ? frame->interface : packet->interface,
		.numbered = frame->interface != 0,
		.vlan = frame->vlan ? frame->vlan_id : 0,
	};

	if (spots->last && is_at(&spots->v[spots->last], &key))
		return spots->last;

	size_t place = place_of(spots, &key);

	if (!spots->index[place])
		return add(spots, &key, place, capture, packet);
	spots->last = spots->index[place];
	return spots->last;
}

static enum link_way way_by_gateway(const struct spot *spot, const struct link_frame *frame)
{
	if (frame->source_mac == spot->gateway)
		return LINK_LEAVING;
	if (frame->destination_mac == spot->gateway || frame->destination_mac >> 40 & 1)
		return LINK_COMING;
	return LINK_PASSING;
}

enum link_way spots_way(struct spots *spots, uint16_t spot, const struct capture_packet *packet,
			const struct link_frame *frame, const struct header *header)
{
	struct spot *at = &spots->v[spot];
	uint16_t zone = spots->zones[spot];
	bool from_here, to_here;

	if (frame->way != LINK_UNKNOWN)
		return frame->way;
	if (packet->way != LINK_UNKNOWN)
		return packet->way;
	if (!frame->has_macs || zone == SPOT_NO_ZONE)
		return LINK_UNKNOWN;
	if (at->gateway)
		return way_by_gateway(at, frame);
	from_here = plan_zone_has(spots->plan, zone, &header->source);
	to_here = plan_zone_has(spots->plan, zone, &header->destination);
	if (from_here && !to_here && !(frame->destination_mac >> 40 & 1)) {
		at->gateway = frame->destination_mac;
		return LINK_COMING;
	}
	// Nothing for elsewhere leaves here, so what is of neither has come in: with a false
	// source.
	if (!to_here)
		return LINK_COMING;
	return from_here ? LINK_UNKNOWN : LINK_LEAVING;
}
