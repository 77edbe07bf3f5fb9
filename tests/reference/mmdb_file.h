// Writes small databases of countries in the MaxMind DB format (version 2.0), for tests: a tree for
// IPv4 or for IPv6 with IPv4 at ::/96, records of 24, 28 or 32 bits, one record for each country.
#ifndef SEKISHO_TESTS_MMDB_FILE_H
#define SEKISHO_TESTS_MMDB_FILE_H

#include <stddef.h>
#include <stdint.h>

struct mmdb_file;

enum mmdb_file_style {
	MMDB_FILE_ISO_CODE,	// { country: { iso_code: JP }, names: … }
	MMDB_FILE_COUNTRY_CODE, // { country_code: JP }
	MMDB_FILE_COUNTRY,	// { country: JP }
};

// version: 4 or 6.  bits: of a record.
struct mmdb_file *mmdb_file_new(unsigned version, unsigned bits, uint64_t build_epoch,
				enum mmdb_file_style style);
void mmdb_file_free(struct mmdb_file *file);
// "198.41.0.0/24", "2a00::/16"; code: any text.  Later ones win.  Ends the process when the prefix
// cannot be read or does not fit the version.
void mmdb_file_add(struct mmdb_file *file, const char *prefix, const char *code);
// Makes a subtree of another: the prefix leads to where the target leads (6to4 and the like).
void mmdb_file_alias(struct mmdb_file *file, const char *prefix, const char *target);
// On the heap.
uint8_t *mmdb_file_bytes(struct mmdb_file *file, size_t *ret_size);
// Replaces path in one step; ends the process when it cannot.
void mmdb_file_write(struct mmdb_file *file, const char *path);

#endif
