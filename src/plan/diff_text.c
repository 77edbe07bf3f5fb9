// Texts of objects: compared in full, shown in part.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "plan/diff_internal.h"

char *diff_said(diff_say *say, const void *object)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out) {
		say(object, out);
		if (fclose(out) == 0 && text)
			return text;
	}
	fprintf(stderr, "sekisho: out of memory\n");
	abort();
}

const char *diff_shown(struct differ *d, const char *text)
{
	const char *at = text;
	size_t width = 0;

	if (!*text)
		return "none";
	while (*at) {
		const char *next = at;

		width += text_char_width(text_next(&next));
		if (width > DIFF_SHOWN_COLUMNS || next - text > DIFF_SHOWN_BYTES)
			return arena_printf(d->arena, "%.*s ...", (int)(at - text), text);
		at = next;
	}
	return arena_strdup(d->arena, text);
}

// Of two lists with "; " between their rows: bytes of the rows that both begin with, and end with.
static void common_rows(const char *a, const char *b, size_t *ret_head, size_t *ret_tail)
{
	size_t n_a = strlen(a), n_b = strlen(b), head = 0, tail = 0;

	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == ' ' && i && a[i - 1] == ';')
			head = i + 1;
	for (size_t i = 1; i <= n_a - head && i <= n_b - head && a[n_a - i] == b[n_b - i]; i++)
		if (a[n_a - i] == ';')
			tail = i;
	*ret_head = head;
	*ret_tail = tail;
}

static const char *differing(struct differ *d, const char *text, size_t head, size_t tail)
{
	const char *rows = arena_strndup(d->arena, text + head, strlen(text) - head - tail);

	return arena_printf(d->arena, "%s%s%s", head ? "... " : "", diff_shown(d, rows),
			    tail ? " ..." : "");
}

// Of long lists only the rows that differ, so that what is cut off never hides a change.
const char *diff_change(struct differ *d, diff_say *say, const void *was, const void *is)
{
	char *before = diff_said(say, was), *after = diff_said(say, is);
	const char *text = NULL;
	size_t head = 0, tail = 0;

	if (strlen(before) > DIFF_SHOWN_COLUMNS || strlen(after) > DIFF_SHOWN_COLUMNS)
		common_rows(before, after, &head, &tail);
	if (strcmp(before, after) != 0 && (head || tail))
		text = arena_printf(d->arena, "%s; before: %s", differing(d, after, head, tail),
				    differing(d, before, head, tail));
	else if (strcmp(before, after) != 0)
		text = arena_printf(d->arena, "%s; before: %s", diff_shown(d, after),
				    diff_shown(d, before));
	free(before);
	free(after);
	return text;
}
