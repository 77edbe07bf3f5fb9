// A ZIP's two directories (APPNOTE 6.3.10): the central one at its end, which is what most programs
// read, and the local headers before each entry's data, which is what a stream has.  Entries are
// told as each of them has them; where both agree, once.
#ifndef SEKISHO_UNPACK_ZIP_H
#define SEKISHO_UNPACK_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zip_flag {
	ZIP_ENCRYPTED = 1 << 0,
	ZIP_DESCRIPTOR = 1 << 3, // sizes stand behind the data
	ZIP_STRONG = 1 << 6,
	ZIP_UTF8 = 1 << 11,
	ZIP_MASKED = 1 << 13,
};
enum zip_method {
	ZIP_STORED = 0,
	ZIP_DEFLATED = 8,
	ZIP_AES = 99,
};

struct zip_entry {
	const uint8_t *name, *unicode; // unicode: of the extra field 0x7075; NULL: none
	uint16_t n_name, n_unicode;
	uint16_t flags, method;
	uint64_t at;   // of the local header
	uint64_t data; // 0: there is no local header
	uint64_t packed, size;
	uint64_t end; // where the next one begins at the latest
	bool unread;  // its data is another's already: overlapping entries are how bombs are made
};

struct zip {
	const uint8_t *bytes;
	size_t n;
	struct zip_entry *entries;
	size_t n_entries, cap;
	uint64_t base;	  // bytes before it
	uint64_t central; // where the central directory begins; n without one
	bool has_central, ambiguous, damaged, masked;
	bool behind; // bytes that are no ZIP follow it
	bool more;   // entries beyond the bound
};

// Finds entries, at most max of them, in the order of their local headers.  0, or -ENOMEM.  What is
// wrong is told by *ret's marks; the entries live as long as bytes do.
int zip_read(const uint8_t *bytes, size_t n, uint32_t max, struct zip *ret);
void zip_done(struct zip *zip);
// Whether there is the end of one with entries, whatever the bytes begin with; last: with nothing
// behind it.
bool zip_at_end(const uint8_t *bytes, size_t n, bool last);

#endif
