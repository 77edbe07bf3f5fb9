// The walk within brackets, where commas and closing brackets end plain words.
#include "policy/walk.h"

#include <string.h>

enum {
	WORD_BYTES_MAX = 512, // of a word that is looked into: every sign looks back over its word
	KEY_BYTES_MAX = 192,
};

static void open_flow(struct walk *walk, char bracket)
{
	if (walk->depth == WALK_NEST_MAX) {
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
	return walk_at_line_end(walk, at) || memchr(",]}#", *at, 4) ||
	       walk_sign_of(walk, at, walk_commas) || walk_sign_of(walk, at, walk_closers);
}

static bool has_opener(const struct walk *walk, const char *from, const char *to)
{
	for (; from < to; from++)
		if (walk_sign_of(walk, from, walk_openers))
			return true;
	return false;
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
	const struct sign *sign = walk_sign_of(walk, walk->at, walk_commas);
	const char *wide_colon;

	if (sign &&
	    (in_map ? walk->value && walk_is_key(walk, walk->at + 3) : is_ascii(from, walk->at))) {
		walk_take_sign(walk, sign);
		walk->value = false;
		return true;
	}
	sign = walk_sign_of(walk, walk->at, walk_closers);
	if (sign && (sign->twin == '}') == in_map && !has_opener(walk, from, walk->at) &&
	    may_close(walk, walk->at + 3)) {
		walk_take_sign(walk, sign);
		close_flow(walk);
		return true;
	}
	if (in_map && !walk->value && walk->at - from < KEY_BYTES_MAX &&
	    walk_is_wide_key(walk, from, &wide_colon) && walk->at == wide_colon) {
		walk_take_sign(walk, &walk_colon);
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
	for (; !walk_at_line_end(walk, walk->at); walk->at++) {
		char c = *walk->at;

		walk->key_end = walk->at;
		if (memchr(",[]{}", c, 5))
			return;
		if (c == ':' &&
		    (walk_is_blank_or_end(walk, walk->at + 1) || memchr(",[]{}", walk->at[1], 5)))
			return;
		if (c == ':' && walk_odd_space(walk, walk->at + 1))
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
		walk_next_line(walk);
		walk_take_indent(walk);
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
		walk_skip_quoted(walk);
	} else if ((sign = walk_opener(walk))) {
		walk_take_sign(walk, sign);
		open_flow(walk, sign->twin);
	} else if ((sign = walk_sign_of(walk, walk->at, walk_closers))) {
		walk_take_sign(walk, sign);
		close_flow(walk);
	} else if ((sign = walk_sign_of(walk, walk->at, walk_commas))) {
		walk_take_sign(walk, sign);
		walk->value = false;
	} else {
		walk_flow_word(walk);
	}
}

void walk_flow(struct walk *walk)
{
	do {
		if (walk->at == walk->end || walk->fatal)
			return;
		if (walk_is_break(*walk->at)) {
			walk_next_line(walk);
			walk_take_indent(walk);
		} else if (*walk->at == ' ' || *walk->at == '\t') {
			walk_skip_spaces(walk);
		} else if (!walk_take_odd_spaces(walk, true)) {
			walk_flow_token(walk);
		}
	} while (walk->depth);
}
