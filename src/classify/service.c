#include "classify/service.h"

#include <stdlib.h>
#include <string.h>

// From the best to the last resort: for each field the group that it is in.
static const uint8_t partitions[][CLASSIFY_FIELDS] = {
	// sport, port, protocol, zones
	{ 0, 0, 0, 0, 0 }, { 0, 0, 0, 1, 1 }, { 1, 0, 0, 0, 0 }, { 2, 0, 0, 1, 1 },
	{ 1, 0, 2, 2, 2 }, { 1, 0, 2, 3, 3 }, { 1, 0, 2, 3, 4 },
};

enum {
	// Of one group.  A product of classes beyond this costs more memory than a second axis
	// time.
	COMBINATIONS_MAX = 1 << 20,
	COMBINATIONS_A_RULE = 2,   // and no more than this for each rule, but for
	COMBINATIONS_FREE = 16384, // so many
	UNMERGED_RANGES = 2048,	   // more distinct ranges: classes of a field are not merged
	TUPLE_BITS = 24,	   // slots from which a tuple has them as bits
};

typedef VEC(uint64_t) bits_t;

struct field_classes {		       // of one field
	struct classify_range *ranges; // distinct ones
	uint32_t n_ranges;
	uint32_t *range_of; // a slot: its range
	uint16_t *class_of; // a value: its class
	uint32_t n;
	// For each class the ranges that hold it, range_words words; NULL where not merged.
	uint32_t range_words;
	uint64_t *ranges_in;
	uint16_t *sample; // a class: one value of it
};

// --- distinct things, by sorting

static int by_range(const void *a, const void *b, void *arg)
{
	const struct classify_range *ranges = arg;
	const struct classify_range *x = &ranges[*(const uint32_t *)a];
	const struct classify_range *y = &ranges[*(const uint32_t *)b];

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return (x->hi > y->hi) - (x->hi < y->hi);
}

static void find_ranges(const struct service_rule *rules, uint32_t n, unsigned field,
			struct field_classes *ret)
{
	struct classify_range *all = vec_zeroed(n, sizeof(*all));
	uint32_t *order = vec_zeroed(n, sizeof(*order));

	ret->ranges = vec_zeroed(n, sizeof(*ret->ranges));
	ret->range_of = vec_zeroed(n, sizeof(*ret->range_of));
	for (uint32_t i = 0; i < n; i++) {
		all[i] = rules[i].field[field];
		order[i] = i;
	}
	qsort_r(order, n, sizeof(*order), by_range, all);
	for (uint32_t i = 0; i < n; i++) {
		if (i == 0 || by_range(&order[i], &order[i - 1], all) != 0)
			ret->ranges[ret->n_ranges++] = all[order[i]];
		ret->range_of[order[i]] = ret->n_ranges - 1;
	}
	free(all);
	free(order);
}

// --- classes of a field: its values, parted at every end of a range

static uint64_t hash_bits(const uint64_t *bits, uint32_t n)
{
	uint64_t h = 0x9e3779b97f4a7c15;

	for (uint32_t i = 0; i < n; i++) {
		h = (h ^ bits[i]) * 0xff51afd7ed558ccd;
		h ^= h >> 29;
	}
	return h;
}

// The number of equal bits that were kept, or a new number.
struct keeper {
	bits_t kept;
	uint32_t words, n;
	uint32_t *index; // number + 1
	size_t cap;
};

static void keeper_grow(struct keeper *keeper)
{
	if (2 * ((size_t)keeper->n + 1) <= keeper->cap)
		return;
	free(keeper->index);
	keeper->cap = keeper->cap ? keeper->cap * 2 : 256;
	keeper->index = vec_zeroed(keeper->cap, sizeof(*keeper->index));
	for (uint32_t k = 0; k < keeper->n; k++) {
		size_t i = hash_bits(keeper->kept.v + (size_t)k * keeper->words, keeper->words) &
			   (keeper->cap - 1);

		while (keeper->index[i])
			i = (i + 1) & (keeper->cap - 1);
		keeper->index[i] = k + 1;
	}
}

static uint32_t keep(struct keeper *keeper, const uint64_t *bits)
{
	keeper_grow(keeper);
	size_t i = hash_bits(bits, keeper->words) & (keeper->cap - 1);

	for (; keeper->index[i]; i = (i + 1) & (keeper->cap - 1))
		if (memcmp(keeper->kept.v + (size_t)(keeper->index[i] - 1) * keeper->words, bits,
			   keeper->words * sizeof(*bits)) == 0)
			return keeper->index[i] - 1;
	for (uint32_t w = 0; w < keeper->words; w++)
		vec_push(&keeper->kept, bits[w]);
	keeper->index[i] = ++keeper->n;
	return keeper->n - 1;
}

static void keeper_done(struct keeper *keeper)
{
	vec_done(&keeper->kept);
	free(keeper->index);
}

// At which values a new interval begins.
static uint8_t *cuts_of(const struct field_classes *field)
{
	uint8_t *cut = vec_zeroed(CLASSIFY_FIELD_MAX + 2, 1);

	cut[0] = 1;
	for (uint32_t r = 0; r < field->n_ranges; r++) {
		cut[field->ranges[r].lo] = 1;
		cut[field->ranges[r].hi + 1] = 1;
	}
	return cut;
}

static void mark_ranges(const struct field_classes *field, uint32_t value, uint64_t *bits)
{
	memset(bits, 0, field->range_words * sizeof(*bits));
	for (uint32_t r = 0; r < field->n_ranges; r++)
		if (value >= field->ranges[r].lo && value <= field->ranges[r].hi)
			bits[r / 64] |= 1ULL << r % 64;
}

static void find_classes(struct field_classes *field)
{
	bool merged = field->n_ranges <= UNMERGED_RANGES;
	uint8_t *cut = cuts_of(field);
	struct keeper keeper = { .words = (field->n_ranges + 63) / 64 };
	uint32_t class = 0;

	field->range_words = keeper.words;
	field->class_of = vec_zeroed(CLASSIFY_FIELD_MAX + 1, sizeof(*field->class_of));
	field->sample = vec_zeroed(CLASSIFY_FIELD_MAX + 1, sizeof(*field->sample));
	uint64_t *bits = vec_zeroed(keeper.words, sizeof(*bits));

	for (uint32_t value = 0, next; value <= CLASSIFY_FIELD_MAX; value = next) {
		const uint8_t *end = memchr(cut + value + 1, 1, CLASSIFY_FIELD_MAX - value);

		next = end ? (uint32_t)(end - cut) : CLASSIFY_FIELD_MAX + 1;
		if (merged)
			mark_ranges(field, value, bits);
		class = merged ? keep(&keeper, bits) : field->n;
		if (class == field->n)
			field->sample[field->n++] = (uint16_t)value;
		for (uint32_t v = value; class && v < next; v++) // they are zero already
			field->class_of[v] = (uint16_t) class;
	}
	if (merged) {
		field->ranges_in = vec_zeroed(keeper.kept.n, sizeof(uint64_t));
		memcpy(field->ranges_in, keeper.kept.v, keeper.kept.n * sizeof(uint64_t));
	}
	keeper_done(&keeper);
	free(bits);
	free(cut);
}

static void field_done(struct field_classes *field)
{
	free(field->ranges);
	free(field->range_of);
	free(field->class_of);
	free(field->ranges_in);
	free(field->sample);
}

// --- choosing groups

static bool fits(const struct field_classes *fields, const uint8_t *partition, uint32_t n_slots)
{
	uint64_t limit = COMBINATIONS_FREE + (uint64_t)COMBINATIONS_A_RULE * n_slots;

	limit = limit > COMBINATIONS_MAX ? COMBINATIONS_MAX : limit;
	for (unsigned g = 0; g < IMAGE_GROUPS_MAX; g++) {
		uint64_t product = 1;
		unsigned members = 0;

		for (unsigned f = 0; f < CLASSIFY_FIELDS; f++) {
			if (partition[f] != g || fields[f].n == 1)
				continue;
			product *= fields[f].n;
			members++;
			if (members > 1 && (product > limit || !fields[f].ranges_in))
				return false;
		}
		for (unsigned f = 0; members > 1 && f < CLASSIFY_FIELDS; f++)
			if (partition[f] == g && !fields[f].ranges_in)
				return false;
	}
	return true;
}

static const uint8_t *choose(const struct field_classes *fields, uint32_t n_slots)
{
	size_t n = sizeof(partitions) / sizeof(*partitions);

	for (size_t p = 0; p + 1 < n; p++)
		if (fits(fields, partitions[p], n_slots))
			return partitions[p];
	return partitions[n - 1];
}

// --- tuples: the distinct combinations of ranges that rules have in the fields of a group

struct tuples {
	uint32_t n;
	uint32_t *first; // a tuple: its slots in slots[], up to the next one's
	uint32_t *slots;
	// Those of many slots have them as bits as well.
	uint64_t **bits;
};

struct tuple_order {
	const struct field_classes *fields;
	const uint8_t *partition;
	unsigned group;
};

static int by_tuple(const void *a, const void *b, void *arg)
{
	const struct tuple_order *order = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++) {
		const uint32_t *of = order->fields[f].range_of;

		if (order->partition[f] == order->group && of[x] != of[y])
			return of[x] < of[y] ? -1 : 1;
	}
	return 0;
}

static struct tuples find_tuples(struct tuple_order *order, uint32_t n)
{
	struct tuples tuples = { 0, vec_zeroed(n + 1, sizeof(uint32_t)),
				 vec_zeroed(n, sizeof(uint32_t)), NULL };

	for (uint32_t i = 0; i < n; i++)
		tuples.slots[i] = i;
	qsort_r(tuples.slots, n, sizeof(*tuples.slots), by_tuple, order);
	for (uint32_t i = 0; i < n; i++)
		if (i == 0 || by_tuple(&tuples.slots[i], &tuples.slots[i - 1], order) != 0)
			tuples.first[tuples.n++] = i;
	tuples.first[tuples.n] = n;
	return tuples;
}

static void find_bits(struct tuples *tuples, uint32_t n_words)
{
	tuples->bits = vec_zeroed(tuples->n, sizeof(*tuples->bits));
	for (uint32_t t = 0; t < tuples->n; t++) {
		uint32_t n = tuples->first[t + 1] - tuples->first[t];

		if (n < TUPLE_BITS || n < n_words / 4)
			continue;
		tuples->bits[t] = vec_zeroed(n_words, sizeof(uint64_t));
		for (uint32_t i = tuples->first[t]; i < tuples->first[t + 1]; i++)
			tuples->bits[t][tuples->slots[i] / 64] |= 1ULL << tuples->slots[i] % 64;
	}
}

static void tuples_done(struct tuples *tuples)
{
	for (uint32_t t = 0; t < tuples->n; t++)
		free(tuples->bits[t]);
	free(tuples->bits);
	free(tuples->first);
	free(tuples->slots);
}

// --- a group's table

struct group_making {
	const struct field_classes *fields;
	unsigned member[CLASSIFY_FIELDS]; // fields with more than one class
	unsigned n_members;
	uint32_t words;			    // of a set of tuples
	uint64_t *allowed[CLASSIFY_FIELDS]; // a class of a member: which tuples it leaves
	struct tuples tuples;
	struct rows *rows;
};

static void find_allowed(struct group_making *making, unsigned m)
{
	const struct field_classes *field = &making->fields[making->member[m]];
	uint64_t *allowed = vec_zeroed((size_t)field->n * making->words, sizeof(uint64_t));

	for (uint32_t c = 0; c < field->n; c++)
		for (uint32_t t = 0; t < making->tuples.n; t++) {
			uint32_t slot = making->tuples.slots[making->tuples.first[t]];
			const struct classify_range *range = &field->ranges[field->range_of[slot]];

			if (field->sample[c] >= range->lo && field->sample[c] <= range->hi)
				allowed[(size_t)c * making->words + t / 64] |= 1ULL << t % 64;
		}
	making->allowed[m] = allowed;
}

static uint32_t row_of_tuples(const struct group_making *making, const uint64_t *set)
{
	rows_clear_all(making->rows);
	for (uint32_t w = 0; w < making->words; w++)
		for (uint64_t left = set[w]; left; left &= left - 1) {
			uint32_t t = w * 64 + (uint32_t)__builtin_ctzll(left);

			if (making->tuples.bits[t]) {
				rows_set_all(making->rows, making->tuples.bits[t]);
				continue;
			}
			for (uint32_t i = making->tuples.first[t]; i < making->tuples.first[t + 1];
			     i++)
				rows_set(making->rows, making->tuples.slots[i]);
		}
	return rows_take(making->rows);
}

// Every combination in the order of the table: the last member's class runs fastest.
static uint32_t *fill_table(struct group_making *making, uint32_t n_combinations)
{
	uint32_t *table = vec_zeroed(n_combinations, sizeof(*table));
	struct keeper keeper = { .words = making->words };
	VEC(uint32_t) row_of = { 0 };
	uint32_t class[CLASSIFY_FIELDS] = { 0 };
	// set[m]: what the first m members leave
	uint64_t *set = vec_zeroed((size_t)(CLASSIFY_FIELDS + 1) * making->words, sizeof(*set));
	unsigned from = 0;

	memset(set, 0xff, making->words * sizeof(*set));
	if (making->tuples.n % 64)
		set[making->words - 1] = (1ULL << making->tuples.n % 64) - 1;
	for (uint32_t i = 0; i < n_combinations; i++) {
		for (unsigned m = from; m < making->n_members; m++)
			for (uint32_t w = 0; w < making->words; w++)
				set[(m + 1) * making->words + w] =
					set[m * making->words + w] &
					making->allowed[m][(size_t) class[m] * making -> words + w];
		uint32_t number = keep(&keeper, set + (size_t)making->n_members * making->words);

		if (number == row_of.n)
			vec_push(&row_of, row_of_tuples(making, set + (size_t)making->n_members *
										making->words));
		table[i] = row_of.v[number];
		for (from = making->n_members; from-- > 0;) {
			if (++class[from] < making -> fields[making->member[from]].n)
				break;
			class[from] = 0;
		}
	}
	keeper_done(&keeper);
	vec_done(&row_of);
	free(set);
	return table;
}

// A group of one field whose classes are not merged: its values in a sweep.
static uint32_t *sweep_table(const struct group_making *making, uint32_t n_slots)
{
	const struct field_classes *field = &making->fields[making->member[0]];
	uint32_t *table = vec_zeroed(field->n, sizeof(*table));
	uint32_t *by_lo = vec_zeroed(n_slots, sizeof(uint32_t)), *by_hi = vec_zeroed(n_slots, 4);
	uint32_t *lo_count = vec_zeroed(CLASSIFY_FIELD_MAX + 2, 4),
		 *hi_count = vec_zeroed(65537, 4);

	for (uint32_t i = 0; i < n_slots; i++) { // sorted by counting
		lo_count[field->ranges[field->range_of[i]].lo + 1]++;
		hi_count[field->ranges[field->range_of[i]].hi + 1]++;
	}
	for (uint32_t v = 0; v <= CLASSIFY_FIELD_MAX; v++) {
		lo_count[v + 1] += lo_count[v];
		hi_count[v + 1] += hi_count[v];
	}
	for (uint32_t i = 0; i < n_slots; i++) {
		by_lo[lo_count[field->ranges[field->range_of[i]].lo]++] = i;
		by_hi[hi_count[field->ranges[field->range_of[i]].hi]++] = i;
	}
	uint32_t lo = 0, hi = 0;

	rows_clear_all(making->rows);
	for (uint32_t c = 0; c < field->n; c++) { // in order of values, as they were not merged
		for (; lo < n_slots &&
		       field->ranges[field->range_of[by_lo[lo]]].lo <= field->sample[c];
		     lo++)
			rows_set(making->rows, by_lo[lo]);
		for (; hi < n_slots &&
		       field->ranges[field->range_of[by_hi[hi]]].hi < field->sample[c];
		     hi++)
			rows_clear(making->rows, by_hi[hi]);
		table[c] = rows_take(making->rows);
	}
	free(by_lo);
	free(by_hi);
	free(lo_count);
	free(hi_count);
	return table;
}

static void build_group(struct group_making *making, uint32_t n_slots, struct tuple_order *order,
			struct writer *writer, struct image_part *ret)
{
	uint32_t n = 1, *table;

	for (unsigned m = making->n_members; m-- > 0;) {
		ret->map[making->member[m]].stride = n;
		n *= making->fields[making->member[m]].n;
	}
	if (making->n_members == 1 && !making->fields[making->member[0]].ranges_in) {
		table = sweep_table(making, n_slots);
	} else {
		making->tuples = find_tuples(order, n_slots);
		find_bits(&making->tuples, making->rows->n_blocks * BLOCK_WORDS);
		making->words = (making->tuples.n + 63) / 64;
		for (unsigned m = 0; m < making->n_members; m++)
			find_allowed(making, m);
		table = fill_table(making, n);
		for (unsigned m = 0; m < making->n_members; m++)
			free(making->allowed[m]);
		tuples_done(&making->tuples);
	}
	ret->group[order->group] = writer_put(writer, table, n, sizeof(*table), 0);
	free(table);
}

// --- maps

// Up to 65,536 entries a table: the maps have the classes multiplied by their strides already.
static void build_map(const struct field_classes *field, uint32_t n_table, struct writer *writer,
		      struct image_map *ret)
{
	uint16_t *root = vec_zeroed(MAP_ROOT, sizeof(*root));
	struct keeper keeper = { .words = MAP_CHUNK * sizeof(uint16_t) / sizeof(uint64_t) };

	for (uint32_t r = 0; r < MAP_ROOT; r++) {
		const uint16_t *values = field->class_of + (size_t)r * MAP_CHUNK;

		if (r && memcmp(values, values - MAP_CHUNK, MAP_CHUNK * sizeof(*values)) == 0) {
			root[r] = root[r - 1];
			continue;
		}
		uint64_t chunk[MAP_CHUNK * sizeof(uint16_t) / sizeof(uint64_t)];

		memcpy(chunk, values, sizeof(chunk));
		root[r] = (uint16_t)keep(&keeper, chunk);
	}
	if (n_table <= UINT16_MAX + 1) {
		uint16_t *class = (uint16_t *)keeper.kept.v;

		for (size_t i = 0; i < (size_t)keeper.n * MAP_CHUNK; i++)
			class[i] = (uint16_t)(class[i] * ret -> stride);
		ret->stride = 1;
	}
	ret->root = writer_put(writer, root, MAP_ROOT, sizeof(*root), 0);
	ret->chunk = writer_put(writer, keeper.kept.v, (size_t)keeper.n * MAP_CHUNK,
				sizeof(uint16_t), 0);
	keeper_done(&keeper);
	free(root);
}

void service_build(const struct service_rule *rules, uint32_t n_slots,
		   const struct service_sink *sink, struct writer *writer, struct image_part *ret)
{
	struct field_classes fields[CLASSIFY_FIELDS] = { 0 };

	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++) {
		find_ranges(rules, n_slots, f, &fields[f]);
		find_classes(&fields[f]);
	}
	ret->zones = fields[CLASSIFY_ZONE_IN].n > 1 || fields[CLASSIFY_ZONE_OUT].n > 1;
	const uint8_t *partition = choose(fields, n_slots);

	for (unsigned g = 0; g < IMAGE_GROUPS_MAX; g++) {
		struct tuple_order order = { fields, partition, g };
		struct group_making making = { .fields = fields };
		bool used = false;

		for (unsigned f = 0; f < CLASSIFY_FIELDS; f++) {
			if (partition[f] != g)
				continue;
			used = true;
			ret->map[f].group = g;
			if (fields[f].n > 1)
				making.member[making.n_members++] = f;
		}
		if (!used)
			break;
		making.rows = sink->rows_of(sink->arg, g);
		build_group(&making, n_slots, &order, writer, ret);
		ret->n_groups = g + 1;
	}
	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++) {
		build_map(&fields[f], ret->group[ret->map[f].group].n, writer, &ret->map[f]);
		field_done(&fields[f]);
	}
}
