// What the policy says of the audit log.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"

enum {
	DAYS_MAX = 36525,
	ROTATE_BYTES = 64 << 20,
	HOLDS_MAX = 16, // keep/audit.h
};

struct unit {
	char letter;
	uint64_t value;
};

// "64M": a whole number and one of the units.  0, or -EINVAL.
static int read_amount(const char *text, const struct unit *units, size_t n_units, uint64_t min,
		       uint64_t max, uint64_t *ret)
{
	char *end;
	errno = 0;
	uint64_t number = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
	if (!number || errno || !end[0] || end[1])
		return -EINVAL;
	for (size_t i = 0; i < n_units; i++) {
		if (units[i].letter != end[0] || number > max / units[i].value)
			continue;
		*ret = number * units[i].value;
		return *ret >= min ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static uint32_t read_days(struct build *b, const struct pol_text *text)
{
	static const struct unit units[] = { { 'd', 1 }, { 'y', 366 } };
	uint64_t days = 0;
	if (text->s && read_amount(text->s, units, 2, 1, DAYS_MAX, &days) < 0)
		diag_add(b->diag, SK_RECORD_TIME, text->at,
			 "keep: \"%.40s\" is no number of days or years; write it as 400d",
			 text->s);
	return (uint32_t)days;
}

static void set_rotate(struct build *b, const struct pol_text *text)
{
	static const struct unit units[] = { { 'K', 1 << 10 }, { 'M', 1 << 20 }, { 'G', 1 << 30 } };
	uint64_t bytes = ROTATE_BYTES;
	if (text->s && read_amount(text->s, units, 3, 64 << 10, UINT64_C(16) << 30, &bytes) < 0)
		diag_add(b->diag, SK_RECORD_SIZE, text->at,
			 "rotate: \"%.40s\" is no size from 64K to 16G; write it as 64M", text->s);
	b->plan->record.rotate_bytes = bytes;
}

static bool is_place(const char *text)
{
	static const char file[] = "file:/";
	return strcmp(text, "syslog") == 0 || (strncmp(text, file, sizeof(file) - 1) == 0 &&
					       text[sizeof(file) - 1] && !strstr(text, "/../"));
}

static bool is_day(const char *text)
{
	static const unsigned days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	for (size_t i = 0; i < 10; i++)
		if (i == 4 || i == 7 ? text[i] != '-' : text[i] < '0' || text[i] > '9')
			return false;
	unsigned month = (unsigned)((text[5] - '0') * 10 + text[6] - '0');
	unsigned day = (unsigned)((text[8] - '0') * 10 + text[9] - '0');
	return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

static bool is_hold(const char *text)
{
	return strlen(text) == 22 && is_day(text) && memcmp(text + 10, "..", 2) == 0 &&
	       is_day(text + 12) && strncmp(text, text + 12, 10) <= 0;
}

static const char *const *set_words(struct build *b, const struct pol_list *list, size_t max,
				    bool (*fits)(const char *text), const char *what, size_t *ret_n)
{
	const char **words = arena_array_of(b->arena, const char *, list->n);
	size_t n = 0;
	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++) {
		if (!fits(list->v[i].s) || n == max)
			diag_add(b->diag, SK_RECORD_PLACE, list->v[i].at, "\"%.64s\" is no %s",
				 list->v[i].s, n == max ? "span that fits in besides" : what);
		else
			words[n++] = arena_strdup(b->arena, list->v[i].s);
	}
	*ret_n = n;
	return words;
}

void build_record(struct build *b)
{
	const struct pol_record *given = &b->tree->record;
	struct plan_record *record = &b->plan->record;
	record->keep_days = read_days(b, &given->keep);
	record->mail_keep_days =
		given->mail.keep.s ? read_days(b, &given->mail.keep) : record->keep_days;
	record->mail_hash_addresses =
		given->mail.hash_addresses.set && given->mail.hash_addresses.value;
	set_rotate(b, &given->rotate);
	record->closes = given->when_full.s && strcmp(given->when_full.s, "close") == 0;
	record->to = set_words(b, &given->checkpoint_to, SIZE_MAX, is_place,
			       "place for checkpoints: syslog, or file: and an absolute path",
			       &record->n_to);
	record->holds = set_words(b, &given->hold, HOLDS_MAX, is_hold,
				  "first and last day; write it as 2026-04-01..2026-06-30",
				  &record->n_holds);
	// Whoever quotes the body's regulations is bound by what they say of records.
	if (!given->keep.s && (given->at.file || b->tree->n_clauses))
		diag_add(
			b->diag, SK_RECORD_KEEP_MISSING,
			given->at.file ? given->at : b->tree->clauses[0].id.at,
			"how long the audit log is kept is not said; write record: { keep: 400d }");
}
