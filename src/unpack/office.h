// The streams of Office's old documents: what they say of macros, encryption and objects.
#ifndef SEKISHO_UNPACK_OFFICE_H
#define SEKISHO_UNPACK_OFFICE_H

#include "unpack/look.h"

uint32_t office_workbook(const uint8_t *bytes, size_t n);	// MS-XLS: Workbook, Book
uint32_t office_word(const uint8_t *bytes, size_t n);		// MS-DOC: WordDocument
uint32_t office_user(const uint8_t *bytes, size_t n);		// MS-PPT: Current User
void office_slides(struct item *item, const struct item *part); // MS-PPT: PowerPoint Document

#endif
