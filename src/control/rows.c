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

static void on_one_line(char *text)
{
	for (const char *next = text; *text; text += next - text)
		if (text_is_hidden(text_next(&next)))
			memset(text, ' ', (size_t)(next - text));
}

void control_rows_on_one_line(struct control_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		for (size_t k = 0; k < rows->v[i].n; k++)
			if (rows->v[i].v[k].type == CTL_TEXT)
				on_one_line((char *)(uintptr_t)rows->v[i].v[k].text);
}

static size_t show(struct control_rows *rows, enum text_form form, char *out)
{
	size_t used = 0;
	for (size_t i = 0; i < rows->n; i++)
		for (size_t k = 0; k < rows->v[i].n; k++) {
			struct control_field *field =
				(struct control_field *)(uintptr_t)&rows->v[i].v[k];
			if (field->type != CTL_TEXT)
				continue;
			size_t n = text_show(field->text, form, out ? out + used : NULL);
			if (out)
				field->text = out + used;
			used += n + 1;
		}
	return used;
}

int control_rows_show(struct control_rows *rows, enum text_form form)
{
	size_t size = show(rows, form, NULL);
	char *shown = malloc(size + 1);
	if (!shown)
		return -ENOMEM;
	show(rows, form, shown);
	free(rows->shown);
	rows->shown = shown;
	return 0;
}

void control_rows_done(struct control_rows *rows)
{
	free(rows->storage);
	free(rows->shown);
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
