// Schema, writing and retention.
#include "keep/mail_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keep/mail_months.h"
#include "keep/mail_store_private.h"

enum { VACUUM_PAGES = 256, WAL_LIMIT_BYTES = 64 * 1024 * 1024 };

// sender_key and the recipients' key are folded; a domain stands by itself.  Each index ends in the
// time, so that whatever is asked for is found the newest first, without sorting; that is why a
// recipient has the time of its record.
static const char schema[] =
	"CREATE TABLE record ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, written_us INTEGER NOT NULL,"
	" began_us INTEGER NOT NULL, ended_us INTEGER NOT NULL,"
	" client BLOB NOT NULL, client_port INTEGER NOT NULL,"
	" server BLOB NOT NULL, server_port INTEGER NOT NULL,"
	" flow TEXT NOT NULL, guard TEXT NOT NULL, clause TEXT NOT NULL, control TEXT NOT NULL,"
	" from_zone TEXT NOT NULL, to_zone TEXT NOT NULL, helo TEXT NOT NULL,"
	" sender TEXT NOT NULL, sender_key TEXT NOT NULL, sender_domain TEXT NOT NULL,"
	" n_recipients INTEGER NOT NULL, declared INTEGER NOT NULL, size INTEGER NOT NULL,"
	" tls INTEGER NOT NULL, own_sender INTEGER NOT NULL, hashed INTEGER NOT NULL,"
	" verdict INTEGER NOT NULL, code INTEGER NOT NULL, reason TEXT NOT NULL);"
	"CREATE TABLE recipient ("
	" record INTEGER NOT NULL, place INTEGER NOT NULL, written_us INTEGER NOT NULL,"
	" address TEXT NOT NULL,"
	" key TEXT NOT NULL, domain TEXT NOT NULL, code INTEGER NOT NULL,"
	" PRIMARY KEY (record, place)) WITHOUT ROWID;"
	"CREATE TABLE about (records INTEGER NOT NULL);"
	"INSERT INTO about VALUES (0);"
	"CREATE INDEX record_written ON record (written_us);"
	"CREATE INDEX record_sender ON record (sender_key, written_us);"
	"CREATE INDEX record_sender_domain ON record (sender_domain, written_us);"
	"CREATE INDEX record_client ON record (client, written_us);"
	"CREATE INDEX record_flow ON record (flow, written_us);"
	"CREATE INDEX record_verdict ON record (verdict, written_us);"
	"CREATE INDEX recipient_key ON recipient (key, written_us);"
	"CREATE INDEX recipient_domain ON recipient (domain, written_us);"
	"PRAGMA user_version = 1;";

// Version 2: what was attached.  name_key is folded; a finding is one word of a record, once.
static const char schema_files[] =
	"ALTER TABLE record ADD COLUMN n_files INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE file ("
	" record INTEGER NOT NULL, place INTEGER NOT NULL, written_us INTEGER NOT NULL,"
	" part INTEGER NOT NULL, depth INTEGER NOT NULL, action INTEGER NOT NULL,"
	" rule INTEGER NOT NULL, size INTEGER NOT NULL, sha256 BLOB,"
	" name TEXT NOT NULL, name_key TEXT NOT NULL, type TEXT NOT NULL, found TEXT NOT NULL,"
	" PRIMARY KEY (record, place)) WITHOUT ROWID;"
	"CREATE TABLE finding ("
	" word TEXT NOT NULL, written_us INTEGER NOT NULL, record INTEGER NOT NULL,"
	" PRIMARY KEY (word, written_us, record)) WITHOUT ROWID;"
	"CREATE INDEX file_name ON file (name_key, written_us);"
	"CREATE INDEX file_sha256 ON file (sha256, written_us) WHERE sha256 IS NOT NULL;"
	"CREATE INDEX finding_record ON finding (record);"
	"PRAGMA user_version = 2;";

// Version 3: counts by month, which stay when records go.
static const char schema_months[] =
	"CREATE TABLE month ("
	" month INTEGER NOT NULL, verdict INTEGER NOT NULL, guard TEXT NOT NULL,"
	" flow TEXT NOT NULL, control TEXT NOT NULL, reason TEXT NOT NULL,"
	" n INTEGER NOT NULL, bytes INTEGER NOT NULL, recipients INTEGER NOT NULL,"
	" PRIMARY KEY (month, verdict, guard, flow, control, reason)) WITHOUT ROWID;"
	"CREATE TABLE month_finding ("
	" month INTEGER NOT NULL, action INTEGER NOT NULL, guard TEXT NOT NULL,"
	" word TEXT NOT NULL, n INTEGER NOT NULL,"
	" PRIMARY KEY (month, action, guard, word)) WITHOUT ROWID;"
	"PRAGMA user_version = 3;";

static const char *const steps[MAIL_STORE_VERSION] = { schema, schema_files, schema_months };

#define TEXT_OF(number)	    #number
#define NUMBER_TEXT(number) TEXT_OF(number)
#define ROOM(table)                                                                                \
	" WHERE (SELECT count(*) FROM " table                                                      \
	" WHERE month = ?1) < " NUMBER_TEXT(MAIL_MONTH_ROWS_MAX)

static const char *const texts[MAIL_STATEMENT_COUNT] = {
	[MAIL_BEGIN] = "BEGIN IMMEDIATE",
	[MAIL_COMMIT] = "COMMIT",
	[MAIL_ROLLBACK] = "ROLLBACK",
	[MAIL_ADD] =
		"INSERT INTO record (written_us, began_us, ended_us, client, client_port, server,"
		" server_port, flow, guard, clause, control, from_zone, to_zone, helo, sender,"
		" sender_key, sender_domain, n_recipients, declared, size, tls, own_sender, hashed,"
		" verdict, code, reason, n_files) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
		" ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)",
	[MAIL_ADD_RECIPIENT] = "INSERT INTO recipient VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[MAIL_ADD_FILE] = ("INSERT INTO file VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
			   " ?12, ?13)"),
	[MAIL_ADD_FINDING] = "INSERT OR IGNORE INTO finding VALUES (?1, ?2, ?3)",
	[MAIL_COUNT] = "UPDATE about SET records = records + ?1",
	[MAIL_RECORDS] = "SELECT records FROM about",
	[MAIL_BYTES] = ("SELECT (p.page_count - f.freelist_count) * s.page_size"
			" FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s"),
	[MAIL_EXPIRED] = "SELECT id FROM record WHERE written_us < ?1 ORDER BY written_us LIMIT ?2",
	[MAIL_OLDEST] = "SELECT id FROM record ORDER BY id LIMIT ?2",
	[MAIL_REMOVE] = "DELETE FROM record WHERE id = ?1",
	[MAIL_REMOVE_RECIPIENTS] = "DELETE FROM recipient WHERE record = ?1",
	[MAIL_REMOVE_FILES] = "DELETE FROM file WHERE record = ?1",
	[MAIL_REMOVE_FINDINGS] = "DELETE FROM finding WHERE record = ?1",
	[MAIL_GROW_MONTH] = ("UPDATE month SET n = n + ?7, bytes = bytes + ?8,"
			     " recipients = recipients + ?9 WHERE month = ?1 AND verdict = ?2 AND"
			     " guard = ?3 AND flow = ?4 AND control = ?5 AND reason = ?6"),
	[MAIL_MAKE_MONTH] =
		("INSERT INTO month SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9" ROOM("month")),
	[MAIL_MAKE_OTHERS] = "INSERT INTO month VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[MAIL_GROW_FINDINGS] = ("UPDATE month_finding SET n = n + ?5 WHERE month = ?1 AND"
				" action = ?2 AND guard = ?3 AND word = ?4"),
	[MAIL_MAKE_FINDINGS] =
		("INSERT INTO month_finding SELECT ?1, ?2, ?3, ?4, ?5" ROOM("month_finding")),
	[MAIL_MAKE_OTHERS_FOUND] = "INSERT INTO month_finding VALUES (?1, ?2, ?3, ?4, ?5)",
	// Not DISTINCT: with an offset behind the last row SQLite 3.40 gives one all the same.
	[MAIL_PRUNE_MONTHS] = ("DELETE FROM month WHERE month <= (SELECT month FROM month"
			       " GROUP BY month ORDER BY month DESC LIMIT 1 OFFSET " NUMBER_TEXT(
				       MAIL_MONTHS_KEPT) ")"),
	[MAIL_PRUNE_FINDINGS] = ("DELETE FROM month_finding WHERE month <= (SELECT month"
				 " FROM month_finding GROUP BY month ORDER BY month DESC LIMIT 1"
				 " OFFSET " NUMBER_TEXT(MAIL_MONTHS_KEPT) ")"),
};

int mail_store_errno(int sqlite_code)
{
	static const struct {
		int code, error;
	} table[] = {
		{ SQLITE_FULL, -ENOSPC },	 { SQLITE_CORRUPT, -EUCLEAN },
		{ SQLITE_NOTADB, -EUCLEAN },	 { SQLITE_BUSY, -EBUSY },
		{ SQLITE_LOCKED, -EBUSY },	 { SQLITE_NOMEM, -ENOMEM },
		{ SQLITE_READONLY, -EROFS },	 { SQLITE_CANTOPEN, -ENOENT },
		{ SQLITE_PERM, -EACCES },	 { SQLITE_SCHEMA, -EUCLEAN },
		{ SQLITE_CONSTRAINT, -EUCLEAN },
	};
	if (sqlite_code == SQLITE_OK || sqlite_code == SQLITE_DONE || sqlite_code == SQLITE_ROW)
		return 0;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].code == (sqlite_code & 0xff))
			return table[i].error;
	return -EIO;
}

void mail_store_addr_bytes(const struct addr *addr, uint8_t out[16])
{
	addr_bits bits = addr->bits;
	if (addr->family == ADDR_V4)
		bits |= (addr_bits)0xffff << 32;
	addr_to_bytes(ADDR_V6, bits, out);
}

// --- open and close

static int run(sqlite3 *db, const char *sql)
{
	return mail_store_errno(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int mail_store_step(struct mail_store *store, enum mail_statement which, int64_t *ret_number)
{
	sqlite3_stmt *statement = store->statements[which];
	int code = sqlite3_step(statement);
	if (code == SQLITE_ROW && ret_number)
		*ret_number = sqlite3_column_int64(statement, 0);
	int r = mail_store_errno(code);
	sqlite3_reset(statement);
	return r;
}

static int version_of(sqlite3 *db, int *ret_version)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*ret_version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return mail_store_errno(code);
}

// The folder's user alone may change the file, but what lies there is not believed either.
static void harden(sqlite3 *db)
{
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1 << 20);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_busy_timeout(db, MAIL_STORE_WAIT_MS);
}

static int open_db(const char *path, int flags, const struct mail_key *key,
		   struct mail_store **ret_store)
{
	struct mail_store *store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->key = *key;
	int r = mail_store_errno(sqlite3_open_v2(path, &store->db, flags, NULL));
	if (r < 0) {
		mail_store_close(store);
		return r;
	}
	harden(store->db);
	*ret_store = store;
	return 0;
}

static int take_step(sqlite3 *db, const char *sql)
{
	int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	// A table that is not there, or there already: this is a file of something else.
	return code == SQLITE_ERROR ? -EUCLEAN : mail_store_errno(code);
}

// From the version that the file has to the newest, each step whole or not at all.
static int step_up(sqlite3 *db, int version)
{
	int r = 0;
	for (; r == 0 && version < MAIL_STORE_VERSION; version++) {
		r = run(db, "BEGIN IMMEDIATE");
		if (r == 0)
			r = take_step(db, steps[version]);
		if (r == 0)
			r = run(db, "COMMIT");
		if (r < 0)
			run(db, "ROLLBACK");
	}
	return r;
}

// What a removed record said of persons is overwritten; temporary things stay in memory, since the
// process may make no other files.
static int make(sqlite3 *db, int version)
{
	char limit[64];
	int r = 0;
	snprintf(limit, sizeof(limit), "PRAGMA journal_size_limit = %d", WAL_LIMIT_BYTES);
	if (version == 0)
		r = run(db, "PRAGMA auto_vacuum = INCREMENTAL");
	if (r == 0)
		r = run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			    "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
			    "PRAGMA cell_size_check = ON; PRAGMA cache_size = -32768;"
			    "PRAGMA wal_autocheckpoint = 8000");
	if (r == 0)
		r = run(db, limit);
	return r < 0 ? r : step_up(db, version);
}

static int check_version(sqlite3 *db, int *ret_version)
{
	int r = version_of(db, ret_version);
	if (r == 0 && (*ret_version < 0 || *ret_version > MAIL_STORE_VERSION))
		r = -EPROTO;
	return r;
}

int mail_store_open(const char *path, const struct mail_key *key, struct mail_store **ret_store)
{
	struct mail_store *store;
	int version;
	int r = open_db(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, key, &store);
	if (r < 0)
		return r;
	r = check_version(store->db, &version);
	if (r == 0)
		r = make(store->db, version);
	for (size_t i = 0; r == 0 && i < MAIL_STATEMENT_COUNT; i++) {
		int code = sqlite3_prepare_v3(store->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
					      &store->statements[i], NULL);
		// A table that is not there: this is a file of something else.
		r = code == SQLITE_ERROR ? -EUCLEAN : mail_store_errno(code);
	}
	if (r < 0)
		mail_store_close(store);
	else
		*ret_store = store;
	return r;
}

int mail_store_open_read(const char *path, const struct mail_key *key,
			 struct mail_store **ret_store)
{
	struct mail_store *store;
	int version;
	int r = open_db(path, SQLITE_OPEN_READONLY, key, &store);
	if (r < 0)
		return r;
	r = check_version(store->db, &version);
	if (r == 0 && version == 0) // its writer has not made it yet
		r = -ENOENT;
	else if (r == 0 && version < MAIL_STORE_VERSION) // ... brought it up yet
		r = -EBUSY;
	if (r == 0)
		r = run(store->db, "PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON");
	if (r < 0)
		mail_store_close(store);
	else
		*ret_store = store;
	return r;
}

void mail_store_close(struct mail_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < MAIL_STATEMENT_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	explicit_bzero(&store->key, sizeof(store->key));
	free(store);
}

// --- writing

int mail_store_begin(struct mail_store *store)
{
	store->added = 0;
	return mail_store_step(store, MAIL_BEGIN, NULL);
}

static void put_text(sqlite3_stmt *statement, int *at, const char *text)
{
	sqlite3_bind_text(statement, ++*at, text ? text : "", -1, SQLITE_STATIC);
}

static void put_number(sqlite3_stmt *statement, int *at, uint64_t number)
{
	sqlite3_bind_int64(statement, ++*at, (int64_t)number);
}

// An address as it is kept, as it is looked for, and its domain.
struct kept {
	char address[MAIL_ADDRESS_MAX], key[MAIL_ADDRESS_MAX], clear[MAIL_ADDRESS_MAX];
	const char *domain;
};

static void keep_address(const struct mail_store *store, const char *address, bool hash,
			 struct kept *ret)
{
	mail_address_fold(address, ret->clear);
	ret->domain = mail_address_domain(ret->clear);
	if (hash)
		mail_alias(&store->key, address, ret->address);
	else
		snprintf(ret->address, sizeof(ret->address), "%s", address);
	strcpy(ret->key, hash ? ret->address : ret->clear);
}

static int add_recipients(struct mail_store *store, const struct mail_record *record, int64_t id,
			  bool hash, uint64_t written_us)
{
	sqlite3_stmt *statement = store->statements[MAIL_ADD_RECIPIENT];
	int r = 0;
	for (size_t i = 0; r == 0 && i < record->n_recipients && i < MAIL_RECIPIENTS_KEPT; i++) {
		struct kept kept;
		int at = 0;
		keep_address(store, record->recipients[i].address, hash, &kept);
		put_number(statement, &at, (uint64_t)id);
		put_number(statement, &at, i);
		put_number(statement, &at, written_us);
		put_text(statement, &at, kept.address);
		put_text(statement, &at, kept.key);
		put_text(statement, &at, kept.domain);
		put_number(statement, &at, record->recipients[i].code);
		r = mail_store_step(store, MAIL_ADD_RECIPIENT, NULL);
	}
	return r;
}

int mail_store_add(struct mail_store *store, const struct mail_record *record, bool hash_addresses,
		   uint64_t written_us)
{
	sqlite3_stmt *statement = store->statements[MAIL_ADD];
	uint8_t client[16], server[16];
	char helo[MAIL_HELO_MAX], reason[MAIL_REASON_MAX];
	struct kept sender;
	int at = 0;
	keep_address(store, record->sender, hash_addresses, &sender);
	snprintf(helo, sizeof(helo), "%s", record->helo);
	snprintf(reason, sizeof(reason), "%s", record->reason);
	if (hash_addresses) {
		mail_alias_words(record->helo, helo, sizeof(helo));
		mail_alias_words(record->reason, reason, sizeof(reason));
	}
	mail_store_addr_bytes(&record->client, client);
	mail_store_addr_bytes(&record->server, server);
	put_number(statement, &at, written_us);
	put_number(statement, &at, record->began_us);
	put_number(statement, &at, record->ended_us);
	sqlite3_bind_blob(statement, ++at, client, sizeof(client), SQLITE_STATIC);
	put_number(statement, &at, record->client_port);
	sqlite3_bind_blob(statement, ++at, server, sizeof(server), SQLITE_STATIC);
	put_number(statement, &at, record->server_port);
	put_text(statement, &at, record->flow);
	put_text(statement, &at, record->guard);
	put_text(statement, &at, record->clause);
	put_text(statement, &at, record->control);
	put_text(statement, &at, record->from_zone);
	put_text(statement, &at, record->to_zone);
	put_text(statement, &at, helo);
	put_text(statement, &at, sender.address);
	put_text(statement, &at, sender.key);
	put_text(statement, &at, sender.domain);
	put_number(statement, &at, record->n_recipients);
	put_number(statement, &at, record->declared);
	put_number(statement, &at, record->size);
	// With the suites in its second byte.
	put_number(statement, &at,
		   (uint64_t)record->tls | (uint64_t)record->client_suite << 8 |
			   (uint64_t)record->server_suite << 12);
	put_number(statement, &at, record->own_sender);
	put_number(statement, &at, hash_addresses);
	put_number(statement, &at, (uint64_t)record->verdict);
	put_number(statement, &at, record->code);
	put_text(statement, &at, reason);
	put_number(statement, &at, record->n_files);
	int r = mail_store_step(store, MAIL_ADD, NULL);
	int64_t id = sqlite3_last_insert_rowid(store->db);
	// What was bound lies on this stack.
	sqlite3_clear_bindings(statement);
	if (r == 0)
		r = add_recipients(store, record, id, hash_addresses, written_us);
	sqlite3_clear_bindings(store->statements[MAIL_ADD_RECIPIENT]);
	if (r == 0)
		r = mail_store_add_files(store, record, id, hash_addresses, written_us);
	if (r == 0)
		r = mail_store_count_month(store, record, written_us);
	store->added += r == 0;
	return r;
}

static int count(struct mail_store *store, int64_t change)
{
	sqlite3_bind_int64(store->statements[MAIL_COUNT], 1, change);
	return mail_store_step(store, MAIL_COUNT, NULL);
}

int mail_store_commit(struct mail_store *store)
{
	int r = count(store, store->added);
	return r < 0 ? r : mail_store_step(store, MAIL_COMMIT, NULL);
}

void mail_store_rollback(struct mail_store *store)
{
	// SQLite rolls some failures back by itself.
	if (!sqlite3_get_autocommit(store->db))
		mail_store_step(store, MAIL_ROLLBACK, NULL);
}

// --- retention

int mail_store_numbers(struct mail_store *store, struct mail_store_numbers *ret)
{
	int64_t records = 0, bytes = 0;
	int r = mail_store_step(store, MAIL_RECORDS, &records);
	if (r == 0)
		r = mail_store_step(store, MAIL_BYTES, &bytes);
	if (r == 0)
		*ret = (struct mail_store_numbers){ (uint64_t)records, (uint64_t)bytes };
	return r;
}

static int list(struct mail_store *store, enum mail_statement which, uint64_t before_us,
		uint64_t limit, int64_t ids[MAIL_STORE_PRUNE_MAX])
{
	sqlite3_stmt *statement = store->statements[which];
	int n = 0, code = SQLITE_DONE;
	if (which == MAIL_EXPIRED)
		sqlite3_bind_int64(statement, 1, (int64_t)before_us);
	sqlite3_bind_int64(statement, 2, (int64_t)limit);
	while (n < MAIL_STORE_PRUNE_MAX && (code = sqlite3_step(statement)) == SQLITE_ROW)
		ids[n++] = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	int r = mail_store_errno(code);
	return r < 0 ? r : n;
}

static int remove_all(struct mail_store *store, const int64_t *ids, int n)
{
	static const enum mail_statement all[] = { MAIL_REMOVE_RECIPIENTS, MAIL_REMOVE_FILES,
						   MAIL_REMOVE_FINDINGS, MAIL_REMOVE };
	int r = mail_store_begin(store);
	for (int i = 0; r == 0 && i < n; i++)
		for (size_t k = 0; r == 0 && k < sizeof(all) / sizeof(all[0]); k++) {
			sqlite3_bind_int64(store->statements[all[k]], 1, ids[i]);
			r = mail_store_step(store, all[k], NULL);
		}
	if (r == 0)
		r = count(store, -n);
	if (r == 0)
		r = mail_store_step(store, MAIL_COMMIT, NULL);
	if (r < 0)
		mail_store_rollback(store);
	return r;
}

// How many of the oldest are too many.
static uint64_t surplus(const struct mail_limits *limits, const struct mail_store_numbers *numbers)
{
	if (limits->records_max && numbers->records > limits->records_max)
		return numbers->records - limits->records_max;
	if (limits->bytes_max && numbers->bytes > limits->bytes_max && numbers->records)
		return MAIL_STORE_PRUNE_MAX;
	return 0;
}

int mail_store_prune(struct mail_store *store, const struct mail_limits *limits, uint64_t now_us)
{
	int64_t ids[MAIL_STORE_PRUNE_MAX];
	struct mail_store_numbers numbers;
	uint64_t age = limits->keep_days * UINT64_C(86400000000);
	int n = 0, r = 0;
	char vacuum[64];
	if (age && age < now_us)
		n = list(store, MAIL_EXPIRED, now_us - age, MAIL_STORE_PRUNE_MAX, ids);
	if (n == 0)
		r = mail_store_numbers(store, &numbers);
	if (n == 0 && r == 0 && surplus(limits, &numbers))
		n = list(store, MAIL_OLDEST, 0, surplus(limits, &numbers), ids);
	if (r < 0 || n <= 0)
		return r < 0 ? r : n;
	r = remove_all(store, ids, n);
	snprintf(vacuum, sizeof(vacuum), "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
	if (r == 0)
		r = run(store->db, vacuum);
	return r < 0 ? r : n;
}
