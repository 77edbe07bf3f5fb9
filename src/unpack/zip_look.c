// Entries of a ZIP, read as both of its directories have them.
#include <string.h>

#include "unpack/document.h"
#include "unpack/format.h"
#include "unpack/inflate.h"
#include "unpack/zip.h"

enum { DESCRIPTOR_SIZE = 24 };

static bool is_folder(const struct zip_entry *entry)
{
	return entry->n_name && entry->name[entry->n_name - 1] == '/' && !entry->packed &&
	       !entry->size;
}

static void read_name(struct item *item, const struct zip_entry *entry)
{
	struct charset_name header;
	charset_read(entry->name, entry->n_name, entry->flags & ZIP_UTF8, &item->name);
	if (!entry->unicode)
		return;
	header = item->name;
	charset_read(entry->unicode, entry->n_unicode, true, &item->name);
	item->name.kinds |= header.kinds;
	if (!strcmp(header.shown, item->name.shown))
		return;
	strcpy(item->name.other, header.shown);
	if (unpack_kinds(header.shown, NULL, 0) != unpack_kinds(item->name.shown, NULL, 0))
		item->parent->kinds |= UNPACK_AMBIGUOUS;
}

// The bytes of its data, as far as they are there.
static size_t packed_size(const struct zip *zip, const struct zip_entry *entry)
{
	if (!entry->packed && entry->flags & ZIP_DESCRIPTOR)
		return (size_t)(entry->end - entry->data);
	uint64_t there = zip->n - entry->data;
	return (size_t)(entry->packed < there ? entry->packed : there);
}

// With its local header, and the descriptor behind it.
static size_t whole_size(const struct zip *zip, const struct zip_entry *entry, size_t n)
{
	size_t size = (size_t)(entry->data - entry->at) + n + DESCRIPTOR_SIZE;
	size_t there = (size_t)(zip->n - entry->at);
	return size < there ? size : there;
}

static void read_data(struct item *item, const struct zip *zip, const struct zip_entry *entry)
{
	const uint8_t *data = zip->bytes + entry->data;
	size_t n = packed_size(zip, entry);
	bool unsized = entry->flags & ZIP_DESCRIPTOR && !entry->size;
	size_t used = n;
	if (n < entry->packed)
		item_limit(item, UNPACK_DAMAGED);
	if (entry->method == ZIP_STORED)
		item_set(item, data, n);
	else if (entry->method == ZIP_DEFLATED)
		used = inflate_item(item, INFLATE_RAW, data, n);
	else
		archive_zip_entry(item, zip->bytes + entry->at, whole_size(zip, entry, n));
	// A stream goes on where the data ends, whatever its size is said to be.
	if (item->limit == UNPACK_WHOLE && !unsized && (item->size != entry->size || used != n))
		item->parent->kinds |= UNPACK_AMBIGUOUS;
}

static bool is_encrypted(const struct zip_entry *entry)
{
	return entry->flags & (ZIP_ENCRYPTED | ZIP_STRONG | ZIP_MASKED) || entry->method == ZIP_AES;
}

static void look_entry(struct item *item, const struct zip *zip, const struct zip_entry *entry,
		       enum document_form form)
{
	struct item part;
	if (is_folder(entry) || !item_begin(&part, item))
		return;
	read_name(&part, entry);
	part.part = form == DOCUMENT_OOXML || form == DOCUMENT_ODF;
	if (is_encrypted(entry)) {
		part.kinds |= UNPACK_ENCRYPTED;
		part.size = entry->size;
		item->kinds |= UNPACK_ENCRYPTED;
	} else if (!entry->data || entry->unread) {
		part.size = entry->size;
		item_limit(&part, UNPACK_DAMAGED);
	} else {
		read_data(&part, zip, entry);
	}
	document_part(&part, form);
	item_end(&part);
}

static enum document_form look_entries(struct item *item, bool carried)
{
	struct zip zip;
	struct look *look = item->look;
	uint32_t left = look->bounds->entries - look->numbers;
	if (zip_read(item->bytes, item->n, left + 1, &zip) < 0)
		item_limit(item, UNPACK_MEMORY);
	enum document_form form = document_form(&zip);
	for (size_t i = 0; i < zip.n_entries && !look->stopped; i++)
		look_entry(item, &zip, &zip.entries[i], form);
	if (zip.ambiguous || (!carried && (zip.base || zip.behind)))
		item->kinds |= UNPACK_AMBIGUOUS;
	if (zip.more)
		look_stop(item, UNPACK_ENTRIES);
	if (zip.damaged)
		item_limit(item, UNPACK_DAMAGED);
	if (zip.masked)
		item->kinds |= UNPACK_ENCRYPTED;
	zip_done(&zip);
	return form;
}

void zip_look(struct item *item)
{
	static const uint32_t kinds[] = {
		[DOCUMENT_NONE] = UNPACK_ARCHIVE,
		[DOCUMENT_OOXML] = UNPACK_OFFICE,
		[DOCUMENT_ODF] = UNPACK_OFFICE,
		[DOCUMENT_PROGRAM] = UNPACK_EXECUTABLE | UNPACK_ARCHIVE,
	};
	item->content |= kinds[look_entries(item, false)];
}

void zip_look_carried(struct item *item)
{
	look_entries(item, true);
}
