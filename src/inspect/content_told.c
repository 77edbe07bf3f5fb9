// What is told of a message afterwards.
#include "inspect/content_private.h"

static size_t memory_of(const struct hand *hands)
{
	size_t n = 0;
	for (const struct hand *hand = hands; hand; hand = hand->below)
		n += (hand->readings[0] ? sizeof(struct reading) : 0) +
		     (hand->readings[1] ? sizeof(struct reading) : 0) +
		     (hand->own ? sizeof(*hand->own) : 0) +
		     (hand->text ? prose_memory(hand->text) : 0) +
		     (hand->pages ? PROSE_READINGS * sizeof(*hand->pages) : 0);
	return n;
}

size_t content_memory(const struct content *content)
{
	return sizeof(*content) + content->rows.room * sizeof(content->rows.v[0]) + content->kept +
	       content->n_hands * sizeof(struct hand) +
	       (content->mime ? mime_memory(content->mime) : 0) + memory_of(content->hands) +
	       memory_of(content->waiting) + (content->habit ? habit_memory(content->habit) : 0);
}

size_t content_files(struct content *content, const struct mail_file **ret_files)
{
	struct mail_file rows[PROFILE_SIGNS];
	size_t n = content->habit && !content->told ? habit_rows(content->habit, rows) : 0;
	content->told = true;
	for (size_t i = 0; i < n; i++)
		content_rows_put(&content->rows, &rows[i]);
	return content_rows_done(&content->rows, ret_files);
}

const char *content_clause(const struct content *content)
{
	const int rule = content_over(content) ? content->rule : content->held_rule;
	return rule >= 0	? content->profile->attachments[rule].clause
	       : content->habit ? habit_clause(content->habit)
				: "";
}

enum smtp_reason content_habit(const struct content *content)
{
	return content->habit ? habit_recorded(content->habit) : SMTP_REASON_NONE;
}

const char *content_notice(const struct content *content)
{
	return content->habit && content->headed ? habit_notice(content->habit) : NULL;
}

enum smtp_reason content_held(const struct content *content)
{
	return content_over(content) ? SMTP_REASON_NONE : content->held;
}

bool content_recorded(const struct content *content)
{
	return content->recorded;
}
