// The text of Office's old documents (MS-DOC, MS-XLS, MS-PPT) and of binary workbooks (MS-XLSB).
#ifndef SEKISHO_UNPACK_OFFICE_TEXT_H
#define SEKISHO_UNPACK_OFFICE_TEXT_H

#include "unpack/look.h"

// The stream WordDocument, and which of the two of tables it names; 0 or 1.
unsigned office_word_table(const uint8_t *bytes, size_t n);
// What cannot be found by its table of pieces is illegible (Word 95 and before).
void office_word_say(struct item *item, const struct item *word, const struct item *table);
void office_workbook_say(struct item *item, const uint8_t *bytes, size_t n);
void office_slides_say(struct item *item, const uint8_t *bytes, size_t n);
void office_binary_say(struct item *item, const uint8_t *bytes, size_t n); // a part of .xlsb
// Properties: whatever looks like text, in letters of one byte and of two.
void office_properties_say(struct item *item, const uint8_t *bytes, size_t n);

#endif
