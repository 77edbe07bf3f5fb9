#include "inspect/content_rows.h"

#include <stdlib.h>

uint32_t content_rows_add(struct content_rows *rows)
{
	rows->n_files++;
	if (rows->n == MAIL_FILES_KEPT)
		return CONTENT_NO_ROW;
	if (rows->n == rows->room) {
		uint32_t room = rows->room ? rows->room * 2 : 4;
		room = room < MAIL_FILES_KEPT ? room : MAIL_FILES_KEPT;
		struct mail_file *v = realloc(rows->v, room * sizeof(v[0]));
		if (!v) {
			rows->n_files--; // what found no memory is not told either
			return CONTENT_NO_ROW;
		}
		rows->v = v;
		rows->room = room;
	}
	rows->v[rows->n] = (struct mail_file){ 0 };
	return rows->n++;
}

void content_rows_put(struct content_rows *rows, const struct mail_file *row)
{
	uint32_t at = content_rows_add(rows);
	if (at == CONTENT_NO_ROW && rows->n)
		at = rows->n - 1;
	if (at != CONTENT_NO_ROW)
		rows->v[at] = *row;
}

struct mail_file *content_rows_late(struct content_rows *rows)
{
	rows->has_late = true;
	return &rows->late;
}

size_t content_rows_done(struct content_rows *rows, const struct mail_file **ret_files)
{
	if (rows->has_late && rows->n)
		rows->v[rows->n - 1] = rows->late;
	*ret_files = rows->v;
	return rows->n < MAIL_FILES_KEPT ? rows->n : rows->n_files;
}

void content_rows_free(struct content_rows *rows)
{
	free(rows->v);
	*rows = (struct content_rows){ 0 };
}

static uint8_t depth_of(const struct content_entries *entries, uint32_t n, uint32_t parent)
{
	uint8_t depth = 1;
	while (parent && depth < UINT8_MAX) {
		uint32_t i = 0;
		while (i < n && entries->v[i].number != parent)
			i++;
		depth++;
		parent = i < n ? entries->v[i].parent : 0;
	}
	return depth;
}

void content_rows_order(struct content_rows *rows, struct content_entries *entries)
{
	uint32_t n = rows->n - entries->first;
	if (!n)
		return;
	struct mail_file *v = rows->v + entries->first;
	for (uint32_t i = 0; i < n; i++)
		v[i].depth = depth_of(entries, n, entries->v[i].parent);
	for (uint32_t i = 1; i < n; i++)
		for (uint32_t k = i; k && entries->v[k].number < entries->v[k - 1].number; k--) {
			struct mail_file row = v[k];
			uint32_t number = entries->v[k].number;
			v[k] = v[k - 1];
			v[k - 1] = row;
			entries->v[k].number = entries->v[k - 1].number;
			entries->v[k - 1].number = number;
		}
}

static void reverse(struct mail_file *v, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct mail_file row = v[i];
		v[i] = v[n - 1 - i];
		v[n - 1 - i] = row;
	}
}

uint32_t content_rows_gather(struct content_rows *rows, uint32_t from)
{
	uint32_t at = 0;
	if (from >= rows->n)
		return from;
	while (at < from && rows->v[at].part != rows->v[from].part)
		at++;
	if (at == from)
		return from;
	for (at++; at < from && rows->v[at].part == rows->v[from].part;)
		at++;
	reverse(rows->v + at, from - at);
	reverse(rows->v + from, rows->n - from);
	reverse(rows->v + at, rows->n - at);
	return at;
}
