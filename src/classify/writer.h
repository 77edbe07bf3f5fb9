// A piece of flat memory that grows at its end: tables of an image are put there one by one.
#ifndef SEKISHO_CLASSIFY_WRITER_H
#define SEKISHO_CLASSIFY_WRITER_H

#include "classify/image.h"

struct writer {
	uint8_t *bytes; // aligned to a cache line
	size_t size, cap;
	bool full; // it would be larger than an image can be; nothing more is put
};

void writer_done(struct writer *writer);
// As it was when it had this size.
void writer_go_back(struct writer *writer, size_t size);
// Copies n entries of item bytes to the end, aligned to a cache line, with `slack` zeroed bytes
// behind them.
struct image_table writer_put(struct writer *writer, const void *items, size_t n, size_t item,
			      size_t slack);

#endif
