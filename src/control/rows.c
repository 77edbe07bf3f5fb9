// Fields read into rows: one allocation of fields, rows and texts, none of it trusted before.
#include "control/field.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sizes {
	size_t fields, rows, text_bytes;
};

static int measure(const void *bytes, size_t size, size_t max_fields, struct sizes *ret)
{
	struct control_reader reader;
	struct control_raw raw;
	struct sizes sizes = { .rows = 1 };
	uint64_t seen[(CTL_TAG_END + 63) / 64] = { 0 };
	int r;
	control_reader_init(&reader, bytes, size);
	while ((r = control_read(&reader, &raw)) > 0) {
		uint64_t bit = 1ULL << (raw.tag % 64), *word = &seen[raw.tag / 64];
		if (++sizes.fields > max_fields)
			return -E2BIG;
		if ((*word & bit) && !control_tag_info(raw.tag)->repeats)
			return -EBADMSG;
		*word |= bit;
		if (raw.tag == CTL_ROW) {
			sizes.rows++;
			memset(seen, 0, sizeof(seen));
		}
		if (raw.type == CTL_TEXT)
			sizes.text_bytes += raw.length + 1;
	}
	*ret = sizes;
	return r;
}

static void fill(const void *bytes, size_t size, struct control_rows *rows,
		 struct control_field *field, char *text)
{
	struct control_reader reader;
	struct control_raw raw;
	struct control_row *row = rows->v;
	control_reader_init(&reader, bytes, size);
	row->v = field;
	while (control_read(&reader, &raw) > 0) {
		if (raw.tag == CTL_ROW) {
			(++row)->v = field;
			continue;
		}
		*field = (struct control_field){ .tag = raw.tag,
						 .type = raw.type,
						 .number = raw.number };
		if (raw.type == CTL_TEXT) {
			field->text = memcpy(text, raw.bytes, raw.length);
			text += raw.length + 1;
		}
		field++;
		row->n++;
	}
}

int control_rows_read(const void *bytes, size_t size, size_t max_fields, struct control_rows *ret)
{
	struct sizes sizes;
	int r = measure(bytes, size, max_fields, &sizes);
	if (r < 0)
		return r;
	size_t rows_bytes = sizes.rows * sizeof(struct control_row);
	size_t fields_bytes = sizes.fields * sizeof(struct control_field);
	uint8_t *storage = calloc(1, rows_bytes + fields_bytes + sizes.text_bytes);
	if (!storage)
		return -ENOMEM;
	*ret = (struct control_rows){
		.v = (struct control_row *)(void *)storage,
		.n = sizes.rows,
		.storage = storage,
	};
	fill(bytes, size, ret, (struct control_field *)(void *)(storage + rows_bytes),
	     (char *)(storage + rows_bytes + fields_bytes));
	return 0;
}

// Bytes of the character at `text` that ends a line, steers a terminal or turns the order of
// letters around: C0, DEL, C1, U+2028 to U+202E, U+2066 to U+2069.  0: it is none of these.
static size_t steering_bytes(const uint8_t *text)
{
	if (text[0] < ' ' || text[0] == 0x7f)
		return 1;
	if (text[0] == 0xc2 && text[1] >= 0x80 && text[1] <= 0x9f)
		return 2;
	if (text[0] != 0xe2)
		return 0;
	return (text[1] == 0x80 && text[2] >= 0xa8 && text[2] <= 0xae) ||
			       (text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9)
		       ? 3
		       : 0;
}

static void on_one_line(uint8_t *text)
{
	while (*text) {
		size_t n = steering_bytes(text);
		memset(text, ' ', n);
		text += n ? n : 1;
	}
}

void control_rows_on_one_line(struct control_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		for (size_t k = 0; k < rows->v[i].n; k++)
			if (rows->v[i].v[k].type == CTL_TEXT)
				on_one_line((uint8_t *)(uintptr_t)rows->v[i].v[k].text);
}

void control_rows_done(struct control_rows *rows)
{
	free(rows->storage);
	*rows = (struct control_rows){ 0 };
}

const struct control_field *control_find(const struct control_row *row, enum control_tag tag)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->v[i].tag == tag)
			return &row->v[i];
	return NULL;
}

const char *control_text(const struct control_row *row, enum control_tag tag)
{
	const struct control_field *field = control_find(row, tag);
	return field && field->text ? field->text : "";
}

uint64_t control_u64(const struct control_row *row, enum control_tag tag)
{
	const struct control_field *field = control_find(row, tag);
	return field ? field->number : 0;
}

bool control_bool(const struct control_row *row, enum control_tag tag)
{
	return control_u64(row, tag) != 0;
}
