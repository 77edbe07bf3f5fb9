// Compound files (MS-CFB, OLE2): a file system of sectors in a file.  Reads what is there; chains
// that turn back on themselves end where the file's sectors have all been counted.
#ifndef SEKISHO_UNPACK_CFB_H
#define SEKISHO_UNPACK_CFB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unpack/look.h"

enum { CFB_NAME_MAX = 128, CFB_ENTRIES_MAX = 16384, CFB_NONE = UINT32_MAX };
enum cfb_type { CFB_FREE, CFB_STORAGE, CFB_STREAM, CFB_ROOT = 5 };

struct cfb_entry {
	char name[CFB_NAME_MAX]; // UTF-8; control characters as they are
	enum cfb_type type;
	uint8_t class_id[16];
	uint32_t start;
	uint64_t size;
	uint32_t parent; // index; CFB_NONE: the root, or no tree names it
};

struct cfb;

// NULL: none, or damaged beyond reading, or no memory; item's limit says so.
struct cfb *cfb_open(struct item *item);
void cfb_free(struct cfb *cfb);
size_t cfb_count(const struct cfb *cfb);
void cfb_entry(const struct cfb *cfb, size_t index, struct cfb_entry *ret);
// Calls piece with the stream's bytes until it says false; false: the stream is damaged.
bool cfb_read(const struct cfb *cfb, const struct cfb_entry *entry,
	      bool (*piece)(void *arg, const uint8_t *bytes, size_t n), void *arg);

#endif
