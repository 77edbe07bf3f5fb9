// Parts of a kernel's answer as text: what the dump prints of rules and elements.
#ifndef SEKISHO_KERNEL_DUMP_EXPR_H
#define SEKISHO_KERNEL_DUMP_EXPR_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <libmnl/libmnl.h>

// What bytes mean: numbers of nft's data types, which sets carry as their key's type.
enum dump_type {
	DUMP_UNKNOWN = 0,
	DUMP_IPV4 = 7,
	DUMP_IPV6 = 8,
	DUMP_ETHER = 9,
	DUMP_PROTOCOL = 12,
	DUMP_PORT = 13,
	DUMP_MARK = 19,
	DUMP_INTERFACE = 41,
};

void dump_hex(FILE *out, const uint8_t *bytes, size_t size); // "0x0a14"
void dump_verdict(FILE *out, const struct nlattr *verdict);  // NFTA_DATA_VERDICT
// A key of a set, its fields by type (6 bits each, as nft packs them).
void dump_key(FILE *out, uint32_t key_type, const uint8_t *bytes, size_t size);
// NFTA_RULE_EXPRESSIONS, one line each after `indent`.
void dump_expressions(FILE *out, const struct nlattr *list, const char *indent);

#endif
