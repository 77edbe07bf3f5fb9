// The files of a message as its record will have them: a table with room for MAIL_FILES_KEPT, and
// the count of all.
#ifndef SEKISHO_INSPECT_CONTENT_ROWS_H
#define SEKISHO_INSPECT_CONTENT_ROWS_H

#include "event/mail_record.h"

enum { CONTENT_NO_ROW = UINT32_MAX };

struct content_rows { // all zero: empty
	struct mail_file *v;
	uint32_t n, room;
	size_t n_files;
	struct mail_file late; // see content_rows_late()
	bool has_late;
};

// CONTENT_NO_ROW: it is counted, and there is no room for more.
uint32_t content_rows_add(struct content_rows *rows);
// One as it is; if there is no room, in the place of the last.
void content_rows_put(struct content_rows *rows, const struct mail_file *row);
// For the file that was refused, if it has no row: it takes the place of the last one.
struct mail_file *content_rows_late(struct content_rows *rows);
// The count of files; the first of them in *ret_files.
size_t content_rows_done(struct content_rows *rows, const struct mail_file **ret_files);
void content_rows_free(struct content_rows *rows);

// Entries of one archive, which are the rows from `first` on.  They are told when they have been
// read, those in them before them, and are recorded in the order in which they lie there.
struct content_entries {
	uint32_t first;
	struct {
		uint32_t number, parent; // as struct unpack_entry has them
	} v[MAIL_FILES_KEPT];
};
void content_rows_order(struct content_rows *rows, struct content_entries *entries);
// Rows from `from` on, which are of one part, go behind the part's own: where they are then, and
// those that were there are as many places behind.
uint32_t content_rows_gather(struct content_rows *rows, uint32_t from);

#endif
