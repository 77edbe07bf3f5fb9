#include "mime/mime_leaf.h"

#include <string.h>

enum { MADE = 4096 };

static bool is_decoded(enum mime_encoding encoding)
{
	return encoding == MIME_BASE64 || encoding == MIME_QUOTED_PRINTABLE;
}

// A file that programs open as a message, whatever its type says.
static bool is_named_message(const struct mime_part *part)
{
	static const char *const endings[] = { ".eml", ".mht", ".mhtml", ".nws" };
	for (uint32_t i = 0; i < part->n_names; i++) {
		const char *dot = strrchr(part->names[i], '.');
		for (size_t k = 0; dot && k < sizeof(endings) / sizeof(endings[0]); k++)
			if (strcasecmp(dot, endings[k]) == 0)
				return true;
	}
	return false;
}

static void part_readings(struct mime_leaf *leaf)
{
	leaf->parted = true;
	if (!leaf->message)
		mime_told_bytes(leaf->context, leaf->told, MIME_SECOND, (const uint8_t *)"", 0);
}

void mime_leaf_begin(struct mime_leaf *leaf, struct mime_context *context, struct mime_told *told,
		     enum mime_encoding other)
{
	enum mime_encoding encoding = told->part.encoding;
	bool file = encoding == MIME_UUENCODE || encoding == MIME_YENC;
	*leaf = (struct mime_leaf){ .context = context, .told = told };
	leaf->first.encoding = encoding;
	leaf->message = told->part.kind == MIME_MESSAGE;
	bool named = !leaf->message && is_named_message(&told->part);
	if (named && told->part.depth == MIME_DEPTH_MAX)
		mime_told_doubt(context, told, MIME_TOO_DEEP);
	if (leaf->message || (named && told->part.depth < MIME_DEPTH_MAX))
		leaf->inner = mime_nested_new(context, told);
	else if (file || strncmp(told->part.type, "text/", 5) == 0 ||
		 strncmp(told->part.type, "multipart/", 10) == 0)
		leaf->block = mime_block_new(context, told);
	if (encoding == other)
		return;
	leaf->first.parted = true;
	leaf->second = (struct mime_decoder){ .encoding = other, .parted = true };
	part_readings(leaf);
}

static void give(struct mime_leaf *leaf, enum mime_reading reading, const uint8_t *bytes, size_t n)
{
	if (!n)
		return;
	if (!leaf->message)
		mime_told_bytes(leaf->context, leaf->told, reading, bytes, n);
	if (leaf->inner && reading == MIME_FIRST)
		mime_nested_feed(leaf->inner, bytes, n);
	if (leaf->block && reading == MIME_FIRST)
		mime_block_feed(leaf->block, bytes, n);
}

// A second reading has no doubts of its own: that there is one is a doubt already.
static void tell_doubts(struct mime_leaf *leaf, enum mime_reading reading, uint32_t doubts)
{
	if (reading == MIME_FIRST)
		mime_told_doubts(leaf->context, leaf->told, doubts);
}

// All of bytes in one reading, or as far as the readings are one; how much.
static size_t run(struct mime_leaf *leaf, enum mime_reading reading, const uint8_t *bytes, size_t n)
{
	struct mime_decoder *decoder = reading == MIME_FIRST ? &leaf->first : &leaf->second;
	uint8_t made[MADE];
	size_t at = 0;
	if (!is_decoded(decoder->encoding)) {
		give(leaf, reading, bytes, n);
		return n;
	}
	while (at < n && !leaf->context->store.failed && !leaf->context->over) {
		uint32_t doubts = leaf->told->doubts;
		size_t used, n_made;
		enum mime_decoded decoded = mime_decode(decoder, bytes + at, n - at, &used, made,
							sizeof(made), &n_made, &doubts);
		give(leaf, reading, made, n_made);
		tell_doubts(leaf, reading, doubts);
		at += used;
		if (decoded == MIME_DECODED_PART)
			return at;
	}
	return n;
}

void mime_leaf_feed(struct mime_leaf *leaf, const uint8_t *bytes, size_t n)
{
	leaf->context->store.work += n;
	if (!leaf->parted) {
		size_t used = run(leaf, MIME_FIRST, bytes, n);
		if (used == n)
			return;
		leaf->first.parted = true;
		leaf->second = leaf->first;
		leaf->second.second = true;
		part_readings(leaf);
		bytes += used;
		n -= used;
	}
	run(leaf, MIME_FIRST, bytes, n);
	run(leaf, MIME_SECOND, bytes, n);
}

static void end_reading(struct mime_leaf *leaf, enum mime_reading reading)
{
	struct mime_decoder *decoder = reading == MIME_FIRST ? &leaf->first : &leaf->second;
	uint8_t made[MIME_DECODE_HELD + 8];
	uint32_t doubts = 0;
	if (!is_decoded(decoder->encoding))
		return;
	give(leaf, reading, made, mime_decode_end(decoder, made, &doubts));
	tell_doubts(leaf, reading, doubts);
}

void mime_leaf_end(struct mime_leaf *leaf)
{
	if (!leaf->told)
		return;
	end_reading(leaf, MIME_FIRST);
	if (leaf->parted)
		end_reading(leaf, MIME_SECOND);
	mime_block_end(leaf->block);
	mime_nested_end(leaf->inner);
	*leaf = (struct mime_leaf){ 0 };
}
