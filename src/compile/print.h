// Values as nft writes them: what print.c needs of print_value.c.
#ifndef SEKISHO_COMPILE_PRINT_H
#define SEKISHO_COMPILE_PRINT_H

#include "compile/ruleset.h"

// One field of a key: a value, or a range where hi differs from lo.
void print_field(FILE *out, enum rs_key key, const uint8_t *lo, const uint8_t *hi);
// So many leading bits of an address: "(ip saddr & 255.255.255.0)".
void print_prefix(FILE *out, enum rs_key key, unsigned bits);
// A match: "ip saddr != 10.0.0.0/8".
void print_match(FILE *out, const struct rs_stmt *stmt);
// "10.0.0.1", "10.0.0.1-10.0.0.9", "10.0.0.1:80", "[fd00::1]:80".
void print_translation(FILE *out, const struct rs_stmt *stmt);

#endif
