#include "unpack/prose.h"

#include <stdlib.h>
#include <string.h>

#include "mime/mime_charset.h"
#include "mime/mime_param.h"
#include "unpack/html.h"

enum { MARK_SIZE = 2 };

struct reading {
	const struct prose *text;
	unsigned number;
	struct terms_reader terms;
	struct html html;
};

struct prose {
	const struct terms *terms;
	struct prose_eye eye;
	const struct mime_charset *named; // NULL: none that is known
	bool html;
	struct mime_store store;
	struct reading readings[PROSE_READINGS];
	const struct mime_charset *wide; // UTF-16, by its mark
	bool begun;
	bool parted; // the readings are not the same any more
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
	for (unsigned i = 0; i < PROSE_READINGS; i++) {
		text->readings[i].text = text;
		text->readings[i].number = i;
	}
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

void prose_watch(struct prose *text, const struct prose_eye *eye)
{
	text->eye = *eye;
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

static void on_text(void *arg, const char *bytes, size_t n)
{
	struct reading *reading = arg;
	const struct prose *text = reading->text;
	if (text->terms)
		terms_read(text->terms, &reading->terms, (const uint8_t *)bytes, n);
	if (text->eye.text)
		text->eye.text(text->eye.arg, reading->number, bytes, n);
}

static void on_tag(void *arg, const char *name, bool end)
{
	const struct reading *reading = arg;
	const struct prose_eye *eye = &reading->text->eye;
	if (eye->tag)
		eye->tag(eye->arg, reading->number, name, end);
}

static void on_attribute(void *arg, const char *tag, const char *name, const char *value)
{
	const struct reading *reading = arg;
	const struct prose_eye *eye = &reading->text->eye;
	if (eye->attribute)
		eye->attribute(eye->arg, reading->number, tag, name, value);
}

// Tags that begin a line or a cell divide words; others, <b> and the like, are not seen.
static void on_over(void *arg, const char *tag, bool end)
{
	static const char *const dividing[] = { "br", "p",  "div", "td", "th", "tr", "li", "h1",
						"h2", "h3", "h4",  "h5", "h6", "hr", "dt", "dd" };
	(void)end;
	for (size_t i = 0; i < sizeof(dividing) / sizeof(dividing[0]); i++)
		if (strcmp(tag, dividing[i]) == 0)
			on_text(arg, " ", 1);
}

static struct html_sink sink_of(struct reading *reading)
{
	return (struct html_sink){ .text = on_text,
				   .tag = on_tag,
				   .attribute = on_attribute,
				   .over = on_over,
				   .arg = reading };
}

// --- lines

static void read_as(struct prose *text, struct reading *reading, const struct mime_charset *charset,
		    struct mime_span line)
{
	struct mime_text out = { .store = &text->store };
	mime_charset_read(charset, line, &out);
	if (text->html) {
		const struct html_sink sink = sink_of(reading);
		html_read(&reading->html, &sink, mime_text_string(&out), out.n);
	} else {
		on_text(reading, mime_text_string(&out), out.n);
	}
	mime_text_done(&out);
}

// What was read so far belongs to both.
static void part(struct prose *text)
{
	text->readings[1].terms = text->readings[0].terms;
	text->readings[1].html = text->readings[0].html;
	if (text->eye.part)
		text->eye.part(text->eye.arg);
	text->parted = true;
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
	while (guess < n_guesses && guesses[guess] == first)
		guess++;
	const struct mime_charset *second = guess < n_guesses ? guesses[guess] : first;
	if (second != first && !text->parted)
		part(text);
	if (first)
		read_as(text, &text->readings[0], first, line);
	if (second && text->parted)
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
	for (size_t i = 0; i < (text->parted ? PROSE_READINGS : 1); i++) {
		struct reading *reading = &text->readings[i];
		const struct html_sink sink = sink_of(reading);
		html_end(&reading->html, &sink);
		if (text->terms)
			terms_end(text->terms, &reading->terms);
	}
	return !text->store.failed;
}

void prose_found(const struct prose *text, struct unpack_terms *found)
{
	for (size_t i = 0; i < PROSE_READINGS; i++) {
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
