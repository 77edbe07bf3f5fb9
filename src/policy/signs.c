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
#include <errno.h>
#include <string.h>

#include "policy/walk.h"

// After a key's colon, or a hyphen without a key.
static void walk_value(struct walk *walk)
{
	char c;

	walk_take_odd_spaces(walk, true);
	walk_skip_spaces(walk);
	walk->plain_indent = -1;
	if (walk_at_line_end(walk, walk->at) || *walk->at == '#')
		return;
	c = *walk->at;
	if (c == '|' || c == '>')
		walk->block_indent = walk->indent;
	else if (c == '"' || c == '\'')
		walk_skip_quoted(walk);
	else if (c == '[' || c == '{' || walk_opener(walk))
		walk_flow(walk);
	else
		walk->plain_indent = walk->indent;
}

// Where a key ends: at its colon of either kind.  NULL: there is no key on this line.
static const char *find_colon(struct walk *walk, bool *ret_wide)
{
	const char *wide;

	*ret_wide = walk_is_wide_key(walk, walk->at, &wide);
	if (*ret_wide)
		return wide;
	for (const char *at = walk->at; !walk_at_line_end(walk, at); at++) {
		if (*at == '#' && at > walk->at && at[-1] == ' ')
			return NULL;
		if (*at == ':' &&
		    (walk_is_blank_or_end(walk, at + 1) || walk_odd_space(walk, at + 1)))
			return at;
	}
	return NULL;
}

static void walk_key(struct walk *walk)
{
	const char *at;
	bool wide;

	if (*walk->at == '"' || *walk->at == '\'') {
		walk_skip_quoted(walk);
		walk_skip_spaces(walk);
		wide = walk_starts(walk, walk->at, walk_colon.bytes);
		at = wide || (walk->at < walk->end && *walk->at == ':') ? walk->at : NULL;
	} else {
		at = find_colon(walk, &wide);
	}
	if (!at) {
		if (!walk_at_line_end(walk, walk->at))
			walk->plain_indent = walk->indent - 1;
		return;
	}
	walk->key = walk->at;
	walk->key_end = at;
	walk->at = at;
	if (wide)
		walk_take_sign(walk, &walk_colon);
	else
		walk->at++;
	walk_value(walk);
}

// Hyphens that open entries of lists; false when the line is broken there.
static bool take_hyphens(struct walk *walk)
{
	const struct sign *sign;

	while (walk->at < walk->end && *walk->at == '-' &&
	       walk_is_blank_or_end(walk, walk->at + 1)) {
		walk->at++;
		walk_skip_spaces(walk);
		walk->indent = walk->at - walk->line_start;
		if (walk_at_line_end(walk, walk->at))
			return false;
	}
	if (walk->at < walk->end && *walk->at == '-' && walk_odd_space(walk, walk->at + 1)) {
		walk->at++;
		return !walk_take_odd_spaces(walk, false);
	}
	sign = walk_sign_of(walk, walk->at, walk_hyphens);
	if (sign &&
	    (walk_is_blank_or_end(walk, walk->at + 3) || walk_odd_space(walk, walk->at + 3))) {
		walk_report_sign(walk, sign);
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
		if (walk_at_line_end(walk, walk->at) || walk->at - walk->line_start > block)
			return;
		walk->at = from;
		walk->block_indent = -1;
	}
	if (!walk_take_indent(walk))
		return;
	if (walk->plain_indent >= 0 && walk->indent > walk->plain_indent)
		return;
	walk->plain_indent = -1;
	if (walk_starts(walk, walk->at, walk_hash.bytes)) {
		walk_take_sign(walk, &walk_hash);
		return;
	}
	if (!take_hyphens(walk) || walk_at_line_end(walk, walk->at) || *walk->at == '#')
		return;
	walk->key = NULL;
	if (*walk->at == '[' || *walk->at == '{' || walk_opener(walk))
		walk_flow(walk);
	else
		walk_key(walk);
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

	while (walk.at < walk.end) {
		walk_line(&walk);
		walk.depth = 0;
		walk_next_line(&walk);
	}
	if (walk.copy)
		text->bytes = walk.copy;
	return walk.fatal ? -EBADMSG : 0;
}
