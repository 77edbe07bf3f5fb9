// Deadlines that no wall clock moves: the boot they belong to, and microseconds since that boot
// (CLOCK_BOOTTIME, which counts through a suspend).  A deadline of another boot has passed.
//
// As text, for files: "BOOT-ID MICROSECONDS", the boot as /proc/sys/kernel/random/boot_id says it.
#ifndef SEKISHO_BASE_BOOT_H
#define SEKISHO_BASE_BOOT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BOOT_ID_MAX = 36,		  // letters
	BOOT_TEXT_MAX = BOOT_ID_MAX + 21, // of a moment
};

struct boot_moment {
	char boot[BOOT_ID_MAX + 1]; // "": none
	uint64_t usec;
};

uint64_t boot_now_usec(void);
// Of the boot that runs now; -errno when the kernel does not tell.
int boot_id(char ret_id[BOOT_ID_MAX + 1]);

// So long from now, in this boot.  -errno when the boot is not known: then no deadline can be kept.
int boot_deadline(uint64_t usec_from_now, struct boot_moment *ret);
// Microseconds until then; 0 when it has passed, when it is of another boot, or when the boot that
// runs now is not known.
uint64_t boot_left_usec(const struct boot_moment *moment);

void boot_text(const struct boot_moment *moment, char out[BOOT_TEXT_MAX + 1]);
// -EINVAL unless the text is just that.
int boot_parse(const char *text, struct boot_moment *ret);

#endif
