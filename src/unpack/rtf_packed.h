// Rich text as Outlook keeps a mail's body (MS-OXRTFCP): in a property of its files and of TNEF.
#ifndef SEKISHO_UNPACK_RTF_PACKED_H
#define SEKISHO_UNPACK_RTF_PACKED_H

#include "unpack/look.h"

// Unpacks it and looks into it as what item, whose body it is, is made of: its text, its objects.
// What is of no form known is illegible; what breaks off is read as far as it goes.
void rtf_packed_look(struct item *item, const uint8_t *bytes, size_t n);

#endif
