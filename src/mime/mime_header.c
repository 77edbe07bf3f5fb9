#include "mime/mime_header.h"

#include <string.h>

#include "mime/mime.h"

static bool is_fold(struct mime_span header, size_t at)
{
	return at < header.n && (header.v[at] == ' ' || header.v[at] == '\t');
}

// Past the line end, or the end of all.
static size_t line_end(struct mime_span header, size_t at)
{
	const char *end = at < header.n ? memchr(header.v + at, '\n', header.n - at) : NULL;
	return end ? (size_t)(end - header.v) + 1 : header.n;
}

static size_t field_end(struct mime_span header, size_t at, uint32_t *doubts)
{
	at = line_end(header, at);
	while (is_fold(header, at)) {
		size_t end = line_end(header, at);
		if (!mime_span_trim((struct mime_span){ header.v + at, end - at }).n)
			*doubts |= 1U << MIME_FIELD_SYNTAX; // some take it for the header's end
		at = end;
	}
	return at;
}

static bool is_name(struct mime_span name)
{
	for (size_t i = 0; i < name.n; i++)
		if ((uint8_t)name.v[i] <= ' ' || (uint8_t)name.v[i] >= 0x7f)
			return false;
	return name.n;
}

bool mime_header_next(struct mime_span header, size_t *at, struct mime_field *ret, uint32_t *doubts)
{
	while (*at < header.n) {
		size_t from = *at, end = line_end(header, from);
		bool fold = is_fold(header, from);
		const char *colon = fold ? NULL : memchr(header.v + from, ':', end - from);
		struct mime_span line = { header.v + from, end - from };
		*at = field_end(header, from, doubts);
		if (!from && (mime_span_begins(line, "from ") || mime_span_begins(line, ">from ")))
			continue;
		struct mime_span name = { line.v, colon ? (size_t)(colon - line.v) : 0 };
		struct mime_span bare = mime_span_trim(name);
		if (bare.n != name.n || !is_name(bare))
			*doubts |= 1U << MIME_FIELD_SYNTAX;
		if (!bare.n)
			continue;
		ret->name = bare;
		ret->folded = (struct mime_span){ colon + 1, *at - from - name.n - 1 };
		return true;
	}
	return false;
}

// The first line that some take for the header's end, or the end of all.
static size_t early_end(struct mime_span header)
{
	size_t at = 0;
	for (size_t end; at < header.n; at = end) {
		end = line_end(header, at);
		struct mime_span line = { header.v + at, end - at };
		if (!mime_span_trim(line).n)
			break;
		if (is_fold(header, at) || memchr(line.v, ':', line.n))
			continue;
		if (at || !(mime_span_begins(line, "from ") || mime_span_begins(line, ">from ")))
			break;
	}
	return at;
}

static bool says_encoded(struct mime_span header)
{
	static const char *const words[] = { "base64", "quoted-printable", "uue" };
	for (size_t at = 0; at < header.n; at++)
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (mime_span_begins((struct mime_span){ header.v + at, header.n - at },
					     words[i]))
				return true;
	return false;
}

static bool has_beginning(struct mime_span header, size_t at)
{
	static const char *const beginnings[] = { "--", "begin ", "begin-base64 ", "=ybegin " };
	for (; at < header.n; at = line_end(header, at))
		for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
			if (mime_span_begins((struct mime_span){ header.v + at, header.n - at },
					     beginnings[i]))
				return true;
	return false;
}

bool mime_header_ends_early(struct mime_span header)
{
	size_t at = early_end(header);
	return at < header.n &&
	       (says_encoded((struct mime_span){ header.v, at }) || has_beginning(header, at));
}

// NULs are not of the text, and for some nothing goes beyond them; nor are CRs, which end no line
// here.
static void clear_bytes(struct mime_text *text, uint32_t *doubts)
{
	static const char wrong[] = { '\0', '\r' };
	for (size_t i = 0; i < sizeof(wrong) && text->v; i++)
		for (char *at = text->v;
		     (at = memchr(at, wrong[i], text->n - (size_t)(at - text->v)));) {
			*at++ = ' ';
			*doubts |= 1U << (wrong[i] ? MIME_FIELD_SYNTAX : MIME_HEADER_END);
		}
	if (text->v)
		text->v[text->n] = '\0';
}

struct mime_span mime_header_unfold(struct mime_span folded, bool tight, struct mime_text *text,
				    uint32_t *doubts)
{
	folded = mime_span_trim(folded);
	text->n = 0;
	text->store->work += folded.n;
	for (size_t at = 0; at < folded.n && text->n < MIME_FIELD_MAX;) {
		const char *line = folded.v + at;
		size_t end = line_end(folded, at), n = end - at;
		at = end;
		while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			n--;
		for (; tight && text->n && n && (line[0] == ' ' || line[0] == '\t'); line++)
			n--;
		mime_text_add(text, line, n);
	}
	if (text->n > MIME_FIELD_MAX)
		text->n = MIME_FIELD_MAX;
	if (folded.n > MIME_FIELD_MAX && text->n == MIME_FIELD_MAX)
		*doubts |= 1U << MIME_TOO_LONG;
	clear_bytes(text, doubts);
	return mime_span_trim((struct mime_span){ mime_text_string(text), text->n });
}
