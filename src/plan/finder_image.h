// All cells of a plan as one image of the classifier: a rule a cell and atom of its class.
//
//	cell 10.1.0.0/24 -> 10.2.0.9 of the pair lan, dmz, in a class of tcp/80 and tcp/443:
//	rule 10.1.0.0/24 -> 10.2.0.9, zone in lan, zone out dmz, protocol 6, port 80
//	rule 10.1.0.0/24 -> 10.2.0.9, zone in lan, zone out dmz, protocol 6, port 443
//
// Classes of a pair are disjoint, cells of a class are, and so are the rules: which of them come
// first makes no difference.  Types of ICMP are in the field of ports, as in the plan's atoms.
#ifndef SEKISHO_PLAN_FINDER_IMAGE_H
#define SEKISHO_PLAN_FINDER_IMAGE_H

#include "classify/match.h"
#include "plan/query.h"

enum {
	// More make no image.  Rules that cross one another as much as they can take 2.5 KiB each,
	// and four times that while it is made, and both grow with their number: at twice as many
	// 564 MB and 2.2 GB were measured, of 3 GiB that the judge's process may have.
	FINDER_RULES_MAX = 1 << 16,
};

struct finder_image;

// How many rules it would have, or FINDER_RULES_MAX + 1 when there are more.
size_t finder_image_rules(const struct plan *plan);
// plan has to live as long.  NULL: there are too many rules, or they cross too much
// (build_image()).
struct finder_image *finder_image_new(const struct plan *plan);
void finder_image_free(struct finder_image *image); // NULL is fine

// ret_cells[i]: the cell of packets[i], or NULL.
void finder_image_find(const struct finder_image *image, const struct matcher *matcher,
		       const struct plan_packet *packets, size_t n,
		       const struct plan_cell **ret_cells);

#endif
