// What was attached: one row for each file, and one for each word of what was found in any.
#include <stdio.h>
#include <string.h>

#include "keep/mail_store_private.h"

static void put_text(sqlite3_stmt *statement, int *at, const char *text)
{
	sqlite3_bind_text(statement, ++*at, text, -1, SQLITE_STATIC);
}

static void put_number(sqlite3_stmt *statement, int *at, uint64_t number)
{
	sqlite3_bind_int64(statement, ++*at, (int64_t)number);
}

static int add_file(struct mail_store *store, const struct mail_file *file, int64_t id,
		    size_t place, bool hash, uint64_t written_us)
{
	sqlite3_stmt *statement = store->statements[MAIL_ADD_FILE];
	char name[MAIL_FILE_NAME_MAX], key[MAIL_FILE_NAME_MAX];
	int at = 0;
	if (hash) {
		mail_alias_name(&store->key, file->name, name);
		strcpy(key, name);
	} else {
		snprintf(name, sizeof(name), "%s", file->name);
		mail_name_fold(file->name, key);
	}
	put_number(statement, &at, (uint64_t)id);
	put_number(statement, &at, place);
	put_number(statement, &at, written_us);
	put_number(statement, &at, file->part);
	put_number(statement, &at, file->depth);
	put_number(statement, &at, (uint64_t)file->action);
	put_number(statement, &at, file->rule);
	put_number(statement, &at, file->size);
	sqlite3_bind_blob(statement, ++at, file->has_sha256 ? file->sha256 : NULL,
			  sizeof(file->sha256), SQLITE_STATIC);
	put_text(statement, &at, name);
	put_text(statement, &at, key);
	put_text(statement, &at, file->type);
	put_text(statement, &at, file->found);
	int r = mail_store_step(store, MAIL_ADD_FILE, NULL);
	// What was bound lies on this stack.
	sqlite3_clear_bindings(statement);
	return r;
}

static int add_findings(struct mail_store *store, const char *found, int64_t id,
			uint64_t written_us)
{
	sqlite3_stmt *statement = store->statements[MAIL_ADD_FINDING];
	int r = 0;
	while (r == 0 && *found) {
		size_t n = strcspn(found, " ");
		sqlite3_bind_text(statement, 1, found, (int)n, SQLITE_STATIC);
		sqlite3_bind_int64(statement, 2, (int64_t)written_us);
		sqlite3_bind_int64(statement, 3, id);
		r = n ? mail_store_step(store, MAIL_ADD_FINDING, NULL) : 0;
		sqlite3_clear_bindings(statement);
		found += n + (found[n] == ' ');
	}
	return r;
}

int mail_store_add_files(struct mail_store *store, const struct mail_record *record, int64_t id,
			 bool hash, uint64_t written_us)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < record->n_files && i < MAIL_FILES_KEPT; i++) {
		r = add_file(store, &record->files[i], id, i, hash, written_us);
		if (r == 0)
			r = add_findings(store, record->files[i].found, id, written_us);
	}
	return r;
}
