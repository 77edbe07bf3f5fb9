#include "mime/mime_text.h"

#include <stdlib.h>
#include <string.h>

// A header that is as long as it may be takes its length, not twice that.
enum { STEP_MAX = 32 * 1024 };

static bool has_room(const struct mime_store *store, size_t n)
{
	size_t most = store->most ? store->most : MIME_STORE_MAX;
	return !store->failed && store->used <= most && n <= most - store->used;
}

void *mime_store_get(struct mime_store *store, size_t n)
{
	void *v = has_room(store, n) ? calloc(1, n) : NULL;
	if (!v) {
		store->failed = true;
		return NULL;
	}
	store->used += n;
	return v;
}

void mime_store_put(struct mime_store *store, void *v, size_t n)
{
	if (!v)
		return;
	store->used -= n;
	free(v);
}

static bool grow(struct mime_text *text, size_t more)
{
	size_t cap = text->cap ? text->cap : 64;
	char *v;
	while (cap < text->n + more + 1)
		cap += cap < STEP_MAX ? cap : STEP_MAX;
	if (cap == text->cap)
		return true;
	v = has_room(text->store, cap - text->cap) ? realloc(text->v, cap) : NULL;
	if (!v) {
		text->store->failed = true;
		return false;
	}
	text->store->used += cap - text->cap;
	text->v = v;
	text->cap = cap;
	return true;
}

bool mime_text_add(struct mime_text *text, const void *bytes, size_t n)
{
	if (!grow(text, n))
		return false;
	if (n)
		memcpy(text->v + text->n, bytes, n);
	text->n += n;
	text->v[text->n] = '\0';
	return true;
}

bool mime_text_byte(struct mime_text *text, uint8_t byte)
{
	if (text->n + 1 >= text->cap && !grow(text, 1))
		return false;
	text->v[text->n++] = (char)byte;
	text->v[text->n] = '\0';
	return true;
}

bool mime_text_char(struct mime_text *text, uint32_t c)
{
	if (c < 0x80)
		return mime_text_byte(text, (uint8_t)c);
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	if (text->n + n >= text->cap && !grow(text, n))
		return false;
	char *utf8 = text->v + text->n;
	for (size_t i = n; i-- > 1; c >>= 6)
		utf8[i] = (char)(0x80 | (c & 0x3f));
	utf8[0] = (char)(lead[n] | c);
	text->n += n;
	text->v[text->n] = '\0';
	return true;
}

void mime_text_done(struct mime_text *text)
{
	mime_store_put(text->store, text->v, text->cap);
	text->v = NULL;
	text->n = text->cap = 0;
}

const char *mime_text_string(const struct mime_text *text)
{
	return text->v ? text->v : "";
}

bool mime_is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

uint8_t mime_lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;
}

struct mime_span mime_span_trim(struct mime_span span)
{
	while (span.n && mime_is_space((uint8_t)span.v[0])) {
		span.v++;
		span.n--;
	}
	while (span.n && mime_is_space((uint8_t)span.v[span.n - 1]))
		span.n--;
	return span;
}

bool mime_span_begins(struct mime_span span, const char *word)
{
	size_t i = 0, n = strlen(word);
	while (i < n && i < span.n && mime_lower((uint8_t)span.v[i]) == (uint8_t)word[i])
		i++;
	return i == n;
}

bool mime_span_is(struct mime_span span, const char *word)
{
	return span.n == strlen(word) && mime_span_begins(span, word);
}

bool mime_span_equal(struct mime_span a, struct mime_span b)
{
	return a.n == b.n && (!a.n || memcmp(a.v, b.v, a.n) == 0);
}
