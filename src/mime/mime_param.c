#include "mime/mime_param.h"

#include <string.h>

enum { VALUES_TIMES = 3 }; // all values together, of the field's size

struct scan {
	const char *v;
	size_t n, at;
	bool comments; // brackets are comments
	bool japanese; // there are escapes of ISO-2022-JP, whose bytes may look like quotes
	size_t semicolon_from, semicolon_at; // the last that was looked for
	struct mime_params *params;
};

static bool over(const struct scan *scan)
{
	return scan->at >= scan->n;
}

static uint8_t here(const struct scan *scan)
{
	return (uint8_t)scan->v[scan->at];
}

// The end of the comment that begins here, or 0.
static size_t comment_end(const struct scan *scan)
{
	size_t depth = 0;
	for (size_t at = scan->at; at < scan->n; at++) {
		uint8_t byte = (uint8_t)scan->v[at];
		if (byte == '\\')
			at++;
		else if (byte == '(')
			depth++;
		else if (byte == ')' && --depth == 0)
			return at + 1;
	}
	return 0;
}

// A comment that never ends is none, and then none begins later either.
static bool skip_comment(struct scan *scan)
{
	if (over(scan) || here(scan) != '(')
		return false;
	scan->params->ways |= MIME_WAY_COMMENTS;
	size_t end = scan->comments ? comment_end(scan) : 0;
	if (!end) {
		scan->comments = false;
		return false;
	}
	scan->at = end;
	return true;
}

static void skip_spaces(struct scan *scan)
{
	while (!over(scan) && (mime_is_space(here(scan)) || skip_comment(scan)))
		if (!over(scan) && mime_is_space(here(scan)))
			scan->at++;
}

// Past an escape of ISO-2022-JP and the double bytes it begins; to its own end otherwise.
static size_t japanese_end(const struct scan *scan, size_t at)
{
	if (at + 1 >= scan->n || scan->v[at + 1] != '$')
		return at + 1;
	const char *end = memchr(scan->v + at + 1, 0x1b, scan->n - at - 1);
	return end ? (size_t)(end - scan->v) : at + 1;
}

// Where the text in quotes that begins at from ends; scan->n if it does not.
static size_t quoted_end(const struct scan *scan, size_t from, bool escapes)
{
	size_t at = from;
	while (at < scan->n && scan->v[at] != '"') {
		if (scan->japanese && scan->v[at] == 0x1b)
			at = japanese_end(scan, at);
		else
			at += escapes && scan->v[at] == '\\' && at + 1 < scan->n ? 2 : 1;
	}
	return at < scan->n ? at : scan->n;
}

// The next one from here, in quotes or not; looked for once, however many parameters come before
// it.
static size_t semicolon(struct scan *scan, size_t from)
{
	if (from >= scan->semicolon_from && from <= scan->semicolon_at)
		return scan->semicolon_at;
	const char *end = from < scan->n ? memchr(scan->v + from, ';', scan->n - from) : NULL;
	scan->semicolon_from = from;
	scan->semicolon_at = end ? (size_t)(end - scan->v) : scan->n;
	return scan->semicolon_at;
}

static struct mime_span span_of(const struct scan *scan, size_t from, size_t to)
{
	return (struct mime_span){ scan->v + from, to - from };
}

// drop: bytes to leave out; with '\\', the next byte stays whatever it is.
static void add_value(struct scan *scan, struct mime_param *param, struct mime_span value,
		      char drop)
{
	struct mime_text *text = &scan->params->text;
	size_t from = text->n;
	if (param->n_values == MIME_VALUES_MAX)
		return;
	if (text->n + value.n > VALUES_TIMES * scan->n) { // values that overlap over and over
		scan->params->cut = true;
		return;
	}
	for (size_t i = 0; i < value.n; i++) {
		if (scan->japanese && value.v[i] == 0x1b) {
			struct scan inner = { .v = value.v, .n = value.n };
			size_t end = japanese_end(&inner, i);
			mime_text_add(text, value.v + i, end - i);
			i = end - 1;
			continue;
		}
		if (drop && value.v[i] == drop && (drop != '\\' || ++i == value.n))
			continue;
		mime_text_byte(text, (uint8_t)value.v[i]);
	}
	struct mime_span added = { mime_text_string(text) + from, text->n - from };
	for (uint32_t i = 0; i < param->n_values; i++)
		if (mime_span_equal(added, mime_param_value(scan->params, param, i))) {
			text->n = from;
			return;
		}
	param->values[param->n_values].at = (uint32_t)from;
	param->values[param->n_values++].n = (uint32_t)(text->n - from);
}

// attribute=: the beginning of another parameter.
static bool begins_param(struct mime_span rest)
{
	size_t at = 0;
	rest = mime_span_trim(rest);
	while (at < rest.n &&
	       (rest.v[at] == '-' || rest.v[at] == '*' || rest.v[at] == '_' ||
		(rest.v[at] >= '0' && rest.v[at] <= '9') ||
		(mime_lower((uint8_t)rest.v[at]) >= 'a' && mime_lower((uint8_t)rest.v[at]) <= 'z')))
		at++;
	if (!at)
		return false;
	while (at < rest.n && mime_is_space((uint8_t)rest.v[at]))
		at++;
	return at < rest.n && rest.v[at] == '=';
}

static void read_quoted(struct scan *scan, struct mime_param *param)
{
	size_t from = scan->at + 1, end = quoted_end(scan, from, true);
	struct mime_span inside = span_of(scan, from, end);
	bool escapes = inside.n && memchr(inside.v, '\\', inside.n);
	add_value(scan, param, inside, '\\');
	if (escapes)
		add_value(scan, param, span_of(scan, from, quoted_end(scan, from, false)), '\0');
	if (end == scan->n) { // the quotes do not end
		scan->at = semicolon(scan, from);
		add_value(scan, param, mime_span_trim(span_of(scan, from, scan->at)), '\0');
		return;
	}
	scan->at = end + 1;
	if (escapes)
		add_value(scan, param, inside, '\0');
	skip_spaces(scan);
	size_t next = semicolon(scan, scan->at);
	struct mime_span rest = span_of(scan, scan->at, next);
	if (!rest.n || begins_param(rest))
		return;
	add_value(scan, param, mime_span_trim(span_of(scan, from, next)), '"');
	scan->at = next;
}

static void read_token(struct scan *scan, struct mime_param *param)
{
	size_t from = scan->at, next = semicolon(scan, from), end = from;
	bool word = next - from > 2 && memcmp(scan->v + from, "=?", 2) == 0;
	while (end < next && !mime_is_space((uint8_t)scan->v[end]) &&
	       !(scan->comments && scan->v[end] == '('))
		end++;
	struct mime_span whole = mime_span_trim(span_of(scan, from, next));
	size_t comma = end > from && scan->v[end - 1] == ','; // for a semicolon
	if (!word)
		add_value(scan, param, span_of(scan, from, end - comma), '\0');
	add_value(scan, param, whole, '\0');
	if (whole.n > 1 && memchr(whole.v, '"', whole.n))
		add_value(scan, param, whole, '"');
	if (whole.n > 1 && whole.v[0] == '\'' && whole.v[whole.n - 1] == '\'')
		add_value(scan, param, (struct mime_span){ whole.v + 1, whole.n - 2 }, '\0');
	scan->at = word ? next : end;
	skip_spaces(scan);
	struct mime_span rest = span_of(scan, scan->at, next > scan->at ? next : scan->at);
	if (rest.n && !begins_param(rest))
		scan->at = next;
}

// name, name*, name*N, name*N*
static void read_name(struct mime_span name, struct mime_param *param)
{
	name = mime_span_trim(name);
	if (name.n > 1 && name.v[0] == '"' && name.v[name.n - 1] == '"')
		name = (struct mime_span){ name.v + 1, name.n - 2 };
	const char *star = name.n ? memchr(name.v, '*', name.n) : NULL;
	param->section = MIME_SECTION_NONE;
	param->name = name;
	if (!star)
		return;
	size_t at = (size_t)(star - name.v) + 1;
	param->name = mime_span_trim((struct mime_span){ name.v, at - 1 });
	while (at < name.n && mime_is_space((uint8_t)name.v[at]))
		at++;
	for (; at < name.n && name.v[at] >= '0' && name.v[at] <= '9'; at++) {
		int32_t section = param->section == MIME_SECTION_NONE ? 0 : param->section;
		section = section * 10 + (name.v[at] - '0');
		param->section = section > MIME_SECTION_MAX ? MIME_SECTION_MAX : section;
	}
	param->encoded =
		param->section == MIME_SECTION_NONE || memchr(name.v + at, '*', name.n - at);
}

// Most fields have one parameter or two.
static bool grow(struct mime_params *params)
{
	struct mime_store *store = params->text.store;
	uint32_t cap = params->cap ? params->cap * 4 : 4;
	struct mime_param *v = mime_store_get(store, cap * sizeof(*v));
	if (!v)
		return false;
	if (params->n)
		memcpy(v, params->v, params->n * sizeof(*v));
	mime_store_put(store, params->v, params->cap * sizeof(*v));
	params->v = v;
	params->cap = cap;
	return true;
}

// NULL: too many, or no memory.
static struct mime_param *add_param(struct mime_params *params)
{
	bool full = params->n == MIME_PARAMS_MAX;
	params->cut = params->cut || full;
	if (full || (params->n == params->cap && !grow(params)))
		return NULL;
	return &params->v[params->n++];
}

static void read_param(struct scan *scan)
{
	size_t from = scan->at;
	while (!over(scan) && here(scan) != '=' && here(scan) != ';' &&
	       !(scan->comments && here(scan) == '('))
		scan->at++;
	struct mime_span name = span_of(scan, from, scan->at);
	skip_spaces(scan);
	if (over(scan) || here(scan) != '=') {
		scan->at = over(scan) || here(scan) == ';' ? scan->at : semicolon(scan, scan->at);
		return;
	}
	scan->at++;
	skip_spaces(scan);
	struct mime_param *param = add_param(scan->params);
	if (!param) {
		scan->at = scan->n;
		return;
	}
	read_name(name, param);
	if (!over(scan) && here(scan) == '"')
		read_quoted(scan, param);
	else
		read_token(scan, param);
}

static void read_first(struct scan *scan)
{
	skip_spaces(scan);
	size_t from = scan->at;
	if (begins_param(span_of(scan, from, scan->n))) { // the word was left out
		scan->params->word = span_of(scan, from, from);
		scan->params->junk = true;
		return;
	}
	while (!over(scan) && here(scan) != ';' && !mime_is_space(here(scan)) &&
	       !(scan->comments && here(scan) == '('))
		scan->at++;
	scan->params->word = span_of(scan, from, scan->at);
	skip_spaces(scan);
	if (over(scan) || here(scan) == ';')
		return;
	scan->params->junk = true;
	if (!begins_param(span_of(scan, scan->at, scan->n)))
		scan->at = semicolon(scan, scan->at);
}

void mime_params_read(struct mime_store *store, struct mime_span field, uint32_t ways,
		      struct mime_params *ret)
{
	*ret = (struct mime_params){ .text = { .store = store } };
	struct scan scan = {
		.v = field.v, .n = field.n, .comments = ways & MIME_WAY_COMMENTS, .params = ret
	};
	scan.semicolon_from = 1; // none yet
	const char *escape = field.n ? memchr(field.v, 0x1b, field.n) : NULL;
	bool japanese = escape && memmem(field.v, field.n, "\033$", 2) &&
			memmem(field.v, field.n, "\033(", 2);
	scan.japanese = japanese && ways & MIME_WAY_ESCAPES;
	ret->ways = japanese ? MIME_WAY_ESCAPES : 0;
	store->work += field.n;
	read_first(&scan);
	while (!over(&scan)) {
		skip_spaces(&scan);
		if (!over(&scan) && (here(&scan) == ';' || here(&scan) == ','))
			scan.at++;
		else if (!over(&scan))
			read_param(&scan);
	}
}

void mime_params_done(struct mime_params *params)
{
	mime_store_put(params->text.store, params->v, params->cap * sizeof(*params->v));
	mime_text_done(&params->text);
}

struct mime_span mime_param_value(const struct mime_params *params, const struct mime_param *param,
				  uint32_t i)
{
	return (struct mime_span){ mime_text_string(&params->text) + param->values[i].at,
				   param->values[i].n };
}
