// Names to numbers: an open-addressed table over texts that others own.
#ifndef SEKISHO_KERNEL_NAMES_H
#define SEKISHO_KERNEL_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct names_slot {
	const char *name; // NULL: free
	uint32_t number;
};

struct names {
	struct names_slot *slots;
	size_t n_slots; // a power of two
};

// Room for up to count names; ends the process when memory is gone.
void names_init(struct names *names, size_t count);
void names_done(struct names *names);
// A name given twice keeps its first number.
void names_add(struct names *names, const char *name, uint32_t number);
uint32_t names_find(const struct names *names, const char *name); // or UINT32_MAX

#endif
