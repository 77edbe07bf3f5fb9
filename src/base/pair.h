// Two bytes that follow one another, looked for in many.
#ifndef SEKISHO_BASE_PAIR_H
#define SEKISHO_BASE_PAIR_H

#include <stddef.h>
#include <stdint.h>

// Where the first a stands that a b follows; n: nowhere.
size_t pair_find(const uint8_t *bytes, size_t n, uint8_t a, uint8_t b);

#endif
