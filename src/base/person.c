// Runs of digits and what links them.  What a run makes is known at its end, but whether it may
// count only when the next run, or something else, has come.
#include "base/person.h"

#include <string.h>

#include "base/fold.h"
#include "base/terms.h"

enum {
	GROUP = 4,
	SPACES_MAX = 3,	 // of a link within a line
	BLANKS_MAX = 16, // and over lines
	RUN_MAX = 255,
};

enum link {
	LINK_NONE,  // anything else
	LINK_TIGHT, // a hyphen alone
	LINK_LIGHT, // on the same line
	LINK_BREAK, // one line's end alone
	LINK_LINE,  // over lines or cells
};

enum found {
	FOUND_NOTHING,
	FOUND_WHOLE,  // twelve together
	FOUND_SHORT,  // eleven
	FOUND_GROUPS, // on one line
	FOUND_LINES,  // groups over lines
	FOUND_BOXES,
	FOUND_CUT,
};

static bool is_space(uint32_t c)
{
	return c == ' ' || c == 0xa0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f;
}

// Part of numbers of any kind where it stands between digits alone.
static bool is_hyphen(uint32_t c)
{
	return c == '-' || c == '.' || (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xff0d ||
	       c == 0x30fc || c == 0xff70 || c == 0x2500 || c == 0xfe63;
}

static bool is_dot(uint32_t c)
{
	return c == 0xff0e || c == 0x30fb || c == 0xff65 || c == 0xb7 || c == 0x2022;
}

// Ends of lines and cells, and the walls of boxes, drawn or of a list (CSV).
static bool is_line(uint32_t c)
{
	return c == ',' || c == ';' || c == '"' || c == '\n' || c == '\r' || c == '\t' ||
	       c == 0x0b || c == '|' || c == 0xff5c || c == 0x2502 || c == 0x2503 || c == 0x2028 ||
	       c == 0x2029;
}

static bool is_number(const struct person_reader *reader, enum found found)
{
	uint8_t digits[PERSON_DIGITS];
	memcpy(digits, reader->digits, sizeof(digits));
	if (found == FOUND_SHORT)
		digits[0] = 0;
	return terms_is_person(digits);
}

// --- what a run makes

static bool is_group(const struct person_reader *reader, unsigned i)
{
	return reader->runs[i].n == GROUP;
}

static bool is_light(uint8_t link)
{
	return link == LINK_TIGHT || link == LINK_LIGHT;
}

static enum found groups_of(const struct person_reader *reader)
{
	const uint8_t before = reader->runs[2].link;
	bool light = is_light(reader->runs[0].link) && is_light(reader->runs[1].link);
	if (!is_group(reader, 0) || !is_group(reader, 1) || !is_group(reader, 2) ||
	    !reader->runs[0].link || !reader->runs[1].link || before == LINK_TIGHT)
		return FOUND_NOTHING;
	if (before && is_group(reader, 3) && (!light || is_light(before)))
		return FOUND_NOTHING;
	return light ? FOUND_GROUPS : FOUND_LINES;
}

static enum found found_of(const struct person_reader *reader)
{
	const uint8_t n = reader->runs[0].n, link = reader->runs[0].link;
	if (reader->singles == PERSON_DIGITS)
		return FOUND_BOXES;
	if (n == PERSON_DIGITS && link != LINK_TIGHT)
		return FOUND_WHOLE;
	// Its first digit is where the last of twelve would be second.
	if (n == PERSON_DIGITS - 1 && link != LINK_TIGHT && reader->digits[1])
		return FOUND_SHORT;
	if (link == LINK_BREAK && n + reader->runs[1].n == PERSON_DIGITS &&
	    reader->runs[1].link == LINK_NONE)
		return FOUND_CUT;
	return groups_of(reader);
}

// --- what follows lets it be

static bool may_count(enum found found, enum link link, unsigned n)
{
	if (link == LINK_TIGHT)
		return false;
	switch (found) {
	case FOUND_GROUPS:
		return !(link == LINK_LIGHT && n == GROUP);
	case FOUND_LINES:
		return link == LINK_NONE || n != GROUP;
	case FOUND_BOXES:
		return link == LINK_NONE || n != 1;
	case FOUND_CUT:
		return link == LINK_NONE;
	default:
		return true;
	}
}

static void settle(struct person_reader *reader, enum link link, unsigned n)
{
	const enum found found = reader->found;
	uint32_t *count =
		found == FOUND_WHOLE || found == FOUND_GROUPS ? &reader->sure : &reader->likely;
	if (found != FOUND_NOTHING && may_count(found, link, n) && *count < UINT32_MAX)
		++*count;
	reader->found = FOUND_NOTHING;
}

// --- runs

static enum link link_of(const struct person_reader *reader)
{
	unsigned blanks = (unsigned)reader->spaces + reader->lines;
	if (!reader->runs[0].n || reader->dashes > 1)
		return LINK_NONE;
	if (reader->lines)
		return blanks > BLANKS_MAX			 ? LINK_NONE
		       : blanks + reader->dashes - reader->lines ? LINK_LINE
		       : reader->lines > 2			 ? LINK_LINE
								 : LINK_BREAK;
	if (reader->spaces > SPACES_MAX)
		return reader->spaces > BLANKS_MAX ? LINK_NONE : LINK_LINE;
	return reader->dashes && !reader->spaces ? LINK_TIGHT : LINK_LIGHT;
}

static void end_run(struct person_reader *reader)
{
	settle(reader, reader->link, reader->n);
	memmove(&reader->runs[1], &reader->runs[0], sizeof(reader->runs) - sizeof(reader->runs[0]));
	reader->runs[0].n = reader->n;
	reader->runs[0].link = reader->link;
	reader->singles = reader->n != 1	      ? 0
			  : reader->link == LINK_NONE ? 1
			  : reader->singles < RUN_MAX ? reader->singles + 1
						      : RUN_MAX;
	reader->n = 0;
	reader->spaces = reader->dashes = reader->lines = 0;
	enum found found = found_of(reader);
	reader->found = found && is_number(reader, found) ? found : FOUND_NOTHING;
}

static void end_all(struct person_reader *reader)
{
	if (reader->n)
		end_run(reader);
	settle(reader, LINK_NONE, 0);
	memset(reader->runs, 0, sizeof(reader->runs));
	reader->singles = 0;
	reader->spaces = reader->dashes = reader->lines = 0;
	reader->open = false;
}

static void add_digit(struct person_reader *reader, int digit)
{
	if (!reader->n)
		reader->link = (uint8_t)link_of(reader);
	memmove(reader->digits, reader->digits + 1, PERSON_DIGITS - 1);
	reader->digits[PERSON_DIGITS - 1] = (uint8_t)digit;
	reader->n += reader->n < RUN_MAX;
	reader->open = true;
}

static uint8_t add_if(bool more, uint8_t count)
{
	return count + (more && count < RUN_MAX);
}

void person_read(struct person_reader *reader, uint32_t c)
{
	int digit = fold_digit(c);
	if (digit >= 0) {
		add_digit(reader, digit);
		return;
	}
	if (!reader->open)
		return;
	bool dot = is_dot(c), space = is_space(c) || dot, line = is_line(c);
	bool dash = is_hyphen(c) || dot;
	if (!space && !line && !dash) {
		if (!fold_is_unseen(c))
			end_all(reader);
		return;
	}
	if (reader->n)
		end_run(reader);
	reader->spaces = add_if(space, reader->spaces);
	reader->dashes = add_if(dash, reader->dashes);
	reader->lines = add_if(line, reader->lines);
}

void person_end(struct person_reader *reader)
{
	end_all(reader);
}

void person_begin_again(struct person_reader *reader)
{
	*reader = (struct person_reader){ .sure = reader->sure,
					  .likely = reader->likely,
					  .labelled = reader->labelled };
}

// --- labels

void person_read_label(struct person_reader *reader, uint32_t letter)
{
	// 個人番号, and マイナンバー with its mark apart; the first letter of each comes once.
	static const uint16_t labels[2][8] = {
		{ 0x500b, 0x4eba, 0x756a, 0x53f7 },
		{ 0x30de, 0x30a4, 0x30ca, 0x30f3, 0x30cf, 0x3099, 0x30fc },
	};
	if (reader->labelled || (!reader->label[0] && !reader->label[1] && letter != labels[0][0] &&
				 letter != labels[1][0]))
		return;
	for (unsigned i = 0; i < 2 && !reader->labelled; i++) {
		uint8_t *at = &reader->label[i];
		*at = labels[i][*at] == letter ? *at + 1 : labels[i][0] == letter ? 1 : 0;
		reader->labelled = !labels[i][*at];
	}
}
