#include "mime/mime_told.h"

#include <string.h>

#include "mime/mime_charset.h"
#include "mime/mime_header.h"
#include "mime/mime_name.h"
#include "mime/mime_word.h"

const char *const mime_doubt_names[MIME_DOUBTS] = {
	[MIME_TOO_DEEP] = "too-deep",
	[MIME_TOO_MANY] = "too-many",
	[MIME_TOO_LONG] = "too-long",
	[MIME_FIELD_TWICE] = "field-twice",
	[MIME_FIELD_SYNTAX] = "field-syntax",
	[MIME_HEADER_END] = "header-end",
	[MIME_TYPE_SYNTAX] = "type-syntax",
	[MIME_BOUNDARY] = "boundary",
	[MIME_UNCLOSED] = "unclosed",
	[MIME_OVERLAP] = "overlap",
	[MIME_ENCODING] = "encoding",
	[MIME_BASE64_SYNTAX] = "base64-syntax",
	[MIME_QP_SYNTAX] = "quoted-printable-syntax",
	[MIME_UU_SYNTAX] = "uuencode-syntax",
	[MIME_YENC_SYNTAX] = "yenc-syntax",
	[MIME_NAME] = "name",
	[MIME_CHARSET] = "charset",
	[MIME_PARTIAL] = "partial",
};

bool mime_told_begin(struct mime_context *context, struct mime_told *told, struct mime_told *parent)
{
	if (context->n_parts == MIME_PARTS_MAX) {
		mime_told_doubt(context, parent, MIME_TOO_MANY);
		context->over = true;
		return false;
	}
	told->part.number = context->n_parts++;
	told->part.parent = parent ? parent->part.number : 0;
	if (!context->store.failed)
		context->sink.begin(context->sink.arg, &told->part);
	return true;
}

void mime_told_bytes(struct mime_context *context, const struct mime_told *told,
		     enum mime_reading reading, const uint8_t *bytes, size_t n)
{
	if (!context->store.failed)
		context->sink.bytes(context->sink.arg, &told->part, reading, bytes, n);
}

void mime_told_doubt(struct mime_context *context, struct mime_told *told, enum mime_doubt doubt)
{
	if (told->doubts & 1U << doubt || context->store.failed)
		return;
	told->doubts |= 1U << doubt;
	context->sink.doubt(context->sink.arg, &told->part, doubt);
}

void mime_told_doubts(struct mime_context *context, struct mime_told *told, uint32_t doubts)
{
	for (enum mime_doubt doubt = 0; doubt < MIME_DOUBTS; doubt++)
		if (doubts & 1U << doubt)
			mime_told_doubt(context, told, doubt);
}

static bool is_plain(struct mime_span span)
{
	for (size_t i = 0; i < span.n; i++)
		if ((uint8_t)span.v[i] >= 0x7f || span.v[i] == 0x1b ||
		    (span.v[i] == '=' && i + 1 < span.n && span.v[i + 1] == '?'))
			return false;
	return true;
}

// A string that ends where the text does: NULs are not of it any more.
static const char *show(struct mime_span raw, struct mime_text *text)
{
	text->n = 0;
	if (is_plain(raw))
		return raw.v;
	if (memmem(raw.v, raw.n, "=?", 2)) {
		mime_word_read(raw, text);
	} else { // raw, as old clients of Japan write it
		const struct mime_charset *sets[MIME_GUESSES];
		bool sure;
		mime_charset_guess(text->store, raw, sets, &sure);
		mime_charset_read(sets[0], raw, text);
	}
	for (size_t i = 0; i < text->n; i++)
		if (!text->v[i])
			text->v[i] = ' ';
	return mime_text_string(text);
}

void mime_told_fields(struct mime_context *context, struct mime_told *told, struct mime_span header)
{
	struct mime_text raw = { .store = &context->store }, shown = { .store = &context->store };
	struct mime_text name = { .store = &context->store };
	struct mime_field field;
	uint32_t doubts = 0;
	size_t at = 0;
	while (mime_header_next(header, &at, &field, &doubts)) {
		struct mime_span value = mime_header_unfold(field.folded, false, &raw, &doubts);
		if (raw.v)
			raw.v[(size_t)(value.v - raw.v) + value.n] = '\0';
		name.n = 0;
		mime_text_add(&name, field.name.v, field.name.n);
		const char *as_shown = show(value, &shown);
		if (!context->store.failed && context->sink.field)
			context->sink.field(context->sink.arg, &told->part, mime_text_string(&name),
					    value.v, as_shown);
	}
	mime_told_doubts(context, told, doubts);
	mime_text_done(&raw);
	mime_text_done(&shown);
	mime_text_done(&name);
}

void mime_told_done(struct mime_context *context, struct mime_told *told)
{
	mime_name_done(&context->store, told->part.names, told->part.n_names);
	told->part.n_names = 0;
}

void mime_told_end(struct mime_context *context, struct mime_told *told)
{
	if (!context->store.failed)
		context->sink.end(context->sink.arg, &told->part);
	mime_told_done(context, told);
}
