// Labels of domain names in letters that names do not carry, as those that they do (RFC 3492).
#ifndef SEKISHO_BASE_PUNYCODE_H
#define SEKISHO_BASE_PUNYCODE_H

#include <stddef.h>
#include <stdint.h>

enum { PUNYCODE_LABEL_MAX = 63 };

// Code points as the characters that follow "xn--", with a NUL.  The length, or -ERANGE when it is
// longer than PUNYCODE_LABEL_MAX.  Which code points a label may have is the caller's to know.
int punycode_encode(const uint32_t *points, size_t n, char out[PUNYCODE_LABEL_MAX + 1]);

#endif
