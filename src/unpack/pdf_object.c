#include "unpack/pdf_object.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "unpack/pdf_filter.h"

enum { FOLLOW_MAX = 8, WORK_TIMES = 64, WORK_FREE = 1 << 20, DIGITS_MAX = 10 };

struct pdf_buffer {
	struct pdf_buffer *below;
	struct item item;
};

// --- tokens

static bool is_space(uint8_t c)
{
	return c == ' ' || c == 0 || (c >= 9 && c <= 13);
}

static bool is_delimiter(uint8_t c)
{
	return is_space(c) || memchr("()<>[]{}/%", c, 10);
}

static int hex(uint8_t c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? (c | 32) - 'a' + 10 : -1;
}

static void skip_blanks(struct pdf_lexer *lexer)
{
	while (lexer->at < lexer->end) {
		if (*lexer->at == '%')
			while (lexer->at < lexer->end && *lexer->at != '\n' && *lexer->at != '\r')
				lexer->at++;
		else if (is_space(*lexer->at))
			lexer->at++;
		else
			return;
	}
}

static void read_string(struct pdf_lexer *lexer, struct pdf_token *ret)
{
	unsigned depth = 1;
	ret->what = PDF_STRING;
	ret->is.v = lexer->at;
	for (; lexer->at < lexer->end && depth; lexer->at++) {
		if (*lexer->at == '\\' && lexer->at + 1 < lexer->end)
			lexer->at++;
		else if (*lexer->at == '(')
			depth++;
		else if (*lexer->at == ')')
			depth--;
	}
	ret->is.end = lexer->at - (depth == 0);
}

static void read_hex(struct pdf_lexer *lexer, struct pdf_token *ret)
{
	const uint8_t *end = memchr(lexer->at, '>', (size_t)(lexer->end - lexer->at));
	ret->what = PDF_HEX;
	ret->is = (struct pdf_span){ lexer->at, end ? end : lexer->end };
	lexer->at = end ? end + 1 : lexer->end;
}

static bool read_number(const uint8_t *at, const uint8_t *end, double *ret)
{
	double value = 0, scale = 0;
	bool minus = at < end && *at == '-', digits = false;
	if (at < end && (*at == '-' || *at == '+'))
		at++;
	for (; at < end; at++) {
		if (*at == '.' && scale == 0) {
			scale = 1;
		} else if (isdigit(*at)) {
			value = value * 10 + (*at - '0');
			scale *= 10;
			digits = true;
		} else if (!(*at == '-' && digits)) { // 12-34, as some write
			return false;
		} else {
			break;
		}
	}
	if (scale > 1)
		value /= scale;
	*ret = minus ? -value : value;
	return digits;
}

static void read_word(struct pdf_lexer *lexer, struct pdf_token *ret)
{
	ret->is.v = lexer->at++;
	while (lexer->at < lexer->end && !is_delimiter(*lexer->at))
		lexer->at++;
	ret->is.end = lexer->at;
	ret->what = read_number(ret->is.v, ret->is.end, &ret->number) ? PDF_NUMBER : PDF_WORD;
}

static void read_token(struct pdf_lexer *lexer, struct pdf_token *ret)
{
	uint8_t c = *lexer->at;
	bool twice = lexer->at + 1 < lexer->end && lexer->at[1] == c;
	static const struct {
		char c;
		bool twice;
		enum pdf_what what;
	} marks[] = { { '<', true, PDF_DICT },
		      { '>', true, PDF_DICT_END },
		      { '[', false, PDF_ARRAY },
		      { ']', false, PDF_ARRAY_END } };
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (c == marks[i].c && (twice || !marks[i].twice)) {
			ret->what = marks[i].what;
			ret->is.v = lexer->at;
			lexer->at += marks[i].twice ? 2 : 1;
			ret->is.end = lexer->at;
			return;
		}
	if (c == '/') {
		lexer->at++;
		ret->what = PDF_NAME;
		ret->is.v = lexer->at;
		while (lexer->at < lexer->end && !is_delimiter(*lexer->at))
			lexer->at++;
		ret->is.end = lexer->at;
	} else if (c == '(') {
		lexer->at++;
		read_string(lexer, ret);
	} else if (c == '<') {
		lexer->at++;
		read_hex(lexer, ret);
	} else {
		read_word(lexer, ret);
	}
}

void pdf_next(struct pdf_lexer *lexer, struct pdf_token *ret)
{
	struct pdf_file *file = lexer->file;
	const uint8_t *from = lexer->at;
	*ret = (struct pdf_token){ .what = PDF_END };
	skip_blanks(lexer);
	if (lexer->at < lexer->end && file->work < file->work_max)
		read_token(lexer, ret);
	file->work += (uint64_t)(lexer->at - from);
}

static bool word_is(const struct pdf_token *token, const char *word)
{
	size_t n = strlen(word);
	return token->what == PDF_WORD && (size_t)(token->is.end - token->is.v) == n &&
	       !memcmp(token->is.v, word, n);
}

// What no value has in it.
static bool ends_object(const struct pdf_token *token)
{
	return token->what == PDF_END || word_is(token, "endobj") || word_is(token, "obj") ||
	       word_is(token, "stream") || word_is(token, "endstream") || word_is(token, "trailer");
}

void pdf_pass(struct pdf_lexer *lexer, const struct pdf_token *token)
{
	unsigned depth = 0;
	struct pdf_token next = *token;
	for (;;) {
		if (next.what == PDF_DICT || next.what == PDF_ARRAY)
			depth++;
		else if ((next.what == PDF_DICT_END || next.what == PDF_ARRAY_END) && depth)
			depth--;
		if (!depth)
			return;
		const uint8_t *before = lexer->at;
		pdf_next(lexer, &next);
		if (ends_object(&next)) {
			lexer->at = before;
			return;
		}
	}
}

void pdf_name(struct pdf_span span, char out[PDF_NAME_MAX + 1])
{
	size_t n = 0;
	for (const uint8_t *at = span.v; at < span.end && n < PDF_NAME_MAX; at++) {
		bool is_hex = *at == '#' && span.end - at > 2 && hex(at[1]) >= 0 && hex(at[2]) >= 0;
		out[n++] = is_hex ? (char)(hex(at[1]) * 16 + hex(at[2])) : (char)*at;
		at += is_hex ? 2 : 0;
	}
	out[n] = '\0';
}

bool pdf_is(struct pdf_span span, const char *name)
{
	char is[PDF_NAME_MAX + 1];
	if (!span.v)
		return false;
	pdf_name(span, is);
	return !strcmp(is, name);
}

// --- values

// "12 0 R" at the lexer, whose first number was read; it stands behind it then.
static bool is_reference(struct pdf_lexer *lexer)
{
	struct pdf_lexer ahead = *lexer;
	struct pdf_token generation, r;
	skip_blanks(&ahead);
	if (ahead.at == ahead.end || !isdigit(*ahead.at))
		return false;
	pdf_next(&ahead, &generation);
	skip_blanks(&ahead);
	if (ahead.at == ahead.end || *ahead.at != 'R')
		return false;
	pdf_next(&ahead, &r);
	if (!word_is(&r, "R"))
		return false;
	lexer->at = ahead.at;
	return true;
}

static int by_number(const void *a, const void *b)
{
	const struct pdf_object *x = a, *y = b;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int by_place(const void *a, const void *b)
{
	const struct pdf_object *x = a, *y = b;
	int order = by_number(a, b);
	return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

struct pdf_object *pdf_object_of(struct pdf_file *file, struct pdf_span reference)
{
	struct pdf_lexer lexer = { reference.v, reference.end, file };
	struct pdf_token token;
	if (!reference.v)
		return NULL;
	pdf_next(&lexer, &token);
	if (token.what != PDF_NUMBER || token.number < 0 || token.number > UINT32_MAX ||
	    !is_reference(&lexer))
		return NULL;
	const struct pdf_object key = { .number = (uint32_t)token.number };
	return file->n_objects
		       ? bsearch(&key, file->objects, file->n_objects, sizeof(key), by_number)
		       : NULL;
}

struct pdf_span pdf_value(struct pdf_file *file, struct pdf_span value)
{
	for (int i = 0; value.v && i < FOLLOW_MAX; i++) {
		const struct pdf_object *object = pdf_object_of(file, value);
		if (!object)
			return value;
		value = object->body;
	}
	return value;
}

struct pdf_span pdf_get(struct pdf_file *file, struct pdf_span dict, const char *name)
{
	struct pdf_lexer lexer = { dict.v, dict.end, file };
	struct pdf_token key, value;
	struct pdf_span found = { NULL, NULL };
	if (!dict.v)
		return found;
	pdf_next(&lexer, &key);
	if (key.what != PDF_DICT)
		return found;
	for (;;) {
		pdf_next(&lexer, &key);
		if (key.what != PDF_NAME)
			break;
		struct pdf_lexer before = lexer;
		pdf_next(&lexer, &value);
		if (value.what == PDF_NUMBER)
			is_reference(&lexer);
		else
			pdf_pass(&lexer, &value);
		if (pdf_is(key.is, name)) {
			found = (struct pdf_span){ before.at, lexer.at };
			break;
		}
		if (ends_object(&value))
			break;
	}
	return pdf_value(file, found);
}

bool pdf_value_is(struct pdf_file *file, struct pdf_span value, const char *name)
{
	struct pdf_lexer lexer = { value.v, value.end, file };
	struct pdf_token token;
	if (!value.v)
		return false;
	pdf_next(&lexer, &token);
	return token.what == PDF_NAME && pdf_is(token.is, name);
}

double pdf_number(struct pdf_file *file, struct pdf_span value, double otherwise)
{
	struct pdf_lexer lexer = { value.v, value.end, file };
	struct pdf_token token;
	if (!value.v)
		return otherwise;
	pdf_next(&lexer, &token);
	return token.what == PDF_NUMBER ? token.number : otherwise;
}

// --- strings

// Behind a backslash; the byte it means, or -1: none.
static int read_escape(const uint8_t **at, const uint8_t *end)
{
	static const char letters[] = "nrtbf", means[] = "\n\r\t\b\f";
	uint8_t c = *(*at)++;
	const char *letter = memchr(letters, c, sizeof(letters) - 1);
	if (letter)
		return means[letter - letters];
	if (c >= '0' && c <= '7') {
		int value = c - '0';
		for (int i = 0; i < 2 && *at < end && **at >= '0' && **at <= '7'; i++)
			value = value * 8 + *(*at)++ - '0';
		return value & 0xff;
	}
	if (c == '\r' && *at < end && **at == '\n')
		(*at)++;
	return c == '\r' || c == '\n' ? -1 : c;
}

size_t pdf_string(enum pdf_what what, struct pdf_span *span, uint8_t *out, size_t max)
{
	const uint8_t **at = &span->v;
	size_t n = 0;
	int high = -1;
	while (*at < span->end && n < max) {
		int c = *(*at)++;
		if (what == PDF_HEX) {
			int digit = hex((uint8_t)c);
			if (digit >= 0 && high >= 0) {
				out[n++] = (uint8_t)(high * 16 + digit);
				high = -1;
			} else if (digit >= 0) {
				high = digit;
			}
			continue;
		}
		if (c == '\\' && *at < span->end)
			c = read_escape(at, span->end);
		if (c >= 0)
			out[n++] = (uint8_t)c;
	}
	if (high >= 0 && n < max)
		out[n++] = (uint8_t)(high * 16);
	return n;
}

// --- the file

static struct pdf_object *add_object(struct pdf_file *file)
{
	if (file->n_objects == file->cap) {
		size_t cap = file->cap ? file->cap * 2 : 256;
		struct pdf_object *objects = NULL;
		if (cap <= PDF_OBJECTS_MAX)
			objects = look_alloc(file->item, cap * sizeof(*objects));
		if (!objects)
			return NULL;
		if (file->cap)
			memcpy(objects, file->objects, file->cap * sizeof(*objects));
		look_free(file->item, file->objects, file->cap * sizeof(*objects));
		file->objects = objects;
		file->cap = cap;
	}
	struct pdf_object *object = &file->objects[file->n_objects++];
	*object = (struct pdf_object){ 0 };
	return object;
}

// The number before at, and where it begins; NULL: there is none.
static const uint8_t *number_before(const uint8_t *at, const uint8_t *begin, uint32_t *ret)
{
	const uint8_t *end = at;
	while (end > begin && is_space(end[-1]))
		end--;
	const uint8_t *first = end;
	uint64_t value = 0;
	while (first > begin && end - first < DIGITS_MAX && isdigit(first[-1]))
		first--;
	for (const uint8_t *digit = first; digit < end; digit++)
		value = value * 10 + (uint64_t)(*digit - '0');
	*ret = (uint32_t)value;
	return first < end && end < at && value <= UINT32_MAX ? first : NULL;
}

// What follows "12 0 obj"; where to look on.
static const uint8_t *read_object(struct pdf_file *file, struct pdf_object *object,
				  const uint8_t *at, const uint8_t *end)
{
	struct pdf_lexer lexer = { at, end, file };
	struct pdf_token token;
	pdf_next(&lexer, &token);
	pdf_pass(&lexer, &token);
	object->body = (struct pdf_span){ at, lexer.at };
	if (token.what == PDF_NUMBER) // a reference, or a number
		object->body.end = end - at < 32 ? end : at + 32;
	if (token.what != PDF_DICT)
		return lexer.at;
	struct pdf_lexer ahead = lexer;
	pdf_next(&ahead, &token);
	if (!word_is(&token, "stream"))
		return lexer.at;
	at = ahead.at;
	at += at < end && *at == '\r';
	at += at < end && *at == '\n';
	const uint8_t *stop = memmem(at, (size_t)(end - at), "endstream", 9);
	object->stream = (struct pdf_span){ at, stop ? stop : end };
	return object->stream.end;
}

static void index_file(struct pdf_file *file)
{
	const uint8_t *begin = file->item->bytes, *end = begin + file->item->n, *at = begin;
	while (at < end && file->work < file->work_max) {
		uint32_t number, generation;
		const uint8_t *word = memmem(at, (size_t)(end - at), "obj", 3);
		if (!word)
			return;
		at = word + 3;
		const uint8_t *before = number_before(word, begin, &generation);
		if (!before || !number_before(before, begin, &number))
			continue;
		struct pdf_object *object = add_object(file);
		if (!object)
			return;
		object->number = number;
		object->place = word;
		at = read_object(file, object, at, end);
	}
}

static void index_stream(struct pdf_file *file, size_t index)
{
	const struct pdf_span dict = file->objects[index].body;
	const uint8_t *container = file->objects[index].place;
	struct pdf_buffer *buffer = look_alloc(file->item, sizeof(*buffer));
	if (!buffer)
		return;
	buffer->below = file->buffers;
	file->buffers = buffer;
	item_scratch(&buffer->item, file->item);
	pdf_decode(file, &file->objects[index], &buffer->item);
	const double n = pdf_number(file, pdf_get(file, dict, "N"), 0);
	const double first = pdf_number(file, pdf_get(file, dict, "First"), 0);
	if (!buffer->item.n)
		return;
	const uint8_t *begin = buffer->item.bytes, *end = begin + buffer->item.n;
	struct pdf_lexer lexer = { begin, end, file };
	struct pdf_token number, place;
	for (double i = 0; i < n; i++) {
		pdf_next(&lexer, &number);
		pdf_next(&lexer, &place);
		if (number.what != PDF_NUMBER || place.what != PDF_NUMBER || number.number < 0 ||
		    place.number < 0 || number.number > UINT32_MAX ||
		    !(first >= 0 && first + place.number < (double)buffer->item.n))
			return;
		struct pdf_object *object = add_object(file);
		if (!object)
			return;
		object->number = (uint32_t)number.number;
		object->place = container;
		const uint8_t *at = begin + (size_t)(first + place.number);
		struct pdf_lexer value = { at, end, file };
		pdf_next(&value, &place);
		pdf_pass(&value, &place);
		object->body = (struct pdf_span){ at, value.at };
		if (place.what == PDF_NUMBER)
			object->body.end = end - at < 32 ? end : at + 32;
	}
}

// Those of one number become one, the last.
static void settle(struct pdf_file *file)
{
	size_t n = 0;
	if (!file->n_objects)
		return;
	qsort(file->objects, file->n_objects, sizeof(file->objects[0]), by_place);
	for (size_t i = 0; i < file->n_objects; i++) {
		if (n && file->objects[n - 1].number == file->objects[i].number)
			n--;
		file->objects[n++] = file->objects[i];
	}
	file->n_objects = n;
}

void pdf_open(struct item *item, struct pdf_file *ret)
{
	*ret = (struct pdf_file){ .item = item,
				  .work_max = WORK_FREE + WORK_TIMES * (uint64_t)item->n };
	index_file(ret);
	size_t direct = ret->n_objects;
	for (size_t i = 0; i < direct; i++)
		if (ret->objects[i].stream.v &&
		    pdf_value_is(ret, pdf_get(ret, ret->objects[i].body, "Type"), "ObjStm"))
			index_stream(ret, i);
	settle(ret);
}

void pdf_close(struct pdf_file *file)
{
	for (struct pdf_buffer *buffer = file->buffers, *below; buffer; buffer = below) {
		below = buffer->below;
		buffer->item.limit = UNPACK_WHOLE;
		item_drop(&buffer->item);
		look_free(file->item, buffer, sizeof(*buffer));
	}
	look_free(file->item, file->objects, file->cap * sizeof(file->objects[0]));
	if (file->work >= file->work_max)
		item_illegible(file->item);
}

// --- streams

// The name of a filter, of one or of a list; false: there is no such.
static bool filter_name(struct pdf_file *file, struct pdf_span filters, size_t index,
			char out[PDF_NAME_MAX + 1])
{
	struct pdf_lexer lexer = { filters.v, filters.end, file };
	struct pdf_token token;
	if (!filters.v)
		return false;
	pdf_next(&lexer, &token);
	if (token.what == PDF_NAME && index == 0) {
		pdf_name(token.is, out);
		return true;
	}
	for (size_t i = 0; token.what == PDF_ARRAY && i <= index; i++) {
		struct pdf_token name;
		pdf_next(&lexer, &name);
		if (name.what != PDF_NAME)
			return false;
		pdf_name(name.is, out);
		if (i == index)
			return true;
	}
	return false;
}

static bool run_filters(struct pdf_file *file, struct pdf_object *object, struct item *item)
{
	const struct pdf_span filters = pdf_get(file, object->body, "Filter");
	struct pdf_span bytes = object->stream;
	char name[PDF_NAME_MAX + 1];
	size_t n = 0;
	if (!filter_name(file, filters, 0, name))
		return !filters.v && item_set(item, bytes.v, (size_t)(bytes.end - bytes.v));
	while (filter_name(file, filters, n, name)) {
		struct pdf_parms parms;
		struct item next;
		pdf_parms_of(file, object->body, n, &parms);
		item_scratch(&next, file->item);
		bool fine = n < PDF_FILTERS_MAX &&
			    pdf_filter(name, &parms, bytes.v, (size_t)(bytes.end - bytes.v), &next);
		item->limit = UNPACK_WHOLE;
		item_drop(item);
		*item = next;
		n++;
		if (!fine || !item->n)
			return fine;
		bytes = (struct pdf_span){ item->bytes, item->bytes + item->n };
	}
	return true;
}

// What is read for its text alone has a budget of its own: a drawing is no bomb.
bool pdf_decode(struct pdf_file *file, struct pdf_object *object, struct item *item)
{
	struct look *look = file->item->look;
	const uint64_t output = look->output, input = look->input;
	const bool stopped = look->stopped;
	if (file->decoded >= PDF_DECODED_MAX) {
		item_illegible(file->item);
		return false;
	}
	bool fine = run_filters(file, object, item);
	file->decoded += look->output - output;
	if (item->limit == UNPACK_OUTPUT || item->limit == UNPACK_TIME || !item->whole)
		fine = false;
	if (item->limit == UNPACK_DAMAGED && item->n) // what there is of it is shown
		fine = true;
	look->output = output;
	look->input = input;
	look->stopped = stopped;
	item->limit = UNPACK_WHOLE;
	return fine;
}
