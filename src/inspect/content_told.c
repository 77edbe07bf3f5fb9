// What is told of a message afterwards.
#include <string.h>

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
	return sizeof(*content) + content->heading.room +
	       content->rows.room * sizeof(content->rows.v[0]) + content->kept +
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

const char *content_heading(const struct content *content, size_t *ret_size)
{
	*ret_size = content->heading.n;
	return content->heading.text;
}

// The first file that a rule has recorded, by that rule.
static int recorded_rule(const struct content *content)
{
	for (uint32_t i = 0; i < content->rows.n; i++) {
		const struct mail_file *row = &content->rows.v[i];
		if (row->action == MAIL_FILE_RECORDED && row->rule &&
		    strcmp(row->type, HABIT_ROW_TYPE) != 0)
			return row->rule - 1;
	}
	return CONTENT_NO_RULE;
}

const char *content_clause(const struct content *content, enum smtp_reason reason)
{
	const struct profile *profile = content->profile;
	const bool passed = reason == SMTP_PASSED_HABIT || reason == SMTP_PASSED_MARKED;
	int rule = CONTENT_NO_RULE;
	if (content->habit && (passed || reason == habit_reason(content->habit)))
		return habit_clause(content->habit);
	if (reason == SMTP_PASSED_RECORDED)
		rule = recorded_rule(content);
	else if (reason == content->reason)
		rule = content->rule;
	else if (reason == content->held)
		rule = content->held_rule;
	return rule >= 0 && (size_t)rule < profile->n_attachments
		       ? profile->attachments[rule].clause
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
