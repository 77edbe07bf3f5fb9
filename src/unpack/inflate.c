// Piece by piece, so that nothing of a bomb is held but what the item keeps, and so that a stream
// which gives nothing for much is noticed.
#include "unpack/inflate.h"

#include <zlib.h>

enum { PIECE = 32768 };

// The next piece of input; false: there is none, or all that is read was too much.
static bool feed(struct item *item, z_stream *stream, const uint8_t *end)
{
	size_t left = (size_t)(end - stream->next_in);
	struct look *look = item->look;
	stream->avail_in = left < PIECE ? (unsigned)left : PIECE;
	if (stream->avail_in > look->input_max - look->input) {
		look_stop(item, UNPACK_TIME);
		return false;
	}
	look->input += stream->avail_in;
	return stream->avail_in > 0;
}

size_t inflate_item(struct item *item, enum inflate_form form, const uint8_t *bytes, size_t n)
{
	uint8_t out[PIECE];
	z_stream stream = { .next_in = (uint8_t *)bytes };
	int r = Z_OK;
	if (inflateInit2(&stream, form == INFLATE_RAW ? -MAX_WBITS : MAX_WBITS) != Z_OK) {
		item_limit(item, UNPACK_MEMORY);
		return 0;
	}
	while (r == Z_OK || r == Z_BUF_ERROR) {
		if (!stream.avail_in && r == Z_BUF_ERROR && !feed(item, &stream, bytes + n))
			break;
		stream.next_out = out;
		stream.avail_out = PIECE;
		r = inflate(&stream, Z_NO_FLUSH);
		if (!item_add(item, out, PIECE - stream.avail_out))
			break;
		if (r == Z_OK && !stream.avail_in && stream.avail_out)
			r = Z_BUF_ERROR; // it gave all it can
	}
	if (r != Z_OK && r != Z_STREAM_END)
		item_limit(item, UNPACK_DAMAGED);
	inflateEnd(&stream);
	return (size_t)(stream.next_in - bytes);
}
