// What both parts of the walk need: signs, spaces, keys, repairs.
#include "policy/walk.h"

#include <string.h>

#include "policy/keys.h"

const struct sign walk_colon = { "\xef\xbc\x9a", ':', "colon" };
const struct sign walk_commas[2] = { { "\xef\xbc\x8c", ',', "comma" },
				     { "\xe3\x80\x81", ',', "comma" } };
const struct sign walk_openers[2] = { { "\xef\xbc\xbb", '[', "bracket" },
				      { "\xef\xbd\x9b", '{', "bracket" } };
const struct sign walk_closers[2] = { { "\xef\xbc\xbd", ']', "bracket" },
				      { "\xef\xbd\x9d", '}', "bracket" } };
const struct sign walk_hash = { "\xef\xbc\x83", '#', "hash sign" };
const struct sign walk_hyphens[2] = { { "\xef\xbc\x8d", '-', "hyphen" },
				      { "\xe2\x88\x92", '-', "hyphen" } };

bool walk_starts(const struct walk *walk, const char *at, const char *bytes)
{
	size_t length = strlen(bytes);

	return (size_t)(walk->end - at) >= length && !memcmp(at, bytes, length);
}

const struct sign *walk_sign_of(const struct walk *walk, const char *at, const struct sign signs[2])
{
	for (size_t i = 0; i < 2; i++)
		if (walk_starts(walk, at, signs[i].bytes))
			return &signs[i];
	return NULL;
}

size_t walk_odd_space(const struct walk *walk, const char *at)
{
	if (walk_starts(walk, at, "\xe3\x80\x80"))
		return 3;
	return walk_starts(walk, at, "\xc2\xa0") ? 2 : 0;
}

bool walk_is_break(char c)
{
	return c == '\n' || c == '\r';
}

bool walk_at_line_end(const struct walk *walk, const char *at)
{
	return at == walk->end || walk_is_break(*at);
}

bool walk_is_blank_or_end(const struct walk *walk, const char *at)
{
	return walk_at_line_end(walk, at) || *at == ' ' || *at == '\t';
}

void walk_next_line(struct walk *walk)
{
	while (!walk_at_line_end(walk, walk->at))
		walk->at++;
	if (walk->at == walk->end)
		return;
	walk->at += walk->at[0] == '\r' && walk->at + 1 < walk->end && walk->at[1] == '\n' ? 2 : 1;
	walk->line_start = walk->at;
	walk->line++;
}

// Overwrites length bytes with the twin and spaces.
static void repair(struct walk *walk, const char *at, size_t length, char twin)
{
	struct source_repairs *repairs = &walk->text->repairs;
	struct place place =
		source_place(walk->name, walk->line, walk->line_start, at, at + length);
	char *to;

	if (repairs->n == SOURCE_REPAIRS_MAX) {
		walk->fatal = true;
		return;
	}
	repairs->v[repairs->n++] = (struct source_repair){
		.line = place.line,
		.column = place.column,
		.wider = (uint32_t)length - (place.column_end - place.column + 1),
	};
	if (!walk->copy)
		walk->copy = arena_memdup(walk->arena, walk->text->bytes, walk->text->size);
	to = walk->copy + (at - walk->text->bytes);
	memset(to, ' ', length);
	to[0] = twin;
}

void walk_report_sign(struct walk *walk, const struct sign *sign)
{
	diag_add(walk->diag, SK_FULL_WIDTH_SIGN,
		 source_place(walk->name, walk->line, walk->line_start, walk->at,
			      walk->at + strlen(sign->bytes)),
		 "a full-width %s stands here; write it half-width (%c)%s", sign->words, sign->twin,
		 sign->twin == ':' ? " with a space after it" : "");
}

void walk_take_sign(struct walk *walk, const struct sign *sign)
{
	walk_report_sign(walk, sign);
	repair(walk, walk->at, strlen(sign->bytes), sign->twin);
	walk->at += strlen(sign->bytes);
}

bool walk_take_odd_spaces(struct walk *walk, bool repairable)
{
	const char *from = walk->at;
	size_t length;

	while ((length = walk_odd_space(walk, walk->at)))
		walk->at += length;
	if (walk->at == from)
		return false;
	diag_add(walk->diag, SK_FULL_WIDTH_SPACE,
		 source_place(walk->name, walk->line, walk->line_start, from, walk->at),
		 "a %s stands here; write half-width spaces",
		 *from == '\xe3' ? "full-width space" : "no-break space");
	if (repairable)
		repair(walk, from, (size_t)(walk->at - from), ' ');
	else
		walk->fatal = true;
	return true;
}

void walk_skip_spaces(struct walk *walk)
{
	while (walk->at < walk->end && (*walk->at == ' ' || *walk->at == '\t'))
		walk->at++;
}

void walk_skip_quoted(struct walk *walk)
{
	char quote = *walk->at++;

	while (walk->at < walk->end) {
		if (walk_is_break(*walk->at)) {
			walk_next_line(walk);
		} else if (quote == '"' && *walk->at == '\\' && walk->at + 1 < walk->end &&
			   !walk_is_break(walk->at[1])) {
			walk->at += 2;
		} else if (*walk->at == quote) {
			walk->at++;
			if (quote != '\'' || walk->at == walk->end || *walk->at != quote)
				return;
			walk->at++;
		} else {
			walk->at++;
		}
	}
}

// Bytes of one letter that a key may have, ASCII or full-width; 0: it is none.
static size_t key_letter(const struct walk *walk, const char *at)
{
	const unsigned char *c = (const unsigned char *)at;

	if (at < walk->end && ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
			       (*at >= '0' && *at <= '9') || memchr("-_./", *at, 4)))
		return 1;
	if (walk->end - at >= 3 && c[0] == 0xef &&
	    ((c[1] == 0xbc && c[2] >= 0x90) || (c[1] == 0xbd && c[2] < 0x9b)) &&
	    !walk_starts(walk, at, walk_colon.bytes) && !walk_sign_of(walk, at, walk_openers) &&
	    !walk_sign_of(walk, at, walk_closers))
		return 3;
	return 0;
}

static const char *skip_key(const struct walk *walk, const char *at)
{
	for (size_t length; (length = key_letter(walk, at));)
		at += length;
	return at;
}

bool walk_is_wide_key(const struct walk *walk, const char *at, const char **ret_colon)
{
	const char *after = skip_key(walk, at);

	if (after == at)
		return false;
	while (after < walk->end && *after == ' ')
		after++;
	*ret_colon = after;
	return walk_starts(walk, after, walk_colon.bytes);
}

bool walk_is_key(const struct walk *walk, const char *at)
{
	const char *after;

	while (at < walk->end && (*at == ' ' || walk_odd_space(walk, at)))
		at += *at == ' ' ? 1 : walk_odd_space(walk, at);
	if (walk_is_wide_key(walk, at, &after))
		return true;
	after = skip_key(walk, at);
	return after > at && after < walk->end && *after == ':' &&
	       walk_is_blank_or_end(walk, after + 1);
}

bool walk_take_indent(struct walk *walk)
{
	const char *from;

	while (walk->at < walk->end && *walk->at == ' ')
		walk->at++;
	walk->indent = walk->at - walk->line_start;
	if (walk->at < walk->end && *walk->at == '\t') {
		for (from = walk->at;
		     walk->at < walk->end && (*walk->at == '\t' || *walk->at == ' ');)
			walk->at++;
		if (walk_at_line_end(walk, walk->at) || *walk->at == '#')
			return false;
		while (walk->at > from && walk->at[-1] == ' ')
			walk->at--;
		diag_add(walk->diag, SK_TAB_INDENT,
			 source_place(walk->name, walk->line, walk->line_start, from, walk->at),
			 "a tab indents this line; write spaces");
		walk->fatal = true;
		return false;
	}
	if (walk_take_odd_spaces(walk, walk->depth > 0))
		return walk->depth > 0;
	return !walk_at_line_end(walk, walk->at) && *walk->at != '#';
}

const struct sign *walk_opener(const struct walk *walk)
{
	const struct sign *sign = walk_sign_of(walk, walk->at, walk_openers);

	return sign && walk->key && keys_is_text(walk->key, (size_t)(walk->key_end - walk->key))
		       ? NULL
		       : sign;
}
