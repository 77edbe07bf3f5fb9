// The text that a PDF shows, in the order in which its pages draw it, and its texts beside: titles,
// notes, values of forms, properties.
#ifndef SEKISHO_UNPACK_PDF_TEXT_H
#define SEKISHO_UNPACK_PDF_TEXT_H

#include "unpack/look.h"

void pdf_text_say(struct item *item);

#endif
