// What is said to people about parts of a ruleset and about the kernel's refusals.
#ifndef SEKISHO_KERNEL_WORDS_H
#define SEKISHO_KERNEL_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "compile/ruleset.h"
#include "kernel/batch.h"
#include "kernel/kernel.h"

enum { WORDS_KEY_MAX = 512 };

// A set's key: "10.20.0.5 . 192.0.2.0/24 . 80".  hi NULL: not an interval.
void words_key(const struct rs_set *set, const uint8_t *lo, const uint8_t *hi,
	       char out[WORDS_KEY_MAX]);

// Fills error for what the message of mark (NULL: the whole) was refused with.
// offset: of the attribute at fault in the message, 0 unknown.
void words_refusal(struct kernel_error *error, const struct ruleset *ruleset,
		   const struct batch *batch, const struct batch_mark *mark, int status,
		   uint32_t offset);

// Makes a refusal of our own, -EOPNOTSUPP, say what a statement of this kind lacks.
void words_lacking(struct kernel_error *error, uint8_t stmt_kind);

#endif
