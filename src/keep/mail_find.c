// Reading the book: a query made of those conditions that are asked for.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "keep/mail_store_private.h"

#define COLUMNS                                                                                           \
	"id, record.written_us, began_us, ended_us, client, client_port, server, server_port, flow,"      \
	" guard, clause, control, from_zone, to_zone, helo, sender, n_recipients, declared, record.size," \
	" tls, own_sender, hashed, verdict, record.code, reason, n_files"

// --- a row

struct row {
	sqlite3_stmt *statement;
	int at;
	bool bad;
};

static uint64_t number(struct row *row, uint64_t max)
{
	int64_t value = sqlite3_column_int64(row->statement, row->at++);
	if (value < 0 || (uint64_t)value > max) {
		row->bad = true;
		return 0;
	}
	return (uint64_t)value;
}

static void text(struct row *row, char *out, size_t room)
{
	const unsigned char *value = sqlite3_column_text(row->statement, row->at++);
	size_t length = value ? strlen((const char *)value) : 0;
	out[0] = '\0';
	if (length >= room)
		row->bad = true;
	else if (length)
		memcpy(out, value, length + 1);
}

static void address(struct row *row, struct addr *ret)
{
	const uint8_t *bytes = sqlite3_column_blob(row->statement, row->at);
	bool fine = bytes && sqlite3_column_bytes(row->statement, row->at) == 16;
	addr_bits bits = fine ? addr_from_bytes(ADDR_V6, bytes) : 0;
	row->at++;
	row->bad |= !fine;
	*ret = bits >> 32 == 0xffff ? (struct addr){ ADDR_V4, bits & UINT32_MAX }
				    : (struct addr){ ADDR_V6, bits };
}

static int take_row(sqlite3_stmt *statement, struct mail_stored *ret)
{
	struct row row = { statement, 0, false };
	struct mail_record *record = &ret->taken.record;
	const char **const ids[] = { &record->flow,    &record->guard,	   &record->clause,
				     &record->control, &record->from_zone, &record->to_zone };
	memset(record, 0, sizeof(*record));
	ret->id = number(&row, INT64_MAX);
	ret->written_us = number(&row, INT64_MAX);
	record->began_us = number(&row, INT64_MAX);
	record->ended_us = number(&row, INT64_MAX);
	address(&row, &record->client);
	record->client_port = (uint16_t)number(&row, UINT16_MAX);
	address(&row, &record->server);
	record->server_port = (uint16_t)number(&row, UINT16_MAX);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		text(&row, ret->taken.ids[i], MAIL_ID_MAX);
		*ids[i] = ret->taken.ids[i];
	}
	text(&row, record->helo, sizeof(record->helo));
	text(&row, record->sender, sizeof(record->sender));
	record->n_recipients = (size_t)number(&row, INT32_MAX);
	record->declared = number(&row, INT64_MAX);
	record->size = number(&row, INT64_MAX);
	const uint64_t tls = (uint64_t)number(&row, UINT16_MAX);
	record->tls = tls & 1;
	record->client_suite = tls >> 8 & 15;
	record->server_suite = (uint8_t)(tls >> 12 & 15);
	record->own_sender = number(&row, 1);
	ret->hashed = number(&row, 1);
	record->verdict = (enum mail_verdict)number(&row, MAIL_VERDICT_COUNT - 1);
	record->code = (uint16_t)number(&row, UINT16_MAX);
	text(&row, record->reason, sizeof(record->reason));
	record->n_files = (size_t)number(&row, INT32_MAX);
	record->files = ret->taken.files;
	record->recipients = ret->taken.recipients;
	return row.bad ? -EUCLEAN : 0;
}

// Exactly those that the record says there are: else what is shown would be of another one.
static int take_recipients(sqlite3_stmt *statement, struct mail_stored *stored)
{
	size_t n = 0, wanted = stored->taken.record.n_recipients;
	int code;
	if (wanted > MAIL_RECIPIENTS_KEPT)
		wanted = MAIL_RECIPIENTS_KEPT;
	sqlite3_bind_int64(statement, 1, (int64_t)stored->id);
	while ((code = sqlite3_step(statement)) == SQLITE_ROW && n < wanted) {
		struct row row = { statement, 0, false };
		struct mail_recipient *recipient = &stored->taken.recipients[n++];
		text(&row, recipient->address, sizeof(recipient->address));
		recipient->code = (uint16_t)number(&row, UINT16_MAX);
		if (row.bad)
			break;
	}
	sqlite3_reset(statement);
	int r = mail_store_errno(code);
	return r < 0 ? r : n == wanted && code == SQLITE_DONE ? 0 : -EUCLEAN;
}

static void take_file(struct row *row, struct mail_file *ret)
{
	ret->part = (uint16_t)number(row, UINT16_MAX);
	ret->depth = (uint8_t)number(row, UINT8_MAX);
	ret->action = (enum mail_file_action)number(row, MAIL_FILE_ACTION_COUNT - 1);
	ret->rule = (uint16_t)number(row, UINT16_MAX);
	ret->size = number(row, INT64_MAX);
	const uint8_t *digest = sqlite3_column_blob(row->statement, row->at);
	ret->has_sha256 = digest;
	memset(ret->sha256, 0, sizeof(ret->sha256));
	if (digest && sqlite3_column_bytes(row->statement, row->at) == sizeof(ret->sha256))
		memcpy(ret->sha256, digest, sizeof(ret->sha256));
	else
		row->bad |= ret->has_sha256;
	row->at++;
	text(row, ret->name, sizeof(ret->name));
	text(row, ret->type, sizeof(ret->type));
	text(row, ret->found, sizeof(ret->found));
}

static int take_files(sqlite3_stmt *statement, struct mail_stored *stored)
{
	size_t n = 0, wanted = stored->taken.record.n_files;
	struct row row = { statement, 0, false };
	int code;
	if (wanted > MAIL_FILES_KEPT)
		wanted = MAIL_FILES_KEPT;
	sqlite3_bind_int64(statement, 1, (int64_t)stored->id);
	while ((code = sqlite3_step(statement)) == SQLITE_ROW && n < wanted && !row.bad) {
		row.at = 0;
		take_file(&row, &stored->taken.files[n++]);
	}
	sqlite3_reset(statement);
	int r = mail_store_errno(code);
	return r < 0 ? r : n == wanted && code == SQLITE_DONE && !row.bad ? 0 : -EUCLEAN;
}

// --- what is asked

struct condition {
	const char *sql;
	enum { BIND_NUMBER, BIND_TEXT, BIND_BYTES } type;
	int64_t number;	   // or how many bytes
	const void *bytes; // of a text, or such
};
enum { CONDITIONS_MAX = 8, SQL_MAX = 2048 };

struct question {
	struct condition v[2 * CONDITIONS_MAX];
	size_t n;
	char sql[SQL_MAX];
};

static void ask(struct question *question, const char *sql, const struct condition *with)
{
	struct condition *condition = &question->v[question->n++];
	size_t used = strlen(question->sql);
	*condition = *with;
	snprintf(question->sql + used, sizeof(question->sql) - used, " %s", sql);
}

static void ask_number(struct question *question, const char *sql, uint64_t value)
{
	ask(question, sql, &(struct condition){ .type = BIND_NUMBER, .number = (int64_t)value });
}

static void ask_text(struct question *question, const char *sql, const char *value)
{
	ask(question, sql, &(struct condition){ .type = BIND_TEXT, .bytes = value });
}

static void ask_bytes(struct question *question, const char *sql, const uint8_t value[16])
{
	ask(question, sql, &(struct condition){ .type = BIND_BYTES, .bytes = value, .number = 16 });
}

// An address is looked for as it is and as its pseudonym: the setting may have been either.
struct wanted {
	char key[MAIL_ADDRESS_MAX], alias[MAIL_ADDRESS_MAX];
};

static void ask_address(struct question *question, const struct mail_store *store, const char *text,
			const char *by_domain, const char *by_key, const char *or_alias,
			struct wanted *wanted)
{
	mail_address_fold(text, wanted->key);
	if (wanted->key[0] == '@') {
		ask_text(question, by_domain, wanted->key + 1);
		return;
	}
	if (!*wanted->key) // sessions that named no sender at all have none either
		ask_number(question, "AND n_recipients > ?", 0);
	mail_alias(&store->key, text, wanted->alias);
	ask_text(question, by_key, wanted->key);
	ask_text(question, or_alias, wanted->alias);
}

struct wanted_file {
	enum { FILE_NAME, FILE_PATTERN, FILE_DIGEST } by;
	char key[MAIL_FILE_NAME_MAX], alias[MAIL_FILE_NAME_MAX];
	uint8_t digest[MAIL_SHA256_BYTES];
};

static void read_file(const struct mail_store *store, const char *text, struct wanted_file *ret)
{
	size_t n = 0;
	const char *end;
	ret->by = FILE_NAME;
	if (sodium_hex2bin(ret->digest, sizeof(ret->digest), text, strlen(text), NULL, &n, &end) ==
		    0 &&
	    n == sizeof(ret->digest) && !*end)
		ret->by = FILE_DIGEST;
	else if (strpbrk(text, "*?"))
		ret->by = FILE_PATTERN;
	mail_name_fold(text, ret->key);
	mail_alias_name(&store->key, text, ret->alias);
}

// led: the table of files is the one that the look-up goes by.
static void ask_file(struct question *question, const struct wanted_file *wanted, bool led)
{
	static const char *const one[] = { "AND r.name_key IN (?,", "AND r.name_key GLOB ?",
					   "AND r.sha256 = ?" };
	static const char *const any[] = {
		"AND EXISTS (SELECT 1 FROM file AS f WHERE f.record = id AND f.name_key IN (?,",
		"AND EXISTS (SELECT 1 FROM file AS f WHERE f.record = id AND f.name_key GLOB ?)",
		"AND EXISTS (SELECT 1 FROM file AS f WHERE f.record = id AND f.sha256 = ?)",
	};
	const char *sql = (led ? one : any)[wanted->by];
	if (wanted->by == FILE_DIGEST) {
		ask(question, sql,
		    &(struct condition){ .type = BIND_BYTES,
					 .bytes = wanted->digest,
					 .number = sizeof(wanted->digest) });
		return;
	}
	ask_text(question, sql, wanted->key);
	if (wanted->by == FILE_NAME)
		ask_text(question, led ? "?)" : "?))", wanted->alias);
}

// The table that a look-up goes by, besides that of records: that of recipients, so that one who
// gets much is found without looking through all that he ever got; of files; of what was found.
enum lead { LEAD_RECORD, LEAD_RECIPIENT, LEAD_FILE, LEAD_FINDING };

static enum lead choose_lead(const struct mail_query *query, const struct wanted_file *file)
{
	if (query->to)
		return LEAD_RECIPIENT;
	if (query->from || query->client)
		return LEAD_RECORD;
	if (query->attachment && file->by != FILE_PATTERN)
		return LEAD_FILE;
	return query->found ? LEAD_FINDING : LEAD_RECORD;
}

struct terms { // what a question points to
	struct wanted person[2];
	struct wanted_file file;
	uint8_t range[2][16];
};

// An index is for what tells most: a person or a host, or a file, before a verdict, a verdict
// before a flow ("+" keeps SQLite from the index of what follows).
static void ask_all(struct question *question, const struct mail_store *store,
		    const struct mail_query *query, struct terms *terms)
{
	static const char *const tables[] = {
		[LEAD_RECORD] = "record",
		[LEAD_RECIPIENT] = "recipient AS r CROSS JOIN record ON id = r.record",
		[LEAD_FILE] = "file AS r CROSS JOIN record ON id = r.record",
		[LEAD_FINDING] = "finding AS r CROSS JOIN record ON id = r.record",
	};
	if (query->attachment)
		read_file(store, query->attachment, &terms->file);
	enum lead lead = choose_lead(query, &terms->file);
	bool led = lead != LEAD_RECORD, narrow = led || query->from || query->client;
	snprintf(question->sql, sizeof(question->sql), "SELECT " COLUMNS " FROM %s WHERE 1",
		 tables[lead]);
	if (query->since_us)
		ask_number(question, led ? "AND r.written_us >= ?" : "AND record.written_us >= ?",
			   query->since_us);
	if (query->until_us)
		ask_number(question, led ? "AND r.written_us < ?" : "AND record.written_us < ?",
			   query->until_us);
	if (query->from)
		ask_address(question, store, query->from, "AND sender_domain = ?",
			    "AND sender_key IN (?,", "?)", &terms->person[0]);
	if (query->to)
		ask_address(question, store, query->to, "AND r.domain = ?", "AND r.key IN (?,",
			    "?)", &terms->person[1]);
	if (query->attachment)
		ask_file(question, &terms->file, lead == LEAD_FILE);
	if (query->found)
		ask_text(question,
			 lead == LEAD_FINDING ? "AND r.word = ?"
					      : "AND EXISTS (SELECT 1 FROM finding AS w WHERE"
						" w.record = id AND w.word = ?)",
			 query->found);
	if (query->client) {
		struct addr lo = { query->client->family, query->client->lo };
		struct addr hi = { query->client->family, query->client->hi };
		mail_store_addr_bytes(&lo, terms->range[0]);
		mail_store_addr_bytes(&hi, terms->range[1]);
		ask_bytes(question, "AND client >= ?", terms->range[0]);
		ask_bytes(question, "AND client <= ?", terms->range[1]);
	}
	if (query->flow)
		ask_text(question, narrow || query->verdict >= 0 ? "AND +flow = ?" : "AND flow = ?",
			 query->flow);
	if (query->verdict >= 0)
		ask_number(question, narrow ? "AND +verdict = ?" : "AND verdict = ?",
			   (uint64_t)query->verdict);
	bool limited = query->limit && query->limit < MAIL_FIND_MAX;
	ask_number(question,
		   led ? "GROUP BY r.written_us, r.record"
			 " ORDER BY r.written_us DESC, r.record DESC LIMIT ?"
		       : "ORDER BY record.written_us DESC, id DESC LIMIT ?",
		   limited ? query->limit : MAIL_FIND_MAX);
}

static void bind(sqlite3_stmt *statement, const struct question *question)
{
	for (size_t i = 0; i < question->n; i++) {
		const struct condition *condition = &question->v[i];
		int at = (int)i + 1;
		if (condition->type == BIND_NUMBER)
			sqlite3_bind_int64(statement, at, condition->number);
		else if (condition->type == BIND_TEXT)
			sqlite3_bind_text(statement, at, condition->bytes, -1, SQLITE_STATIC);
		else
			sqlite3_bind_blob(statement, at, condition->bytes, (int)condition->number,
					  SQLITE_STATIC);
	}
}

static int prepare(struct mail_store *store, const char *sql, sqlite3_stmt **ret_statement)
{
	int code = sqlite3_prepare_v2(store->db, sql, -1, ret_statement, NULL);
	return code == SQLITE_ERROR ? -EUCLEAN : mail_store_errno(code);
}

// One look at the book: what is written or removed meanwhile changes nothing of it.
static int find(struct mail_store *store, const struct question *question, bool with_files,
		mail_each *each, void *arg)
{
	static struct mail_stored stored;
	sqlite3_stmt *records = NULL, *recipients = NULL, *files = NULL;
	int code = SQLITE_DONE;
	int r = prepare(store, question->sql, &records);
	if (r == 0)
		r = prepare(store,
			    "SELECT address, code FROM recipient WHERE record = ? ORDER BY place",
			    &recipients);
	if (r == 0 && with_files)
		r = prepare(store,
			    "SELECT part, depth, action, rule, size, sha256, name, type, found"
			    " FROM file WHERE record = ? ORDER BY place",
			    &files);
	if (r == 0)
		bind(records, question);
	while (r == 0 && (code = sqlite3_step(records)) == SQLITE_ROW) {
		r = take_row(records, &stored);
		if (r == 0)
			r = take_recipients(recipients, &stored);
		if (r == 0 && with_files)
			r = take_files(files, &stored);
		if (r == 0)
			r = each(arg, &stored);
	}
	if (r == 0)
		r = mail_store_errno(code);
	sqlite3_finalize(records);
	sqlite3_finalize(recipients);
	sqlite3_finalize(files);
	return r;
}

int mail_store_find(struct mail_store *store, const struct mail_query *query, mail_each *each,
		    void *arg)
{
	struct question question = { .n = 0 };
	struct terms terms;
	ask_all(&question, store, query, &terms);
	return find(store, &question, false, each, arg);
}

static int keep_one(void *arg, const struct mail_stored *stored)
{
	struct mail_stored *ret = arg;
	struct mail_record *record = &ret->taken.record;
	const char **const ids[] = { &record->flow,    &record->guard,	   &record->clause,
				     &record->control, &record->from_zone, &record->to_zone };
	*ret = *stored;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		*ids[i] = ret->taken.ids[i];
	record->recipients = ret->taken.recipients;
	record->files = ret->taken.files;
	return 1;
}

int mail_store_get(struct mail_store *store, uint64_t id, struct mail_stored *ret)
{
	struct question question = { .sql = "SELECT " COLUMNS " FROM record WHERE 1" };
	ask_number(&question, "AND id = ?", id);
	int r = find(store, &question, true, keep_one, ret);
	return r == 1 ? 0 : r < 0 ? r : -ENOENT;
}
