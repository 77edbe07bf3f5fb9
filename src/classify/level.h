// A level of the classifier: an image with what a writer must know of its rules.
#ifndef SEKISHO_CLASSIFY_LEVEL_H
#define SEKISHO_CLASSIFY_LEVEL_H

#include "classify/view.h"

// A rule that is in the classifier.
struct level_rule {
	struct classify_rule rule;
	uint64_t precedence; // the highest answers; no two are equal
	uint32_t id;
};

struct level_core { // what a level shares with those that have fewer rules
	void *image;
	size_t size;
	uint32_t n, n_levels;
	struct level_rule *rules; // by rank; those of deleted ones stay
	// Rules that others hide are not in the image.  By rank: the first one that it hides, and
	// the next one that the same rule hides, or CLASSIFY_NONE.
	uint32_t *first_hidden, *next_hidden;
	const uint32_t *results; // by rank, in the image
};

// Never changes: a rule is deleted by a new level that has one bit less.
struct level {
	struct level_core *core;
	struct view view[2]; // IPv4, IPv6
	uint64_t *live[2];   // of the views; NULL: the image's own
	uint32_t n_dead;
};

// Sorts the rules and builds.  0, or the errors of build_image().  The rules are copied.
int level_new(struct level_rule *rules, uint32_t n, struct level **ret);
// n_hidden: so many rules that it hid go to another level.
struct level *level_without(const struct level *level, uint32_t rank, uint32_t n_hidden);
void level_free(struct level *level); // NULL is fine

#endif
