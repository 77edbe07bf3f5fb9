// What the files that read a table back share.
#ifndef SEKISHO_KERNEL_VERIFY_H
#define SEKISHO_KERNEL_VERIFY_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/ruleset.h"
#include "kernel/kernel.h"
#include "kernel/link.h"
#include "kernel/present.h"
#include "base/names.h"

enum { VERIFY_DIFFERENT = -EXDEV }; // of callbacks: a difference was found and told

struct verify {
	struct link *link;
	const struct ruleset *ruleset;
	const struct kernel_features *features;
	const char *table;
	uint32_t table_flags;
	struct present present; // its chains
	char *report;
	size_t report_size;
	struct names chains, sets, objs; // by name in the kernel
	char (*set_names)[RS_NAME_MAX + 1];
	uint32_t *rules_seen; // of each chain
	uint8_t *chain_seen, *set_seen, *obj_seen;
	char marker[RS_NAME_MAX + 1];
	bool marker_seen;
	_Alignas(8) char scratch[BATCH_MESSAGE_MAX]; // a rule as it should be
};

struct verify *verify_new(struct kernel *kernel, const struct ruleset *ruleset, char *report,
			  size_t size);
void verify_free(struct verify *verify);

// Parts of a read-back: 0, VERIFY_DIFFERENT, or -errno.
int verify_table(struct verify *verify); // that it is there, and at work
int verify_owner(struct verify *verify); // after verify_table()
int verify_chain(struct verify *verify, const struct present_chain *there);
int verify_rules_of(struct verify *verify, const char *chain);
int verify_take_set(const struct nlmsghdr *nlh, void *verify);
int verify_take_obj(const struct nlmsghdr *nlh, void *verify);

// Tells the first difference; gives VERIFY_DIFFERENT.
int verify_tell(struct verify *verify, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// Compares the elements of one set.  0, VERIFY_DIFFERENT, or -errno.
int verify_elems(struct verify *verify, uint32_t set);

#endif
