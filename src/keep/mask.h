// Inner addresses out of texts that leave the house: each becomes a pseudonym, the same one
// wherever it stands, so that what happened can still be followed.  "10.20.3.9" becomes "inner-4",
// "10.20.0.0/16" "inner-7/16", a MAC address "mac-2".  Long hexadecimal data (0x0a140309), which
// may be an address, becomes "0x-masked".
//
// Inner are the ranges given and, always, those that are nobody's outside: RFC 1918, RFC 6598,
// RFC 3927, RFC 4193, link-local.
#ifndef SEKISHO_KEEP_MASK_H
#define SEKISHO_KEEP_MASK_H

#include <stddef.h>

#include "base/addr.h"

struct mask;

struct mask *mask_new(void);
void mask_free(struct mask *mask); // NULL is fine
void mask_add(struct mask *mask, const struct addr_range *range);
size_t mask_count(const struct mask *mask); // pseudonyms given out so far

// The text with pseudonyms, on the heap.  0 or -ENOMEM.
int mask_text(struct mask *mask, const char *text, size_t size, char **ret_text, size_t *ret_size);

#endif
