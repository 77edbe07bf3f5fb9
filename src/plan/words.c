// Appending to a buffer of fixed size.
#include "plan/words.h"

#include <stdarg.h>
#include <stdio.h>

struct words words_in(char *text, size_t size)
{
	text[0] = '\0';
	return (struct words){ text, size };
}

void words_say(struct words *words, const char *format, ...)
{
	va_list args;

	va_start(args, format);

	int length = vsnprintf(words->out, words->left, format, args);
	size_t used = length < 0 ? 0 : (size_t)length;

	va_end(args);
	used = used < words->left ? used : words->left - 1;
	words->out += used;
	words->left -= used;
}
