#include "plan/finder_image.h"

#include <stdlib.h>

#include "classify/build.h"

enum { BATCH = 4 * MATCH_BATCH };

struct finder_image {
	void *bytes;
	struct view view[2];		// IPv4, IPv6
	const struct plan_cell **cells; // by rank: a rule's
};

// --- rules

size_t finder_image_rules(const struct plan *plan)
{
	size_t n_pairs, n = 0;
	const struct plan_pair *pairs = plan_pairs(plan, &n_pairs);

	for (size_t p = 0; p < n_pairs; p++)
		for (size_t k = 0; k < pairs[p].n_classes && n <= FINDER_RULES_MAX; k++)
			n += pairs[p].classes[k].n_cells * pairs[p].classes[k].n_atoms;
	return n <= FINDER_RULES_MAX ? n : FINDER_RULES_MAX + 1;
}

static struct classify_rule rule_of(const struct plan_pair *pair, const struct plan_cell *cell,
				    const struct plan_atom *atom)
{
	return (struct classify_rule){
		.source = cell->rect.source,
		.destination = cell->rect.destination,
		.field = {
			[CLASSIFY_SOURCE_PORT] = { atom->sport_lo, atom->sport_hi },
			[CLASSIFY_PORT] = { atom->port_lo, atom->port_hi },
			[CLASSIFY_PROTOCOL] = { atom->protocol_lo, atom->protocol_hi },
			[CLASSIFY_ZONE_IN] = { pair->from, pair->from },
			[CLASSIFY_ZONE_OUT] = { pair->to, pair->to },
		},
	};
}

static uint32_t list_class(const struct plan_pair *pair, const struct plan_class *class,
			   struct classify_rule *rules, const struct plan_cell **cells)
{
	uint32_t n = 0;

	for (size_t i = 0; i < class->n_cells; i++)
		for (size_t j = 0; j < class->n_atoms; j++) {
			rules[n] = rule_of(pair, &class->cells[i], &class->atoms[j]);
			cells[n++] = &class->cells[i];
		}
	return n;
}

static uint32_t list_rules(const struct plan *plan, struct classify_rule *rules,
			   const struct plan_cell **cells)
{
	size_t n_pairs;
	const struct plan_pair *pairs = plan_pairs(plan, &n_pairs);
	uint32_t n = 0;

	for (size_t p = 0; p < n_pairs; p++)
		for (size_t k = 0; k < pairs[p].n_classes; k++)
			n += list_class(&pairs[p], &pairs[p].classes[k], rules + n, cells + n);
	return n;
}

struct finder_image *finder_image_new(const struct plan *plan)
{
	size_t n = finder_image_rules(plan), size;

	if (n > FINDER_RULES_MAX)
		return NULL;
	struct finder_image *image = calloc(1, sizeof(*image));
	struct classify_rule *rules = calloc(n + 1, sizeof(*rules));

	if (image)
		image->cells = calloc(n + 1, sizeof(struct plan_cell *));
	if (!image || !rules || !image->cells)
		abort();
	// Cells do not meet: none hides another.
	if (build_image(rules, list_rules(plan, rules, image->cells), NULL, &image->bytes, &size) ==
	    0) {
		view_open(&image->view[0], image->bytes, ADDR_V4);
		view_open(&image->view[1], image->bytes, ADDR_V6);
	} else {
		finder_image_free(image);
		image = NULL;
	}
	free(rules);
	return image;
}

void finder_image_free(struct finder_image *image)
{
	if (!image)
		return;
	free(image->bytes);
	free(image->cells);
	free(image);
}

// --- packets

struct batch { // of one family
	union {
		struct classify_v4 v4[BATCH];
		struct classify_v6 v6[BATCH];
	};
	uint16_t packet[BATCH]; // a key: which packet it is
	size_t n;
};

static void set_fields(const struct plan_packet *packet, uint16_t *field)
{
	field[CLASSIFY_SOURCE_PORT] = packet->sport;
	field[CLASSIFY_PORT] = packet->port;
	field[CLASSIFY_PROTOCOL] = packet->protocol;
	field[CLASSIFY_ZONE_IN] = packet->from;
	field[CLASSIFY_ZONE_OUT] = packet->to;
}

static void add_v4(struct batch *batch, const struct plan_packet *packet)
{
	struct classify_v4 *key = &batch->v4[batch->n];

	key->source = (uint32_t)packet->source.bits;
	key->destination = (uint32_t)packet->destination.bits;
	set_fields(packet, key->field);
}

static void add_v6(struct batch *batch, const struct plan_packet *packet)
{
	struct classify_v6 *key = &batch->v6[batch->n];

	key->source[0] = (uint64_t)(packet->source.bits >> 64);
	key->source[1] = (uint64_t)packet->source.bits;
	key->destination[0] = (uint64_t)(packet->destination.bits >> 64);
	key->destination[1] = (uint64_t)packet->destination.bits;
	set_fields(packet, key->field);
}

// A packet of two families, or an address that its family does not have, has no key and no cell.
static void add(struct batch *batch, const struct plan_packet *packet, size_t index)
{
	enum addr_family family = packet->source.family;

	if (packet->destination.family != family)
		return;
	if (family == ADDR_V6)
		add_v6(&batch[1], packet);
	else if (packet->source.bits <= UINT32_MAX && packet->destination.bits <= UINT32_MAX)
		add_v4(&batch[0], packet);
	else
		return;
	batch += family == ADDR_V6;
	batch->packet[batch->n++] = (uint16_t)index;
}

static void find_some(const struct finder_image *image, const struct matcher *matcher,
		      const struct plan_packet *packets, size_t n,
		      const struct plan_cell **ret_cells)
{
	struct batch batch[2];
	uint32_t rank[BATCH];

	batch[0].n = batch[1].n = 0;
	for (size_t i = 0; i < n; i++) {
		ret_cells[i] = NULL;
		add(batch, &packets[i], i);
	}
	for (unsigned f = 0; f < 2; f++) {
		if (batch[f].n == 0)
			continue;
		if (f == 0)
			matcher->v4(&image->view[0], batch[0].v4, batch[0].n, rank);
		else
			matcher->v6(&image->view[1], batch[1].v6, batch[1].n, rank);
		for (size_t i = 0; i < batch[f].n; i++)
			if (rank[i] != CLASSIFY_NONE)
				ret_cells[batch[f].packet[i]] = image->cells[rank[i]];
	}
}

void finder_image_find(const struct finder_image *image, const struct matcher *matcher,
		       const struct plan_packet *packets, size_t n,
		       const struct plan_cell **ret_cells)
{
	for (size_t i = 0; i < n; i += BATCH)
		find_some(image, matcher, packets + i, n - i < BATCH ? n - i : BATCH,
			  ret_cells + i);
}
