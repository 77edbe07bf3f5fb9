// Amounts with their units as policies write them: sizes and rates.
#ifndef SEKISHO_POLICY_AMOUNT_H
#define SEKISHO_POLICY_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

// "20MB" or "20 MB" in bytes.  KB, MB and GB are 1000, 1000^2 and 1000^3 bytes, as makers of mail
// systems and disks count; KiB, MiB and GiB are 1024, 1024^2 and 1024^3.  False: it is no such size
// (a bare number is none), or 0, or more than AMOUNT_SIZE_MAX.
bool amount_size(const char *text, uint64_t *ret_bytes);

// "30/min": a number from 1 to AMOUNT_RATE_MAX, and s, min, h or day.
bool amount_rate(const char *text, uint32_t *ret_number, uint32_t *ret_seconds);

#define AMOUNT_SIZE_MAX (UINT64_C(1) << 40)
enum { AMOUNT_RATE_MAX = 1000000 };

#endif
