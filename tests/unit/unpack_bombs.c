// What is made to cost its reader more than its sender: each ends by the bound it should end by,
// with no more work than the bounds allow.  Work is counted, not timed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unpack/unpack.h"
#include "unpack_file.h"

enum { MIB = 1 << 20 };

struct row {
	const char *title, *file;
	struct unpack_bounds bounds;
	enum unpack_limit limit;
	uint32_t entries; // that are told at most
	uint64_t bytes;	  // of them together, at most
	uint32_t kinds;	  // that the file must have
};

#define BOUNDS(d, e, o, ea, m, r)                                                                  \
	{                                                                                          \
		d, e, o, ea, m, r, false                                                           \
	}

static const struct row rows[] = {
	{ "one entry of 8 MiB, of 4 allowed", "bomb.zip",
	  BOUNDS(4, 100, 64 * MIB, 4 * MIB, 64 * MIB, 0), UNPACK_OUTPUT, 1, 4 * MIB,
	  UNPACK_ARCHIVE },
	{ "of 4 in all", "bomb.zip", BOUNDS(4, 100, 4 * MIB, 64 * MIB, 64 * MIB, 0), UNPACK_OUTPUT,
	  1, 4 * MIB, UNPACK_ARCHIVE },
	{ "exactly what is allowed", "bomb.zip", BOUNDS(4, 100, 8 * MIB, 8 * MIB, 64 * MIB, 0),
	  UNPACK_WHOLE, 1, 8 * MIB, UNPACK_ARCHIVE },
	{ "one byte less", "bomb.zip", BOUNDS(4, 100, 8 * MIB - 1, 8 * MIB, 64 * MIB, 0),
	  UNPACK_OUTPUT, 1, 8 * MIB - 1, UNPACK_ARCHIVE },
	{ "a thousand times its size, of 100 allowed", "bomb.zip",
	  BOUNDS(4, 100, 64 * MIB, 64 * MIB, 64 * MIB, 100), UNPACK_OUTPUT, 1,
	  UNPACK_RATIO_FREE + 100 * 8300, UNPACK_ARCHIVE },
	{ "more than may be held", "bomb.zip", BOUNDS(4, 100, 64 * MIB, 64 * MIB, 1 * MIB, 0),
	  UNPACK_MEMORY, 1, 8 * MIB, UNPACK_ARCHIVE },
	{ "a tree of 512 MiB, of 16 allowed", "bomb-tree.zip",
	  BOUNDS(8, 1000, 16 * MIB, 16 * MIB, 64 * MIB, 0), UNPACK_OUTPUT, 60, 17 * MIB,
	  UNPACK_ARCHIVE },
	{ "a tree of 1,096 entries, of 100 allowed", "bomb-tree.zip",
	  BOUNDS(8, 100, 1024L * MIB, 16 * MIB, 64 * MIB, 0), UNPACK_ENTRIES, 100, 100 * MIB,
	  UNPACK_ARCHIVE },
	{ "a tree, of its first two levels", "bomb-tree.zip",
	  BOUNDS(2, 1000, 64 * MIB, 16 * MIB, 64 * MIB, 0), UNPACK_DEPTH, 72, 1 * MIB,
	  UNPACK_ARCHIVE },
	{ "entries that are all the same bytes", "overlap-same.zip",
	  BOUNDS(4, 1000, 64 * MIB, 64 * MIB, 64 * MIB, 0), UNPACK_DAMAGED, 21, 3 * MIB,
	  UNPACK_ARCHIVE | UNPACK_AMBIGUOUS },
	{ "entries that quote one another", "overlap-quoted.zip",
	  BOUNDS(4, 1000, 64 * MIB, 64 * MIB, 64 * MIB, 0), UNPACK_DAMAGED, 62, 8 * MIB,
	  UNPACK_ARCHIVE | UNPACK_AMBIGUOUS },
	{ "41 deep, of any depth allowed", "nested40.zip",
	  BOUNDS(1000, 1000, 64 * MIB, 64 * MIB, 64 * MIB, 0), UNPACK_DEPTH, UNPACK_DEPTH_MAX,
	  1 * MIB, UNPACK_ARCHIVE },
	{ "60 entries, of 60 allowed", "many.zip", BOUNDS(4, 60, 64 * MIB, 64 * MIB, 64 * MIB, 0),
	  UNPACK_WHOLE, 60, 0, UNPACK_ARCHIVE },
	{ "60 entries, of 59 allowed", "many.zip", BOUNDS(4, 59, 64 * MIB, 64 * MIB, 64 * MIB, 0),
	  UNPACK_ENTRIES, 59, 0, UNPACK_ARCHIVE },
	{ "a ZIP that holds itself, as deep as allowed", "quine.zip",
	  BOUNDS(1000, 1000, 64 * MIB, 64 * MIB, 64 * MIB, 0), UNPACK_DEPTH, UNPACK_DEPTH_MAX,
	  UNPACK_DEPTH_MAX * 440, UNPACK_ARCHIVE },
	{ "30 folders, of 30 allowed", "folders.zip",
	  BOUNDS(4, 30, 64 * MIB, 64 * MIB, 64 * MIB, 0), UNPACK_WHOLE, 0, 0, UNPACK_ARCHIVE },
	{ "30 folders, of 20 allowed", "folders.zip",
	  BOUNDS(4, 20, 64 * MIB, 64 * MIB, 64 * MIB, 0), UNPACK_ENTRIES, 0, 0, UNPACK_ARCHIVE },
	{ "nothing allowed", "plain.zip", BOUNDS(1, 0, 0, 0, 0, 0), UNPACK_ENTRIES, 0, 0,
	  UNPACK_ARCHIVE },
	{ "no depth", "plain.zip", BOUNDS(0, 9, 9, 9, 9, 0), UNPACK_DEPTH, 0, 0, UNPACK_ARCHIVE },
	{ "zeros that are named an archive", "kakera.tar.gz",
	  BOUNDS(4, 9, 64 * MIB, 64 * MIB, 64 * MIB, 0), UNPACK_UNKNOWN, 1, 3 * MIB,
	  UNPACK_ARCHIVE },
	{ "a chain of sectors that turns back", "loop.doc",
	  BOUNDS(4, 9, 64 * MIB, 64 * MIB, 64 * MIB, 0), UNPACK_DAMAGED, 0, 0, UNPACK_OFFICE },
};

struct sum {
	uint32_t entries;
	uint64_t bytes;
};

static void add(void *arg, const struct unpack_entry *entry)
{
	struct sum *sum = arg;
	sum->entries++;
	if (entry->limit != UNPACK_DAMAGED)
		sum->bytes += entry->size;
}

static void check_row(void **state)
{
	const struct row *row = *state;
	struct unpack_file file = { .name = row->file };
	struct sum sum = { 0 };
	const struct unpack_sink sink = { .entry = add, .arg = &sum };
	struct unpack_result result;
	uint8_t *bytes = read_file(row->file, &file.size);
	file.bytes = bytes;
	unpack_look(&file, &row->bounds, &sink, &result);
	free(bytes);
	if (result.limit != row->limit || sum.entries > row->entries || sum.bytes > row->bytes ||
	    (result.kinds & row->kinds) != row->kinds)
		fail_msg("%s: limit %s, %u entries, %llu bytes, kinds %x", row->title,
			 unpack_limit_names[result.limit], sum.entries,
			 (unsigned long long)sum.bytes, result.kinds);
}

// Streams that each hold all that follow, and give next to nothing: deflated blocks of no bytes,
// and between them blocks whose bytes begin the next stream.
static uint8_t *quiet_streams(size_t *ret_n)
{
	enum { STREAMS = 200, EMPTY = 2000 };
	static const char head[] = "%PDF-1.7\n/ObjStm\nstream\n\x78\x01";
	static const char block[] = "\0\x12\0\xed\xff/ObjStm \nstream\n\x78\x01";
	uint8_t *bytes = malloc(sizeof(head) + STREAMS * (sizeof(block) + EMPTY * 5)), *at = bytes;
	memcpy(at, head, sizeof(head) - 1);
	at += sizeof(head) - 1;
	for (int i = 0; i < STREAMS; i++) {
		for (int j = 0; j < EMPTY; j++, at += 5)
			memcpy(at, "\0\0\0\xff\xff", 5);
		memcpy(at, block, sizeof(block) - 1);
		at += sizeof(block) - 1;
	}
	*ret_n = (size_t)(at - bytes);
	return bytes;
}

static void much_for_nothing(void **state)
{
	const struct unpack_bounds bounds = BOUNDS(4, 100, MIB, MIB, MIB, 0);
	struct unpack_file file = { .name = "a.pdf" };
	const struct unpack_sink sink = { 0 };
	struct unpack_result result;
	uint8_t *bytes = quiet_streams(&file.size);
	(void)state;
	file.bytes = bytes;
	unpack_look(&file, &bounds, &sink, &result);
	assert_int_equal(result.kinds, UNPACK_PDF);
	assert_int_equal(result.limit, UNPACK_TIME);
	free(bytes);
}

enum { N = sizeof(rows) / sizeof(rows[0]) };

int main(void)
{
	struct CMUnitTest tests[N + 1];
	for (size_t i = 0; i < N; i++)
		tests[i] = (struct CMUnitTest){ rows[i].title, check_row, NULL, NULL,
						(void *)&rows[i] };
	tests[N] = (struct CMUnitTest)cmocka_unit_test(much_for_nothing);
	return _cmocka_run_group_tests("unpack_bombs", tests, N + 1, NULL, NULL);
}
