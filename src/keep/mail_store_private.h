// The inside of keep/mail_store.h, for the files that are it.
#ifndef SEKISHO_KEEP_MAIL_STORE_PRIVATE_H
#define SEKISHO_KEEP_MAIL_STORE_PRIVATE_H

#include <sqlite3.h>

#include "keep/mail_store.h"

enum mail_statement {
	MAIL_BEGIN,
	MAIL_COMMIT,
	MAIL_ROLLBACK,
	MAIL_ADD,
	MAIL_ADD_RECIPIENT,
	MAIL_ADD_FILE,
	MAIL_ADD_FINDING,
	MAIL_COUNT, // adds to the number of records
	MAIL_RECORDS,
	MAIL_BYTES,
	MAIL_EXPIRED,
	MAIL_OLDEST,
	MAIL_REMOVE,
	MAIL_REMOVE_RECIPIENTS,
	MAIL_REMOVE_FILES,
	MAIL_REMOVE_FINDINGS,
	MAIL_GROW_MONTH,
	MAIL_MAKE_MONTH,
	MAIL_MAKE_OTHERS,
	MAIL_GROW_FINDINGS,
	MAIL_MAKE_FINDINGS,
	MAIL_MAKE_OTHERS_FOUND,
	MAIL_PRUNE_MONTHS,
	MAIL_PRUNE_FINDINGS,
	MAIL_STATEMENT_COUNT,
};

struct mail_store {
	sqlite3 *db;
	struct mail_key key;
	sqlite3_stmt *statements[MAIL_STATEMENT_COUNT]; // NULL for reading
	int64_t added;					// in this transaction
};

int mail_store_errno(int sqlite_code);
// Runs a statement that has no rows, or one number.
int mail_store_step(struct mail_store *store, enum mail_statement which, int64_t *ret_number);
// mail_files.c: the files of a record that was just added as number id.
int mail_store_add_files(struct mail_store *store, const struct mail_record *record, int64_t id,
			 bool hash, uint64_t written_us);
// IPv4 as ::ffff:a.b.c.d, so that one order holds for both families.
// mail_months.c: a record that was just added counts for its month.
int mail_store_count_month(struct mail_store *store, const struct mail_record *record,
			   uint64_t written_us);
void mail_store_addr_bytes(const struct addr *addr, uint8_t out[16]);

#endif
