// A sentence put together in a buffer of fixed size; what does not fit is cut off.
#ifndef SEKISHO_PLAN_WORDS_H
#define SEKISHO_PLAN_WORDS_H

#include <stddef.h>

struct words {
	char *out; // where the next word goes
	size_t left;
};

// size at least 1; the text is empty then, and always NUL-terminated.
struct words words_in(char *text, size_t size);
void words_say(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
