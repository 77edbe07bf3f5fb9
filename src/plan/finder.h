// Finds the cells of packets in a time that hardly grows with the plan, for those who ask about
// many.  plan_match() is its slow twin and gives the same answers.
//
// All cells of the plan are made one image of the classifier (plan/finder_image.h).  Making it
// takes as long as finding some packets for each rule without it; so it is made when so many are
// expected or have been asked for, and until then trees answer (plan/finder_tree.h), which are made
// class by class. Trees are also what is left for a plan that is too large for an image.
#ifndef SEKISHO_PLAN_FINDER_H
#define SEKISHO_PLAN_FINDER_H

#include "plan/plan.h"
#include "plan/query.h"

enum { FINDER_PACKETS_A_RULE = 16 }; // an image is worth its making after so many

struct plan_finder;

// plan has to live as long.  Out of memory ends the process, as in all of this room.  A finder is
// for one thread at a time.
struct plan_finder *plan_finder_new(const struct plan *plan);
void plan_finder_free(struct plan_finder *finder); // NULL is fine
// Tells that n packets are going to be asked for: an image that they are worth is made at once.
void plan_finder_expect(struct plan_finder *finder, size_t n);

// NULL: no cell holds the packet.
const struct plan_cell *plan_finder_find(struct plan_finder *finder,
					 const struct plan_packet *packet);
// ret_cells[i]: the cell of packets[i], or NULL.  Much quicker than one by one.
void plan_finder_find_many(struct plan_finder *finder, const struct plan_packet *packets, size_t n,
			   const struct plan_cell **ret_cells);

#endif
