// Sections that say nothing of packets: compared by their canonical text, told line by line.
#include <stdlib.h>
#include <string.h>

#include "plan/diff_internal.h"
#include "plan/words.h"

// Twice DIFF_NAMES_MAX lines, as they are shown, fit.
enum { TEXT_SIZE = 16384 };

// Of a section that is not here, a change is heavy: it is about how the box is run.
static const struct {
	const char *name;
	enum diff_kind kind;
	enum diff_weight weight;
	const char *reason;
} known[] = {
	{ "owners", DIFF_WORDS, DIFF_LIGHT, "no packet notices" },
	{ "clauses", DIFF_WORDS, DIFF_LIGHT, "no packet notices" },
	{ "contacts", DIFF_WORDS, DIFF_LIGHT, "no packet notices" },
	{ "approval", DIFF_CHANGES, DIFF_HEAVY, "changes who must approve" },
	{ "isolation", DIFF_CHANGES, DIFF_HEAVY, "changes what an emergency cuts off" },
	{ "record", DIFF_CHANGES, DIFF_HEAVY, "changes what is recorded" },
	{ "evidence", DIFF_CHANGES, DIFF_HEAVY, "changes what is recorded" },
};

struct line { // of a text, without the spaces around it
	const char *at;
	size_t length;
};

typedef VEC(struct line) lines;

static void cut_lines(const char *text, lines *ret)
{
	while (*text) {
		size_t length;

		text += strspn(text, " ");
		length = strcspn(text, "\n");
		if (length > 0)
			vec_push(ret, ((struct line){ text, length }));
		text += length;
		text += *text == '\n';
	}
}

static int by_text(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	size_t least = x->length < y->length ? x->length : y->length;
	int r = strncmp(x->at, y->at, least);

	return r ? r : (x->length > y->length) - (x->length < y->length);
}

static int by_place(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static void sort(lines *list, int (*compare)(const void *a, const void *b))
{
	if (list->n > 0)
		qsort(list->v, list->n, sizeof(*list->v), compare);
}

// Leaves in each what the other has not.
static void drop_same(lines *was, lines *is)
{
	size_t i = 0, j = 0, kept_was = 0, kept_is = 0;

	sort(was, by_text);
	sort(is, by_text);
	while (i < was->n || j < is->n) {
		int order = i == was->n ? 1 : j == is->n ? -1 : by_text(&was->v[i], &is->v[j]);

		if (order == 0) {
			i++;
			j++;
		} else if (order < 0) {
			was->v[kept_was++] = was->v[i++];
		} else {
			is->v[kept_is++] = is->v[j++];
		}
	}
	was->n = kept_was;
	is->n = kept_is;
	sort(was, by_place);
	sort(is, by_place);
}

static void say_lines(struct differ *d, struct words *words, const lines *list)
{
	for (size_t i = 0; i < list->n && i < DIFF_NAMES_MAX; i++)
		words_say(words, "%s%s", i ? ", " : "",
			  diff_shown(d, arena_strndup(d->arena, list->v[i].at, list->v[i].length)));
	if (list->n > DIFF_NAMES_MAX)
		words_say(words, " and %zu more", list->n - DIFF_NAMES_MAX);
}

static const char *change_of(struct differ *d, const char *before, const char *after)
{
	char text[TEXT_SIZE];
	struct words words = words_in(text, sizeof(text));
	lines was = { 0 }, is = { 0 };

	cut_lines(before, &was);
	cut_lines(after, &is);
	drop_same(&was, &is);
	if (is.n == 0 && was.n == 0)
		words_say(&words, "the same lines in another order");
	say_lines(d, &words, &is);
	if (was.n > 0)
		words_say(&words, "%sno longer: ", is.n ? "; " : "");
	say_lines(d, &words, &was);
	vec_done(&was);
	vec_done(&is);
	return arena_strdup(d->arena, text);
}

static void tell_section(struct differ *d, const char *name, const char *what)
{
	enum diff_kind kind = DIFF_CHANGES;
	enum diff_weight weight = DIFF_HEAVY;
	const char *reason = "changes how the box is run";
	struct diff_row *row;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, name) != 0)
			continue;
		kind = known[i].kind;
		weight = known[i].weight;
		reason = known[i].reason;
	}
	row = diff_add(d, kind);
	if (!row)
		return;
	row->subject = arena_printf(d->arena, "section %s", name);
	row->what = what;
	row->weight = weight;
	row->reason = reason;
}

void diff_sections(struct differ *d)
{
	const struct plan *before = d->before.plan, *after = d->after.plan;

	// Both are made from the one table of keys: the same names in the same order.
	for (size_t i = 0; i < after->n_sections; i++)
		if (strcmp(before->sections[i].text, after->sections[i].text) != 0)
			tell_section(d, after->sections[i].name,
				     change_of(d, before->sections[i].text,
					       after->sections[i].text));
}
