#include "mime/mime_block.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime/mime_decode.h"
#include "mime/mime_name.h"

enum {
	LINE_MAX_BYTES = 1100, // of a first or last line, and of uuencode; longer ones are none
	MADE = 1024,
};

enum state { OUTSIDE, UU, UU_BASE64, YENC };

struct mime_block {
	struct mime_context *context;
	struct mime_told *text, file;
	enum state state;
	char line[LINE_MAX_BYTES + 1];
	size_t n;      // bytes of line
	bool skip;     // the rest of this line is of no interest
	bool too_long; // line is not all of it
	bool begins;   // YENC: at the beginning of a line
	bool escaped;  // YENC: after "="
	bool control;  // YENC: a line "=y..." is in line
	bool sized;    // YENC: the size is known
	uint64_t size, made;
	struct mime_decoder decoder;
};

struct mime_block *mime_block_new(struct mime_context *context, struct mime_told *text)
{
	struct mime_block *block = mime_store_get(&context->store, sizeof(*block));
	if (!block)
		return NULL;
	block->context = context;
	block->text = text;
	return block;
}

static void tell(struct mime_block *block, const uint8_t *bytes, size_t n)
{
	block->made += n;
	if (n)
		mime_told_bytes(block->context, &block->file, MIME_FIRST, bytes, n);
}

static void doubt(struct mime_block *block)
{
	mime_told_doubt(block->context, &block->file,
			block->state == YENC ? MIME_YENC_SYNTAX : MIME_UU_SYNTAX);
}

// The encoding of the text says that it is the file: then it has the text's names, too.
static void inherit(struct mime_block *block, struct mime_names *names)
{
	const struct mime_part *text = &block->text->part;
	if (text->encoding != MIME_UUENCODE && text->encoding != MIME_YENC)
		return;
	for (uint32_t i = 0; i < text->n_names; i++)
		mime_name_add(names, (struct mime_span){ text->names[i], strlen(text->names[i]) },
			      false);
}

static void begin(struct mime_block *block, enum state state, struct mime_span name)
{
	struct mime_names names = { .store = &block->context->store };
	struct mime_part *part = &block->file.part;
	if (block->text->part.depth == MIME_DEPTH_MAX) {
		mime_told_doubt(block->context, block->text, MIME_TOO_DEEP);
		return;
	}
	memset(&block->file, 0, sizeof(block->file));
	name = mime_span_trim(name);
	if (name.n > 1 && name.v[0] == '"' && name.v[name.n - 1] == '"')
		name = (struct mime_span){ name.v + 1, name.n - 2 };
	mime_name_add(&names, name, false);
	inherit(block, &names);
	mime_name_settle(&names);
	part->depth = block->text->part.depth + 1;
	part->encoding = state == YENC ? MIME_YENC : MIME_UUENCODE;
	part->inline_block = true;
	strcpy(part->type, "application/octet-stream");
	memcpy(part->names, names.v, sizeof(part->names));
	part->n_names = names.n;
	if (!mime_told_begin(block->context, &block->file, block->text)) {
		mime_told_done(block->context, &block->file);
		return;
	}
	block->state = state;
	block->made = 0;
	block->decoder = (struct mime_decoder){ .encoding = MIME_BASE64, .parted = true };
	mime_told_doubts(block->context, &block->file, names.doubts);
}

static void finish(struct mime_block *block, bool sound)
{
	uint8_t made[MIME_DECODE_HELD + 8];
	uint32_t doubts = 0;
	if (block->state == UU_BASE64)
		tell(block, made, mime_decode_end(&block->decoder, made, &doubts));
	if (!sound || doubts)
		doubt(block);
	mime_told_end(block->context, &block->file);
	block->state = OUTSIDE;
}

// "begin 644 name", "begin-base64 644 name"; with two spaces and no mode, as some mail programs
// take it, *ret_odd.
static bool read_begin(struct mime_span line, bool *ret_base64, bool *ret_odd,
		       struct mime_span *ret_name)
{
	static const char plain[] = "begin ", base64[] = "begin-base64 ";
	size_t at, from;
	*ret_base64 = line.n > sizeof(base64) && memcmp(line.v, base64, sizeof(base64) - 1) == 0;
	if (!*ret_base64 &&
	    (line.n < sizeof(plain) || memcmp(line.v, plain, sizeof(plain) - 1) != 0))
		return false;
	at = from = *ret_base64 ? sizeof(base64) - 1 : sizeof(plain) - 1;
	*ret_odd = line.v[at] == ' ';
	while (at < line.n && line.v[at] == ' ')
		at++;
	size_t mode = at;
	while (at < line.n && line.v[at] >= '0' && line.v[at] <= '7')
		at++;
	bool moded = at - mode >= 3 && at - mode <= 6 && at < line.n && line.v[at] == ' ';
	if (!moded && !*ret_odd)
		return false;
	at = moded ? at + 1 : mode;
	*ret_odd = !moded;
	*ret_name = mime_span_trim((struct mime_span){ line.v + at, line.n - at });
	return ret_name->n;
}

static bool read_size(struct mime_span line, uint64_t *ret)
{
	const char *at = memmem(line.v, line.n, " size=", 6);
	if (!at || at[6] < '0' || at[6] > '9')
		return false;
	*ret = strtoull(at + 6, NULL, 10);
	return true;
}

static void begin_yenc(struct mime_block *block, struct mime_span line)
{
	const char *name = memmem(line.v, line.n, " name=", 6);
	struct mime_span of = { line.v, 0 };
	if (name)
		of = (struct mime_span){ name + 6, line.n - (size_t)(name + 6 - line.v) };
	begin(block, YENC, of);
	if (block->state != YENC)
		return;
	block->sized = read_size(line, &block->size);
	block->begins = true;
	block->escaped = block->control = false;
	if (!name || !block->sized)
		doubt(block);
	if (memmem(line.v, line.n, " part=", 6)) {
		mime_told_doubt(block->context, &block->file, MIME_PARTIAL);
		block->sized = false;
	}
}

static bool try_begin(struct mime_block *block, struct mime_span line)
{
	bool base64, odd;
	struct mime_span name;
	if (mime_span_begins(line, "=ybegin ")) {
		if (block->state != OUTSIDE)
			finish(block, false);
		begin_yenc(block, line);
		return true;
	}
	if (!read_begin(line, &base64, &odd, &name))
		return false;
	if (block->state != OUTSIDE)
		finish(block, false);
	begin(block, base64 ? UU_BASE64 : UU, name);
	if (odd && block->state != OUTSIDE)
		doubt(block);
	return true;
}

// A line of up to 63 bytes, after its length.  Spaces at its end may have been lost.
static void read_uu(struct mime_block *block, struct mime_span line)
{
	uint8_t made[66];
	size_t length = ((uint8_t)line.v[0] - ' ') & 63, groups = (length + 2) / 3, at = 0;
	bool sound = line.v[0] >= ' ' && line.v[0] <= '`' && line.n <= 1 + groups * 4 + 2;
	for (size_t i = 0; i < groups; i++) {
		uint32_t bits = 0;
		for (size_t k = 1 + i * 4; k < 5 + i * 4; k++) {
			uint8_t byte = k < line.n ? (uint8_t)line.v[k] : ' ';
			sound = sound && byte >= ' ' && byte <= '`';
			bits = bits << 6 | ((byte - ' ') & 63U);
		}
		made[at++] = (uint8_t)(bits >> 16);
		made[at++] = (uint8_t)(bits >> 8);
		made[at++] = (uint8_t)bits;
	}
	tell(block, made, length);
	if (!sound)
		doubt(block);
}

static void read_uu_base64(struct mime_block *block, struct mime_span line)
{
	uint8_t made[MADE];
	uint32_t doubts = 0;
	for (size_t at = 0; at < line.n;) {
		size_t used, n;
		mime_decode(&block->decoder, (const uint8_t *)line.v + at, line.n - at, &used, made,
			    sizeof(made), &n, &doubts);
		tell(block, made, n);
		at += used;
		if (doubts)
			doubt(block);
		doubts = 0;
	}
}

static void read_line(struct mime_block *block)
{
	struct mime_span line = { block->line, block->n };
	while (line.n && strchr("\r\n", line.v[line.n - 1]))
		line.n--;
	block->line[line.n] = '\0';
	if (block->too_long && block->state != OUTSIDE)
		doubt(block);
	if (block->too_long || try_begin(block, line) || block->state == OUTSIDE)
		return;
	if (block->state == UU && mime_span_is(mime_span_trim(line), "end"))
		finish(block, true);
	else if (block->state == UU_BASE64 && mime_span_begins(line, "===="))
		finish(block, true);
	else if (!line.n)
		doubt(block);
	else if (block->state == UU)
		read_uu(block, line);
	else
		read_uu_base64(block, line);
}

static void collect(struct mime_block *block, const uint8_t *bytes, size_t n)
{
	size_t room = LINE_MAX_BYTES - block->n;
	block->too_long = block->too_long || n > room;
	memcpy(block->line + block->n, bytes, n < room ? n : room);
	block->n += n < room ? n : room;
}

// One line or a piece of it; how much.
static size_t feed_line(struct mime_block *block, const uint8_t *bytes, size_t n)
{
	if (!block->n && !block->skip && block->state == OUTSIDE)
		block->skip = bytes[0] != 'b' && bytes[0] != '=';
	const uint8_t *end = memchr(bytes, '\n', n);
	size_t used = end ? (size_t)(end - bytes) + 1 : n;
	if (!block->skip)
		collect(block, bytes, used);
	if (!end)
		return used;
	if (!block->skip)
		read_line(block);
	block->n = 0;
	block->skip = block->too_long = false;
	return used;
}

static void end_control(struct mime_block *block)
{
	struct mime_span line = { block->line, block->n };
	uint64_t size;
	block->line[block->n] = '\0';
	block->control = false;
	block->begins = true;
	block->n = 0;
	if (mime_span_begins(line, "=ybegin "))
		try_begin(block, line);
	else if (mime_span_begins(line, "=yend"))
		finish(block, read_size(line, &size) && size == block->made &&
				      (!block->sized || size == block->size));
	else if (!mime_span_begins(line, "=ypart"))
		doubt(block);
}

// Bytes up to the end of a line "=y..."; how many.
static size_t feed_control(struct mime_block *block, const uint8_t *bytes, size_t n)
{
	const uint8_t *end = memchr(bytes, '\n', n);
	size_t used = end ? (size_t)(end - bytes) + 1 : n;
	collect(block, bytes, used);
	if (!end)
		return used;
	while (block->n && strchr("\r\n", block->line[block->n - 1]))
		block->n--;
	block->too_long = false;
	end_control(block);
	return used;
}

static size_t feed_yenc(struct mime_block *block, const uint8_t *bytes, size_t n)
{
	uint8_t made[MADE];
	size_t at = 0, n_made = 0;
	while (at < n && n_made < sizeof(made) && !block->control) {
		uint8_t byte = bytes[at++];
		bool first = block->begins;
		if (byte == '\r' || byte == '\n') {
			block->begins = byte == '\n';
			continue;
		}
		if (block->escaped && first && byte == 'y') {
			memcpy(block->line, "=y", 2);
			block->n = 2;
			block->control = true;
			block->escaped = false;
		} else if (block->escaped) {
			made[n_made++] = (uint8_t)(byte - 64 - 42);
			block->escaped = block->begins = false;
		} else if (byte == '=') {
			block->escaped = true;
		} else {
			made[n_made++] = (uint8_t)(byte - 42);
			block->begins = false;
		}
	}
	tell(block, made, n_made);
	return at;
}

void mime_block_feed(struct mime_block *block, const uint8_t *bytes, size_t n)
{
	block->context->store.work += n;
	for (size_t at = 0; at < n && !block->context->over;) {
		if (block->state != YENC)
			at += feed_line(block, bytes + at, n - at);
		else if (block->control)
			at += feed_control(block, bytes + at, n - at);
		else
			at += feed_yenc(block, bytes + at, n - at);
	}
}

void mime_block_end(struct mime_block *block)
{
	if (!block)
		return;
	if (block->state == YENC && block->control)
		end_control(block);
	else if (block->state != YENC && block->n)
		read_line(block);
	if (block->state != OUTSIDE)
		finish(block, false);
	mime_store_put(&block->context->store, block, sizeof(*block));
}
