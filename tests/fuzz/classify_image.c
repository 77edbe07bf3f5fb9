// An image of the classifier as an enemy may have made it: refused, or every matcher goes through
// it unharmed and finds what the others find.
//
// An input is an image itself (it begins with the magic), or a recipe: which of the sound images to
// take, and up to 24 changes of it, so that a change meets an entry of a table rather than any byte
// of some hundred thousand.  The seal is made right in either case.
#include <stdlib.h>
#include <string.h>

#include "classify/build.h"
#include "classify/check.h"
#include "classify/match.h"
#include "unit/classify_make.h"

enum { SEEDS = 5, CHANGES_MAX = 24, KEYS = 40, TABLES = sizeof(struct image_header) / 8 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct image {
	void *bytes;
	size_t size;
};

struct change { // as it lies in an input
	uint8_t table, how, width, spare;
	uint32_t entry;
	uint64_t value;
};

enum how { SET, ADD, SET_HEADER, SHARE, CUT, HOWS };

static struct image make_seed(unsigned number)
{
	static const struct {
		unsigned style;
		uint32_t n, n_equal; // n of that style; copies of the last one
	} recipe[SEEDS] = {
		{ MAKE_V4, 12, 0 },
		{ MAKE_V4 | MAKE_V6 | MAKE_ANY | MAKE_ZONES | MAKE_RANGES, 40, 0 },
		{ MAKE_V6 | MAKE_RANGES, 100, 0 },
		{ MAKE_V4 | MAKE_V6 | MAKE_ANY | MAKE_ZONES, 200, 2000 },
		{ MAKE_V4 | MAKE_V6 | MAKE_STORM, 60, 64 * BLOCK_RULES },
	};
	uint32_t n = recipe[number].n + recipe[number].n_equal;
	struct classify_rule *rules = calloc(n, sizeof(*rules));
	struct make make = { 20261126 + number };
	struct image image;

	if (!rules)
		abort();
	make_rules(&make, recipe[number].style, rules, recipe[number].n);
	for (uint32_t i = recipe[number].n; i < n; i++)
		rules[i] = rules[recipe[number].n - 1 - i % 2];
	if (build_image(rules, n, NULL, &image.bytes, &image.size) < 0)
		abort();
	free(rules);
	return image;
}

// What is changed: entries of a table, or the words of the header.
static void change(struct image *image, const struct change *change)
{
	struct image_header *header = image->bytes;
	struct image_table *tables = image->bytes, *table = &tables[change->table % TABLES];
	size_t width = 1U << change->width % 4, offset;
	uint64_t value = 0;

	switch (change->how % HOWS) {
	case SHARE:
		*table = tables[change->value % TABLES];
		return;
	case CUT:
		if (change->value % 4096 * 64 < image->size - sizeof(*header))
			image->size -= change->value % 4096 * 64;
		header->size = image->size;
		return;
	case SET_HEADER:
		offset = change->entry % (sizeof(*header) / width) * width;
		break;
	default:
		offset = table->at + (uint64_t)change->entry % (table->n + 1ULL) * width;
	}
	if (offset > image->size - width)
		return;
	memcpy(&value, (uint8_t *)image->bytes + offset, width);
	value = change->how % HOWS == ADD ? value + change->value : change->value;
	memcpy((uint8_t *)image->bytes + offset, &value, width);
}

static struct image copy_exactly(const void *bytes, size_t size)
{
	struct image image = { NULL, size };

	if (posix_memalign(&image.bytes, 64, size) != 0)
		abort();
	memcpy(image.bytes, bytes, size);
	return image;
}

static struct image read_input(const uint8_t *bytes, size_t size)
{
	static struct image seeds[SEEDS];
	struct image image;

	if (size >= sizeof(struct image_header) && memcmp(bytes, "sekicls", 8) == 0) {
		image = copy_exactly(bytes, size);
		((struct image_header *)image.bytes)->size = size;
		return image;
	}
	struct image *seed = &seeds[bytes[0] % SEEDS];

	if (!seed->bytes)
		*seed = make_seed(bytes[0] % SEEDS);
	struct image whole = copy_exactly(seed->bytes, seed->size);

	for (unsigned i = 0; i < CHANGES_MAX && size >= 1 + (i + 1) * sizeof(struct change); i++) {
		struct change one;

		memcpy(&one, bytes + 1 + i * sizeof(one), sizeof(one));
		change(&whole, &one);
	}
	if (whole.size == seed->size)
		return whole;
	image = copy_exactly(whole.bytes, whole.size); // so that its end is where memory ends
	free(whole.bytes);
	return image;
}

// Near what is in the tables, so that keys lead to every corner of them.
static uint64_t some_key(struct make *make, const struct view_tree *tree, bool v6)
{
	uint64_t number = make_number(make);
	uint32_t place = (uint32_t)(number >> 32) % (v6 ? V6_KEYS : V4_KEYS);
	uint64_t key = v6 ? ((const uint64_t *)tree->nodes)[place]
			  : ((const uint32_t *)tree->nodes)[place];

	return number % 4 ? key + number % 3 - 1 : number;
}

static void some_fields(struct make *make, uint16_t *field)
{
	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++)
		field[f] = (uint16_t)(make_number(make) % (make_number(make) % 2 ? 65536 : 40));
}

static void compare(const uint32_t *want, const uint32_t *got, uint32_t n_rules)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (got[i] != want[i] || (got[i] != CLASSIFY_NONE && got[i] >= n_rules))
			abort();
}

static void match_v4(struct make *make, const struct view *view, uint32_t n_rules)
{
	struct classify_v4 keys[KEYS];
	uint32_t want[KEYS], got[KEYS];

	for (unsigned i = 0; i < KEYS; i++) {
		keys[i].source = (uint32_t)some_key(make, &view->tree[0], false);
		keys[i].destination = (uint32_t)some_key(make, &view->tree[1], false);
		some_fields(make, keys[i].field);
	}
	matcher_scalar.v4(view, keys, KEYS, want);
	for (const struct matcher *const *m = matchers_all(); *m; m++) {
		(*m)->v4(view, keys, KEYS, got);
		compare(want, got, n_rules);
	}
}

static void match_v6(struct make *make, const struct view *view, uint32_t n_rules)
{
	struct classify_v6 keys[KEYS];
	uint32_t want[KEYS], got[KEYS];

	for (unsigned i = 0; i < KEYS; i++) {
		keys[i].source[0] = some_key(make, &view->tree[0], true);
		keys[i].source[1] = make_number(make) % 64;
		keys[i].destination[0] = some_key(make, &view->tree[1], true);
		keys[i].destination[1] = make_number(make) >> make_number(make) % 64;
		some_fields(make, keys[i].field);
	}
	matcher_scalar.v6(view, keys, KEYS, want);
	for (const struct matcher *const *m = matchers_all(); *m; m++) {
		(*m)->v6(view, keys, KEYS, got);
		compare(want, got, n_rules);
	}
}

static void match(struct make *make, const struct view *view, enum addr_family family, uint32_t n)
{
	if (view->form == IMAGE_EMPTY)
		return; // it has no tables that a key could be taken from
	if (family == ADDR_V4)
		match_v4(make, view, n);
	else
		match_v6(make, view, n);
}

// As it is, and with rules deleted.
static void match_family(struct make *make, const struct image *image, enum addr_family family)
{
	uint32_t n_rules = ((const struct image_header *)image->bytes)->n_rules;
	struct view view;
	void *live = NULL;

	view_open(&view, image->bytes, family);
	match(make, &view, family, n_rules);
	if (posix_memalign(&live, 64, (size_t)view.n_blocks * BLOCK_RULES / 8 + 64) != 0)
		abort();
	memcpy(live, view.live, (size_t)view.n_blocks * BLOCK_RULES / 8);
	for (unsigned i = 0; n_rules && i < 8; i++)
		view_clear_rule(&view, (uint32_t)(make_number(make) % n_rules), live);
	view.live = live;
	match(make, &view, family, n_rules);
	free(live);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size == 0)
		return 0;
	struct image image = read_input(bytes, size);
	struct make make = { 88172645463325252 };

	if (image_check(image.bytes, image.size) == 0) {
		image_seal(image.bytes);
		if (image_check_sealed(image.bytes, image.size) < 0)
			abort();
		match_family(&make, &image, ADDR_V4);
		match_family(&make, &image, ADDR_V6);
	}
	free(image.bytes);
	return 0;
}
