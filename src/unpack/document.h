// Documents that are ZIPs: OOXML (ECMA-376) and OpenDocument; programs that are.
#ifndef SEKISHO_UNPACK_DOCUMENT_H
#define SEKISHO_UNPACK_DOCUMENT_H

#include "unpack/look.h"
#include "unpack/zip.h"

enum document_form { DOCUMENT_NONE, DOCUMENT_OOXML, DOCUMENT_ODF, DOCUMENT_PROGRAM };

// By the names of its entries.
enum document_form document_form(const struct zip *zip);
// What a part of it, whose bytes were read, adds to it: macros, objects, links that load.
void document_part(struct item *part, enum document_form form);
// XML of Office or OpenDocument that is one file; the same for its elements.
void document_flat(struct item *item);

#endif
