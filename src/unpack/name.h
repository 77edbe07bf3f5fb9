// What a file's name says, as Windows and a hurried reader take it.
#ifndef SEKISHO_UNPACK_NAME_H
#define SEKISHO_UNPACK_NAME_H

#include <stdint.h>

enum { NAME_EXTENSION_MAX = 24 };

struct name_judged {
	uint32_t kinds; // by the extension; UNPACK_MISLEADING for how it is written
	uint32_t says;	// kinds of which the content should have one; 0: the name promises nothing
	char extension[NAME_EXTENSION_MAX]; // lower case; "": none
};

// name: UTF-8, of any length; the last part of a path counts.
void name_judge(const char *name, struct name_judged *ret);

#endif
