// libfyaml's events, with places that people can count: lines and columns from 1, columns in
// characters, the last column included.
#include "policy/yaml.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

struct yaml {
	struct fy_diag *diag;
	struct fy_parser *parser;
	struct fy_event *event; // the one given out last
	const char *name;
	const char *bytes;
	size_t size;
	const struct source_repairs *repairs;
	char message[256];
	char text[POL_SCALAR_BYTES_MAX + 1]; // of a scalar that does not stand so in the file
};

struct yaml *yaml_new(const char *name, const char *bytes, size_t size,
		      const struct source_repairs *repairs)
{
	struct yaml *yaml = calloc(1, sizeof(*yaml));
	struct fy_diag_cfg diag_cfg;
	struct fy_parse_cfg cfg = {
		.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE |
			 FYPCF_ALLOW_DUPLICATE_KEYS,
	};

	if (!yaml)
		return NULL;
	*yaml = (struct yaml){ .name = name, .bytes = bytes, .size = size, .repairs = repairs };
	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	diag_cfg.colorize = false;
	yaml->diag = fy_diag_create(&diag_cfg);
	if (!yaml->diag)
		goto fail;
	fy_diag_set_collect_errors(yaml->diag, true);
	cfg.diag = yaml->diag;
	yaml->parser = fy_parser_create(&cfg);
	if (!yaml->parser ||
	    fy_parser_set_string(yaml->parser, size ? bytes : "\n", size ? size : 1))
		goto fail;
	return yaml;
fail:
	yaml_free(yaml);
	return NULL;
}

void yaml_free(struct yaml *yaml)
{
	if (!yaml)
		return;
	if (yaml->event)
		fy_parser_event_free(yaml->parser, yaml->event);
	if (yaml->parser)
		fy_parser_destroy(yaml->parser);
	if (yaml->diag)
		fy_diag_destroy(yaml->diag);
	free(yaml);
}

// A repaired sign is wider in what libfyaml reads than in the file.
static uint32_t column_in_file(const struct yaml *yaml, uint32_t line, uint32_t column)
{
	for (size_t i = 0; yaml->repairs && i < yaml->repairs->n; i++) {
		const struct source_repair *repair = &yaml->repairs->v[i];

		if (repair->line != line || column <= repair->column)
			continue;
		column -= column - repair->column < repair->wider ? column - repair->column
								  : repair->wider;
	}
	return column;
}

static uint32_t characters_to_line_end(const struct yaml *yaml, size_t from)
{
	uint32_t n = 0;

	for (size_t i = from; i < yaml->size && yaml->bytes[i] != '\n' && yaml->bytes[i] != '\r';
	     i++)
		n += ((unsigned char)yaml->bytes[i] & 0xc0) != 0x80;
	return n;
}

static struct place place_of(const struct yaml *yaml, const struct fy_mark *start,
			     const struct fy_mark *end, bool *ret_multiline)
{
	struct place at = { .file = yaml->name };
	uint32_t last;

	*ret_multiline = false;
	if (!start || !end || start->line < 0)
		return at;
	at.line = (uint32_t)start->line + 1;
	last = (uint32_t)end->column; // counted from 1 and included
	if (end->line != start->line) {
		*ret_multiline = true;
		last = (uint32_t)start->column + characters_to_line_end(yaml, start->input_pos);
	}
	at.column = column_in_file(yaml, at.line, (uint32_t)start->column + 1);
	at.column_end = column_in_file(yaml, at.line, last);
	if (at.column_end < at.column)
		at.column_end = at.column;
	return at;
}

static void decorate(const struct yaml *yaml, struct fy_event *event, struct yaml_event *ret_event)
{
	struct fy_token *anchor = fy_event_get_anchor_token(event);
	struct fy_token *tag = fy_event_get_tag_token(event);
	struct fy_token *token = anchor ? anchor : tag;
	bool multiline;

	if (!token)
		return;
	ret_event->decorated = true;
	ret_event->is_tag = !anchor;
	ret_event->decoration_at =
		place_of(yaml, fy_token_start_mark(token), fy_token_end_mark(token), &multiline);
}

static bool is_null_word(const char *text, size_t length)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		if (strlen(nulls[i]) == length && !memcmp(nulls[i], text, length))
			return true;
	return false;
}

// A plain scalar on one line is its own text, and most are: libfyaml need not copy it together.
static bool take_slice(const struct yaml *yaml, struct fy_token *token,
		       struct yaml_event *ret_event)
{
	const struct fy_mark *start = fy_token_start_mark(token);
	const struct fy_mark *end = fy_token_end_mark(token);

	if (!start || !end || start->line != end->line || end->input_pos > yaml->size ||
	    start->input_pos > end->input_pos)
		return false;
	ret_event->text = yaml->bytes + start->input_pos;
	ret_event->length = end->input_pos - start->input_pos;
	ret_event->verbatim = true;
	return true;
}

// One byte more than a scalar may have, so that a longer one is noticed; the rest is not put
// together.  (fy_token_get_text() would do that, and leaks in 0.7.12 when there are many escapes.)
static void take_pieces(struct yaml *yaml, struct fy_token *token, struct yaml_event *ret_event)
{
	struct fy_token_iter *iter = fy_token_iter_create(token);
	const struct fy_iter_chunk *chunk = NULL;
	size_t n = 0;
	int error;

	while (iter && n < sizeof(yaml->text) &&
	       (chunk = fy_token_iter_chunk_next(iter, chunk, &error))) {
		size_t length =
			chunk->len < sizeof(yaml->text) - n ? chunk->len : sizeof(yaml->text) - n;

		memcpy(yaml->text + n, chunk->str, length);
		n += length;
	}
	if (iter)
		fy_token_iter_destroy(iter);
	ret_event->text = yaml->text;
	ret_event->length = n;
}

static void take_scalar(struct yaml *yaml, struct fy_event *event, struct yaml_event *ret_event)
{
	struct fy_token *token = event->scalar.value;
	bool plain = !token || fy_token_scalar_style(token) == FYSS_PLAIN;

	ret_event->kind = YAML_SCALAR;
	ret_event->text = "";
	if (token && !(plain && take_slice(yaml, token, ret_event)))
		take_pieces(yaml, token, ret_event);
	ret_event->null = plain && is_null_word(ret_event->text, ret_event->length);
}

static void break_off(struct yaml *yaml, struct yaml_event *ret_event)
{
	void *iterator = NULL;
	struct fy_diag_error *error;

	ret_event->kind = YAML_BROKEN;
	ret_event->at = (struct place){ .file = yaml->name };
	ret_event->text = "";
	while ((error = fy_diag_errors_iterate(yaml->diag, &iterator))) {
		if (error->type < FYET_ERROR)
			continue;
		snprintf(yaml->message, sizeof(yaml->message), "%s", error->msg ? error->msg : "");
		ret_event->text = yaml->message;
		if (error->line > 0 && error->column > 0) {
			uint32_t line = (uint32_t)error->line;
			uint32_t column = column_in_file(yaml, line, (uint32_t)error->column);

			ret_event->at = (struct place){ yaml->name, line, column, column };
		}
		break;
	}
	ret_event->length = strlen(ret_event->text);
}

// Whether the event is one that the reader sees; libfyaml's others only frame them.
static bool take(struct yaml *yaml, struct fy_event *event, struct yaml_event *ret_event)
{
	switch (event->type) {
	case FYET_SCALAR:
		take_scalar(yaml, event, ret_event);
		break;
	case FYET_SEQUENCE_START:
		ret_event->kind = YAML_LIST;
		break;
	case FYET_MAPPING_START:
		ret_event->kind = YAML_MAP;
		break;
	case FYET_SEQUENCE_END:
	case FYET_MAPPING_END:
		ret_event->kind = YAML_END;
		return true;
	case FYET_ALIAS:
		ret_event->kind = YAML_ALIAS;
		break;
	case FYET_DOCUMENT_START:
		ret_event->kind = YAML_DOCUMENT;
		break;
	case FYET_STREAM_END:
		ret_event->kind = YAML_DONE;
		return true;
	default:
		return false;
	}
	ret_event->at = place_of(yaml, fy_event_start_mark(event), fy_event_end_mark(event),
				 &ret_event->multiline);
	if (event->type != FYET_DOCUMENT_START && event->type != FYET_ALIAS)
		decorate(yaml, event, ret_event);
	return true;
}

void yaml_next(struct yaml *yaml, struct yaml_event *ret_event)
{
	memset(ret_event, 0, sizeof(*ret_event));
	for (;;) {
		if (yaml->event)
			fy_parser_event_free(yaml->parser, yaml->event);
		yaml->event = fy_parser_parse(yaml->parser);
		if (!yaml->event || fy_parser_get_stream_error(yaml->parser)) {
			break_off(yaml, ret_event);
			return;
		}
		if (take(yaml, yaml->event, ret_event))
			return;
	}
}
