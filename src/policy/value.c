// Checks of words, most general first: length, characters, then what the key asks for.
#include "policy/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "policy/amount.h"
#include "policy/source.h"

#define FAULT(...) fault_at(arena, ret_fault, __VA_ARGS__)

static bool fault_at(struct arena *arena, struct value_fault *ret_fault, enum diag_code code,
		     struct place at, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static bool fault_at(struct arena *arena, struct value_fault *ret_fault, enum diag_code code,
		     struct place at, const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	*ret_fault = (struct value_fault){ code, at, arena_strdup(arena, message) };
	return false;
}

static bool is_full_width(uint32_t c)
{
	return (c >= 0xff01 && c <= 0xff5e) || (c >= 0x3000 && c <= 0x3002);
}

// Nothing to check or to fold: printable ASCII, or, of text that stands so in a file whose every
// character was checked, anything but tabs; and no spaces at its ends.
static bool is_clean(const char *text, size_t length, bool checked, bool *ret_ascii)
{
	unsigned char all = 0;

	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
		all |= (unsigned char)text[i];
	}
	*ret_ascii = all < 0x80;
	return (*ret_ascii || checked) && text[0] != ' ' && text[length - 1] != ' ';
}

static bool is_unprintable(uint32_t c)
{
	return c < 0x20 || source_is_hidden(c);
}

const char *value_shown(struct arena *arena, const char *text, size_t length)
{
	enum { SHOWN_MAX = 48 };
	char *copy = arena_strndup(arena, text, length);
	const char *rest = copy;
	size_t shown = 0;

	for (char *at = copy; *at; at = (char *)(uintptr_t)rest) {
		if (++shown > SHOWN_MAX)
			return arena_printf(arena, "%.*s...", (int)(at - copy), copy);
		if (is_unprintable(text_next(&rest)))
			memset(at, '?', (size_t)(rest - at));
	}
	return copy;
}

static bool read_number(const char *text, size_t length, uint64_t *ret)
{
	uint64_t number = 0;

	if (!length || length > 19)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	*ret = number;
	return true;
}

bool value_full_width(const char *text, size_t length, size_t *ret_index, size_t *ret_count)
{
	const char *at = text;
	size_t index = 0, count = 0;

	for (; at < text + length; index++) {
		if (is_full_width(text_next(&at)))
			count++;
		else if (count)
			break;
	}
	*ret_index = index - count;
	*ret_count = count;
	return count > 0;
}

// Line breaks and tabs become one space, with the spaces around them; none at either end.
static const char *one_line(struct arena *arena, const char *text, size_t length)
{
	char *line = arena_alloc(arena, length + 1);
	size_t n = 0;

	for (size_t i = 0; i < length;) {
		size_t from = i;
		bool folds = n == 0;

		for (; i < length &&
		       (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r');
		     i++)
			folds |= text[i] != ' ';
		if (i == length)
			break;
		if (i > from && folds && n)
			line[n++] = ' ';
		for (; !folds && from < i; from++)
			line[n++] = ' ';
		line[n++] = text[i++];
	}
	return line;
}

// The text as it will be kept: checked character by character, on one line.
static bool take_text(struct arena *arena, const struct key *key, const struct yaml_event *event,
		      struct pol_text *ret, bool *ret_ascii, struct value_fault *ret_fault)
{
	const char *text = event->text;
	size_t length = event->length;

	*ret_ascii = false;
	if (event->null || !length)
		return FAULT(SK_VALUE_EMPTY, event->at,
			     "%s has no value; write one or take the key away", key->name);
	if (length > POL_SCALAR_BYTES_MAX)
		return FAULT(SK_VALUE_TOO_LONG, event->at,
			     "%s is too long; at most %d bytes are read", key->name,
			     POL_SCALAR_BYTES_MAX);
	ret->at = event->at;
	if (is_clean(text, length, event->verbatim, ret_ascii)) {
		ret->s = arena_strndup(arena, text, length);
		return true;
	}
	if (memchr(text, 0, length) || !text_is_utf8(text, length, &(size_t){ 0 }))
		return FAULT(SK_CONTROL_CHARACTER, event->at,
			     "%s holds a character that is not text; take it away", key->name);

	const char *line = one_line(arena, text, length);

	for (const char *at = line; *at;) {
		uint32_t c = text_next(&at);

		if (source_is_hidden(c))
			return FAULT(SK_CONTROL_CHARACTER, event->at,
				     "%s holds the invisible character U+%04X; take it away",
				     key->name, c);
	}
	if (!*line)
		return FAULT(SK_VALUE_EMPTY, event->at, "%s holds only spaces", key->name);
	ret->s = line;
	return true;
}

static bool is_id(const char *text, size_t length, size_t max)
{
	if (!length || length > max || text[0] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') ||
		      text[i] == '-'))
			return false;
	return true;
}

static bool is_network_id(const char *text)
{
	const char *slash = strchr(text, '/');

	if (!slash)
		return is_id(text, strlen(text), ID_BYTES_MAX);
	return is_id(text, (size_t)(slash - text), ZONE_ID_BYTES_MAX) &&
	       is_id(slash + 1, strlen(slash + 1), ID_BYTES_MAX);
}

static bool is_date(const char *text)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month, day;

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return false;
	for (int i = 0; i < 10; i++)
		if (i != 4 && i != 7 && (text[i] < '0' || text[i] > '9'))
			return false;
	year = atoi(text);
	month = atoi(text + 5);
	day = atoi(text + 8);
	if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
		return false;
	return month != 2 || day < 29 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

static bool is_choice(const struct key *key, const char *text)
{
	for (const char *const *choice = key->choices; *choice; choice++)
		if (!strcmp(*choice, text))
			return true;
	return false;
}

static bool bad_choice(struct arena *arena, const struct key *key, const struct pol_text *text,
		       struct value_fault *ret_fault)
{
	struct text_nearest nearest = { .wanted = text->s };
	const char *list = "";

	for (const char *const *choice = key->choices; *choice; choice++) {
		text_nearest_try(&nearest, *choice);
		list = arena_printf(arena, "%s%s%s", list, *list ? ", " : "", *choice);
	}
	if (nearest.name && nearest.distance < strlen(text->s))
		return FAULT(SK_CHOICE_BAD, text->at,
			     "%s cannot be \"%s\"; did you mean \"%s\"? (%s)", key->name,
			     value_shown(arena, text->s, strlen(text->s)), nearest.name, list);
	return FAULT(SK_CHOICE_BAD, text->at, "%s cannot be \"%s\"; choose from %s%s", key->name,
		     value_shown(arena, text->s, strlen(text->s)), list,
		     key->word == WORD_CHOICE_OR_UINT ? " or write a number" : "");
}

static bool bad_id(struct arena *arena, const struct key *key, const struct pol_text *text,
		   struct value_fault *ret_fault)
{
	return FAULT(
		SK_ID_BAD, text->at,
		"\"%s\" cannot be a name here; use small letters a-z, digits and hyphens, at most "
		"%d%s",
		value_shown(arena, text->s, strlen(text->s)),
		key->word == WORD_ZONE_ID ? ZONE_ID_BYTES_MAX : ID_BYTES_MAX,
		key->word == WORD_NETWORK_ID
			? ", with the zone and a slash before it if it is of a zone"
			: "");
}

// A choice or a number within the key's bounds.
static bool check_choice(struct arena *arena, const struct key *key, const struct pol_text *text,
			 struct value_fault *ret_fault)
{
	uint64_t number;

	if (is_choice(key, text->s))
		return true;
	if (key->word == WORD_CHOICE || !read_number(text->s, strlen(text->s), &number))
		return bad_choice(arena, key, text, ret_fault);
	if (number < key->min || number > key->max)
		return FAULT(SK_UINT_BAD, text->at, "%s must be from %llu to %llu", key->name,
			     (unsigned long long)key->min, (unsigned long long)key->max);
	return true;
}

static bool check_size(struct arena *arena, const struct key *key, const struct pol_text *text,
		       struct value_fault *ret_fault)
{
	const char *shown = value_shown(arena, text->s, strlen(text->s));
	uint64_t bytes;

	if (!amount_size(text->s, &bytes))
		return FAULT(SK_SIZE_BAD, text->at,
			     "%s: \"%s\" is no size; write it as 20MB (20,000,000 bytes) or 20MiB "
			     "(20,971,520), in KB, MB, GB, KiB, MiB or GiB",
			     key->name, shown);
	if (bytes < key->min || bytes > key->max)
		return FAULT(SK_SIZE_BAD, text->at, "%s must be from %llu to %llu bytes, not %s",
			     key->name, (unsigned long long)key->min, (unsigned long long)key->max,
			     shown);
	return true;
}

static bool check_word(struct arena *arena, const struct key *key, const struct pol_text *text,
		       struct value_fault *ret_fault)
{
	size_t length = strlen(text->s);

	switch (key->word) {
	case WORD_FREE:
		return true;
	case WORD_NAME:
		if (!strpbrk(text->s, " \""))
			return true;
		return FAULT(SK_WORD_BAD, text->at,
			     "%s: \"%s\" must be one word; write several as [a, b]", key->name,
			     value_shown(arena, text->s, length));
	case WORD_ID:
		return is_id(text->s, length, ID_BYTES_MAX) || bad_id(arena, key, text, ret_fault);
	case WORD_ZONE_ID:
		return is_id(text->s, length, ZONE_ID_BYTES_MAX) ||
		       bad_id(arena, key, text, ret_fault);
	case WORD_NETWORK_ID:
		return is_network_id(text->s) || bad_id(arena, key, text, ret_fault);
	case WORD_CHOICE:
	case WORD_CHOICE_OR_UINT:
		return check_choice(arena, key, text, ret_fault);
	case WORD_DATE:
		if (is_date(text->s))
			return true;
		return FAULT(SK_DATE_BAD, text->at, "%s: \"%s\" is no day; write it as 2027-03-31",
			     key->name, value_shown(arena, text->s, length));
	case WORD_PATH:
		if (text->s[0] == '/')
			return true;
		return FAULT(SK_PATH_BAD, text->at,
			     "%s: \"%s\" must be a full path that begins with /", key->name,
			     value_shown(arena, text->s, length));
	case WORD_SIZE:
		return check_size(arena, key, text, ret_fault);
	case WORD_RATE:
		if (key->choices && is_choice(key, text->s))
			return true;
		if (amount_rate(text->s, &(uint32_t){ 0 }, &(uint32_t){ 0 }))
			return true;
		return FAULT(SK_RATE_BAD, text->at,
			     "%s: \"%s\" is no rate; write it as 30/min, by s, min, h or day",
			     key->name, value_shown(arena, text->s, length));
	}
	return true;
}

bool value_text(struct arena *arena, const struct key *key, const struct yaml_event *event,
		struct pol_text *ret, struct value_fault *ret_fault)
{
	struct pol_text text = { 0 };
	size_t index, count;
	bool ascii;

	if (!take_text(arena, key, event, &text, &ascii, ret_fault))
		return false;
	if (!ascii && key->word != WORD_FREE &&
	    value_full_width(text.s, strlen(text.s), &index, &count)) {
		struct place at = text.at;

		if (!event->multiline && at.column + index + count - 1 <= at.column_end) {
			at.column += (uint32_t)index;
			at.column_end = at.column + (uint32_t)count - 1;
		}
		return FAULT(SK_FULL_WIDTH_WORD, at,
			     "%s: \"%s\" holds full-width characters; write it half-width",
			     key->name, value_shown(arena, text.s, strlen(text.s)));
	}
	if (!check_word(arena, key, &text, ret_fault))
		return false;
	*ret = text;
	return true;
}

bool value_bool(struct arena *arena, const struct key *key, const struct yaml_event *event,
		struct pol_bool *ret, struct value_fault *ret_fault)
{
	static const char *const words[] = { "false", "true", "False", "True", "FALSE", "TRUE" };

	if (event->null || !event->length)
		return FAULT(SK_VALUE_EMPTY, event->at, "%s has no value; write true or false",
			     key->name);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == event->length &&
		    !memcmp(words[i], event->text, event->length)) {
			*ret = (struct pol_bool){ true, i % 2, event->at };
			return true;
		}
	return FAULT(SK_BOOL_BAD, event->at, "%s must be true or false, not \"%s\"", key->name,
		     value_shown(arena, event->text, event->length));
}

bool value_uint(struct arena *arena, const struct key *key, const struct yaml_event *event,
		struct pol_uint *ret, struct value_fault *ret_fault)
{
	uint64_t number;
	size_t index, count;

	if (event->null || !event->length)
		return FAULT(SK_VALUE_EMPTY, event->at, "%s has no value; write a number",
			     key->name);
	if (read_number(event->text, event->length, &number) && number >= key->min &&
	    number <= key->max) {
		*ret = (struct pol_uint){ true, number, event->at };
		return true;
	}

	const char *shown = value_shown(arena, event->text, event->length);

	if (value_full_width(shown, strlen(shown), &index, &count))
		return FAULT(SK_FULL_WIDTH_WORD, event->at,
			     "%s: \"%s\" holds full-width characters; write it half-width",
			     key->name, shown);
	return FAULT(SK_UINT_BAD, event->at, "%s must be a number from %llu to %llu, not \"%s\"",
		     key->name, (unsigned long long)key->min, (unsigned long long)key->max, shown);
}
