// Whether bytes are an image that a matcher can be let loose on, and the seal that tells whether
// they are the bytes that were written.
#ifndef SEKISHO_CLASSIFY_CHECK_H
#define SEKISHO_CLASSIFY_CHECK_H

#include <stddef.h>

// Every index that a matcher can come to, for any header, lies in its table, and all matchers find
// the same.  Not whether they find what the rules say: that is the seal's.  Takes as long as
// reading the image a few times, whatever is in it.
// image: aligned to 64 bytes.  0; -EBADMSG: it is none, or damaged; -EPROTONOSUPPORT: a version
// that is not known.  Does not look at the seal.
int image_check(const void *image, size_t size);

// Writes the digest (BLAKE2b) of a built image into it; before any rule is deleted.
void image_seal(void *image);
// As image_check(), and the seal is right: for what was read from a file.
int image_check_sealed(const void *image, size_t size);

#endif
