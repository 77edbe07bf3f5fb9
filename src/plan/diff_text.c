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

const char *diff_change(struct differ *d, diff_say *say, const void *was, const void *is)
{
	char *before = diff_said(say, was), *after = diff_said(say, is);
	const char *text = NULL;

	if (strcmp(before, after) != 0)
		text = arena_printf(d->arena, "%s; before: %s", diff_shown(d, after),
				    diff_shown(d, before));
	free(before);
	free(after);
	return text;
}
