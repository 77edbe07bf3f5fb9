// libmagic, for what our own table of signatures does not know.
#ifndef SEKISHO_UNPACK_MAGIC_H
#define SEKISHO_UNPACK_MAGIC_H

#include <stddef.h>
#include <stdint.h>

int magic_table_load(void); // 0, or -errno: then nothing is known
void magic_table_unload(void);
uint32_t magic_kinds(const uint8_t *bytes, size_t n); // 0: not known

#endif
