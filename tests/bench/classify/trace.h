// Headers to look up, and the linear search that says what is right.
//
// A header comes from a rule, each as likely as the other; in every field it is, with equal odds,
// the low end of the rule's range, its high end, or any point of it.  Where a rule leaves the
// protocol open it is mostly TCP, UDP or ICMP.  With zipf, TRACE_FLOWS headers are made first, and
// the one of rank r is repeated with a probability in proportion to 1 / r^zipf.
#ifndef SEKISHO_BENCH_CLASSIFY_TRACE_H
#define SEKISHO_BENCH_CLASSIFY_TRACE_H

#include "bench/classify/ruleset.h"

enum { TRACE_HEADERS = 1 << 18, TRACE_FLOWS = 65536 };

struct trace_header {
	uint32_t f[SET_FIELDS];
};

struct trace {
	struct trace_header *v;
	uint32_t n;
};

struct trace trace_make(const struct ruleset *set, uint32_t n, uint64_t seed, double zipf);
// A header a line: source, destination, ports, protocol, decimal; more columns do not count.  At
// most TRACE_HEADERS of them; a shorter file is repeated up to that.  As ruleset_read().
int trace_read(const char *path, struct trace *ret);
void trace_done(struct trace *trace);

// Keys of all headers (free() them).
struct classify_v4 *trace_keys_v4(const struct trace *trace);
struct classify_v6 *trace_keys_v6(const struct trace *trace);

// The first rule that holds the header, or CLASSIFY_NONE.
uint32_t linear_v4(const struct ruleset *set, const struct trace_header *header);

// The same for IPv6, on ranges made beforehand (free() them).
struct linear_rule_v6 {
	struct set_range_v6 side[2];
	uint32_t lo[SET_FIELDS], hi[SET_FIELDS];
};
struct linear_rule_v6 *linear_rules_v6(const struct ruleset *set);
uint32_t linear_v6(const struct linear_rule_v6 *rules, uint32_t n, const struct classify_v6 *key);

#endif
