// Letters are drawn, not written: each stands where it was put, and a word may be one string, or a
// string for each letter.  So where the next string begins is compared with where the last one
// ended: right there, it goes on; a little further, a space is between; else another line begins.
//
//	/F1 12 Tf 72 700 Td <0a4f> Tj 12 0 Td <1b02> Tj		機 and 密, one word
//	[(1234) -250 (5678)] TJ					1234 5678
//
// How wide letters are is known for simple fonts only; others are as wide as high.
#include "unpack/pdf_text.h"

#include <math.h>
#include <string.h>

#include "mime/mime_charset.h"
#include "unpack/pdf_font.h"
#include "unpack/pdf_object.h"
#include "unpack/xml_text.h"

enum {
	OPERANDS_MAX = 12,
	STATES_MAX = 32, // of q and Q; deeper ones share the last
	CACHE_MAX = 32,
	PARENTS_MAX = 32,
	CONTENTS_MAX = 4096,
	OUT = 1024,
	PIECE = 1024,
	SMALL_MAX = 12,	      // small strings between others
	STRING_LOOKED = 8192, // bytes of a string beside the text
};

#define GAP_NONE   0.25 // of the size: less is no space
#define GAP_SPACE  1.2	// more is another column
#define GAP_LINE   0.4	// up or down
#define SIZE_SMALL 0.7	// of the text before

struct state { // of graphics, that q keeps
	struct pdf_font *font;
	double size, spacing, words, leading, scale;
};

struct point {
	double x, y;
};

struct teller {
	struct pdf_file file;
	struct item *item;
	struct pdf_font *fonts;
	struct pdf_span resources;
	struct {
		char name[PDF_NAME_MAX + 1];
		struct pdf_font *font;
	} cache[CACHE_MAX];
	size_t n_cache;
	struct pdf_span some_fonts; // the last that resources had, for who has none
	struct state states[STATES_MAX];
	size_t depth;
	struct pdf_token operands[OPERANDS_MAX];
	size_t n;
	double a, b, c, d;	      // of the text's matrix
	struct point line, pen, last; // where the line began, the next letter goes, the last ended
	bool drawn;		      // last counts
	struct terms_reader bare;     // what is not small beside the text before it, for words
	struct point bare_last;
	bool bare_drawn;
	double usual;	// size of the text before
	unsigned small; // strings since
	char out[OUT];
	size_t n_out;
};

static struct state *state(struct teller *teller)
{
	return &teller->states[teller->depth < STATES_MAX ? teller->depth : STATES_MAX - 1];
}

static void flush(struct teller *teller)
{
	item_say(teller->item, LOOK_MAIN, teller->out, teller->n_out);
	teller->n_out = 0;
}

static void put(struct teller *teller, const char *text, size_t n)
{
	if (teller->n_out + n > OUT)
		flush(teller);
	memcpy(teller->out + teller->n_out, text, n);
	teller->n_out += n;
}

// --- fonts by name

static struct pdf_font *font_of(struct teller *teller, struct pdf_span name)
{
	struct pdf_file *file = &teller->file;
	char is[PDF_NAME_MAX + 1];
	pdf_name(name, is);
	for (size_t i = 0; i < teller->n_cache; i++)
		if (!strcmp(teller->cache[i].name, is))
			return teller->cache[i].font;
	struct pdf_span fonts = pdf_get(file, teller->resources, "Font");
	struct pdf_span dict = pdf_get(file, fonts, is);
	if (!dict.v)
		dict = pdf_get(file, teller->some_fonts, is);
	if (fonts.v)
		teller->some_fonts = fonts;
	struct pdf_font *font = dict.v ? pdf_font_of(file, &teller->fonts, dict) : NULL;
	size_t at = teller->n_cache < CACHE_MAX ? teller->n_cache++ : 0;
	strcpy(teller->cache[at].name, is);
	teller->cache[at].font = font;
	return font;
}

static void use_resources(struct teller *teller, struct pdf_span resources)
{
	if (teller->resources.v != resources.v)
		teller->n_cache = 0;
	teller->resources = resources;
}

// --- drawing

// Newton's, near enough for gaps: no library is needed for it.
static double length_of(double x, double y)
{
	double square = x * x + y * y, root = fabs(x) + fabs(y);
	for (int i = 0; i < 4 && root > 0; i++)
		root = (root + square / root) / 2;
	return root;
}

// What is between the last letter and the next.
static const char *gap_from(const struct teller *teller, struct point last, bool drawn)
{
	const struct state *s =
		&teller->states[teller->depth < STATES_MAX ? teller->depth : STATES_MAX - 1];
	double dx = teller->pen.x - last.x, dy = teller->pen.y - last.y;
	double length = length_of(teller->a, teller->b), em = length * fabs(s->size);
	if (!drawn || !(em > 0) || !isfinite(dx) || !isfinite(dy))
		return "\n";
	double along = (dx * teller->a + dy * teller->b) / length / em;
	double across = (dy * teller->a - dx * teller->b) / length / em;
	if (fabs(across) > GAP_LINE || along > GAP_SPACE || along < -GAP_SPACE)
		return "\n";
	return along > GAP_NONE ? " " : "";
}

static void put_gap(struct teller *teller)
{
	const char *gap = gap_from(teller, teller->last, teller->drawn);
	put(teller, gap, strlen(gap));
}

static void put_bare(struct teller *teller, const char *text, size_t n)
{
	terms_read(teller->item->look->sink->terms, &teller->bare, (const uint8_t *)text, n);
}

// Readings of letters and marks of notes are small and stand between the letters of a line; but
// what goes on being small is the text.
static bool begin_bare(struct teller *teller)
{
	double em = length_of(teller->a, teller->b) * fabs(state(teller)->size);
	bool small = em < teller->usual * SIZE_SMALL && ++teller->small < SMALL_MAX;
	if (small)
		return false;
	teller->usual = em;
	teller->small = 0;
	const char *gap = gap_from(teller, teller->bare_last, teller->bare_drawn);
	put_bare(teller, gap, strlen(gap));
	return true;
}

// Further by w thousandths of the size, and more of spacing.
static void move_pen(struct teller *teller, double w, double more)
{
	const struct state *s = state(teller);
	double by = (w / 1000 * s->size + more) * s->scale;
	teller->pen.x += by * teller->a;
	teller->pen.y += by * teller->b;
}

static void show(struct teller *teller, const struct pdf_token *string)
{
	const struct state *s = state(teller);
	struct pdf_span left = string->is;
	uint8_t bytes[PIECE];
	char letters[PDF_LETTERS_MAX];
	size_t n;
	double width;
	put_gap(teller);
	bool bare = begin_bare(teller);
	if (!s->font) {
		item_illegible(teller->item);
		return;
	}
	while ((n = pdf_string(string->what, &left, bytes, sizeof(bytes))) > 0) {
		const uint8_t *at = bytes;
		while (at < bytes + n) {
			bool blank = *at == ' ' && n - (size_t)(at - bytes) == 1;
			size_t length = pdf_font_read(s->font, &at, bytes + n, letters, &width);
			if (length)
				put(teller, letters, length);
			else
				put(teller, "\n", 1); // a letter, but who knows which
			if (bare)
				put_bare(teller, length ? letters : "\n", length ? length : 1);
			move_pen(teller, width, s->spacing + (blank ? s->words : 0));
		}
	}
	teller->last = teller->pen;
	teller->drawn = true;
	if (bare)
		teller->bare_last = teller->pen;
	teller->bare_drawn |= bare;
}

static void show_array(struct teller *teller, const struct pdf_token *array)
{
	struct pdf_lexer lexer = { array->is.v, array->is.end, &teller->file };
	struct pdf_token token;
	pdf_next(&lexer, &token); // the bracket
	for (pdf_next(&lexer, &token); token.what != PDF_END && token.what != PDF_ARRAY_END;
	     pdf_next(&lexer, &token)) {
		if (token.what == PDF_NUMBER)
			move_pen(teller, -token.number, 0);
		else if (token.what == PDF_STRING || token.what == PDF_HEX)
			show(teller, &token);
	}
}

static void move_line(struct teller *teller, double x, double y)
{
	teller->line.x += x * teller->a + y * teller->c;
	teller->line.y += x * teller->b + y * teller->d;
	teller->pen = teller->line;
}

// --- operators

static double number(const struct teller *teller, size_t from_last)
{
	const struct pdf_token *token =
		teller->n > from_last ? &teller->operands[teller->n - 1 - from_last] : NULL;
	return token && token->what == PDF_NUMBER ? token->number : 0;
}

static const struct pdf_token *string(const struct teller *teller)
{
	const struct pdf_token *token = teller->n ? &teller->operands[teller->n - 1] : NULL;
	return token && (token->what == PDF_STRING || token->what == PDF_HEX) ? token : NULL;
}

static void do_begin(struct teller *teller)
{
	teller->a = teller->d = 1;
	teller->b = teller->c = 0;
	teller->line = teller->pen = (struct point){ 0, 0 };
}

static void do_font(struct teller *teller)
{
	const struct pdf_token *name = teller->n > 1 ? &teller->operands[teller->n - 2] : NULL;
	if (name && name->what == PDF_NAME)
		state(teller)->font = font_of(teller, name->is);
	state(teller)->size = number(teller, 0);
}

static void do_matrix(struct teller *teller)
{
	teller->a = number(teller, 5);
	teller->b = number(teller, 4);
	teller->c = number(teller, 3);
	teller->d = number(teller, 2);
	teller->line = teller->pen = (struct point){ number(teller, 1), number(teller, 0) };
}

static void do_move(struct teller *teller)
{
	move_line(teller, number(teller, 1), number(teller, 0));
}

static void do_move_leading(struct teller *teller)
{
	state(teller)->leading = -number(teller, 0);
	do_move(teller);
}

static void do_next(struct teller *teller)
{
	move_line(teller, 0, -state(teller)->leading);
}

static void do_show(struct teller *teller)
{
	const struct pdf_token *text = string(teller);
	if (text)
		show(teller, text);
}

static void do_next_show(struct teller *teller)
{
	do_next(teller);
	do_show(teller);
}

static void do_show_array(struct teller *teller)
{
	if (teller->n && teller->operands[teller->n - 1].what == PDF_ARRAY)
		show_array(teller, &teller->operands[teller->n - 1]);
}

static void do_leading(struct teller *teller)
{
	state(teller)->leading = number(teller, 0);
}

static void do_spacing(struct teller *teller)
{
	state(teller)->spacing = number(teller, 0);
}

static void do_words(struct teller *teller)
{
	state(teller)->words = number(teller, 0);
}

static void do_scale(struct teller *teller)
{
	state(teller)->scale = number(teller, 0) / 100;
}

static void do_save(struct teller *teller)
{
	const struct state now = *state(teller);
	teller->depth++;
	*state(teller) = now;
}

static void do_restore(struct teller *teller)
{
	teller->depth -= teller->depth > 0;
}

// Where the page was moved, letters are not where the last ones were.
static void do_transform(struct teller *teller)
{
	teller->drawn = teller->bare_drawn = false;
}

static const struct {
	const char *name;
	void (*run)(struct teller *teller);
} operators[] = {
	{ "Tj", do_show },	   { "TJ", do_show_array }, { "'", do_next_show },
	{ "\"", do_next_show },	   { "Tf", do_font },	    { "Td", do_move },
	{ "TD", do_move_leading }, { "Tm", do_matrix },	    { "T*", do_next },
	{ "TL", do_leading },	   { "Tc", do_spacing },    { "Tw", do_words },
	{ "Tz", do_scale },	   { "BT", do_begin },	    { "q", do_save },
	{ "Q", do_restore },	   { "cm", do_transform },
};

// Behind "ID": bytes of a picture, up to EI between blanks.
static void skip_picture(struct pdf_lexer *lexer)
{
	const uint8_t *at = lexer->at;
	while ((at = memmem(at, (size_t)(lexer->end - at), "EI", 2)) != NULL) {
		bool before = at > lexer->at && (at[-1] == '\n' || at[-1] == ' ' || at[-1] == '\r');
		bool after = at + 2 == lexer->end || at[2] == '\n' || at[2] == ' ' || at[2] == '\r';
		at += 2;
		if (before && after)
			break;
	}
	lexer->at = at ? at : lexer->end;
}

static void say_string(struct teller *teller, struct pdf_token string);

// In a dictionary of marks: what stands for the letters that follow.
static void take_marks(struct teller *teller, const uint8_t *from, const uint8_t *to)
{
	struct pdf_lexer lexer = { from, to, &teller->file };
	struct pdf_token token, value;
	for (pdf_next(&lexer, &token); token.what != PDF_END; pdf_next(&lexer, &token)) {
		if (token.what != PDF_NAME || !pdf_is(token.is, "ActualText"))
			continue;
		pdf_next(&lexer, &value);
		if (value.what == PDF_STRING || value.what == PDF_HEX)
			say_string(teller, value);
	}
}

static void take_operand(struct teller *teller, struct pdf_lexer *lexer, struct pdf_token token)
{
	const uint8_t *from = token.is.v;
	if (token.what == PDF_ARRAY || token.what == PDF_DICT) {
		pdf_pass(lexer, &token);
		token.is.end = lexer->at;
		if (token.what == PDF_DICT)
			take_marks(teller, from, lexer->at);
	}
	if (teller->n == OPERANDS_MAX) {
		memmove(teller->operands, teller->operands + 1,
			(OPERANDS_MAX - 1) * sizeof(teller->operands[0]));
		teller->n--;
	}
	teller->operands[teller->n++] = token;
}

static void take_operator(struct teller *teller, struct pdf_lexer *lexer, struct pdf_token token)
{
	size_t n = (size_t)(token.is.end - token.is.v);
	for (size_t i = 0; n <= 2 && i < sizeof(operators) / sizeof(operators[0]); i++)
		if (strlen(operators[i].name) == n && !memcmp(token.is.v, operators[i].name, n)) {
			operators[i].run(teller);
			break;
		}
	if (n == 2 && !memcmp(token.is.v, "ID", 2))
		skip_picture(lexer);
	teller->n = 0;
}

static void read_content(struct teller *teller, const uint8_t *bytes, size_t n)
{
	struct pdf_lexer lexer = { bytes, bytes + n, &teller->file };
	struct pdf_token token;
	teller->n = 0;
	teller->file.work_max += n; // once is free
	for (pdf_next(&lexer, &token); token.what != PDF_END; pdf_next(&lexer, &token)) {
		if (token.what == PDF_WORD)
			take_operator(teller, &lexer, token);
		else
			take_operand(teller, &lexer, token);
	}
	teller->n = 0;
	flush(teller);
}

// --- streams

static void read_stream(struct teller *teller, struct pdf_object *object, bool page)
{
	struct item item;
	if (object->read || !object->stream.v)
		return;
	object->read = true;
	item_scratch(&item, teller->item);
	if (pdf_decode(&teller->file, object, &item) && item.n) {
		if (page || memmem(item.bytes, item.n, "BT", 2))
			read_content(teller, item.bytes, item.n);
	} else if (page && object->stream.end > object->stream.v + 2) {
		item_illegible(teller->item);
	}
	item_drop(&item);
}

static void begin_page(struct teller *teller)
{
	teller->depth = 0;
	teller->states[0] = (struct state){ .scale = 1 };
	teller->drawn = teller->bare_drawn = false;
	teller->usual = 0;
	do_begin(teller);
}

// The page's own, or of what it is in.
static struct pdf_span resources_of(struct teller *teller, struct pdf_span page)
{
	struct pdf_span resources = { NULL, NULL };
	for (int i = 0; page.v && i < PARENTS_MAX && !resources.v; i++) {
		resources = pdf_get(&teller->file, page, "Resources");
		page = pdf_get(&teller->file, page, "Parent");
	}
	return resources;
}

// Of a page: a stream, or several that are one.  pdf_get() follows references, so the value is
// looked for as it is written.
static void read_page(struct teller *teller, struct pdf_span page)
{
	struct pdf_file *file = &teller->file;
	struct pdf_span contents = pdf_get(file, page, "Contents");
	struct pdf_lexer lexer = { contents.v, contents.end, file };
	struct pdf_token token = { .what = PDF_END };
	if (!contents.v)
		return;
	begin_page(teller);
	use_resources(teller, resources_of(teller, page));
	pdf_next(&lexer, &token);
	if (token.what == PDF_DICT) {
		for (size_t i = 0; i < file->n_objects; i++)
			if (file->objects[i].body.v == contents.v)
				read_stream(teller, &file->objects[i], true);
		file->work += file->n_objects;
	}
	for (int i = 0; token.what == PDF_ARRAY && i < CONTENTS_MAX; i++) {
		const uint8_t *from = lexer.at;
		struct pdf_token more;
		struct pdf_object *object =
			pdf_object_of(file, (struct pdf_span){ from, lexer.end });
		for (int k = 0; k < 3; k++)
			pdf_next(&lexer, &more);
		if (!object)
			break;
		read_stream(teller, object, true);
	}
	item_said(teller->item, LOOK_MAIN);
}

// Drawings and what else is not of text.
static bool is_other(struct pdf_file *file, struct pdf_span dict)
{
	static const struct {
		const char *key, *is; // NULL: anything
	} others[] = { { "Subtype", "Image" },	  { "Length1", NULL },
		       { "Subtype", "Type1C" },	  { "Subtype", "CIDFontType0C" },
		       { "Subtype", "OpenType" }, { "Type", "XRef" },
		       { "Type", "ObjStm" },	  { "Type", "EmbeddedFile" },
		       { "FunctionType", NULL },  { "ShadingType", NULL },
		       { "CMapName", NULL },	  { "Alternate", NULL } };
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct pdf_span value = pdf_get(file, dict, others[i].key);
		if (value.v && (!others[i].is || pdf_value_is(file, value, others[i].is)))
			return true;
	}
	return false;
}

static void read_properties(struct teller *teller, struct pdf_object *object)
{
	struct item item;
	object->read = true;
	item_scratch(&item, teller->item);
	if (pdf_decode(&teller->file, object, &item) && item.n)
		xml_text_say(teller->item, item.bytes, item.n, XML_TEXT_BESIDE);
	item_drop(&item);
}

// Forms and patterns that pages draw, appearances of notes: whatever draws text.
static void read_other(struct teller *teller, struct pdf_object *object)
{
	struct pdf_file *file = &teller->file;
	if (object->read || !object->stream.v)
		return;
	if (pdf_value_is(file, pdf_get(file, object->body, "Type"), "Metadata")) {
		read_properties(teller, object);
		return;
	}
	if (is_other(file, object->body))
		return;
	begin_page(teller);
	use_resources(teller, pdf_get(file, object->body, "Resources"));
	read_stream(teller, object, false);
	item_said(teller->item, LOOK_MAIN);
}

// --- strings

static void say_string(struct teller *teller, struct pdf_token string)
{
	uint8_t bytes[STRING_LOOKED];
	struct mime_store store = { 0 };
	struct mime_text text = { .store = &store };
	const struct mime_charset *guesses[MIME_GUESSES] = { NULL };
	bool sure;
	size_t n = pdf_string(string.what, &string.is, bytes, sizeof(bytes));
	const struct mime_span span = { (const char *)bytes, n };
	bool big = n >= 2 && bytes[0] == 0xfe && bytes[1] == 0xff;
	if (big || (n >= 2 && bytes[0] == 0xff && bytes[1] == 0xfe)) {
		item_say_wide(teller->item, LOOK_BESIDE, bytes + 2, n - 2, big);
		item_say(teller->item, LOOK_BESIDE, "\n", 1);
		return;
	}
	size_t n_guesses = mime_charset_guess(&store, span, guesses, &sure);
	for (size_t i = 0; i < n_guesses; i++) {
		text.n = 0;
		mime_charset_read(guesses[i], span, &text);
		item_aside(teller->item, mime_text_string(&text), text.n);
	}
	mime_text_done(&text);
}

// All of them, whatever they are for.
static void say_strings(struct teller *teller, const struct pdf_object *object)
{
	struct pdf_lexer lexer = { object->body.v, object->body.end, &teller->file };
	struct pdf_token token;
	for (pdf_next(&lexer, &token); token.what != PDF_END; pdf_next(&lexer, &token))
		if ((token.what == PDF_STRING || token.what == PDF_HEX) &&
		    token.is.end - token.is.v < STRING_LOOKED * 2)
			say_string(teller, token);
}

void pdf_text_say(struct item *item)
{
	struct teller *teller = NULL;
	if (item_reads_text(item) && !(item->kinds & UNPACK_ENCRYPTED))
		teller = look_alloc(item, sizeof(*teller));
	if (!teller)
		return;
	teller->item = item;
	pdf_open(item, &teller->file);
	struct pdf_file *file = &teller->file;
	for (size_t i = 0; i < file->n_objects; i++)
		if (pdf_value_is(file, pdf_get(file, file->objects[i].body, "Type"), "Page"))
			read_page(teller, file->objects[i].body);
	for (size_t i = 0; i < file->n_objects; i++)
		read_other(teller, &file->objects[i]);
	for (size_t i = 0; i < file->n_objects; i++)
		say_strings(teller, &file->objects[i]);
	item_said(item, LOOK_BESIDE);
	terms_end(item->look->sink->terms, &teller->bare);
	item->found.words |= teller->bare.found;
	pdf_fonts_free(file, teller->fonts);
	pdf_close(file);
	look_free(item, teller, sizeof(*teller));
}
