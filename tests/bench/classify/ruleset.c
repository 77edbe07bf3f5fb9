#include "bench/classify/ruleset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/classify/random.h"

static const uint64_t V6_NETWORK = 0x20010db8ULL << 32;

static uint32_t mask_of(unsigned length)
{
	return length ? ~0U << (32 - length) : 0;
}

static int read_rule(const char *line, struct set_rule *ret)
{
	unsigned a[8], length[2], port[4], protocol, mask;

	if (sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x", &a[0], &a[1],
		   &a[2], &a[3], &length[0], &a[4], &a[5], &a[6], &a[7], &length[1], &port[0],
		   &port[1], &port[2], &port[3], &protocol, &mask) != 16)
		return -EINVAL;
	if (protocol > 0xff || (mask != 0 && mask != 0xff))
		return -EINVAL;
	for (unsigned i = 0; i < 2; i++) {
		const unsigned *b = a + 4 * (size_t)i;

		if (b[0] > 255 || b[1] > 255 || b[2] > 255 || b[3] > 255 || length[i] > 32 ||
		    port[2 * i] > port[2 * i + 1] || port[2 * i + 1] > CLASSIFY_FIELD_MAX)
			return -EINVAL;
		ret->lo[i] = (b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]) & mask_of(length[i]);
		ret->hi[i] = ret->lo[i] | ~mask_of(length[i]);
		ret->length[i] = (uint8_t)length[i];
		ret->lo[SET_SOURCE_PORT + i] = port[2 * i];
		ret->hi[SET_SOURCE_PORT + i] = port[2 * i + 1];
	}
	ret->lo[SET_PROTOCOL] = protocol & mask;
	ret->hi[SET_PROTOCOL] = ret->lo[SET_PROTOCOL] | (~mask & 0xff);
	return 0;
}

static int append(struct ruleset *set, uint32_t *cap, const struct set_rule *rule)
{
	if (set->n == SET_RULES_MAX)
		return -E2BIG;
	if (set->n == *cap) {
		*cap = *cap ? 2 * *cap : 1024;
		set->v = realloc(set->v, *cap * sizeof(*set->v));
		if (!set->v)
			abort();
	}
	set->v[set->n++] = *rule;
	return 0;
}

int ruleset_read(const char *path, struct ruleset *ret)
{
	FILE *in = fopen(path, "re");
	struct ruleset set = { 0 };
	char line[SET_LINE_MAX];
	uint32_t cap = 0;
	int r = 0;

	if (!in)
		return -errno;
	for (unsigned n = 1; r == 0 && fgets(line, sizeof(line), in); n++) {
		struct set_rule rule = { 0 };

		if (line[0] != '@')
			continue;
		r = read_rule(line, &rule);
		if (r < 0)
			fprintf(stderr, "%s:%u: not a rule of the ClassBench format\n", path, n);
		else
			r = append(&set, &cap, &rule);
	}
	fclose(in);
	if (r == 0 && set.n == 0)
		r = -EINVAL;
	if (r < 0)
		free(set.v);
	else
		*ret = set;
	return r;
}

void ruleset_print(const struct ruleset *set, FILE *out)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct set_rule *rule = &set->v[i];

		for (unsigned side = 0; side < 2; side++)
			fprintf(out, "%s%u.%u.%u.%u/%u\t", side ? "" : "@", rule->lo[side] >> 24,
				rule->lo[side] >> 16 & 255, rule->lo[side] >> 8 & 255,
				rule->lo[side] & 255, rule->length[side]);
		fprintf(out, "%u : %u\t%u : %u\t0x%02X/0x%02X\t0x0000/0x0000\n",
			rule->lo[SET_SOURCE_PORT], rule->hi[SET_SOURCE_PORT], rule->lo[SET_PORT],
			rule->hi[SET_PORT], rule->lo[SET_PROTOCOL],
			set_rule_any_protocol(rule) ? 0 : 0xff);
	}
}

void ruleset_done(struct ruleset *set)
{
	free(set->v);
	*set = (struct ruleset){ 0 };
}

struct ruleset ruleset_copy(const struct ruleset *set)
{
	struct ruleset copy = { malloc((set->n + 1) * sizeof(*copy.v)), set->n };

	if (!copy.v)
		abort();
	memcpy(copy.v, set->v, set->n * sizeof(*copy.v));
	return copy;
}

void ruleset_shuffle(struct ruleset *set, uint64_t seed)
{
	struct random_state random = { seed };

	for (uint32_t i = set->n; i > 1; i--) {
		uint32_t k = (uint32_t)random_below(&random, i);
		struct set_rule rule = set->v[i - 1];

		set->v[i - 1] = set->v[k];
		set->v[k] = rule;
	}
}

void set_address_v6(uint32_t address, uint64_t ret[2])
{
	ret[0] = V6_NETWORK | address;
	ret[1] = random_mix(address);
}

struct set_range_v6 set_side_v6(const struct set_rule *rule, unsigned side)
{
	struct set_range_v6 range = { .hi = { UINT64_MAX, UINT64_MAX } };
	bool one_address = rule->length[side] == 32 && random_mix(~rule->lo[side]) & 1;

	if (rule->length[side] == 0)
		return range;
	range.length = one_address ? 128 : (uint8_t)(rule->length[side] + 32);
	set_address_v6(rule->lo[side], range.lo);
	if (one_address)
		range.hi[1] = range.lo[1];
	else
		range.lo[1] = 0;
	range.hi[0] = V6_NETWORK | rule->hi[side];
	return range;
}

bool set_rule_any_protocol(const struct set_rule *rule)
{
	return rule->hi[SET_PROTOCOL] - rule->lo[SET_PROTOCOL] == 0xff;
}

static struct addr_range side_for_classifier(const struct set_rule *rule, unsigned side, bool v6)
{
	if (!v6)
		return (struct addr_range){ ADDR_V4, rule->lo[side], rule->hi[side] };
	struct set_range_v6 range = set_side_v6(rule, side);

	return (struct addr_range){ ADDR_V6, (addr_bits)range.lo[0] << 64 | range.lo[1],
				    (addr_bits)range.hi[0] << 64 | range.hi[1] };
}

struct classify_rule *ruleset_for_classifier(const struct ruleset *set, bool v6)
{
	struct classify_rule *rules = calloc(set->n + 1, sizeof(*rules));

	if (!rules)
		abort();
	for (uint32_t i = 0; i < set->n; i++) {
		const struct set_rule *from = &set->v[i];
		struct classify_rule *rule = &rules[i];

		*rule = classify_rule_any(set->n - i, i);
		rule->any_family = false;
		rule->source = side_for_classifier(from, SET_SOURCE, v6);
		rule->destination = side_for_classifier(from, SET_DESTINATION, v6);
		for (unsigned f = SET_SOURCE_PORT; f < SET_FIELDS; f++)
			if (f != SET_PROTOCOL || !set_rule_any_protocol(from))
				rule->field[f - SET_SOURCE_PORT] =
					(struct classify_range){ (uint16_t)from->lo[f],
								 (uint16_t)from->hi[f] };
	}
	return rules;
}
