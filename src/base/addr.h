// IPv4 and IPv6 addresses as numbers, inclusive ranges of them, and sets of disjoint ranges.
// Textual forms: RFC 4291 section 2.2, RFC 5952 for output; prefixes as in RFC 4632.
#ifndef SEKISHO_BASE_ADDR_H
#define SEKISHO_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 addr_bits; // an address as a number in host order

enum addr_family { ADDR_V4 = 4, ADDR_V6 = 6 };

enum { ADDR_TEXT_MAX = 96 }; // "lo-hi" of two IPv6 addresses and the NUL

struct addr {
	enum addr_family family;
	addr_bits bits; // IPv4: 0 to 2^32-1
};

// lo <= hi, one family.
struct addr_range {
	enum addr_family family;
	addr_bits lo, hi;
};

unsigned addr_width(enum addr_family family); // 32 or 128
addr_bits addr_max(enum addr_family family);  // all ones
struct addr_range addr_range_any(enum addr_family family);
bool addr_range_is_any(const struct addr_range *range);
bool addr_range_overlaps(const struct addr_range *a, const struct addr_range *b);
bool addr_range_contains(const struct addr_range *range, const struct addr *addr);
bool addr_range_within(const struct addr_range *inner, const struct addr_range *outer);
// The prefix length if the range is exactly one prefix, else -1.
int addr_range_prefix(const struct addr_range *range);

// "192.0.2.1", "fd00::1".  0 or -EINVAL.  No scope ids, no leading zeros in IPv4.
int addr_parse(const char *text, struct addr *ret);
// An address, "prefix/len", or "lo-hi".
// -EINVAL: not an address at all; -ERANGE: lo above hi or prefix length too long;
// -EDOM: host bits set past the prefix length; -EXDEV: lo and hi of two families.
int addr_range_parse(const char *text, struct addr_range *ret);

const char *addr_text(const struct addr *addr, char out[ADDR_TEXT_MAX]);
// Shortest form: address, prefix, or lo-hi.
const char *addr_range_text(const struct addr_range *range, char out[ADDR_TEXT_MAX]);

// Network byte order, 4 or 16 bytes.
void addr_to_bytes(enum addr_family family, addr_bits bits, uint8_t *out);
addr_bits addr_from_bytes(enum addr_family family, const uint8_t *bytes);

// A set: disjoint ranges of one or both families, sorted (IPv4 first, then by lo), never touching.
struct addr_set {
	struct addr_range *v;
	size_t n, cap;
};

void addr_set_done(struct addr_set *set);
void addr_set_add(struct addr_set *set,
		  struct addr_range range); // O(n); for bulk: append + normalise
void addr_set_append(struct addr_set *set, struct addr_range range); // leaves it unsorted
void addr_set_normalise(struct addr_set *set);
void addr_set_union(struct addr_set *set, const struct addr_set *other);
void addr_set_subtract(struct addr_set *set, const struct addr_set *other);
void addr_set_intersect(struct addr_set *set, const struct addr_set *other);
void addr_set_copy(struct addr_set *set, const struct addr_set *other);
void addr_set_complement(struct addr_set *set); // within both families
bool addr_set_contains(const struct addr_set *set, const struct addr *addr);
// Any range of set that overlaps range, or NULL.
const struct addr_range *addr_set_find(const struct addr_set *set, const struct addr_range *range);
bool addr_set_has_family(const struct addr_set *set, enum addr_family family);
// Cuts a range into the fewest prefixes; calls back for each.
void addr_range_prefixes(const struct addr_range *range,
			 void (*each)(void *arg, addr_bits bits, unsigned length), void *arg);

#endif
