// The text of RTF, as far as a reader shows it: without tables of fonts, pictures and what else
// stands in groups of its own.
#ifndef SEKISHO_UNPACK_RTF_TEXT_H
#define SEKISHO_UNPACK_RTF_TEXT_H

#include "unpack/look.h"

void rtf_text_say(struct item *item);

#endif
