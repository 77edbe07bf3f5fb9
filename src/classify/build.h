// From rules to an image.
#ifndef SEKISHO_CLASSIFY_BUILD_H
#define SEKISHO_CLASSIFY_BUILD_H

#include "classify/image.h"

// rules: in order of precedence (rank), n <= CLASSIFY_RULES_MAX, each checked.
// hider: from hide_rules(); rules that have one are left out.  NULL: all are put in.
// 0 with *ret_bytes aligned to 64 bytes (free() it) and its size.  -E2BIG: too many rules.
// -EFBIG: the rules cross each other so much that the image would pass 4 GiB, or a block would
// need more different vectors than it can number.  Out of memory ends the process.
int build_image(const struct classify_rule *rules, uint32_t n, const uint32_t *hider,
		void **ret_bytes, size_t *ret_size);

#endif
