#include "mime/mime_name.h"

#include <string.h>

#include "mime/mime_charset.h"
#include "mime/mime_section.h"
#include "mime/mime_word.h"

enum { TAIL = 128 }; // of a long name, for its end says what it is

static void doubt(struct mime_names *names, enum mime_doubt doubt)
{
	names->doubts |= 1U << doubt;
}

// The middle is left out.
static void shorten(struct mime_text *name)
{
	static const char gap[] = "\xe2\x80\xa6";
	size_t head = MIME_NAME_MAX - 1 - TAIL - strlen(gap), tail = name->n - TAIL;
	while (head && ((uint8_t)name->v[head] & 0xc0) == 0x80)
		head--;
	while (tail < name->n && ((uint8_t)name->v[tail] & 0xc0) == 0x80)
		tail++;
	memcpy(name->v + head, gap, strlen(gap));
	memmove(name->v + head + strlen(gap), name->v + tail, name->n - tail);
	name->n = head + strlen(gap) + (name->n - tail);
}

static void keep(struct mime_names *names, struct mime_text *name, bool literal)
{
	if (!name->n || name->store->failed)
		return;
	if (name->n >= MIME_NAME_MAX) {
		shorten(name);
		doubt(names, MIME_NAME);
	}
	for (uint32_t i = 0; i < names->n; i++)
		if (strlen(names->v[i]) == name->n && memcmp(names->v[i], name->v, name->n) == 0)
			return;
	if (names->n == MIME_NAMES_MAX) {
		if (!literal)
			doubt(names, MIME_NAME);
		return;
	}
	char *copy = mime_store_get(names->store, name->n + 1);
	if (!copy)
		return;
	memcpy(copy, name->v, name->n);
	names->literal |= literal ? 1U << names->n : 0;
	names->v[names->n++] = copy;
}

// Without control characters, which clients drop or do not show; up to the first NUL if cut.
static void add_clean(struct mime_names *names, const struct mime_text *shown, bool cut,
		      bool literal)
{
	struct mime_text clean = { .store = names->store };
	for (size_t i = 0; i < shown->n; i++) {
		uint8_t byte = (uint8_t)shown->v[i];
		if (cut && !byte)
			break;
		if (mime_is_space(byte) && byte != '\n' && byte != '\r')
			byte = ' ';
		if (byte == ' ' && !clean.n)
			continue;
		if (byte >= ' ' && byte != 0x7f)
			mime_text_byte(&clean, byte);
		else
			doubt(names, MIME_NAME);
	}
	size_t whole = clean.n;
	while (clean.n && strchr(" .", clean.v[clean.n - 1])) // as Windows does when it saves
		clean.n--;
	size_t trimmed = clean.n;
	if (trimmed)
		keep(names, &clean, literal);
	clean.n = whole;
	if (whole > trimmed && whole < MIME_NAME_MAX)
		keep(names, &clean, true);
	mime_text_done(&clean);
}

static void add_shown(struct mime_names *names, const struct mime_text *shown, bool literal)
{
	names->store->work += shown->n;
	if (shown->n && memchr(shown->v, '\0', shown->n))
		add_clean(names, shown, true, literal);
	add_clean(names, shown, false, literal);
}

static void add_bytes(struct mime_names *names, struct mime_span bytes, struct mime_span charset,
		      bool literal)
{
	const struct mime_charset *sets[MIME_GUESSES];
	size_t n = 1;
	bool sure = true;
	sets[0] = charset.n ? mime_charset_find(charset) : NULL;
	if (!sets[0]) {
		n = mime_charset_guess(names->store, bytes, sets, &sure);
		sure = sure && (!charset.n || mime_span_is(charset, "us-ascii"));
	}
	for (size_t i = 0; i < n; i++) {
		struct mime_text shown = { .store = names->store };
		sure = mime_charset_read(sets[i], bytes, &shown) && sure;
		add_shown(names, &shown, literal);
		mime_text_done(&shown);
	}
	if (!sure && !literal)
		doubt(names, MIME_CHARSET);
	// Without a mark at its beginning, either end may come first.
	if (mime_span_is(charset, "utf-16")) {
		struct mime_text shown = { .store = names->store };
		mime_charset_read(mime_charset_find(MIME_SPAN("utf-16le")), bytes, &shown);
		add_shown(names, &shown, literal);
		mime_text_done(&shown);
	}
}

static bool has(struct mime_span value, const char *bytes)
{
	return value.n && memmem(value.v, value.n, bytes, strlen(bytes));
}

void mime_name_add(struct mime_names *names, struct mime_span value, bool literal)
{
	struct mime_text shown = { .store = names->store };
	struct mime_words words = { 0 };
	if (has(value, "=?"))
		words = mime_word_read(value, &shown);
	if (words.found && !literal) {
		if (words.unknown)
			doubt(names, MIME_CHARSET);
		add_shown(names, &shown, false);
	}
	mime_text_done(&shown);
	if (words.found == literal)
		add_bytes(names, value, (struct mime_span){ 0 }, literal);
	if (literal && has(value, "%")) {
		struct mime_joined joined = { .bytes = { .store = names->store } };
		mime_section_percent(value, false, &joined);
		add_bytes(names,
			  (struct mime_span){ mime_text_string(&joined.bytes), joined.bytes.n },
			  joined.charset, true);
		mime_text_done(&joined.bytes);
	}
}

static void add_joined(struct mime_names *names, const struct mime_joined *joined)
{
	struct mime_span bytes = { mime_text_string(&joined->bytes), joined->bytes.n };
	if (has(bytes, "=?") || !joined->encoded)
		mime_name_add(names, bytes, false);
	if (joined->encoded)
		add_bytes(names, bytes, joined->charset, false);
}

static void add_encoded(struct mime_names *names, const struct mime_params *params,
			const struct mime_param *param)
{
	for (uint32_t i = 0; i < param->n_values; i++) {
		struct mime_joined joined = { .bytes = { .store = names->store } };
		mime_section_percent(mime_param_value(params, param, i), true, &joined);
		add_joined(names, &joined);
		mime_text_done(&joined.bytes);
	}
}

static void add_sections(struct mime_names *names, const struct mime_params *params,
			 const char *name)
{
	for (enum mime_order order = 0; order < MIME_ORDERS; order++) {
		struct mime_joined joined = { .bytes = { .store = names->store } };
		if (mime_section_join(params, name, order, &joined))
			add_joined(names, &joined);
		mime_text_done(&joined.bytes);
	}
}

static bool is_sure(struct mime_names *names, struct mime_span value)
{
	const struct mime_charset *sets[MIME_GUESSES];
	bool sure;
	mime_charset_guess(names->store, value, sets, &sure);
	return sure;
}

// The backslash that is half a letter of Shift_JIS: readings that took it for one are no text,
// where another is.
static void add_values(struct mime_names *names, const struct mime_params *params,
		       const struct mime_param *param, bool literal)
{
	bool sure[MIME_VALUES_MAX], any = false;
	for (uint32_t i = 0; i < param->n_values; i++)
		any |= sure[i] = is_sure(names, mime_param_value(params, param, i));
	for (uint32_t i = 0; i < param->n_values; i++) {
		struct mime_span value = mime_param_value(params, param, i);
		if (sure[i] || !any)
			mime_name_add(names, value, literal);
		else if (literal)
			add_bytes(names, value, (struct mime_span){ 0 }, true);
	}
}

void mime_name_params(struct mime_names *names, const struct mime_params *params, const char *name,
		      bool literal)
{
	for (uint32_t i = 0; i < params->n && !literal; i++)
		if (params->v[i].encoded && params->v[i].section == MIME_SECTION_NONE &&
		    mime_span_is(params->v[i].name, name))
			add_encoded(names, params, &params->v[i]);
	if (!literal)
		add_sections(names, params, name);
	for (uint32_t i = 0; i < params->n; i++) {
		const struct mime_param *param = &params->v[i];
		if (param->encoded || param->section != MIME_SECTION_NONE ||
		    !mime_span_is(param->name, name))
			continue;
		add_values(names, params, param, literal);
	}
}

static const char *ending(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot ? dot : "";
}

void mime_name_settle(struct mime_names *names)
{
	const char *first = NULL;
	for (uint32_t i = 0; i < names->n; i++) {
		const char *end = ending(names->v[i]);
		if (names->literal & 1U << i)
			continue;
		if (first && strcasecmp(first, end) != 0)
			doubt(names, MIME_NAME);
		first = end;
	}
}

void mime_name_done(struct mime_store *store, char **v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		mime_store_put(store, v[i], strlen(v[i]) + 1);
}
