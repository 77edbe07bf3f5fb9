// Names that do not say what they are written in, as old archives of Windows and mail have them.
#ifndef SEKISHO_UNPACK_CHARSET_H
#define SEKISHO_UNPACK_CHARSET_H

#include <stddef.h>
#include <stdint.h>

#include "unpack/unpack.h"

struct charset_name {
	char shown[UNPACK_NAME_MAX + 1];
	char other[UNPACK_NAME_MAX + 1]; // "": no other reading
	uint32_t kinds;			 // UNPACK_MISLEADING for a NUL in it, or too long a name
};

int charset_load(void);
void charset_unload(void);

// UTF-8 if it is that, or else CP932, or else EUC-JP; what several are gives two readings.  A name
// that is none of them has U+FFFD in it.  utf8: the archive says so.
void charset_read(const uint8_t *bytes, size_t n, bool utf8, struct charset_name *ret);
// UTF-16, little end first; n: bytes.  The length that was written, at most max - 1.
size_t charset_utf16(const uint8_t *bytes, size_t n, char *out, size_t max);
size_t charset_put(uint32_t point, char *out, size_t room); // 0: no room

#endif
