// The readers of formats: what look.c opens an item with, and parts of documents are judged by.
// Each reads item->bytes (whole), which is of its format or claims to be.
#ifndef SEKISHO_UNPACK_FORMAT_H
#define SEKISHO_UNPACK_FORMAT_H

#include "unpack/look.h"
#include "unpack/signature.h"

void zip_look(struct item *item);
// Of something else, behind which a ZIP is.
void zip_look_carried(struct item *item);

void cfb_look(struct item *item);
void biff_look(struct item *item);
// What Windows' packager makes, as \1Ole10Native has it behind its size, and OLE 1 too.
void package_look(struct item *item, const uint8_t *bytes, size_t n);
void pdf_look(struct item *item);
void rtf_look(struct item *item);
void onenote_look(struct item *item);
void tnef_look(struct item *item);
void message_look(struct item *item);
void pkcs7_look(struct item *item);
// Of signed data, by its first bytes.
bool pkcs7_has_content(const uint8_t *bytes, size_t n);
void markup_look(struct item *item); // HTML, SVG, XML of Office

// What libarchive opens; from: where in the item's bytes it begins.  False when there is nothing of
// that format.
bool archive_look(struct item *item, enum signature_format format, size_t from);
// One entry of a ZIP whose method is not ours, beginning with its local header, into item.
void archive_zip_entry(struct item *item, const uint8_t *bytes, size_t n);
int archive_load(void);
void archive_unload(void);

#endif
