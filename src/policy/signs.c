// A light walk over YAML's lines that looks only for signs from a Japanese input method where YAML
// needs ASCII, and for tabs that indent.  It keeps just enough of YAML's state to know where a key,
// a value or a separator may stand:
//
//     title：総務      a full-width colon after a key's letters, where a key begins     SK118
//     [smtp，https]    a full-width comma in a list after ASCII                         SK118
//     　title: x       a full-width space that indents                                  SK117
//     title: 総務：庁  in a plain value, a quoted text or a block of text: meant, fine
//
// Invariant: a sign that a person can have meant as text is never touched; when in doubt the
// reader's own checks of words (SK119) come later anyway.
#include "policy/source.h"

#include <errno.h>
#include <string.h>

#include "policy/keys.h"

enum {
	NEST_MAX = 64,	      // brackets; the reader refuses fewer
	WORD_BYTES_MAX = 512, // of a word that is looked into: every sign looks back over its word
	KEY_BYTES_MAX = 192,
};

struct walk {
	const char *name;
	struct arena *arena;
	struct diag *diag;
	struct source_text *text;
	char *copy; // with repairs; NULL: none yet
	const char *at, *end;
	const char *line_start;
	uint32_t line;
	// Block context.
	long indent;	   // of what the line holds
	long block_indent; // lines indented more belong to a | or > text; -1: none
	long plain_indent; // lines indented more go on with a plain value; -1: none
	// Flow context.
	char nest[NEST_MAX]; // '[' or '{'
	size_t depth;
	bool value;	 // of the innermost map: the key has been read
	const char *key; // the one read last, and its end
	const char *key_end;
	bool fatal; // indentation is broken: what follows would be misread
};

struct sign {
	const char *bytes;
	char twin;
	const char *words;
};

static const struct sign colon = { "\xef\xbc\x9a", ':', "colon" };
static const struct sign commas[] = { { "\xef\xbc\x8c", ',', "comma" },
				      { "\xe3\x80\x81", ',', "comma" } };
static const struct sign openers[] = { { "\xef\xbc\xbb", '[', "bracket" },
				       { "\xef\xbd\x9b", '{', "bracket" } };
static const struct sign closers[] = { { "\xef\xbc\xbd", ']', "bracket" },
				       { "\xef\xbd\x9d", '}', "bracket" } };
static const struct sign hash = { "\xef\xbc\x83", '#', "hash sign" };
static const struct sign hyphens[] = { { "\xef\xbc\x8d", '-', "hyphen" },
				       { "\xe2\x88\x92", '-', "hyphen" } };

static bool starts(const struct walk *walk, const char *at, const char *bytes)
{
	size_t length = strlen(bytes);

	return (size_t)(walk->end - at) >= length && !memcmp(at, bytes, length);
}

static const struct sign *sign_of(const struct walk *walk, const char *at,
				  const struct sign signs[2])
{
	for (size_t i = 0; i < 2; i++)
		if (starts(walk, at, signs[i].bytes))
			return &signs[i];
	return NULL;
}

// Length in bytes of a space that is none for YAML: full-width, or one that does not break.
static size_t odd_space(const struct walk *walk, const char *at)
{
	if (starts(walk, at, "\xe3\x80\x80"))
		return 3;
	return starts(walk, at, "\xc2\xa0") ? 2 : 0;
}

static bool is_break(char c)
{
	return c == '\n' || c == '\r';
}

static bool at_line_end(const struct walk *walk, const char *at)
{
	return at == walk->end || is_break(*at);
}

static bool is_blank_or_end(const struct walk *walk, const char *at)
{
	return at_line_end(walk, at) || *at == ' ' || *at == '\t';
}

static void next_line(struct walk *walk)
{
	while (!at_line_end(walk, walk->at))
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

static void report_sign(struct walk *walk, const struct sign *sign)
{
	diag_add(walk->diag, SK_FULL_WIDTH_SIGN,
		 source_place(walk->name, walk->line, walk->line_start, walk->at,
			      walk->at + strlen(sign->bytes)),
		 "a full-width %s stands here; write it half-width (%c)%s", sign->words, sign->twin,
		 sign->twin == ':' ? " with a space after it" : "");
}

static void take_sign(struct walk *walk, const struct sign *sign)
{
	report_sign(walk, sign);
	repair(walk, walk->at, strlen(sign->bytes), sign->twin);
	walk->at += strlen(sign->bytes);
}

// A run of odd spaces; returns false if there is none here.
static bool take_odd_spaces(struct walk *walk, bool repairable)
{
	const char *from = walk->at;
	size_t length;

	while ((length = odd_space(walk, walk->at)))
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

static void skip_spaces(struct walk *walk)
{
	while (walk->at < walk->end && (*walk->at == ' ' || *walk->at == '\t'))
		walk->at++;
}

// Over a quoted text, its lines included; at its opening quote.
static void skip_quoted(struct walk *walk)
{
	char quote = *walk->at++;

	while (walk->at < walk->end) {
		if (is_break(*walk->at)) {
			next_line(walk);
		} else if (quote == '"' && *walk->at == '\\' && walk->at + 1 < walk->end &&
			   !is_break(walk->at[1])) {
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
	    !starts(walk, at, colon.bytes) && !sign_of(walk, at, openers) &&
	    !sign_of(walk, at, closers))
		return 3;
	return 0;
}

static const char *skip_key(const struct walk *walk, const char *at)
{
	for (size_t length; (length = key_letter(walk, at));)
		at += length;
	return at;
}

// Whether a key's letters and a full-width colon stand here; *ret_colon is then the colon.
static bool is_wide_key(const struct walk *walk, const char *at, const char **ret_colon)
{
	const char *after = skip_key(walk, at);

	if (after == at)
		return false;
	while (after < walk->end && *after == ' ')
		after++;
	*ret_colon = after;
	return starts(walk, after, colon.bytes);
}

// Whether a key and a colon of either kind stand here.
static bool is_key(const struct walk *walk, const char *at)
{
	const char *after;

	while (at < walk->end && (*at == ' ' || odd_space(walk, at)))
		at += *at == ' ' ? 1 : odd_space(walk, at);
	if (is_wide_key(walk, at, &after))
		return true;
	after = skip_key(walk, at);
	return after > at && after < walk->end && *after == ':' && is_blank_or_end(walk, after + 1);
}

// Indentation of a line; false when it is broken (told) or the line holds nothing.
static bool take_indent(struct walk *walk)
{
	const char *from;

	while (walk->at < walk->end && *walk->at == ' ')
		walk->at++;
	walk->indent = walk->at - walk->line_start;
	if (walk->at < walk->end && *walk->at == '\t') {
		for (from = walk->at;
		     walk->at < walk->end && (*walk->at == '\t' || *walk->at == ' ');)
			walk->at++;
		if (at_line_end(walk, walk->at) || *walk->at == '#')
			return false;
		while (walk->at > from && walk->at[-1] == ' ')
			walk->at--;
		diag_add(walk->diag, SK_TAB_INDENT,
			 source_place(walk->name, walk->line, walk->line_start, from, walk->at),
			 "a tab indents this line; write spaces");
		walk->fatal = true;
		return false;
	}
	if (take_odd_spaces(walk, walk->depth > 0))
		return walk->depth > 0;
	return !at_line_end(walk, walk->at) && *walk->at != '#';
}

static void open_flow(struct walk *walk, char bracket)
{
	if (walk->depth == NEST_MAX) {
		walk->at = walk->end; // the reader refuses such depth anyway
		return;
	}
	walk->nest[walk->depth++] = bracket;
	walk->value = false;
	walk->key = NULL;
}

static void close_flow(struct walk *walk)
{
	if (walk->depth)
		walk->depth--;
	walk->value = true; // what was closed is the value of what is around it
}

// Whether what follows a full-width closing bracket lets it be one.
static bool may_close(const struct walk *walk, const char *at)
{
	while (at < walk->end && *at == ' ')
		at++;
	return at_line_end(walk, at) || memchr(",]}#", *at, 4) || sign_of(walk, at, commas) ||
	       sign_of(walk, at, closers);
}

static bool has_opener(const struct walk *walk, const char *from, const char *to)
{
	for (; from < to; from++)
		if (sign_of(walk, from, openers))
			return true;
	return false;
}

// A full-width bracket at the beginning of a value opens a list or map, unless the value is a text.
static const struct sign *opener(const struct walk *walk)
{
	const struct sign *sign = sign_of(walk, walk->at, openers);

	return sign && walk->key && keys_is_text(walk->key, (size_t)(walk->key_end - walk->key))
		       ? NULL
		       : sign;
}

static bool is_ascii(const char *from, const char *to)
{
	for (; from < to; from++)
		if ((unsigned char)*from >= 0x80)
			return false;
	return true;
}

// A full-width sign within a plain word of a flow list or map: is it meant for YAML?
static bool take_flow_sign(struct walk *walk, const char *from)
{
	bool in_map = walk->nest[walk->depth - 1] == '{';
	const struct sign *sign = sign_of(walk, walk->at, commas);
	const char *wide_colon;

	if (sign &&
	    (in_map ? walk->value && is_key(walk, walk->at + 3) : is_ascii(from, walk->at))) {
		take_sign(walk, sign);
		walk->value = false;
		return true;
	}
	sign = sign_of(walk, walk->at, closers);
	if (sign && (sign->twin == '}') == in_map && !has_opener(walk, from, walk->at) &&
	    may_close(walk, walk->at + 3)) {
		take_sign(walk, sign);
		close_flow(walk);
		return true;
	}
	if (in_map && !walk->value && walk->at - from < KEY_BYTES_MAX &&
	    is_wide_key(walk, from, &wide_colon) && walk->at == wide_colon) {
		take_sign(walk, &colon);
		walk->value = true;
		return true;
	}
	return false;
}

// Over a plain word of a flow list or map, up to the sign that ends it.
static void walk_flow_word(struct walk *walk)
{
	const char *from = walk->at;

	walk->key = from;
	for (; !at_line_end(walk, walk->at); walk->at++) {
		char c = *walk->at;

		walk->key_end = walk->at;
		if (memchr(",[]{}", c, 5))
			return;
		if (c == ':' &&
		    (is_blank_or_end(walk, walk->at + 1) || memchr(",[]{}", walk->at[1], 5)))
			return;
		if (c == ':' && odd_space(walk, walk->at + 1))
			return;
		if (c == '#' && walk->at > from && walk->at[-1] == ' ')
			return;
		if ((unsigned char)c >= 0x80 && walk->at - from < WORD_BYTES_MAX &&
		    take_flow_sign(walk, from))
			return;
	}
}

static void walk_flow_token(struct walk *walk)
{
	const struct sign *sign;
	char c = *walk->at;

	if (c == '#') {
		next_line(walk);
		take_indent(walk);
	} else if (c == '[' || c == '{') {
		walk->at++;
		open_flow(walk, c);
	} else if (c == ']' || c == '}') {
		walk->at++;
		close_flow(walk);
	} else if (c == ',' || c == ':') {
		walk->value = c == ':';
		if (c == ',')
			walk->key = NULL;
		walk->at++;
	} else if (c == '"' || c == '\'') {
		skip_quoted(walk);
	} else if ((sign = opener(walk))) {
		take_sign(walk, sign);
		open_flow(walk, sign->twin);
	} else if ((sign = sign_of(walk, walk->at, closers))) {
		take_sign(walk, sign);
		close_flow(walk);
	} else if ((sign = sign_of(walk, walk->at, commas))) {
		take_sign(walk, sign);
		walk->value = false;
	} else {
		walk_flow_word(walk);
	}
}

// From an opening bracket, which is at hand, to the one that closes it.
static void walk_flow(struct walk *walk)
{
	do {
		if (walk->at == walk->end || walk->fatal)
			return;
		if (is_break(*walk->at)) {
			next_line(walk);
			take_indent(walk);
		} else if (*walk->at == ' ' || *walk->at == '\t') {
			skip_spaces(walk);
		} else if (!take_odd_spaces(walk, true)) {
			walk_flow_token(walk);
		}
	} while (walk->depth);
}

// After a key's colon, or a hyphen without a key.
static void walk_value(struct walk *walk)
{
	char c;

	take_odd_spaces(walk, true);
	skip_spaces(walk);
	walk->plain_indent = -1;
	if (at_line_end(walk, walk->at) || *walk->at == '#')
		return;
	c = *walk->at;
	if (c == '|' || c == '>')
		walk->block_indent = walk->indent;
	else if (c == '"' || c == '\'')
		skip_quoted(walk);
	else if (c == '[' || c == '{' || opener(walk))
		walk_flow(walk);
	else
		walk->plain_indent = walk->indent;
}

// Where a key ends: at its colon of either kind.  NULL: there is no key on this line.
static const char *find_colon(struct walk *walk, bool *ret_wide)
{
	const char *wide;

	*ret_wide = is_wide_key(walk, walk->at, &wide);
	if (*ret_wide)
		return wide;
	for (const char *at = walk->at; !at_line_end(walk, at); at++) {
		if (*at == '#' && at > walk->at && at[-1] == ' ')
			return NULL;
		if (*at == ':' && (is_blank_or_end(walk, at + 1) || odd_space(walk, at + 1)))
			return at;
	}
	return NULL;
}

static void walk_key(struct walk *walk)
{
	const char *at;
	bool wide;

	if (*walk->at == '"' || *walk->at == '\'') {
		skip_quoted(walk);
		skip_spaces(walk);
		wide = starts(walk, walk->at, colon.bytes);
		at = wide || (walk->at < walk->end && *walk->at == ':') ? walk->at : NULL;
	} else {
		at = find_colon(walk, &wide);
	}
	if (!at) {
		if (!at_line_end(walk, walk->at))
			walk->plain_indent = walk->indent - 1;
		return;
	}
	walk->key = walk->at;
	walk->key_end = at;
	walk->at = at;
	if (wide)
		take_sign(walk, &colon);
	else
		walk->at++;
	walk_value(walk);
}

// Hyphens that open entries of lists; false when the line is broken there.
static bool take_hyphens(struct walk *walk)
{
	const struct sign *sign;

	while (walk->at < walk->end && *walk->at == '-' && is_blank_or_end(walk, walk->at + 1)) {
		walk->at++;
		skip_spaces(walk);
		walk->indent = walk->at - walk->line_start;
		if (at_line_end(walk, walk->at))
			return false;
	}
	if (walk->at < walk->end && *walk->at == '-' && odd_space(walk, walk->at + 1)) {
		walk->at++;
		return !take_odd_spaces(walk, false);
	}
	sign = sign_of(walk, walk->at, hyphens);
	if (sign && (is_blank_or_end(walk, walk->at + 3) || odd_space(walk, walk->at + 3))) {
		report_sign(walk, sign);
		walk->fatal = true;
		return false;
	}
	return true;
}

static void walk_line(struct walk *walk)
{
	const char *from = walk->at;
	long block = walk->block_indent;

	if (block >= 0) {
		while (walk->at < walk->end && *walk->at == ' ')
			walk->at++;
		if (at_line_end(walk, walk->at) || walk->at - walk->line_start > block)
			return;
		walk->at = from;
		walk->block_indent = -1;
	}
	if (!take_indent(walk))
		return;
	if (walk->plain_indent >= 0 && walk->indent > walk->plain_indent)
		return;
	walk->plain_indent = -1;
	if (starts(walk, walk->at, hash.bytes)) {
		take_sign(walk, &hash);
		return;
	}
	if (!take_hyphens(walk) || at_line_end(walk, walk->at) || *walk->at == '#')
		return;
	walk->key = NULL;
	if (*walk->at == '[' || *walk->at == '{' || opener(walk))
		walk_flow(walk);
	else
		walk_key(walk);
}

// Most files hold nothing that this walk could find.
static bool is_worth_it(const struct source_text *text)
{
	static const char *const leads[] = { "\t", "\xef", "\xc2", "\xe3\x80", "\xe2\x88" };

	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
		if (memmem(text->bytes, text->size, leads[i], strlen(leads[i])))
			return true;
	return false;
}

int source_check_signs(const char *name, struct arena *arena, struct diag *diag,
		       struct source_text *text)
{
	struct walk walk = {
		.name = name,
		.arena = arena,
		.diag = diag,
		.text = text,
		.at = text->bytes,
		.end = text->bytes + text->size,
		.line_start = text->bytes,
		.line = 1,
		.block_indent = -1,
		.plain_indent = -1,
	};

	if (!text->size || !is_worth_it(text))
		return 0;
	while (walk.at < walk.end) {
		walk_line(&walk);
		walk.depth = 0;
		next_line(&walk);
	}
	if (walk.copy)
		text->bytes = walk.copy;
	return walk.fatal ? -EBADMSG : 0;
}
