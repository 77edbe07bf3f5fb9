// One byte, one step.  A value is kept as it stands and resolved at its end.
#include "unpack/html.h"

#include <stdlib.h>
#include <string.h>

enum state {
	TEXT,
	ENTITY,
	OPEN, // behind "<"
	NAME,
	BEFORE, // an attribute
	ATTRIBUTE,
	AFTER, // its name
	EQUALS,
	QUOTED,
	BARE,
	SKIPPED, // "<!" and the like: up to ">"
};

// --- words and entities

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f';
}

static bool is_word(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '#';
}

static void add_word(struct html *html, char byte)
{
	if (html->n_word + 1 < HTML_WORD_MAX)
		html->word[html->n_word++] =
			byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

static void clear_word(struct html *html)
{
	html->n_word = 0;
	memset(html->word, 0, sizeof(html->word));
}

static size_t put_point(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n; --i; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)((0xf00 >> n & 0xf0) | c);
	return n;
}

// "amp" or "#x26", without "&" and ";".  A space is what an entity means that is not known here,
// or a sign that divides as one does.
static size_t resolve(const char *word, char out[4])
{
	static const struct {
		const char *word, *text;
	} known[] = {
		{ "shy", "" },	   { "zwnj", "" },    { "zwj", "" },   { "zerowidthspace", "" },
		{ "nobreak", "" }, { "lrm", "" },     { "rlm", "" },   { "invisibletimes", "" },
		{ "amp", "&" },	   { "lt", "<" },     { "gt", ">" },   { "quot", "\"" },
		{ "apos", "'" },   { "colon", ":" },  { "sol", "/" },  { "bsol", "\\" },
		{ "period", "." }, { "commat", "@" }, { "num", "#" },  { "quest", "?" },
		{ "equals", "=" }, { "percnt", "%" }, { "tab", "\t" }, { "newline", "\n" },
		{ "lowbar", "_" }, { "hyphen", "-" }, { "lpar", "(" }, { "rpar", ")" },
		{ "semi", ";" },
	};
	char *end = NULL;
	unsigned long c = 0;
	if (word[0] == '#' && word[1] == 'x')
		c = strtoul(word + 2, &end, 16);
	else if (word[0] == '#')
		c = strtoul(word + 1, &end, 10);
	if (end && !*end && c > 0 && c <= 0x10ffff)
		return put_point((uint32_t)c, out);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(word, known[i].word) == 0) {
			out[0] = known[i].text[0];
			return strlen(known[i].text);
		}
	out[0] = ' ';
	return 1;
}

static void add_entity(struct html *html, char byte)
{
	bool digits = html->word[0] == '#' && (html->n_word == 1 || html->word[1] == 'x');
	if (byte != '0' || !digits || html->n_word > 2) // zeros before a number
		add_word(html, byte);
}

// In place: what it stands for is never longer.  A "&" that begins none is one.
static void resolve_value(struct html *html)
{
	char *out = html->value;
	html->value[html->n_value] = '\0';
	for (const char *at = html->value; *at;) {
		char letters[4];
		if (*at != '&' || !is_word(at[1])) {
			*out++ = *at++;
			continue;
		}
		const char *from = ++at;
		clear_word(html);
		while (is_word(*at))
			add_entity(html, *at++);
		size_t n = resolve(html->word, letters);
		bool plain = n == 1 && letters[0] == ' ';
		if (plain || (*at != ';' && html->word[0] != '#')) { // "&copy=1" of a query
			*out++ = '&';
			memmove(out, from, (size_t)(at - from));
			out += at - from;
			continue;
		}
		at += *at == ';';
		memcpy(out, letters, n);
		out += n;
	}
	*out = '\0';
}

// --- telling

static void tell_text(const struct html_sink *sink, const char *bytes, size_t n)
{
	if (n)
		sink->text(sink->arg, bytes, n);
}

static void tell_entity(struct html *html, const struct html_sink *sink)
{
	char letters[4];
	tell_text(sink, letters, resolve(html->word, letters));
	html->state = TEXT;
}

static void tell_tag(struct html *html, const struct html_sink *sink)
{
	memcpy(html->tag, html->word, sizeof(html->tag));
	clear_word(html);
	if (sink->tag)
		sink->tag(sink->arg, html->tag, html->end);
}

static void tell_attribute(struct html *html, const struct html_sink *sink)
{
	char name[HTML_WORD_MAX];
	memcpy(name, html->word, sizeof(name));
	resolve_value(html);
	if (sink->attribute && name[0])
		sink->attribute(sink->arg, html->tag, name, html->value);
	clear_word(html);
	html->n_value = 0;
	html->shown = false;
	html->state = BEFORE;
}

// Elements in which "<" is a letter, but for their own end.
static void begin_raw(struct html *html)
{
	static const char *const raw[] = { "script", "style",  "title",	  "textarea",
					   "xmp",    "iframe", "noembed", "noframes" };
	for (size_t i = 0; !html->end && i < sizeof(raw) / sizeof(raw[0]); i++)
		if (strcmp(html->tag, raw[i]) == 0)
			memcpy(html->raw, html->tag, sizeof(html->raw));
}

static void tell_over(struct html *html, const struct html_sink *sink)
{
	begin_raw(html);
	if (sink->over)
		sink->over(sink->arg, html->tag, html->end);
	html->state = TEXT;
}

// --- steps

static void begin_tag(struct html *html)
{
	html->state = OPEN;
	html->end = false;
	html->n_value = 0;
	html->shown = false;
	clear_word(html);
	html->tag[0] = '\0';
}

static void begin_entity(struct html *html)
{
	html->state = ENTITY;
	clear_word(html);
}

static void step_text(struct html *html, const struct html_sink *sink, char byte)
{
	if (byte == '<')
		begin_tag(html);
	else if (byte == '&')
		begin_entity(html);
	else
		tell_text(sink, &byte, 1);
}

static void step_entity(struct html *html, const struct html_sink *sink, char byte)
{
	if (is_word(byte) && html->n_word + 1 < HTML_WORD_MAX) {
		add_entity(html, byte);
		return;
	}
	tell_entity(html, sink);
	if (byte != ';')
		step_text(html, sink, byte);
}

static void step_open(struct html *html, const struct html_sink *sink, char byte)
{
	bool letter = is_word(byte) && byte != '#' && !(byte >= '0' && byte <= '9');
	bool raw = html->raw[0] && !html->end; // only its end is looked for
	if (byte == '/' && !html->end) {
		html->end = true;
	} else if (letter && !raw) {
		html->state = NAME;
		add_word(html, byte);
	} else if ((byte == '!' || byte == '?' || html->end) && !raw) {
		html->state = byte == '>' ? TEXT : SKIPPED;
		html->n_dashes = 0;
	} else {
		html->state = TEXT;
		tell_text(sink, "<", 1);
		step_text(html, sink, byte);
	}
}

static void step_name(struct html *html, const struct html_sink *sink, char byte)
{
	if (!is_blank(byte) && byte != '/' && byte != '>') {
		add_word(html, byte);
		return;
	}
	if (html->raw[0] && !(html->end && strcmp(html->word, html->raw) == 0)) {
		html->state = TEXT;
		tell_text(sink, html->word, html->n_word);
		step_text(html, sink, byte);
		return;
	}
	html->raw[0] = '\0';
	tell_tag(html, sink);
	html->state = BEFORE;
	if (byte == '>')
		tell_over(html, sink);
}

// "<!--" begins a comment, anything else ends with the next ">".
static void step_skipped(struct html *html, const struct html_sink *sink, char byte)
{
	(void)sink;
	if (byte == '-' && html->n_dashes < 2 && !html->n_word)
		html->n_dashes++;
	else
		html->n_word = 1;
	if (html->n_dashes == 2)
		html->comment = true;
	if (byte == '>')
		html->state = TEXT;
}

// Between attributes, and behind the name of one.
static void step_between(struct html *html, const struct html_sink *sink, char byte)
{
	if (byte == '>') {
		if (html->n_word)
			tell_attribute(html, sink);
		tell_over(html, sink);
	} else if (html->state == AFTER && byte == '=') {
		html->state = EQUALS;
	} else if (!is_blank(byte) && byte != '/') {
		if (html->n_word)
			tell_attribute(html, sink);
		html->state = ATTRIBUTE;
		add_word(html, byte);
	}
}

static void step_attribute(struct html *html, const struct html_sink *sink, char byte)
{
	if (byte == '=') {
		html->state = EQUALS;
	} else if (byte == '>' || byte == '/' || is_blank(byte)) {
		html->state = AFTER;
		step_between(html, sink, byte);
	} else {
		add_word(html, byte);
	}
}

static void add_value(struct html *html, char byte)
{
	if (html->n_value < HTML_VALUE_MAX && byte)
		html->value[html->n_value++] = byte;
}

static void step_value(struct html *html, const struct html_sink *sink, char byte)
{
	bool quoted = html->state == QUOTED;
	if (html->state == EQUALS) {
		if (is_blank(byte))
			return;
		html->quote = byte;
		html->state = byte == '"' || byte == '\'' ? QUOTED : BARE;
		if (html->state == QUOTED)
			return;
	}
	if (quoted ? byte == html->quote : byte == '>' || is_blank(byte)) {
		tell_attribute(html, sink);
		if (byte == '>')
			tell_over(html, sink);
		return;
	}
	if (quoted && html->shown)
		tell_text(sink, &byte, 1);
	html->shown |= quoted && byte == '>';
	add_value(html, byte);
}

// "-->", wherever it stands.  The dashes of "<!--" count: "<!-->" is empty.
static void look_for_end(struct html *html, char byte)
{
	if (byte == '>' && html->n_dashes >= 2) {
		html->comment = false;
		html->state = TEXT;
		html->raw[0] = '\0';
	}
	html->n_dashes = byte != '-' ? 0 : html->n_dashes < 2 ? html->n_dashes + 1 : 2;
}

void html_read(struct html *html, const struct html_sink *sink, const char *bytes, size_t n)
{
	static void (*const steps[])(struct html *, const struct html_sink *, char) = {
		[TEXT] = step_text,	      [ENTITY] = step_entity,	[OPEN] = step_open,
		[NAME] = step_name,	      [BEFORE] = step_between,	[AFTER] = step_between,
		[ATTRIBUTE] = step_attribute, [EQUALS] = step_value,	[QUOTED] = step_value,
		[BARE] = step_value,	      [SKIPPED] = step_skipped,
	};
	for (const char *end = bytes + n; bytes < end;) {
		size_t plain = 0;
		while (html->state == TEXT && !html->comment && bytes + plain < end &&
		       bytes[plain] != '<' && bytes[plain] != '&')
			plain++;
		tell_text(sink, bytes, plain);
		bytes += plain;
		if (bytes == end)
			break;
		steps[html->state](html, sink, *bytes);
		if (html->comment)
			look_for_end(html, *bytes);
		bytes++;
	}
}

void html_end(struct html *html, const struct html_sink *sink)
{
	if (html->state == ENTITY)
		tell_entity(html, sink);
}
