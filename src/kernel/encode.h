// The parts of a ruleset as nf_tables messages.  Each function writes one message (elements: as
// many as they need) into a batch and marks what it is about.
#ifndef SEKISHO_KERNEL_ENCODE_H
#define SEKISHO_KERNEL_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "compile/ruleset.h"
#include "kernel/batch.h"
#include "kernel/kernel.h"

enum { ENCODE_PERSIST = 0x4 }; // NFT_TABLE_F_PERSIST, which Linux 6.1's headers lack

void encode_table(struct batch *batch, const char *table, uint32_t flags);
void encode_drop_table(struct batch *batch, const char *table);

void encode_chain(struct batch *batch, const struct ruleset *ruleset, uint32_t chain);
// A regular chain that has no place in the ruleset.
void encode_plain_chain(struct batch *batch, const char *table, const char *name);
// A base chain lets everything pass from now on: what is left of one that is not wanted.
void encode_idle_chain(struct batch *batch, const char *table, const char *name);
void encode_drop_chain(struct batch *batch, const char *table, const char *name);

int encode_rule(struct batch *batch, const struct ruleset *ruleset, uint32_t rule,
		const struct kernel_features *features, uint32_t *ret_stmt);
// Before all others of its chain.
int encode_first_rule(struct batch *batch, const struct ruleset *ruleset, uint32_t rule,
		      const struct kernel_features *features, uint32_t *ret_stmt);
// The rule just written is taken away again by the same batch, in which it is known by its number.
void encode_passing_rule(struct batch *batch, uint32_t rule);
void encode_drop_passing_rule(struct batch *batch, const struct ruleset *ruleset, uint32_t rule);
void encode_flush_rules(struct batch *batch, const char *table, const char *chain); // NULL: all

// 0 or -EINVAL: an interval of a number in host byte order, which the kernel cannot order.
int encode_set(struct batch *batch, const struct ruleset *ruleset, uint32_t set);
// by_number: the set is called by the number it has in this batch, for which the kernel walks the
// batch's sets; else by its name, for which it walks the table's.
void encode_elems(struct batch *batch, const struct ruleset *ruleset, uint32_t set, bool by_number);
void encode_drop_set(struct batch *batch, const char *table, const char *name);

void encode_obj(struct batch *batch, const struct ruleset *ruleset, uint32_t obj,
		const struct kernel_counter *start); // NULL: from nothing
void encode_drop_obj(struct batch *batch, const char *table, const char *name, uint32_t type);

uint32_t encode_set_flags(const struct rs_set *set);
uint32_t encode_obj_type(const struct rs_obj *obj);
// Intervals of one field are kept as pairs of ends in a tree, those of several as ranges.
bool encode_set_is_tree(const struct rs_set *set);
// The key after the last of an interval; false when there is none (all ones).
bool encode_key_after(const uint8_t *key, size_t size, uint8_t *out);

#endif
