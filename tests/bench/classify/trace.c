#include "bench/classify/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/classify/random.h"

static void *array(size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (!p)
		abort();
	return p;
}

static struct trace_header header_of(const struct ruleset *set, struct random_state *random)
{
	static const uint32_t common[4] = { 6, 6, 17, 1 };
	const struct set_rule *rule = &set->v[random_below(random, set->n)];
	struct trace_header header;

	for (unsigned f = 0; f < SET_FIELDS; f++) {
		uint32_t lo = rule->lo[f], hi = rule->hi[f];
		uint64_t how = random_below(random, 3);

		if (f == SET_PROTOCOL && set_rule_any_protocol(rule))
			header.f[f] = how ? common[random_below(random, 4)]
					  : (uint32_t)random_below(random, 256);
		else
			header.f[f] = how == 0	 ? lo
				      : how == 1 ? hi
						 : lo + (uint32_t)random_below(
								random, (uint64_t)(hi - lo) + 1);
	}
	return header;
}

static uint32_t rank_at(const double *sum, uint32_t n, double at)
{
	uint32_t lo = 0, hi = n - 1;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (sum[mid] < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void make_skewed(const struct ruleset *set, struct random_state *random, double zipf,
			struct trace *trace)
{
	struct trace_header *flow = array(TRACE_FLOWS, sizeof(*flow));
	double *sum = array(TRACE_FLOWS, sizeof(*sum)), total = 0;

	for (uint32_t i = 0; i < TRACE_FLOWS; i++) {
		flow[i] = header_of(set, random);
		sum[i] = total += pow(i + 1, -zipf);
	}
	for (uint32_t i = 0; i < trace->n; i++)
		trace->v[i] = flow[rank_at(sum, TRACE_FLOWS, random_unit(random) * total)];
	free(flow);
	free(sum);
}

struct trace trace_make(const struct ruleset *set, uint32_t n, uint64_t seed, double zipf)
{
	struct trace trace = { array(n, sizeof(*trace.v)), n };
	struct random_state random = { seed };

	if (zipf > 0)
		make_skewed(set, &random, zipf, &trace);
	else
		for (uint32_t i = 0; i < n; i++)
			trace.v[i] = header_of(set, &random);
	return trace;
}

int trace_read(const char *path, struct trace *ret)
{
	FILE *in = fopen(path, "re");
	char line[SET_LINE_MAX];
	int r = 0;

	if (!in)
		return -errno;
	struct trace trace = { array(TRACE_HEADERS, sizeof(*trace.v)), 0 };
	while (r == 0 && trace.n < TRACE_HEADERS && fgets(line, sizeof(line), in)) {
		uint32_t *f = trace.v[trace.n++].f;

		if (sscanf(line, "%" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32, &f[0],
			   &f[1], &f[2], &f[3], &f[4]) != SET_FIELDS ||
		    f[SET_SOURCE_PORT] > 65535 || f[SET_PORT] > 65535 || f[SET_PROTOCOL] > 255) {
			fprintf(stderr, "%s:%u: not a header\n", path, trace.n);
			r = -EINVAL;
		}
	}
	fclose(in);
	if (r == 0 && trace.n == 0)
		r = -EINVAL;
	if (r < 0) {
		free(trace.v);
		return r;
	}
	for (uint32_t i = trace.n; i < TRACE_HEADERS; i++)
		trace.v[i] = trace.v[i - trace.n];
	trace.n = TRACE_HEADERS;
	*ret = trace;
	return 0;
}

void trace_done(struct trace *trace)
{
	free(trace->v);
	*trace = (struct trace){ 0 };
}

static void fields_of(const struct trace_header *header, uint16_t *ret)
{
	ret[CLASSIFY_SOURCE_PORT] = (uint16_t)header->f[SET_SOURCE_PORT];
	ret[CLASSIFY_PORT] = (uint16_t)header->f[SET_PORT];
	ret[CLASSIFY_PROTOCOL] = (uint16_t)header->f[SET_PROTOCOL];
}

struct classify_v4 *trace_keys_v4(const struct trace *trace)
{
	struct classify_v4 *keys = array(trace->n, sizeof(*keys));

	for (uint32_t i = 0; i < trace->n; i++) {
		keys[i].source = trace->v[i].f[SET_SOURCE];
		keys[i].destination = trace->v[i].f[SET_DESTINATION];
		fields_of(&trace->v[i], keys[i].field);
	}
	return keys;
}

struct classify_v6 *trace_keys_v6(const struct trace *trace)
{
	struct classify_v6 *keys = array(trace->n, sizeof(*keys));

	for (uint32_t i = 0; i < trace->n; i++) {
		set_address_v6(trace->v[i].f[SET_SOURCE], keys[i].source);
		set_address_v6(trace->v[i].f[SET_DESTINATION], keys[i].destination);
		fields_of(&trace->v[i], keys[i].field);
	}
	return keys;
}

uint32_t linear_v4(const struct ruleset *set, const struct trace_header *header)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct set_rule *rule = &set->v[i];
		unsigned f = 0;

		while (f < SET_FIELDS && header->f[f] >= rule->lo[f] && header->f[f] <= rule->hi[f])
			f++;
		if (f == SET_FIELDS)
			return i;
	}
	return CLASSIFY_NONE;
}

struct linear_rule_v6 *linear_rules_v6(const struct ruleset *set)
{
	struct linear_rule_v6 *rules = array(set->n, sizeof(*rules));

	for (uint32_t i = 0; i < set->n; i++) {
		for (unsigned side = 0; side < 2; side++)
			rules[i].side[side] = set_side_v6(&set->v[i], side);
		memcpy(rules[i].lo, set->v[i].lo, sizeof(rules[i].lo));
		memcpy(rules[i].hi, set->v[i].hi, sizeof(rules[i].hi));
	}
	return rules;
}

static bool below(const uint64_t *a, const uint64_t *b)
{
	return a[0] < b[0] || (a[0] == b[0] && a[1] < b[1]);
}

uint32_t linear_v6(const struct linear_rule_v6 *rules, uint32_t n, const struct classify_v6 *key)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct linear_rule_v6 *rule = &rules[i];
		unsigned f = SET_SOURCE_PORT;

		if (below(key->source, rule->side[0].lo) || below(rule->side[0].hi, key->source) ||
		    below(key->destination, rule->side[1].lo) ||
		    below(rule->side[1].hi, key->destination))
			continue;
		while (f < SET_FIELDS && key->field[f - SET_SOURCE_PORT] >= rule->lo[f] &&
		       key->field[f - SET_SOURCE_PORT] <= rule->hi[f])
			f++;
		if (f == SET_FIELDS)
			return i;
	}
	return CLASSIFY_NONE;
}
