// Files as strangers send them: kinds by name and first bytes, then the look into all of it, under
// small bounds, which are checked to hold.  The first byte says how long the name before the file
// is.
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/terms.h"
#include "unpack/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct unpack_bounds bounds = {
	.depth = 5,
	.entries = 64,
	.output = 2 << 20,
	.each = 1 << 20,
	.memory = 4 << 20,
	.ratio = 0,
};

enum { WORDS = 3 };
static const char *const words[WORDS] = { "重要性Ⅰ", "top secret", "機密" };

struct told {
	uint32_t last, entries;
	uint64_t size;
};

static void check(void *arg, const struct unpack_entry *entry)
{
	struct told *told = arg;
	if (++told->entries > bounds.entries || entry->number > bounds.entries ||
	    entry->parent >= entry->number || strlen(entry->name) > UNPACK_NAME_MAX ||
	    (entry->also && strlen(entry->also) > UNPACK_NAME_MAX) ||
	    entry->kinds >> UNPACK_KINDS || entry->limit >= UNPACK_LIMITS ||
	    entry->found.words >> WORDS)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct arena *arena;
	char name[257];
	struct told told = { 0 };
	static struct unpack_sink sink = { .entry = check };
	struct unpack_result result;
	if (!arena) {
		arena = arena_new();
		unpack_load();
		sink.terms = terms_new(arena, words, WORDS);
	}
	sink.arg = &told;
	if (!size)
		return 0;
	size_t n = bytes[0] < size - 1 ? bytes[0] : size - 1;
	memcpy(name, bytes + 1, n);
	name[n] = '\0';
	const struct unpack_file file = {
		.name = name,
		.bytes = bytes + 1 + n,
		.size = size - 1 - n,
		.fd = -1,
	};
	unpack_kinds(name, file.bytes, file.size < UNPACK_FIRST_MIN ? file.size : UNPACK_FIRST_MIN);
	unpack_look(&file, &bounds, &sink, &result);
	if (result.kinds >> UNPACK_KINDS || result.limit >= UNPACK_LIMITS ||
	    result.found.words >> WORDS)
		abort();
	return 0;
}
