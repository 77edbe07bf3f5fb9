// A ruleset while it grows: chains, rules, sets and objects are added in any order, then frozen.
// Owned by compile(); nothing outside this room sees it.
#ifndef SEKISHO_COMPILE_BUILD_H
#define SEKISHO_COMPILE_BUILD_H

#include "base/addr.h"
#include "base/place.h"
#include "compile/ruleset.h"

struct build;

struct build *rb_new(void);
void rb_free(struct build *build);
// Sorts, hashes and copies everything into one ruleset.  0 or -ENOMEM.
int rb_freeze(struct build *build, uint64_t generation, const uint8_t digest[32],
	      struct ruleset **ret_ruleset);

// Names and texts; a name over RS_NAME_MAX with the version's ".%08x" is cut and remembered.
uint32_t rb_string(struct build *build, const char *text);
const char *rb_long_name(const struct build *build); // the first name that was too long, or NULL
size_t rb_elems(const struct build *build);
uint32_t rb_origin(struct build *build, const char *id, const struct place *at);

struct base_hook {
	const char *name;
	uint8_t hook;
	int32_t priority;
	bool nat, drop;
};
uint32_t rb_base(struct build *build, const struct base_hook *hook);
uint32_t rb_chain(struct build *build, const char *name, uint32_t origin);
uint32_t rb_counter(struct build *build, const char *name, uint32_t origin);
uint32_t rb_helper(struct build *build, const char *name, const char *helper, uint8_t protocol);

// A set's or map's key as it grows, field by field.
struct build_key {
	uint8_t lo[RS_KEY_BYTES_MAX], hi[RS_KEY_BYTES_MAX];
	unsigned size;
};
void key_bytes(struct build_key *key, enum rs_key what, const void *lo, const void *hi);
void key_u8(struct build_key *key, enum rs_key what, uint8_t lo, uint8_t hi);
void key_u16(struct build_key *key, enum rs_key what, uint16_t lo, uint16_t hi); // network order
void key_addr(struct build_key *key, enum rs_key what, const struct addr_range *range);
void key_name(struct build_key *key, enum rs_key what, const char *name, bool pattern);

uint32_t rb_set(struct build *build, const char *name, enum rs_set_kind kind, bool interval,
		const enum rs_key *keys, unsigned n_keys);
void rb_elem(struct build *build, uint32_t set, const struct build_key *key,
	     enum rs_verdict verdict, uint32_t ref, uint32_t origin);

// A rule is begun; the statements that follow are its own, until the next is begun.
void rule(struct build *build, uint32_t chain, uint32_t origin);
void rule_u8(struct build *build, enum rs_key key, enum rs_op op, uint8_t value);
void rule_u8_range(struct build *build, enum rs_key key, uint8_t lo, uint8_t hi);
void rule_u16(struct build *build, enum rs_key key, enum rs_op op, uint16_t lo, uint16_t hi);
void rule_u32(struct build *build, enum rs_key key, enum rs_op op, uint32_t value); // host order
void rule_flags(struct build *build, enum rs_key key, enum rs_op op, uint32_t mask, uint32_t value);
void rule_addr(struct build *build, enum rs_key key, bool inside, const struct addr_range *range);
void rule_name(struct build *build, enum rs_key key, const char *name, bool pattern);
void rule_lookup(struct build *build, enum rs_key key, uint32_t set, bool inside); // one key
void rule_inside(struct build *build, uint32_t set); // all keys of the set
void rule_vmap(struct build *build, uint32_t set);
void rule_count(struct build *build, uint32_t counter);
void rule_count_map(struct build *build, uint32_t set);
// How many leading bits of each key the look-up that was last added looks at; 0: all.
void rule_bits(struct build *build, const uint8_t bits[RS_KEYS_MAX]);
void rule_log(struct build *build, uint16_t group, unsigned rate, unsigned burst,
	      const char *prefix);
void rule_verdict(struct build *build, enum rs_verdict verdict, uint32_t chain);
void rule_reject(struct build *build, enum rs_reject how);
void rule_helper(struct build *build, uint32_t helper);
void rule_queue(struct build *build, uint16_t first, uint16_t count);
void rule_set_ct_mark(struct build *build, uint32_t keep, uint32_t put);
void rule_set_meta_mark(struct build *build, uint32_t mark);
void rule_clear_meta_mark(struct build *build, uint32_t keep); // but for these bits
void rule_tproxy(struct build *build, uint16_t port);
void rule_number(struct build *build, enum rs_stmt_kind kind,
		 uint8_t number); // EXTHDR and its like
void rule_nat(struct build *build, bool destination, const struct addr_range *to, uint16_t port);
void rule_netmap(struct build *build, bool destination, const struct addr_range *to);
void rule_masquerade(struct build *build);
void rule_mss(struct build *build, uint16_t size);

#endif
