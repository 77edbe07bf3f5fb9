// The classifier's rules as one flat, immutable piece of memory: what the matchers read.
//
// Idea.  Rules are dealt into blocks of 256 by where they lie in the space of addresses, in order
// of precedence within a block; a wide one may be in several, with a part of its range in each.  An
// axis is a question about a packet (its source address, its destination address, its service) with
// a limited number of different answers, the rows.  A row tells which rules the answer leaves: a
// summary, one bit a block, and for each block that is not empty a vector of 256 bits, one a rule.
// A packet's rules are the AND of its rows:
//
//	source 10.1.2.3  -> row: blocks {0,2,7}   vectors a0 a2 a7
//	dest 192.0.2.25  -> row: blocks {0,3,7}   vectors b0 b3 b7
//	tcp/25, zones    -> row: blocks {0,2,3,7} vectors c0 c2 c3 c7
//
// The summaries leave blocks 0 and 7; a0 & b0 & c0 and a7 & b7 & c7 leave the rules; the first bit
// of a block is its best rule, and the least rank over the blocks is the answer.  Blocks cluster
// addresses so that two or three are left of twenty, and equal vectors and equal rows are stored
// once, so that a rule costs about a hundred bytes.
//
// From a packet to its rows: an address goes by its high bits to a node and down a B+-tree of the
// ends of intervals, a cache line a node (15 ends of 32 bits; IPv6: 7 of the high 64 bits, then a
// short run of low halves).  Ports, protocol and zones each go through a map of two levels to a
// class, and the classes together index a table of rows, so that five fields are one axis.  Where
// that product would be too large the fields are parted into several axes.
//
// Forms.  Up to 1024 rules are `flat`: a row is the bits of all of them in order of precedence, and
// there is no summary.  Up to 64 blocks are `narrow`: a summary is one word and a vector's number
// is in the row.  Beyond that, `wide`: numbers count from the block's base.
//
// Invariants
// - ranks are 0 to n_rules - 1 in order of precedence; order[slot] is the rank of a slot, and
//   rises within a block.
// - every key that a matcher can be given ends in a row of each axis (the trees and maps have no
//   holes), and a bit of a summary has its vector.
// - an image never changes.  The first vectors are the bits of the slots that have a rule; whoever
//   deletes rules gives the matchers other bits instead (struct view).
#ifndef SEKISHO_CLASSIFY_IMAGE_H
#define SEKISHO_CLASSIFY_IMAGE_H

#include <stdint.h>

#include "classify/rule.h"

enum {
	BLOCK_RULES = 256,
	BLOCK_WORDS = BLOCK_RULES / 64,
	FLAT_RULES = 1024,
	FLAT_BLOCKS = FLAT_RULES / BLOCK_RULES,
	FLAT_WORDS = FLAT_RULES / 64,
	NARROW_BLOCKS = 64,
	NARROW_VECTORS = 65536,
	// Ranks of a block, and where an AND without a bit leads: to CLASSIFY_NONE.
	ORDER_STRIDE = 384,
	ORDER_NONE = BLOCK_RULES + 64,
	FLAT_NONE = FLAT_RULES + 64,
	V4_KEYS = 15, // of a node; the last place is its base
	V6_KEYS = 7,
	NODE_BYTES = 64,
	ROOT_BITS_MAX = 16,
	TREE_LEVELS_MAX = 8,
	RUN_QUICK = 4,	// low halves that may be read from where a run begins
	MAP_CHUNK = 32, // values of a field that one entry of a map's root stands for
	MAP_ROOT = (CLASSIFY_FIELD_MAX + 1) / MAP_CHUNK,
	IMAGE_GROUPS_MAX = CLASSIFY_FIELDS,
	IMAGE_AXES_MAX = 2 + IMAGE_GROUPS_MAX,
	IMAGE_VERSION = 1,
};

enum image_form { IMAGE_EMPTY, IMAGE_FLAT, IMAGE_NARROW, IMAGE_WIDE };

// Where a table lies: bytes from the start of the image, and its entries.
struct image_table {
	uint32_t at, n;
};

struct image_tree {	// of one address, or its high half
	uint64_t first; // the root begins here
	uint32_t shift; // and has an entry for 1 << shift of them
	uint32_t n_levels;
	struct image_table root;  // uint16_t: a node; an address past the last entry has that one
	struct image_table nodes; // keys, padded with all ones, and the base.  As many keys as are
				  // less than the address, plus the base: a node, or an interval
	struct image_table runs;  // IPv6: uint32_t, for each distinct high half its first interval
	struct image_table highs; // IPv6: uint64_t, the high halves
	struct image_table lows;  // IPv6: uint64_t, the low halves of the ends, and RUN_QUICK
				  // more that count for nothing
	struct image_table rows;  // uint32_t an interval: its row
};

struct image_map {		  // of one field
	struct image_table root;  // uint16_t [MAP_ROOT]: number of a chunk
	struct image_table chunk; // uint16_t [n * MAP_CHUNK]: class
	uint32_t group;		  // which table of rows it helps to index,
	uint32_t stride;	  // with class * stride (1 where the image is not wide)
};

struct image_axis {
	struct image_table rows; // uint64_t; a reference to a row is an index of these
	struct image_table base; // uint32_t a block (to a whole word): its first vector
};

struct image_part {    // of one family
	uint32_t form; // enum image_form
	uint32_t n_slots;
	uint32_t n_blocks;
	uint32_t n_words; // of a summary
	uint32_t n_groups;
	uint32_t zones; // 0: no rule looks at zones
	struct image_tree tree[2];
	struct image_map map[CLASSIFY_FIELDS];
	struct image_table group[IMAGE_GROUPS_MAX]; // uint32_t: a row of axis 2 + group
	struct image_axis axis[IMAGE_AXES_MAX];	    // source, destination, groups
	struct image_table order;   // uint32_t, ORDER_STRIDE a block, or a slot: rank
	struct image_table vectors; // BLOCK_WORDS uint64_t each: one a block of its live rules,
				    // then those of the axes
};

struct image_header {
	char magic[8];
	uint32_t version;
	uint32_t n_rules;
	uint64_t size; // bytes, this header included
	uint8_t digest[32];
	struct image_table results; // uint32_t a rank
	struct image_part part[2];  // IPv4, IPv6
};

// A row that is not flat: n_words words of summary; where n_words > 1 as many uint16_t, how many
// blocks the words before have; then a uint16_t a block of the summary: its vector.
static inline uint32_t row_ids_at(uint32_t n_words) // in uint16_t from the row's start
{
	return n_words * 4 + (n_words > 1 ? n_words : 0);
}

#endif
