#include "classify/writer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE = 64, HUGE_PAGE = 2 << 20 };
#define WRITER_MAX ((size_t)UINT32_MAX - 2 * LINE)

void writer_done(struct writer *writer)
{
	free(writer->bytes);
	*writer = (struct writer){ 0 };
}

void writer_go_back(struct writer *writer, size_t size)
{
	memset(writer->bytes + size, 0, writer->size - size);
	writer->size = size;
	writer->full = false;
}

static void grow(struct writer *writer, size_t want)
{
	size_t cap = writer->cap ? writer->cap : 4096;

	while (cap < want)
		cap *= 2;
	if (cap == writer->cap)
		return;
	size_t page = cap >= HUGE_PAGE ? HUGE_PAGE : LINE;
	uint8_t *bytes = aligned_alloc(page, cap);

	if (!bytes)
		abort();
	if (page == HUGE_PAGE) // fewer misses of the TLB; where there are none, so be it
		(void)madvise(bytes, cap, MADV_HUGEPAGE);
	if (writer->size)
		memcpy(bytes, writer->bytes, writer->size);
	memset(bytes + writer->size, 0, cap - writer->size);
	free(writer->bytes);
	writer->bytes = bytes;
	writer->cap = cap;
}

struct image_table writer_put(struct writer *writer, const void *items, size_t n, size_t item,
			      size_t slack)
{
	size_t at = (writer->size + LINE - 1) / LINE * LINE;

	if (writer->full || n > UINT32_MAX || at + n * item + slack > WRITER_MAX) {
		writer->full = true;
		return (struct image_table){ 0 };
	}
	grow(writer, at + n * item + slack);
	if (n)
		memcpy(writer->bytes + at, items, n * item);
	writer->size = at + n * item + slack;
	return (struct image_table){ (uint32_t)at, (uint32_t)n };
}
