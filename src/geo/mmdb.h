// A database file of countries (MaxMind DB, by any maker) → a table (geo/table.h).
//
// The file is hostile: it is opened and read only in a process without rights, or by a person's own
// command, and looked through as a whole under limits before anything of it is used.  What the
// library libmaxminddb is asked for is its opening, its nodes and its values; every record that it
// decodes was checked before (geo/record.h).
//
// Where a record says the country: country.iso_code, country_code, or country alone.  Records
// without one, and codes that are no country's ("EU"), count as no country.
#ifndef SEKISHO_GEO_MMDB_H
#define SEKISHO_GEO_MMDB_H

#include <stddef.h>
#include <stdint.h>

enum {
	MMDB_FILE_BYTES_MAX = 128 * 1024 * 1024,
	MMDB_WHY_MAX = 256,
};

// Copies an open file into a sealed memory file that nobody can change or cut off any more; parses
// nothing.  0 with *ret_fd, or a negative errno with why in words.
int mmdb_copy(int from_fd, int *ret_fd, char why[MMDB_WHY_MAX]);

// Reads all of such a copy.  0 with a table's block on the heap; -EBADMSG (damaged, or no database
// of countries) or another negative errno, with why in words.
int mmdb_read(int fd, void **ret_bytes, size_t *ret_size, char why[MMDB_WHY_MAX]);

#endif
