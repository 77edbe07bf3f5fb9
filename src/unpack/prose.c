#include "unpack/prose.h"

#include <stdlib.h>
#include <string.h>

#include "mime/mime_charset.h"
#include "mime/mime_param.h"
#include "unpack/html.h"
#include "unpack/prose_line.h"
#include "unpack/prose_page.h"

enum { SNIFFED = 64 }; // bytes by which letters of two or four bytes are told

// What stands beside the text of a page, so that neither divides the other.
enum flow { FLOW_TEXT, FLOW_BESIDE, FLOWS };

struct reading {
	const struct prose *text;
	unsigned number;
	struct terms_reader terms[FLOWS];
	struct html html;
	struct prose_page page;
};

struct prose {
	const struct terms *terms;
	struct prose_eye eye;
	const struct mime_charset *named; // NULL: none that is known
	const struct mime_charset *jis;	  // ISO-2022-JP
	bool html;
	struct mime_store store;
	struct reading readings[PROSE_READINGS];
	// Of letters of two or four bytes, by its mark, its name or its looks; the second where
	// nobody says which byte is first.
	const struct mime_charset *wide[PROSE_READINGS];
	bool begun;
	bool parted;		    // the readings are not the same any more
	struct prose_escape escape; // that the last line left open
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
	text->jis = mime_charset_find(MIME_SPAN("iso-2022-jp"));
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

static void say(struct reading *reading, enum flow flow, const char *bytes, size_t n)
{
	const struct prose *text = reading->text;
	if (text->terms)
		terms_read(text->terms, &reading->terms[flow], (const uint8_t *)bytes, n);
}

static void on_text(void *arg, const char *bytes, size_t n)
{
	struct reading *reading = arg;
	const struct prose_eye *eye = &reading->text->eye;
	say(reading, prose_page_is_beside(&reading->page, &reading->html) ? FLOW_BESIDE : FLOW_TEXT,
	    bytes, n);
	if (eye->text)
		eye->text(eye->arg, reading->number, bytes, n);
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
	struct reading *reading = arg;
	const struct prose_eye *eye = &reading->text->eye;
	prose_page_attribute(&reading->page, name, value);
	if (prose_page_is_read(name)) {
		say(reading, FLOW_BESIDE, "\f", 1);
		say(reading, FLOW_BESIDE, value, strlen(value));
		say(reading, FLOW_BESIDE, "\f", 1);
	}
	if (eye->attribute)
		eye->attribute(eye->arg, reading->number, tag, name, value);
}

static void on_over(void *arg, const char *tag, bool end)
{
	struct reading *reading = arg;
	if (prose_page_divides(tag)) {
		say(reading, FLOW_TEXT, "\n", 1);
		say(reading, FLOW_BESIDE, "\n", 1);
		if (reading->text->eye.text)
			reading->text->eye.text(reading->text->eye.arg, reading->number, " ", 1);
	}
	prose_page_over(&reading->page, tag, end);
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
	const struct reading *first = &text->readings[0];
	struct reading *second = &text->readings[1];
	memcpy(second->terms, first->terms, sizeof(second->terms));
	second->html = first->html;
	second->page = first->page;
	if (text->eye.part)
		text->eye.part(text->eye.arg);
	text->parted = true;
}

struct view {				    // of a line
	const struct mime_charset *charset; // NULL: none
	struct mime_span line;
};

static void read_views(struct prose *text, struct view first, struct view second)
{
	if (second.charset && !text->parted)
		part(text);
	if (first.charset)
		read_as(text, &text->readings[0], first.charset, first.line);
	if (!text->parted)
		return;
	if (!second.charset)
		second = first;
	if (second.charset)
		read_as(text, &text->readings[1], second.charset, second.line);
}

// Another way to read a line than the first.
static struct view other_view(const struct view *first, const struct mime_charset *const *guesses,
			      size_t n, struct mime_span line)
{
	for (size_t i = 0; i < n; i++)
		if (guesses[i] != first->charset)
			return (struct view){ guesses[i], line };
	return (struct view){ .charset = NULL };
}

// As the part says it is, and as it looks.  Where the line before left an escape of ISO-2022-JP
// open, some readers go on with it, others begin anew.
static void read_line(struct prose *text, size_t n)
{
	uint8_t escaped[sizeof(text->escape.bytes) + PROSE_LINE_MAX];
	const struct mime_charset *const jis = text->jis;
	const struct mime_charset *guesses[MIME_GUESSES];
	const struct mime_span line = { (const char *)text->line, n };
	struct mime_span goes_on = line;
	bool sure;
	if (text->wide[0]) {
		read_views(text, (struct view){ text->wide[0], line },
			   (struct view){ text->wide[1], line });
		return;
	}
	if (text->escape.n) {
		memcpy(escaped, text->escape.bytes, text->escape.n);
		memcpy(escaped + text->escape.n, text->line, n);
		goes_on = (struct mime_span){ (const char *)escaped, text->escape.n + n };
	}
	size_t n_guesses = mime_charset_guess(&text->store, line, guesses, &sure);
	struct view first = { text->named, line };
	if (!first.charset)
		first.charset = text->escape.n ? jis : guesses[0];
	if (first.charset == jis)
		first.line = goes_on;
	struct view second = other_view(&first, guesses, n_guesses, line);
	if (text->escape.n && first.charset != jis)
		second = (struct view){ jis, goes_on };
	prose_escape_read(&text->escape, text->line, n);
	read_views(text, first, second);
}

static void begin(struct prose *text)
{
	const struct mime_charset *const two = mime_charset_find(MIME_SPAN("utf-16")),
					 *const little = mime_charset_find(MIME_SPAN("utf-16le")),
					 *const named = text->named;
	const char *wide = prose_line_wide(text->line, text->n < SNIFFED ? text->n : SNIFFED);
	text->begun = true;
	if (wide)
		text->wide[0] = mime_charset_find((struct mime_span){ wide, strlen(wide) });
	else if (named && mime_charset_is_wide(named))
		text->wide[0] = named;
	if (text->wide[0] == two && two) {
		text->wide[0] = mime_charset_find(MIME_SPAN("utf-16be"));
		text->wide[1] = little;
	}
}

// Where the bytes that can be read now end; 0: they cannot.
static size_t ready(const struct prose *text)
{
	bool full = text->n == PROSE_LINE_MAX;
	if (!text->begun)
		return 0;
	if (text->wide[0]) // no byte of these ends a line
		return full ? text->n : 0;
	return text->line[text->n - 1] == '\n' ? text->n
	       : full			       ? prose_line_cut(text->line, text->n, &text->escape)
					       : 0;
}

static void read_first(struct prose *text, size_t n)
{
	read_line(text, n);
	memmove(text->line, text->line + n, text->n - n);
	text->n -= n;
}

// What came before it was known how to read it, line by line.
static void read_begun(struct prose *text)
{
	const uint8_t *end;
	begin(text);
	while (!text->wide[0] && (end = memchr(text->line, '\n', text->n)) != NULL)
		read_first(text, (size_t)(end - text->line) + 1);
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
		if (!text->begun && text->n >= SNIFFED)
			read_begun(text);
		size_t cut = text->n ? ready(text) : 0;
		if (cut)
			read_first(text, cut);
	}
	return !text->store.failed;
}

bool prose_end(struct prose *text)
{
	if (!text->begun)
		read_begun(text);
	if (text->n)
		read_line(text, text->n);
	text->n = 0;
	for (size_t i = 0; i < (text->parted ? PROSE_READINGS : 1); i++) {
		struct reading *reading = &text->readings[i];
		const struct html_sink sink = sink_of(reading);
		html_end(&reading->html, &sink);
		for (size_t flow = 0; text->terms && flow < FLOWS; flow++)
			terms_end(text->terms, &reading->terms[flow]);
	}
	return !text->store.failed;
}

static void add_found(const struct terms_reader *flows, size_t n, struct unpack_terms *found)
{
	uint32_t numbers = terms_numbers(flows, n);
	for (size_t i = 0; i < n; i++)
		found->words |= flows[i].found;
	if (numbers > found->numbers)
		found->numbers = numbers;
}

void prose_found(const struct prose *text, struct unpack_terms *found)
{
	for (size_t i = 0; i < PROSE_READINGS; i++)
		add_found(text->readings[i].terms, FLOWS, found);
}

void prose_string(const struct terms *terms, const char *string, struct unpack_terms *found)
{
	struct terms_reader reader = { 0 };
	terms_read(terms, &reader, (const uint8_t *)string, strlen(string));
	terms_end(terms, &reader);
	add_found(&reader, 1, found);
}
