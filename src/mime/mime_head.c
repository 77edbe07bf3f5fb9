#include "mime/mime_head.h"

#include <string.h>

#include "mime/mime_header.h"
#include "mime/mime_name.h"
#include "mime/mime_param.h"
#include "mime/mime_section.h"
#include "mime/mime_word.h"

enum { BOUNDARY_RFC = 70 };

enum about { ABOUT_TYPE, ABOUT_DISPOSITION, ABOUT_ENCODING, ABOUTS };

static const char *const fields[ABOUTS] = {
	[ABOUT_TYPE] = "content-type",
	[ABOUT_DISPOSITION] = "content-disposition",
	[ABOUT_ENCODING] = "content-transfer-encoding",
};

struct work {
	struct mime_store *store;
	struct mime_head *head;
	struct mime_names names;
	struct mime_text first[ABOUTS]; // the value of the first field of each
	uint32_t seen[ABOUTS];
	bool structured; // the type is of a field that says multipart or message
};

static void doubt(struct work *work, enum mime_doubt doubt)
{
	work->head->doubts |= 1U << doubt;
}

static bool is_type(struct mime_span word)
{
	const char *slash = word.n ? memchr(word.v, '/', word.n) : NULL;
	if (!slash || slash == word.v || slash == word.v + word.n - 1 || word.n >= MIME_TYPE_MAX)
		return false;
	for (size_t i = 0; i < word.n; i++)
		if ((uint8_t)word.v[i] <= ' ' || (uint8_t)word.v[i] >= 0x7f ||
		    strchr("()<>@,;:\\\"[]?=", word.v[i]) ||
		    (word.v[i] == '/' && word.v + i != slash))
			return false;
	return true;
}

static void set_type(struct mime_head *head, struct mime_span word)
{
	for (size_t i = 0; i < word.n; i++)
		head->type[i] = (char)mime_lower((uint8_t)word.v[i]);
	head->type[word.n] = '\0';
}

static enum mime_kind kind_of(const struct mime_head *head, const struct mime_params *params)
{
	static const char *const messages[] = { "message/rfc822", "message/global", "message/news",
						"message/external-body" };
	if (strncmp(head->type, "multipart/", 10) == 0)
		return MIME_MULTIPART;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		if (strcmp(head->type, messages[i]) == 0)
			return MIME_MESSAGE;
	// The first piece begins with the header of the message that was cut.
	for (uint32_t i = 0; strcmp(head->type, "message/partial") == 0 && i < params->n; i++)
		if (params->v[i].n_values && mime_span_is(params->v[i].name, "number") &&
		    mime_span_is(mime_param_value(params, &params->v[i], 0), "1"))
			return MIME_MESSAGE;
	return MIME_LEAF;
}

static void set_charset(struct mime_head *head, const struct mime_params *params)
{
	head->charset[0] = '\0';
	for (uint32_t i = 0; i < params->n; i++) {
		const struct mime_param *param = &params->v[i];
		struct mime_span value = { 0 };
		if (param->n_values && mime_span_is(param->name, "charset"))
			value = mime_span_trim(mime_param_value(params, param, 0));
		if (!value.n || value.n >= MIME_CHARSET_MAX || memchr(value.v, '\0', value.n))
			continue;
		for (size_t k = 0; k < value.n; k++)
			head->charset[k] = (char)mime_lower((uint8_t)value.v[k]);
		head->charset[value.n] = '\0';
		return;
	}
}

static bool has_boundary(const struct mime_params *params)
{
	for (uint32_t i = 0; i < params->n; i++)
		if (mime_span_is(params->v[i].name, "boundary"))
			return true;
	return false;
}

// What a type that cannot be read is taken for: RFC 2045 5.2, but for what has half a word of a
// multipart or a message.
static struct mime_span guess_type(const struct mime_params *params)
{
	if (mime_span_begins(params->word, "multipart") || has_boundary(params))
		return MIME_SPAN("multipart/mixed");
	return mime_span_begins(params->word, "message") ? MIME_SPAN("message/rfc822")
							 : MIME_SPAN("text/plain");
}

static void read_type(struct work *work, const struct mime_params *params)
{
	struct mime_head type = { 0 }, *head = work->head;
	struct mime_span word = params->word;
	if (!is_type(word) || params->junk)
		doubt(work, MIME_TYPE_SYNTAX);
	if (!is_type(word))
		word = guess_type(params);
	set_type(&type, word);
	type.kind = kind_of(&type, params);
	if (strcmp(type.type, "message/partial") == 0 ||
	    strcmp(type.type, "message/external-body") == 0)
		doubt(work, MIME_PARTIAL);
	if (work->seen[ABOUT_TYPE] && (work->structured || type.kind == MIME_LEAF))
		return;
	work->structured = type.kind != MIME_LEAF;
	set_charset(head, params);
	strcpy(head->type, type.type);
	head->kind = type.kind;
	head->digest = strcmp(head->type, "multipart/digest") == 0;
}

static void add_boundary(struct work *work, struct mime_span value)
{
	struct mime_head *head = work->head;
	while (value.n && mime_is_space((uint8_t)value.v[value.n - 1]))
		value.n--;
	if (!value.n || value.n > BOUNDARY_RFC || memchr(value.v, '\0', value.n))
		doubt(work, MIME_BOUNDARY);
	if (!value.n || value.n > MIME_BOUNDARY_MAX || memchr(value.v, '\0', value.n))
		return;
	for (uint32_t i = 0; i < head->n_boundaries; i++)
		if (strlen(head->boundaries[i]) == value.n &&
		    memcmp(head->boundaries[i], value.v, value.n) == 0)
			return;
	if (head->n_boundaries)
		doubt(work, MIME_BOUNDARY);
	char *copy = head->n_boundaries < MIME_BOUNDARIES_MAX
			     ? mime_store_get(work->store, value.n + 1)
			     : NULL;
	if (!copy)
		return;
	memcpy(copy, value.v, value.n);
	head->boundaries[head->n_boundaries++] = copy;
}

static void read_boundaries(struct work *work, const struct mime_params *params)
{
	for (enum mime_order order = 0; order < MIME_ORDERS; order++) {
		struct mime_joined joined = { .bytes = { .store = work->store } };
		if (mime_section_join(params, "boundary", order, &joined))
			add_boundary(work, (struct mime_span){ mime_text_string(&joined.bytes),
							       joined.bytes.n });
		mime_text_done(&joined.bytes);
	}
	for (uint32_t i = 0; i < params->n; i++) {
		const struct mime_param *param = &params->v[i];
		struct mime_joined joined = { .bytes = { .store = work->store } };
		if (param->section != MIME_SECTION_NONE || !mime_span_is(param->name, "boundary"))
			continue;
		for (uint32_t k = 0; k < param->n_values && !param->encoded; k++)
			add_boundary(work, mime_param_value(params, param, k));
		if (param->encoded && param->n_values) {
			mime_section_percent(mime_param_value(params, param, 0), true, &joined);
			add_boundary(work, (struct mime_span){ mime_text_string(&joined.bytes),
							       joined.bytes.n });
		}
		mime_text_done(&joined.bytes);
	}
}

static void read_disposition(struct work *work, const struct mime_params *params)
{
	// RFC 2183 2.8: what is not known is an attachment.
	if (params->word.n && !mime_span_is(params->word, "inline"))
		work->head->attachment = true;
}

static void read_encoding(struct work *work, const struct mime_params *params)
{
	static const struct {
		const char *word;
		enum mime_encoding encoding;
	} words[] = {
		{ "7bit", MIME_IDENTITY },	 { "8bit", MIME_IDENTITY },
		{ "binary", MIME_IDENTITY },	 { "7-bit", MIME_IDENTITY },
		{ "8-bit", MIME_IDENTITY },	 { "none", MIME_IDENTITY },
		{ "base64", MIME_BASE64 },	 { "quoted-printable", MIME_QUOTED_PRINTABLE },
		{ "x-uuencode", MIME_UUENCODE }, { "x-uue", MIME_UUENCODE },
		{ "uuencode", MIME_UUENCODE },	 { "uue", MIME_UUENCODE },
		{ "x-yencode", MIME_YENC },	 { "yenc", MIME_YENC },
		{ "x-yenc", MIME_YENC },
	};
	struct mime_span word = params->word;
	enum mime_encoding encoding = MIME_UNKNOWN;
	if (word.n > 1 && word.v[0] == '"' && word.v[word.n - 1] == '"')
		word = (struct mime_span){ word.v + 1, word.n - 2 };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (mime_span_is(word, words[i].word))
			encoding = words[i].encoding;
	if (encoding == MIME_UNKNOWN || params->junk)
		doubt(work, MIME_ENCODING);
	if (!work->seen[ABOUT_ENCODING])
		work->head->encoding = work->head->other = encoding;
	else if (work->head->other == work->head->encoding)
		work->head->other = encoding;
}

static void (*const readers[ABOUTS])(struct work *, const struct mime_params *) = {
	[ABOUT_TYPE] = read_type,
	[ABOUT_DISPOSITION] = read_disposition,
	[ABOUT_ENCODING] = read_encoding,
};

static void compare(struct work *work, enum about about, struct mime_span value)
{
	struct mime_text *first = &work->first[about];
	first->store = work->store;
	if (work->seen[about] == 0)
		mime_text_add(first, value.v, value.n);
	else if (!mime_span_equal(value, (struct mime_span){ mime_text_string(first), first->n }))
		doubt(work, MIME_FIELD_TWICE);
}

// Calls read for a value as it is with all ways, and for each of them without it, where there it
// is.
static void for_ways(struct work *work, struct mime_span value,
		     void (*read)(struct work *work, const struct mime_params *params, bool with),
		     bool with)
{
	static const uint32_t ways[] = { MIME_WAY_ALL, MIME_WAY_ALL & ~MIME_WAY_COMMENTS,
					 MIME_WAY_ALL & ~MIME_WAY_ESCAPES };
	uint32_t there = 0;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct mime_params params;
		if (i && !(there & (MIME_WAY_ALL & ~ways[i])))
			continue;
		mime_params_read(work->store, value, ways[i], &params);
		read(work, &params, with);
		there |= params.ways;
		mime_params_done(&params);
	}
}

static void each_boundaries(struct work *work, const struct mime_params *params, bool with)
{
	(void)with;
	read_boundaries(work, params);
}

static void read_structure(struct work *work, enum about about, struct mime_span value)
{
	struct mime_params params;
	compare(work, about, value);
	mime_params_read(work->store, value, MIME_WAY_ALL, &params);
	if (params.cut)
		doubt(work, MIME_TOO_LONG);
	readers[about](work, &params);
	mime_params_done(&params);
	if (about == ABOUT_TYPE)
		for_ways(work, value, each_boundaries, false);
	work->seen[about]++;
}

static void each_names(struct work *work, const struct mime_params *params, bool literal)
{
	mime_name_params(&work->names, params, "filename", literal);
	mime_name_params(&work->names, params, "name", literal);
}

// A field may be encoded words as a whole, parameters and all.
static void read_names(struct work *work, struct mime_span value, bool literal)
{
	uint32_t before = work->names.n;
	for_ways(work, value, each_names, literal);
	if (literal || work->names.n > before || !value.n || !memmem(value.v, value.n, "=?", 2))
		return;
	struct mime_text shown = { .store = work->store };
	mime_word_read(value, &shown);
	for_ways(work, (struct mime_span){ mime_text_string(&shown), shown.n }, each_names, false);
	mime_text_done(&shown);
}

enum round { ROUND_STRUCTURE, ROUND_NAMES, ROUND_LITERAL };

static void read_field(struct work *work, enum about about, struct mime_span value,
		       enum round round, bool tight)
{
	if (round == ROUND_STRUCTURE && !tight)
		read_structure(work, about, value);
	else if (round == ROUND_STRUCTURE && about == ABOUT_TYPE)
		for_ways(work, value, each_boundaries, false);
	else if (round == ROUND_NAMES || (round == ROUND_LITERAL && !tight))
		read_names(work, value, round == ROUND_LITERAL);
}

// Each field of the header that is one of abouts (bits).
static void for_fields(struct work *work, struct mime_span header, uint32_t abouts,
		       enum round round)
{
	struct mime_text text = { .store = work->store };
	uint32_t *doubts = &work->head->doubts;
	struct mime_field field;
	size_t at = 0;
	while (mime_header_next(header, &at, &field, doubts))
		for (enum about about = 0; about < ABOUTS; about++) {
			if (!(abouts & 1U << about) || !mime_span_is(field.name, fields[about]))
				continue;
			struct mime_span folded = mime_span_trim(field.folded);
			int ways = folded.n && memchr(folded.v, '\n', folded.n) ? 2 : 1;
			for (int tight = 0; tight < ways; tight++)
				read_field(work, about,
					   mime_header_unfold(folded, tight, &text, doubts), round,
					   tight);
		}
	work->store->work += header.n;
	mime_text_done(&text);
}

// A dot, and up to five letters and digits: "Delivery report" is no name of a file.
static bool ends_like_file(struct mime_span value)
{
	const char *dot = value.n ? memrchr(value.v, '.', value.n) : NULL;
	size_t n = dot ? (size_t)(value.v + value.n - dot) - 1 : 0;
	bool letter = false;
	if (!n || n > 5)
		return false;
	for (size_t i = 1; i <= n; i++) {
		uint8_t byte = mime_lower((uint8_t)dot[i]);
		if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9'))
			return false;
		letter = letter || byte >= 'a';
	}
	return letter;
}

static void add_other_name(struct work *work, struct mime_span raw)
{
	struct mime_text shown = { .store = work->store };
	mime_word_read(raw, &shown);
	if (ends_like_file((struct mime_span){ mime_text_string(&shown), shown.n }))
		mime_name_add(&work->names, raw, false);
	mime_text_done(&shown);
}

// What clients fall back to where nothing else names the part.
static void read_other_names(struct work *work, struct mime_span header)
{
	static const char *const others[] = { "content-name", "x-sun-data-name",
					      "content-description", "content-location" };
	struct mime_text text = { .store = work->store };
	struct mime_field field;
	uint32_t doubts = 0; // told already
	size_t at = 0;
	while (!work->names.n && mime_header_next(header, &at, &field, &doubts))
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
			if (mime_span_is(field.name, others[i]))
				add_other_name(work, mime_header_unfold(field.folded, false, &text,
									&doubts));
	work->store->work += header.n;
	mime_text_done(&text);
}

static void check(struct work *work, bool in_digest)
{
	struct mime_head *head = work->head;
	if (!work->seen[ABOUT_TYPE]) {
		strcpy(head->type, in_digest ? "message/rfc822" : "text/plain");
		head->kind = in_digest ? MIME_MESSAGE : MIME_LEAF;
	}
	if (head->kind != MIME_LEAF &&
	    (head->encoding != MIME_IDENTITY || head->other != MIME_IDENTITY))
		doubt(work, MIME_ENCODING);
	if (head->kind == MIME_MULTIPART && !head->n_boundaries) {
		doubt(work, MIME_BOUNDARY);
		head->kind = MIME_LEAF;
	}
	if (head->kind != MIME_MULTIPART) {
		mime_boundary_done(work->store, head->boundaries, head->n_boundaries);
		head->n_boundaries = 0;
	}
}

void mime_head_read(struct mime_store *store, struct mime_span header, bool in_digest,
		    struct mime_head *ret)
{
	*ret = (struct mime_head){ 0 };
	struct work work = { .store = store, .head = ret, .names = { .store = store } };
	for_fields(&work, header, (1U << ABOUTS) - 1, ROUND_STRUCTURE);
	if (mime_header_ends_early(header))
		doubt(&work, MIME_HEADER_END);
	for (enum round round = ROUND_NAMES; round <= ROUND_LITERAL; round++) {
		for_fields(&work, header, 1U << ABOUT_DISPOSITION, round);
		for_fields(&work, header, 1U << ABOUT_TYPE, round);
	}
	read_other_names(&work, header);
	check(&work, in_digest);
	mime_name_settle(&work.names);
	ret->doubts |= work.names.doubts;
	memcpy(ret->names, work.names.v, sizeof(ret->names));
	ret->n_names = work.names.n;
	for (enum about about = 0; about < ABOUTS; about++)
		mime_text_done(&work.first[about]);
}

void mime_boundary_done(struct mime_store *store, char **v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		mime_store_put(store, v[i], strlen(v[i]) + 1);
}
