// The checks of a ruleset that was read from an image.
#ifndef SEKISHO_COMPILE_IMAGE_H
#define SEKISHO_COMPILE_IMAGE_H

#include "compile/ruleset.h"

enum { RS_DEPTH_MAX = 15 }; // jumps and gotos below a base chain (kernel: NFT_JUMP_STACK_SIZE 16)

// Nothing of the ruleset is trusted but the arrays' sizes.  0, -EBADMSG, -ENOMEM.
int ruleset_check(const struct ruleset *ruleset);
// No chain leads back to itself, and none is deeper than RS_DEPTH_MAX.  References are valid.
int ruleset_check_depth(const struct ruleset *ruleset);

#endif
