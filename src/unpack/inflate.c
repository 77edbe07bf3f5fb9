// Piece by piece, so that nothing of a bomb is held but what the item keeps.
#include "unpack/inflate.h"

#include <limits.h>
#include <zlib.h>

enum { PIECE = 32768 };

size_t inflate_item(struct item *item, enum inflate_form form, const uint8_t *bytes, size_t n)
{
	uint8_t out[PIECE];
	z_stream stream = {
		.next_in = (uint8_t *)bytes,
		.avail_in = n < UINT_MAX ? (unsigned)n : UINT_MAX,
	};
	int r = Z_OK;
	if (inflateInit2(&stream, form == INFLATE_RAW ? -MAX_WBITS : MAX_WBITS) != Z_OK) {
		item_limit(item, UNPACK_MEMORY);
		return 0;
	}
	while (r == Z_OK) {
		stream.next_out = out;
		stream.avail_out = PIECE;
		r = inflate(&stream, Z_NO_FLUSH);
		if (!item_add(item, out, PIECE - stream.avail_out))
			break;
		if (r != Z_OK && r != Z_STREAM_END)
			item_limit(item, UNPACK_DAMAGED);
	}
	inflateEnd(&stream);
	return (size_t)(stream.next_in - bytes);
}
