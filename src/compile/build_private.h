// What build.c, build_rule.c and build_freeze.c share: the arrays of a growing ruleset.
#ifndef SEKISHO_COMPILE_BUILD_PRIVATE_H
#define SEKISHO_COMPILE_BUILD_PRIVATE_H

#include "base/vec.h"
#include "compile/build.h"

struct build_elem {
	struct rs_elem elem;
	uint32_t set;
};

struct build {
	VEC(char) strings;
	VEC(uint8_t) pool;
	VEC(struct rs_chain) chains;
	VEC(struct rs_rule) rules; // in the order they were begun, those of a chain apart
	VEC(struct rs_stmt) stmts;
	VEC(struct rs_set) sets;
	VEC(struct build_elem) elems;
	VEC(struct rs_obj) objs;
	VEC(struct rs_origin) origins;
	uint32_t *slots; // open addressing: offsets of interned strings, 0 is free
	size_t n_slots, n_interned;
	char *long_name;
};

#endif
