// Rule sets of the benchmark: five ranges a rule, the first rule that holds a packet wins, as files
// of the ClassBench format have them, a rule a line:
//
//	@SRC/LEN<TAB>DST/LEN<TAB>LO : HI<TAB>LO : HI<TAB>PROTO/MASK<TAB>FLAGS/MASK
//
// ports source first, protocol and its mask (0xFF or 0x00) in hexadecimal; the flags do not count.
//
// As IPv6: an IPv4 address a is in 2001:db8:a:: /64, with a lower half that a decides; a prefix of
// 1 to 31 bits gets 32 bits longer, 0 stays 0, and a host is its /64 or its /128, as a decides.
#ifndef SEKISHO_BENCH_CLASSIFY_RULESET_H
#define SEKISHO_BENCH_CLASSIFY_RULESET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "classify/rule.h"

enum { SET_SOURCE, SET_DESTINATION, SET_SOURCE_PORT, SET_PORT, SET_PROTOCOL, SET_FIELDS };
enum { SET_RULES_MAX = CLASSIFY_RULES_MAX, SET_LINE_MAX = 512 };

struct set_rule {
	uint32_t lo[SET_FIELDS], hi[SET_FIELDS]; // inclusive, host order
	uint8_t length[2];			 // of the prefixes
};

struct ruleset {
	struct set_rule *v;
	uint32_t n;
};

struct set_range_v6 { // high half first
	uint64_t lo[2], hi[2];
	uint8_t length;
};

// Lines that begin with anything but @ do not count.  0, -EINVAL (told on standard error with its
// line), -E2BIG, or what opening it gave.
int ruleset_read(const char *path, struct ruleset *ret);
void ruleset_print(const struct ruleset *set, FILE *out);
void ruleset_done(struct ruleset *set);
struct ruleset ruleset_copy(const struct ruleset *set);
void ruleset_shuffle(struct ruleset *set, uint64_t seed);

void set_address_v6(uint32_t address, uint64_t ret[2]);
struct set_range_v6 set_side_v6(const struct set_rule *rule, unsigned side);
bool set_rule_any_protocol(const struct set_rule *rule);

// The same rules for the classifier, n of them (free() it): the first has the highest priority and
// each its number as result.
struct classify_rule *ruleset_for_classifier(const struct ruleset *set, bool v6);

#endif
