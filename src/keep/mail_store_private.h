// The inside of keep/mail_store.h, for the two files that are it.
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
	MAIL_COUNT, // adds to the number of records
	MAIL_RECORDS,
	MAIL_BYTES,
	MAIL_EXPIRED,
	MAIL_OLDEST,
	MAIL_REMOVE,
	MAIL_REMOVE_RECIPIENTS,
	MAIL_STATEMENT_COUNT,
};

struct mail_store {
	sqlite3 *db;
	struct mail_key key;
	sqlite3_stmt *statements[MAIL_STATEMENT_COUNT]; // NULL for reading
	int64_t added;					// in this transaction
};

int mail_store_errno(int sqlite_code);
// IPv4 as ::ffff:a.b.c.d, so that one order holds for both families.
void mail_store_addr_bytes(const struct addr *addr, uint8_t out[16]);

#endif
