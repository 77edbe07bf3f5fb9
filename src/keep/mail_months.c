// A row of the month grows by one, or is made while there is room for it.
#include "keep/mail_months.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "keep/mail_store_private.h"

uint32_t mail_month_of(uint64_t unix_us)
{
	time_t seconds = (time_t)(unix_us / 1000000);
	struct tm local;
	if (!localtime_r(&seconds, &local) || local.tm_year < 70 || local.tm_year > 8099)
		return 197001;
	return (uint32_t)(local.tm_year + 1900) * 100 + (uint32_t)local.tm_mon + 1;
}

bool mail_month_valid(uint64_t month)
{
	return month >= 197001 && month <= 999912 && month % 100 >= 1 && month % 100 <= 12;
}

// --- writing

struct words { // the key of a row
	uint32_t month;
	const char *text[4];
	int n_text;
	uint32_t number; // verdict or action
};

static void bind_key(sqlite3_stmt *statement, const struct words *key)
{
	sqlite3_bind_int64(statement, 1, key->month);
	sqlite3_bind_int64(statement, 2, key->number);
	for (int i = 0; i < key->n_text; i++)
		sqlite3_bind_text(statement, 3 + i, key->text[i], -1, SQLITE_STATIC);
}

// A new row may be of a new month.
static int prune(struct mail_store *store)
{
	int r = mail_store_step(store, MAIL_PRUNE_MONTHS, NULL);
	return r < 0 ? r : mail_store_step(store, MAIL_PRUNE_FINDINGS, NULL);
}

// Adds to the row of that key, and makes it if there is none and room.  *ret_done: it was there or
// was made.
static int add_to(struct mail_store *store, enum mail_statement grow, enum mail_statement make,
		  const struct words *key, const uint64_t *amounts, int n_amounts, bool *ret_done)
{
	const enum mail_statement tries[] = { grow, make };
	int r = 0;
	*ret_done = false;
	for (int i = 0; r == 0 && !*ret_done && i < 2; i++) {
		sqlite3_stmt *statement = store->statements[tries[i]];
		bind_key(statement, key);
		for (int k = 0; k < n_amounts; k++)
			sqlite3_bind_int64(statement, 3 + key->n_text + k, (int64_t)amounts[k]);
		r = mail_store_step(store, tries[i], NULL);
		*ret_done = r == 0 && sqlite3_changes(store->db) > 0;
		sqlite3_clear_bindings(statement);
		if (*ret_done && tries[i] != grow)
			r = prune(store);
	}
	return r;
}

static int add_finding(struct mail_store *store, const struct mail_record *record,
		       const struct mail_file *file, const char *word, uint32_t month)
{
	const uint64_t one = 1;
	struct words key = {
		.month = month, .number = file->action, .text = { record->guard, word }, .n_text = 2
	};
	bool done;
	int r = add_to(store, MAIL_GROW_FINDINGS, MAIL_MAKE_FINDINGS, &key, &one, 1, &done);
	if (r < 0 || done)
		return r;
	key.text[0] = key.text[1] = MAIL_MONTH_OTHERS;
	return add_to(store, MAIL_GROW_FINDINGS, MAIL_MAKE_OTHERS_FOUND, &key, &one, 1, &done);
}

static int add_findings(struct mail_store *store, const struct mail_record *record, uint32_t month)
{
	int r = 0;
	for (size_t i = 0; i < record->n_files && i < MAIL_FILES_KEPT; i++) {
		const char *found = record->files[i].found;
		while (r == 0 && *found) {
			char word[MAIL_MONTH_WORD_MAX];
			size_t n = strcspn(found, " ");
			snprintf(word, sizeof(word), "%.*s", (int)n, found);
			if (n)
				r = add_finding(store, record, &record->files[i], word, month);
			found += n + (found[n] == ' ');
		}
	}
	return r;
}

int mail_store_count_month(struct mail_store *store, const struct mail_record *record,
			   uint64_t written_us)
{
	char reason[MAIL_MONTH_WORD_MAX];
	const uint64_t amounts[] = { 1, record->size, record->n_recipients };
	struct words key = { .month = mail_month_of(written_us),
			     .number = record->verdict,
			     .text = { record->guard, record->flow, record->control, reason },
			     .n_text = 4 };
	bool done;
	snprintf(reason, sizeof(reason), "%.*s", (int)strcspn(record->reason, ": "),
		 record->reason);
	int r = add_to(store, MAIL_GROW_MONTH, MAIL_MAKE_MONTH, &key, amounts, 3, &done);
	if (r == 0 && !done) {
		for (int i = 0; i < key.n_text; i++)
			key.text[i] = MAIL_MONTH_OTHERS;
		r = add_to(store, MAIL_GROW_MONTH, MAIL_MAKE_OTHERS, &key, amounts, 3, &done);
	}
	return r < 0 ? r : add_findings(store, record, key.month);
}

// --- reading

static bool take_text(sqlite3_stmt *statement, int at, char *out, size_t room)
{
	const unsigned char *text = sqlite3_column_text(statement, at);
	return text && (size_t)snprintf(out, room, "%s", text) < room;
}

static bool take_number(sqlite3_stmt *statement, int at, uint64_t max, uint64_t *ret)
{
	int64_t value = sqlite3_column_int64(statement, at);
	*ret = (uint64_t)value;
	return value >= 0 && (uint64_t)value <= max;
}

static int give_month(sqlite3_stmt *statement, const struct mail_months *each)
{
	struct mail_month row;
	uint64_t month, verdict;
	bool fine = take_number(statement, 0, UINT32_MAX, &month) &&
		    take_number(statement, 1, MAIL_VERDICT_COUNT - 1, &verdict) &&
		    take_text(statement, 2, row.guard, sizeof(row.guard)) &&
		    take_text(statement, 3, row.flow, sizeof(row.flow)) &&
		    take_text(statement, 4, row.control, sizeof(row.control)) &&
		    take_text(statement, 5, row.reason, sizeof(row.reason)) &&
		    take_number(statement, 6, INT64_MAX, &row.n) &&
		    take_number(statement, 7, INT64_MAX, &row.bytes) &&
		    take_number(statement, 8, INT64_MAX, &row.recipients);
	if (!fine)
		return -EUCLEAN;
	row.month = (uint32_t)month;
	row.verdict = (enum mail_verdict)verdict;
	return each->month(each->arg, &row);
}

static int give_finding(sqlite3_stmt *statement, const struct mail_months *each)
{
	struct mail_month_finding row;
	uint64_t month, action;
	bool fine = take_number(statement, 0, UINT32_MAX, &month) &&
		    take_number(statement, 1, MAIL_FILE_ACTION_COUNT - 1, &action) &&
		    take_text(statement, 2, row.guard, sizeof(row.guard)) &&
		    take_text(statement, 3, row.word, sizeof(row.word)) &&
		    take_number(statement, 4, INT64_MAX, &row.n);
	if (!fine)
		return -EUCLEAN;
	row.month = (uint32_t)month;
	row.action = (enum mail_file_action)action;
	return each->finding(each->arg, &row);
}

static int read_all(struct mail_store *store, const char *sql, uint32_t first, uint32_t last,
		    int (*give)(sqlite3_stmt *statement, const struct mail_months *each),
		    const struct mail_months *each)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
	int r = code == SQLITE_ERROR ? -EUCLEAN : mail_store_errno(code);
	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, first);
	sqlite3_bind_int64(statement, 2, last);
	while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW)
		r = give(statement, each);
	if (r == 0)
		r = mail_store_errno(code);
	sqlite3_finalize(statement);
	return r;
}

int mail_months_read(struct mail_store *store, uint32_t first, uint32_t last,
		     const struct mail_months *each)
{
	int r = read_all(store,
			 "SELECT month, verdict, guard, flow, control, reason, n, bytes, recipients"
			 " FROM month WHERE month BETWEEN ? AND ?"
			 " ORDER BY month, verdict, n DESC, reason, guard, flow, control",
			 first, last, give_month, each);
	return r ? r
		 : read_all(
			   store,
			   "SELECT month, action, guard, word, n FROM month_finding"
			   " WHERE month BETWEEN ? AND ? ORDER BY month, n DESC, word, action, guard",
			   first, last, give_finding, each);
}
