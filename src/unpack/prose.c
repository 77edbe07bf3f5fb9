#include "unpack/prose.h"

#include <stdlib.h>
#include <string.h>

#include "mime/mime_charset.h"
#include "mime/mime_param.h"

enum { READINGS = 2, WORD_MAX = 24, MARK_SIZE = 2 };

// Tags and entities of HTML between two pieces of text.
enum markup { MARKUP_NONE, MARKUP_TAG, MARKUP_ENTITY };

struct reading {
	struct terms_reader terms;
	enum markup markup;
	char word[WORD_MAX]; // a tag's name, or an entity
	uint8_t n_word;
	bool named; // the tag's name is complete
};

struct prose {
	const struct terms *terms;
	const struct mime_charset *named; // NULL: none that is known
	bool html;
	struct mime_store store;
	struct reading readings[READINGS];
	const struct mime_charset *wide; // UTF-16, by its mark
	bool begun;
	size_t n;
	uint8_t line[PROSE_LINE_MAX];
};

struct prose *prose_new(const struct terms *terms, bool html)
{
	struct prose *text = calloc(1, sizeof(*text));
	if (!text)
		return NULL;
	text->terms = terms;
	text->html = html;
	return text;
}

bool prose_is_html(const char *type)
{
	return strcmp(type, "text/html") == 0 || strcmp(type, "application/xhtml+xml") == 0;
}

void prose_free(struct prose *text)
{
	free(text);
}

size_t prose_memory(const struct prose *text)
{
	return sizeof(*text) + text->store.used;
}

void prose_type(struct prose *text, const char *field)
{
	struct mime_params params = { 0 };
	mime_params_read(&text->store, (struct mime_span){ field, strlen(field) }, false, &params);
	for (uint32_t i = 0; i < params.n; i++)
		if (mime_span_is(params.v[i].name, "charset") && params.v[i].n_values)
			text->named = mime_charset_find(
				mime_span_trim(mime_param_value(&params, &params.v[i], 0)));
	mime_params_done(&params);
}

// --- HTML

static void put(const struct prose *text, struct reading *reading, const char *bytes, size_t n)
{
	terms_read(text->terms, &reading->terms, (const uint8_t *)bytes, n);
}

static void put_point(const struct prose *text, struct reading *reading, uint32_t c)
{
	const char bytes[] = { (char)(c < 0x800	    ? 0xc0 | c >> 6
				      : c < 0x10000 ? 0xe0 | c >> 12
						    : 0xf0 | c >> 18),
			       (char)(0x80 | (c >> 12 & 0x3f)), (char)(0x80 | (c >> 6 & 0x3f)),
			       (char)(0x80 | (c & 0x3f)) };
	char ascii = (char)c;
	if (c < 0x80) {
		put(text, reading, &ascii, 1);
		return;
	}
	put(text, reading, bytes, 1);
	if (c < 0x800)
		put(text, reading, bytes + 3, 1);
	else if (c < 0x10000)
		put(text, reading, bytes + 2, 2);
	else
		put(text, reading, bytes + 1, 3);
}

// Tags that begin a line or a cell divide words; others, <b> and the like, are not seen.
static void end_tag(const struct prose *text, struct reading *reading)
{
	static const char *const dividing[] = { "br", "p",  "div", "td", "th", "tr", "li", "h1",
						"h2", "h3", "h4",  "h5", "h6", "hr", "dt", "dd" };
	for (size_t i = 0; i < sizeof(dividing) / sizeof(dividing[0]); i++)
		if (strcmp(reading->word, dividing[i]) == 0)
			put(text, reading, " ", 1);
	reading->markup = MARKUP_NONE;
}

static bool is_unseen(const char *entity)
{
	static const char *const unseen[] = { "shy",	 "zwnj", "zwj", "zerowidthspace",
					      "nobreak", "lrm",	 "rlm", "invisibletimes" };
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (strcmp(entity, unseen[i]) == 0)
			return true;
	return false;
}

static void end_entity(const struct prose *text, struct reading *reading)
{
	const char *word = reading->word;
	char *end = NULL;
	unsigned long c = 0;
	if (word[0] == '#' && (word[1] == 'x' || word[1] == 'X'))
		c = strtoul(word + 2, &end, 16);
	else if (word[0] == '#')
		c = strtoul(word + 1, &end, 10);
	if (end && !*end && c > 0 && c <= 0x10ffff)
		put_point(text, reading, (uint32_t)c);
	else if (!is_unseen(word))
		put(text, reading, " ", 1); // a space, or a sign that divides as one
	reading->markup = MARKUP_NONE;
}

static void begin_markup(struct reading *reading, enum markup markup)
{
	reading->markup = markup;
	reading->named = false;
	reading->n_word = 0;
	memset(reading->word, 0, sizeof(reading->word));
}

static void add_word(struct reading *reading, char byte)
{
	bool digits = reading->word[0] == '#' && (reading->n_word == 1 || reading->word[1] == 'x');
	if (byte == '0' && digits && reading->n_word <= 2) // zeros before a number
		return;
	if (reading->n_word + 1 < WORD_MAX)
		reading->word[reading->n_word++] =
			byte >= 'A' && byte <= 'Z' ? (char)(byte + 'a' - 'A') : byte;
}

static bool is_word(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '#';
}

static void read_markup(const struct prose *text, struct reading *reading, char byte)
{
	if (reading->markup == MARKUP_TAG) {
		if (byte == '>')
			end_tag(text, reading);
		else if (is_word(byte) && !reading->named)
			add_word(reading, byte);
		else if (byte != '/')
			reading->named = true;
		return;
	}
	if (is_word(byte) && reading->n_word + 1 < WORD_MAX) {
		add_word(reading, byte);
		return;
	}
	end_entity(text, reading);
	if (byte == '<')
		begin_markup(reading, MARKUP_TAG);
	else if (byte == '&')
		begin_markup(reading, MARKUP_ENTITY);
	else if (byte != ';')
		put(text, reading, &byte, 1);
}

static void read_html(const struct prose *text, struct reading *reading, const char *at, size_t n)
{
	for (const char *end = at + n; at < end;) {
		if (reading->markup != MARKUP_NONE) {
			read_markup(text, reading, *at++);
			continue;
		}
		size_t plain = 0;
		while (at + plain < end && at[plain] != '<' && at[plain] != '&')
			plain++;
		put(text, reading, at, plain);
		at += plain;
		if (at < end)
			begin_markup(reading, *at++ == '<' ? MARKUP_TAG : MARKUP_ENTITY);
	}
}

// --- lines

static void read_as(struct prose *text, struct reading *reading, const struct mime_charset *charset,
		    struct mime_span line)
{
	struct mime_text out = { .store = &text->store };
	mime_charset_read(charset, line, &out);
	if (text->html)
		read_html(text, reading, mime_text_string(&out), out.n);
	else
		put(text, reading, mime_text_string(&out), out.n);
	mime_text_done(&out);
}

// As the part says it is, and as it looks.
static void read_line(struct prose *text, size_t n)
{
	const struct mime_charset *guesses[MIME_GUESSES];
	const struct mime_span line = { (const char *)text->line, n };
	bool sure;
	size_t n_guesses = mime_charset_guess(&text->store, line, guesses, &sure);
	const struct mime_charset *first = text->named;
	size_t guess = 0;
	if (text->wide) {
		read_as(text, &text->readings[0], text->wide, line);
		return;
	}
	if (!first && n_guesses)
		first = guesses[guess++];
	if (first)
		read_as(text, &text->readings[0], first, line);
	while (guess < n_guesses && guesses[guess] == first)
		guess++;
	const struct mime_charset *second = guess < n_guesses ? guesses[guess] : first;
	if (second)
		read_as(text, &text->readings[1], second, line);
}

// A mark says that all is in letters of two bytes, whatever else is said.
static void begin(struct prose *text)
{
	const uint8_t *line = text->line;
	if (line[0] == 0xff && line[1] == 0xfe)
		text->wide = mime_charset_find(MIME_SPAN("utf-16le"));
	else if (line[0] == 0xfe && line[1] == 0xff)
		text->wide = mime_charset_find(MIME_SPAN("utf-16be"));
}

// Where a line that is too long is cut: behind a tag or a blank, if it has one.
static size_t cut_of(const struct prose *text)
{
	for (size_t i = text->n; i > text->n / 2; i--)
		if (text->line[i - 1] == '>' || text->line[i - 1] == ' ')
			return i;
	return text->n;
}

// Where the bytes that can be read now end; 0: they cannot.
static size_t ready(const struct prose *text)
{
	bool full = text->n == PROSE_LINE_MAX;
	if (text->wide) // no byte of these ends a line
		return full ? text->n : 0;
	return text->line[text->n - 1] == '\n' ? text->n : full ? cut_of(text) : 0;
}

bool prose_read(struct prose *text, const uint8_t *bytes, size_t n)
{
	while (n) {
		const uint8_t *end = memchr(bytes, '\n', n);
		size_t piece = end ? (size_t)(end - bytes) + 1 : n;
		size_t room = PROSE_LINE_MAX - text->n;
		piece = piece < room ? piece : room;
		memcpy(text->line + text->n, bytes, piece);
		text->n += piece;
		bytes += piece;
		n -= piece;
		if (!text->begun && text->n >= MARK_SIZE) {
			begin(text);
			text->begun = true;
		}
		size_t cut = ready(text);
		if (!cut)
			continue;
		text->begun = true;
		read_line(text, cut);
		memmove(text->line, text->line + cut, text->n - cut);
		text->n -= cut;
	}
	return !text->store.failed;
}

bool prose_end(struct prose *text)
{
	if (text->n)
		read_line(text, text->n);
	text->n = 0;
	for (size_t i = 0; i < READINGS; i++) {
		if (text->readings[i].markup == MARKUP_ENTITY)
			end_entity(text, &text->readings[i]);
		terms_end(text->terms, &text->readings[i].terms);
	}
	return !text->store.failed;
}

void prose_found(const struct prose *text, struct unpack_terms *found)
{
	for (size_t i = 0; i < READINGS; i++) {
		const struct terms_reader *reader = &text->readings[i].terms;
		found->words |= reader->found;
		if (reader->numbers > found->numbers)
			found->numbers = reader->numbers;
	}
}

void prose_string(const struct terms *terms, const char *string, struct unpack_terms *found)
{
	struct terms_reader reader = { 0 };
	terms_read(terms, &reader, (const uint8_t *)string, strlen(string));
	terms_end(terms, &reader);
	found->words |= reader.found;
	if (reader.numbers > found->numbers)
		found->numbers = reader.numbers;
}
