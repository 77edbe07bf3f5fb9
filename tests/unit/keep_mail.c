// The book of mail: what is written is found, by every filter; it stays within its limits; and
// addresses that are kept as pseudonyms are found by typing them.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <sqlite3.h>

#include "keep/mail_store.h"

#define DAY_US UINT64_C(86400000000)
#define NOW_US UINT64_C(1790000000000000)

static char folder[64], path[96];
static struct mail_key key;
static struct mail_recipient recipients[MAIL_RECIPIENTS_KEPT];
static struct mail_file files[MAIL_FILES_KEPT];

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/keep_mail.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/mail.db", folder);
	memset(key.bytes, 7, sizeof(key.bytes));
	return 0;
}

static int teardown(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct mail_record make(const char *from, const char *to)
{
	struct mail_record record = {
		.began_us = NOW_US - 2000000,
		.ended_us = NOW_US - 1000000,
		.client = { ADDR_V4, 0xc0000201 },
		.server = { ADDR_V6, ((addr_bits)0xfd00 << 112) | 25 },
		.client_port = 40000,
		.server_port = 25,
		.flow = "mail-in",
		.guard = "mail",
		.clause = "第8条",
		.control = "MAIL-01",
		.from_zone = "outside",
		.to_zone = "dmz",
		.helo = "mx.example.net",
		.recipients = recipients,
		.n_recipients = 1,
		.size = 2000,
		.verdict = MAIL_PASSED,
		.code = 250,
		.reason = "ok",
	};
	snprintf(record.sender, sizeof(record.sender), "%s", from);
	snprintf(recipients[0].address, MAIL_ADDRESS_MAX, "%s", to);
	recipients[0].code = 250;
	return record;
}

static void attach(struct mail_record *record, size_t i, const char *name, const char *found)
{
	files[i] = (struct mail_file){
		.part = (uint16_t)(i + 1),
		.depth = (uint8_t)i,
		.action = MAIL_FILE_REFUSED,
		.rule = 3,
		.has_sha256 = true,
		.size = 4096,
		.type = "application/pdf",
	};
	memset(files[i].sha256, (int)(0xa0 + i), sizeof(files[i].sha256));
	snprintf(files[i].name, sizeof(files[i].name), "%s", name);
	snprintf(files[i].found, sizeof(files[i].found), "%s", found);
	record->files = files;
	record->n_files = i + 1;
}

static struct mail_store *open_it(void)
{
	struct mail_store *store;
	assert_int_equal(mail_store_open(path, &key, &store), 0);
	return store;
}

static void add(struct mail_store *store, const struct mail_record *record, bool hash,
		uint64_t written_us)
{
	assert_int_equal(mail_store_begin(store), 0);
	assert_int_equal(mail_store_add(store, record, hash, written_us), 0);
	assert_int_equal(mail_store_commit(store), 0);
}

static int count_one(void *arg, const struct mail_stored *stored)
{
	(void)stored;
	++*(int *)arg;
	return 0;
}

static int count(struct mail_store *store, struct mail_query query)
{
	int n = 0;
	assert_int_equal(mail_store_find(store, &query, count_one, &n), 0);
	return n;
}

static uint64_t records(struct mail_store *store)
{
	struct mail_store_numbers numbers;
	assert_int_equal(mail_store_numbers(store, &numbers), 0);
	assert_int_equal(numbers.records, count(store, (struct mail_query){ .verdict = -1 }));
	return numbers.records;
}

static void all_comes_back(void **state)
{
	static struct mail_stored stored;
	struct mail_store *store = open_it(), *reader;
	struct mail_record record = make("Tanaka@Example.NET", "suzuki@example.jp");
	(void)state;
	record.n_recipients = MAIL_RECIPIENTS_KEPT + 5;
	for (size_t i = 1; i < MAIL_RECIPIENTS_KEPT; i++)
		snprintf(recipients[i].address, MAIL_ADDRESS_MAX, "u%zu@example.jp", i);
	record.declared = 4096;
	record.tls = record.own_sender = true;
	record.client_suite = 3;
	record.server_suite = 15;
	add(store, &record, false, NOW_US);
	assert_int_equal(mail_store_open_read(path, &key, &reader), 0);
	assert_int_equal(mail_store_get(reader, 1, &stored), 0);
	const struct mail_record *back = &stored.taken.record;
	assert_int_equal(stored.written_us, NOW_US);
	assert_int_equal(back->began_us, record.began_us);
	assert_true(back->client.family == ADDR_V4 && back->client.bits == 0xc0000201);
	assert_true(back->server.family == ADDR_V6 && back->server.bits == record.server.bits);
	assert_string_equal(back->clause, "第8条");
	assert_string_equal(back->to_zone, "dmz");
	assert_string_equal(back->sender, "Tanaka@Example.NET");
	assert_int_equal(back->n_recipients, MAIL_RECIPIENTS_KEPT + 5);
	assert_string_equal(back->recipients[99].address, "u99@example.jp");
	assert_int_equal(back->declared, 4096);
	assert_true(back->tls && back->own_sender && !stored.hashed);
	assert_int_equal(back->client_suite, 3);
	assert_int_equal(back->server_suite, 15);
	assert_int_equal(mail_store_get(reader, 2, &stored), -ENOENT);
	assert_int_equal(mail_store_begin(reader) == 0, 0);
	mail_store_close(reader);
	mail_store_close(store);
	memset(recipients, 0, sizeof(recipients));
}

static void filters(void **state)
{
	struct mail_store *store = open_it();
	struct mail_record record = make("tanaka@example.net", "suzuki@example.jp");
	struct addr_range range;
	(void)state;
	add(store, &record, false, NOW_US - DAY_US);
	record = make("", "Suzuki@Example.JP");
	record.flow = "mail-out";
	record.client = (struct addr){ ADDR_V6, ((addr_bits)0x20010db8 << 96) | 1 };
	record.verdict = MAIL_REFUSED;
	add(store, &record, false, NOW_US);
	record = make("x'; DROP TABLE record; --@example.net", "%@example.jp");
	record.client.bits = 0xc0000301;
	add(store, &record, true, NOW_US + 1);
	const struct {
		struct mail_query query;
		int n;
	} table[] = {
		{ { .verdict = -1 }, 3 },
		{ { .verdict = -1, .limit = 2 }, 2 },
		{ { .verdict = -1, .since_us = NOW_US }, 2 },
		{ { .verdict = -1, .until_us = NOW_US }, 1 },
		{ { .verdict = -1, .since_us = NOW_US, .until_us = NOW_US + 1 }, 1 },
		{ { .verdict = -1, .from = "TANAKA@example.net" }, 1 },
		{ { .verdict = -1, .from = "<tanaka@example.net>" }, 1 },
		{ { .verdict = -1, .from = "tanaka" }, 0 },
		{ { .verdict = -1, .from = "%" }, 0 },
		{ { .verdict = -1, .from = "@Example.net" }, 2 },
		{ { .verdict = -1, .from = "<>" }, 1 },
		{ { .verdict = -1, .from = "x'; DROP TABLE record; --@example.net" }, 1 },
		{ { .verdict = -1, .to = "suzuki@example.jp" }, 2 },
		{ { .verdict = -1, .to = "%@example.jp" }, 1 },
		{ { .verdict = -1, .to = "@example.jp" }, 3 },
		{ { .verdict = -1, .to = "@example.jp", .from = "<>" }, 1 },
		{ { .verdict = -1, .flow = "mail-out" }, 1 },
		{ { .verdict = MAIL_REFUSED }, 1 },
		{ { .verdict = MAIL_ENDED }, 0 },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int n = count(store, table[i].query);
		if (n != table[i].n)
			print_error("row %zu\n", i);
		assert_int_equal(n, table[i].n);
	}
	static const struct {
		const char *range;
		int n;
	} clients[] = {
		{ "192.0.2.1", 1 },	{ "192.0.0.0/16", 2 }, { "0.0.0.0/0", 2 },
		{ "2001:db8::/32", 1 }, { "::/0", 3 },	       { "192.0.2.2-192.0.2.9", 0 }
	};
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		assert_int_equal(addr_range_parse(clients[i].range, &range), 0);
		assert_int_equal(count(store,
				       (struct mail_query){ .verdict = -1, .client = &range }),
				 clients[i].n);
	}
	mail_store_close(store);
}

static int keep_order(void *arg, const struct mail_stored *stored)
{
	char *out = arg;
	size_t used = strlen(out);
	snprintf(out + used, 64 - used, "%llu ", (unsigned long long)stored->id);
	return 0;
}

// The newest first, by every way that a query goes; each record once, however many of its
// recipients are meant.
static int count_file(struct mail_store *store, const char *attachment, const char *found)
{
	return count(store, (struct mail_query){
				    .attachment = attachment, .found = found, .verdict = -1 });
}

static void files_come_back(void **state)
{
	static struct mail_stored stored;
	struct mail_store *store = open_it();
	struct mail_record record = make("tanaka@example.net", "suzuki@example.jp");
	(void)state;
	for (size_t i = 0; i < MAIL_FILES_KEPT; i++)
		attach(&record, i, "予算書.PDF", i % 2 ? "pdf" : "");
	record.n_files = MAIL_FILES_KEPT + 7;
	files[1].has_sha256 = false;
	add(store, &record, false, NOW_US);
	assert_int_equal(mail_store_get(store, 1, &stored), 0);
	assert_int_equal(stored.taken.record.n_files, MAIL_FILES_KEPT + 7);
	for (size_t i = 0; i < MAIL_FILES_KEPT; i++) {
		const struct mail_file *file = &stored.taken.record.files[i];
		assert_string_equal(file->name, "予算書.PDF");
		assert_string_equal(file->type, "application/pdf");
		assert_string_equal(file->found, i % 2 ? "pdf" : "");
		assert_int_equal(file->part, i + 1);
		assert_int_equal(file->depth, i);
		assert_int_equal(file->action, MAIL_FILE_REFUSED);
		assert_int_equal(file->rule, 3);
		assert_int_equal(file->size, 4096);
		assert_int_equal(file->has_sha256, i != 1);
		if (i != 1)
			assert_memory_equal(file->sha256, files[i].sha256, MAIL_SHA256_BYTES);
	}
	mail_store_close(store);
}

static void filters_of_files(void **state)
{
	static const char digest[] =
		"A0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0";
	struct mail_store *store = open_it();
	struct mail_record record = make("tanaka@example.net", "suzuki@example.jp");
	(void)state;
	add(store, &record, false, NOW_US - DAY_US);
	attach(&record, 0, "請求書.zip", "archive");
	attach(&record, 1, "dir\\Invoice.EXE", "executable misleading");
	add(store, &record, false, NOW_US);
	add(store, &record, true, NOW_US);
	assert_int_equal(count_file(store, NULL, NULL), 3);
	assert_int_equal(count_file(store, "請求書.zip", NULL), 2);
	assert_int_equal(count_file(store, "invoice.exe", NULL), 2);
	assert_int_equal(count_file(store, "*.exe", NULL), 2);
	assert_int_equal(count_file(store, "請求*", NULL), 1);
	assert_int_equal(count_file(store, "invoice", NULL), 0);
	assert_int_equal(count_file(store, digest, NULL), 2);
	assert_int_equal(count_file(store, NULL, "misleading"), 2);
	assert_int_equal(count_file(store, NULL, "mislead"), 0);
	assert_int_equal(count_file(store, "請求書.zip", "executable"), 2);
	struct mail_query both = { .to = "suzuki@example.jp",
				   .attachment = "*.zip",
				   .found = "archive",
				   .since_us = NOW_US,
				   .verdict = MAIL_PASSED };
	assert_int_equal(count(store, both), 2);
	both.attachment = digest;
	assert_int_equal(count(store, both), 2);
	both.attachment = "請求書.zip";
	assert_int_equal(count(store, both), 2);
	both.to = "nobody@example.jp";
	assert_int_equal(count(store, both), 0);
	both.to = NULL;
	assert_int_equal(count(store, both), 2);
	both.from = "tanaka@example.net";
	assert_int_equal(count(store, both), 2);
	mail_store_close(store);
}

// Where addresses are pseudonyms, names are as well; the ending stays.
static void names_hashed(void **state)
{
	static struct mail_stored stored;
	char alias[MAIL_FILE_NAME_MAX];
	struct mail_store *store = open_it();
	struct mail_record record = make("tanaka@example.net", "suzuki@example.jp");
	(void)state;
	attach(&record, 0, "田中様 退職届.PDF", "pdf");
	attach(&record, 1, "名簿.田中さん", "");
	attach(&record, 2, "", "");
	add(store, &record, true, NOW_US);
	assert_int_equal(mail_store_get(store, 1, &stored), 0);
	const struct mail_file *file = stored.taken.record.files;
	assert_int_equal(strlen(file[0].name), 1 + 32 + 4);
	assert_string_equal(file[0].name + 33, ".pdf");
	assert_int_equal(strlen(file[1].name), 1 + 32);
	assert_string_equal(file[2].name, "");
	mail_alias_name(&key, "c:\\x/田中様 退職届.pdf", alias);
	assert_string_equal(file[0].name, alias);
	mail_store_close(store);
}

// What is removed leaves nothing of its files behind.
static void files_removed(void **state)
{
	struct mail_store *store = open_it();
	struct mail_record record = make("tanaka@example.net", "suzuki@example.jp");
	const struct mail_limits limits = { .keep_days = 1 };
	sqlite3_stmt *statement;
	sqlite3 *db;
	(void)state;
	attach(&record, 0, "a.pdf", "pdf macro");
	add(store, &record, false, NOW_US - 3 * DAY_US);
	add(store, &record, false, NOW_US);
	assert_int_equal(mail_store_prune(store, &limits, NOW_US), 1);
	assert_int_equal(count_file(store, "a.pdf", "macro"), 1);
	mail_store_close(store);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT (SELECT count(*) FROM file) * 100 +"
					    " (SELECT count(*) FROM finding)",
					    -1, &statement, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(statement, 0), 102);
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

// A file of version 1, as it was made before files were kept, is brought up; a reader that comes
// before its writer is told to come again.
static void brought_up(void **state)
{
	static struct mail_stored stored;
	struct mail_store *store = open_it(), *reader;
	struct mail_record record = make("tanaka@example.net", "suzuki@example.jp");
	sqlite3 *db;
	(void)state;
	add(store, &record, false, NOW_US - DAY_US);
	mail_store_close(store);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "ALTER TABLE record DROP COLUMN n_files; DROP TABLE file;"
				      "DROP TABLE finding; DROP TABLE month;"
				      "DROP TABLE month_finding; PRAGMA user_version = 1",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(mail_store_open_read(path, &key, &reader), -EBUSY);
	store = open_it();
	attach(&record, 0, "a.pdf", "pdf");
	add(store, &record, false, NOW_US);
	assert_int_equal(mail_store_get(store, 1, &stored), 0);
	assert_int_equal(stored.taken.record.n_files, 0);
	assert_string_equal(stored.taken.record.sender, "tanaka@example.net");
	assert_int_equal(mail_store_get(store, 2, &stored), 0);
	assert_int_equal(stored.taken.record.n_files, 1);
	assert_int_equal(records(store), 2);
	mail_store_close(store);
	assert_int_equal(mail_store_open_read(path, &key, &reader), 0);
	mail_store_close(reader);
}

static void order(void **state)
{
	struct mail_store *store = open_it();
	struct mail_record record = make("a@example.net", "b@example.jp");
	(void)state;
	strcpy(recipients[1].address, "c@example.jp");
	record.n_recipients = 2;
	for (uint64_t i = 0; i < 5; i++)
		add(store, &record, i == 1, NOW_US + i);
	add(store, &record, false, NOW_US + 2); // the clock was set
	const struct mail_query table[] = {
		{ .verdict = -1 },
		{ .verdict = MAIL_PASSED },
		{ .verdict = -1, .flow = "mail-in" },
		{ .verdict = -1, .from = "a@example.net" },
		{ .verdict = -1, .from = "@example.net" },
		{ .verdict = -1, .to = "@example.jp" },
		{ .verdict = -1, .to = "b@example.jp" },
		{ .verdict = MAIL_PASSED, .to = "c@example.jp", .from = "@example.net" },
		{ .verdict = -1, .to = "@example.jp", .since_us = NOW_US, .until_us = NOW_US + 5 },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char got[64] = "";
		assert_int_equal(mail_store_find(store, &table[i], keep_order, got), 0);
		assert_string_equal(got, "5 4 6 3 2 1 ");
	}
	mail_store_close(store);
}

// The file tells nobody's name, and the one who types it finds it; another key does not.
static void hashed(void **state)
{
	static struct mail_stored stored;
	struct mail_store *store = open_it();
	struct mail_record record = make("Tanaka@Example.net", "suzuki@example.jp");
	struct mail_key other = { { 8 } };
	char alias[MAIL_ADDRESS_MAX], again[MAIL_ADDRESS_MAX], command[192];
	(void)state;
	strcpy(record.reason, "recipient-unknown <suzuki@example.jp> is not here");
	strcpy(record.helo, "tanaka@example.net");
	add(store, &record, true, NOW_US);
	mail_alias(&key, "tanaka@EXAMPLE.net", alias);
	assert_int_equal(strlen(alias), 1 + 32 + strlen("@example.net"));
	assert_int_equal(mail_store_get(store, 1, &stored), 0);
	assert_true(stored.hashed);
	assert_string_equal(stored.taken.record.sender, alias);
	assert_string_equal(stored.taken.record.reason, "recipient-unknown (address) is not here");
	assert_string_equal(stored.taken.record.helo, "(address)");
	assert_int_equal(count(store,
			       (struct mail_query){ .verdict = -1, .from = "tanaka@example.net" }),
			 1);
	assert_int_equal(
		count(store, (struct mail_query){ .verdict = -1, .to = "suzuki@example.jp" }), 1);
	assert_int_equal(count(store, (struct mail_query){ .verdict = -1, .from = alias }), 1);
	assert_int_equal(count(store, (struct mail_query){ .verdict = -1, .to = "@example.jp" }),
			 1);
	mail_store_close(store);
	snprintf(command, sizeof(command), "! grep -aqi -e tanaka -e suzuki %s/mail.db*", folder);
	assert_int_equal(system(command), 0);
	mail_alias(&other, "tanaka@example.net", again);
	assert_string_not_equal(alias, again);
	mail_alias(&key, "", again);
	assert_string_equal(again, "");
	assert_int_equal(mail_store_open(path, &other, &store), 0);
	assert_int_equal(count(store,
			       (struct mail_query){ .verdict = -1, .from = "tanaka@example.net" }),
			 0);
	mail_store_close(store);
}

static void folding(void **state)
{
	static const char *const table[][3] = {
		{ "A@B.Example", "a@b.example", "b.example" },
		{ "<A@b>", "a@b", "b" },
		{ "a@b.", "a@b", "b" },
		{ "postmaster", "postmaster", "" },
		{ "\"x@y\"@z", "\"x@y\"@z", "z" },
		{ "<>", "", "" },
		{ "", "", "" },
		{ "日本@例え.JP", "日本@例え.jp", "例え.jp" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char out[MAIL_ADDRESS_MAX];
		mail_address_fold(table[i][0], out);
		assert_string_equal(out, table[i][1]);
		assert_string_equal(mail_address_domain(out), table[i][2]);
	}
}

static void key_file(void **state)
{
	struct mail_key a, b;
	char name[96];
	int fd = open(folder, O_RDONLY | O_DIRECTORY);
	(void)state;
	assert_int_equal(mail_key_open(fd, &a), 0);
	assert_int_equal(mail_key_open(fd, &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	snprintf(name, sizeof(name), "%s/keys/mail.key", folder);
	assert_int_equal(chmod(name, 0644), 0);
	assert_int_equal(mail_key_open(fd, &b), -EPERM);
	assert_int_equal(chmod(name, 0600), 0);
	assert_int_equal(truncate(name, 31), 0);
	assert_int_equal(mail_key_open(fd, &b), -EBADMSG);
	close(fd);
}

static void retention(void **state)
{
	struct mail_store *store = open_it();
	struct mail_record record = make("a@example.net", "b@example.jp");
	struct mail_limits limits = { .keep_days = 10 };
	(void)state;
	for (uint64_t i = 0; i < 20; i++)
		add(store, &record, false, NOW_US - i * DAY_US);
	// Written 0 to 10 days ago stays.
	assert_int_equal(mail_store_prune(store, &limits, NOW_US), 9);
	assert_int_equal(mail_store_prune(store, &limits, NOW_US), 0);
	assert_int_equal(records(store), 11);
	limits = (struct mail_limits){ .records_max = 11 };
	assert_int_equal(mail_store_prune(store, &limits, NOW_US), 0);
	limits.records_max = 10;
	assert_int_equal(mail_store_prune(store, &limits, NOW_US), 1);
	assert_int_equal(records(store), 10);
	assert_int_equal(count(store, (struct mail_query){ .verdict = -1, .to = "b@example.jp" }),
			 10);
	mail_store_close(store);
}

static void bytes_bounded(void **state)
{
	struct mail_store *store = open_it();
	struct mail_record record = make("a@example.net", "b@example.jp");
	struct mail_limits limits = { .bytes_max = 1024 * 1024 };
	struct mail_store_numbers numbers;
	int r, passes = 0;
	(void)state;
	assert_int_equal(mail_store_begin(store), 0);
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(mail_store_add(store, &record, false, NOW_US + i), 0);
	assert_int_equal(mail_store_commit(store), 0);
	while ((r = mail_store_prune(store, &limits, NOW_US)) > 0)
		passes++;
	assert_int_equal(r, 0);
	assert_true(passes > 1);
	assert_int_equal(mail_store_numbers(store, &numbers), 0);
	assert_true(numbers.bytes <= limits.bytes_max && numbers.records > 500);
	mail_store_close(store);
}

static void nothing_of_what_is_taken_back(void **state)
{
	struct mail_store *store = open_it();
	struct mail_record record = make("a@example.net", "b@example.jp");
	(void)state;
	assert_int_equal(mail_store_begin(store), 0);
	assert_int_equal(mail_store_add(store, &record, false, NOW_US), 0);
	mail_store_rollback(store);
	assert_int_equal(records(store), 0);
	add(store, &record, false, NOW_US);
	assert_int_equal(records(store), 1);
	mail_store_close(store);
}

static void write_file(const char *text)
{
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	for (int i = 0; i < 200; i++)
		fputs(text, out);
	fclose(out);
}

static void not_ours(void **state)
{
	struct mail_store *store;
	sqlite3 *db;
	(void)state;
	assert_int_equal(mail_store_open_read(path, &key, &store), -ENOENT);
	write_file("this is no database ");
	assert_int_equal(mail_store_open(path, &key, &store), -EUCLEAN);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(mail_store_open(path, &key, &store), -EUCLEAN);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 4", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(mail_store_open(path, &key, &store), -EPROTO);
	assert_int_equal(mail_store_open_read(path, &key, &store), -EPROTO);
}

// What a row says is checked like anything else that is read.
static void damaged_row(void **state)
{
	static struct mail_stored stored;
	static const char *const changes[] = {
		"UPDATE record SET verdict = 77",
		"UPDATE record SET code = -1",
		"UPDATE record SET client = x'00'",
		"UPDATE record SET flow = hex(zeroblob(500))",
		"DELETE FROM recipient",
		"UPDATE record SET n_recipients = 2",
		"UPDATE recipient SET code = 1000000",
		"UPDATE record SET n_files = 2",
		"UPDATE record SET n_files = 0",
		"DELETE FROM file",
		"UPDATE file SET action = 5",
		"UPDATE file SET size = -1",
		"UPDATE file SET depth = 256",
		"UPDATE file SET sha256 = x'00'",
		"UPDATE file SET name = hex(zeroblob(100))",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct mail_record record = make("a@example.net", "b@example.jp");
		struct mail_store *store = open_it();
		sqlite3 *db;
		attach(&record, 0, "a.pdf", "pdf");
		add(store, &record, false, NOW_US);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
		sqlite3_close(db);
		assert_int_equal(mail_store_get(store, 1, &stored), -EUCLEAN);
		mail_store_close(store);
		assert_int_equal(unlink(path), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(filters, setup, teardown),
		cmocka_unit_test_setup_teardown(files_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(filters_of_files, setup, teardown),
		cmocka_unit_test_setup_teardown(names_hashed, setup, teardown),
		cmocka_unit_test_setup_teardown(files_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(brought_up, setup, teardown),
		cmocka_unit_test_setup_teardown(order, setup, teardown),
		cmocka_unit_test_setup_teardown(hashed, setup, teardown),
		cmocka_unit_test_setup_teardown(folding, setup, teardown),
		cmocka_unit_test_setup_teardown(key_file, setup, teardown),
		cmocka_unit_test_setup_teardown(retention, setup, teardown),
		cmocka_unit_test_setup_teardown(bytes_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_of_what_is_taken_back, setup, teardown),
		cmocka_unit_test_setup_teardown(not_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_row, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
