// The budget and the life of an item.  An entry's bytes are held while they are looked into, and
// those of the entries above it: the memory bound counts all of them.
#include "unpack/look.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <time.h>

#include "base/pair.h"
#include "mime/mime.h"
#include "unpack/format.h"
#include "unpack/kinds.h"
#include "unpack/magic.h"
#include "unpack/prose.h"
#include "unpack/zip.h"

enum { HOLD_FIRST = 16384, INPUT_TIMES = 4, ISO_AT = 32769, ISO_SECTOR = 2048, UDF_SECTORS = 64 };

int unpack_load(void)
{
	tzset(); // old archives have local times, and the C library reads a file for them
	int r = magic_table_load(), more = charset_load();
	r = r ? r : more;
	r = r ? r : more;
	more = archive_load();
	r = r ? r : more;
	more = mime_load_charsets();
	return r ? r : more;
}

void unpack_unload(void)
{
	archive_unload();
	charset_unload();
	magic_table_unload();
}

void item_limit(struct item *item, enum unpack_limit limit)
{
	if (item->limit == UNPACK_WHOLE)
		item->limit = limit;
}

void look_stop(struct item *item, enum unpack_limit limit)
{
	item->look->stopped = true;
	item_limit(item, limit);
}

void *look_alloc(struct item *item, size_t size)
{
	struct look *look = item->look;
	void *memory = NULL;
	if (size <= look->bounds->memory && look->held <= look->bounds->memory - size)
		memory = calloc(1, size ? size : 1);
	if (memory)
		look->held += size;
	else
		item_limit(item, UNPACK_MEMORY);
	return memory;
}

void look_free(struct item *item, void *memory, size_t size)
{
	if (memory)
		item->look->held -= size;
	free(memory);
}

bool item_scratch(struct item *item, struct item *parent)
{
	*item = (struct item){
		.look = parent->look,
		.parent = parent,
		.depth = parent->depth + 1,
		.whole = true,
	};
	return !item->look->stopped;
}

bool item_begin(struct item *item, struct item *parent)
{
	struct look *look = parent->look;
	if (!item_scratch(item, parent))
		return false;
	if (look->numbers >= look->bounds->entries) {
		look_stop(parent, UNPACK_ENTRIES);
		return false;
	}
	item->number = ++look->numbers;
	return true;
}

void item_name(struct item *item, const char *name)
{
	charset_read((const uint8_t *)name, strlen(name), true, &item->name);
}

// Counts n more bytes; *ret_n: how many of them the bounds allow.
static bool count(struct item *item, size_t n, size_t *ret_n)
{
	struct look *look = item->look;
	uint64_t each = look->bounds->each - item->size, all = look->output_max - look->output;
	*ret_n = n;
	if (n > each || n > all) {
		*ret_n = (size_t)(each < all ? each : all);
		item_limit(item, UNPACK_OUTPUT);
		look->stopped = look->stopped || n > all;
	}
	item->size += *ret_n;
	look->output += *ret_n;
	return *ret_n == n;
}

// Twice as much each time, but never more than may be held.
static bool grow(struct item *item, size_t want)
{
	struct look *look = item->look;
	uint64_t room = look->bounds->memory - look->held + item->cap;
	size_t cap = item->cap ? item->cap * 2 : HOLD_FIRST;
	while (cap < want)
		cap *= 2;
	if (cap > room)
		cap = want;
	uint8_t *heap = cap <= room ? realloc(item->heap, cap) : NULL;
	if (!heap)
		return false;
	look->held += cap - item->cap;
	item->heap = heap;
	item->cap = cap;
	return true;
}

bool item_add(struct item *item, const uint8_t *bytes, size_t n)
{
	size_t fits;
	bool more = count(item, n, &fits);
	if (item->whole && fits && item->n + fits > item->cap && !grow(item, item->n + fits))
		item->whole = false;
	if (item->whole && fits) {
		memcpy(item->heap + item->n, bytes, fits);
		item->n += fits;
		item->bytes = item->heap;
	}
	return more;
}

bool item_set(struct item *item, const uint8_t *bytes, size_t n)
{
	size_t fits;
	bool more = count(item, n, &fits);
	item->bytes = bytes;
	item->n = fits;
	return more;
}

bool item_is_apart(struct item *item)
{
	struct look *look = item->look;
	if (look->bounds->apart)
		look->apart = look->stopped = true;
	return look->bounds->apart;
}

static void look_unknown(struct item *item)
{
	item_limit(item, UNPACK_UNKNOWN);
}

static void (*const readers[])(struct item *item) = {
	[SIGNATURE_ZIP] = zip_look,	    [SIGNATURE_CFB] = cfb_look,
	[SIGNATURE_BIFF] = biff_look,	    [SIGNATURE_PDF] = pdf_look,
	[SIGNATURE_RTF] = rtf_look,	    [SIGNATURE_ONENOTE] = onenote_look,
	[SIGNATURE_TNEF] = tnef_look,	    [SIGNATURE_XML] = markup_look,
	[SIGNATURE_MESSAGE] = message_look, [SIGNATURE_PKCS7] = pkcs7_look,
	[SIGNATURE_CLOSED] = look_unknown,
};

static bool is_archive(enum signature_format format)
{
	return format >= SIGNATURE_7Z && format <= SIGNATURE_COMPRESSED;
}

// Holds files as they are: an archive among them is an entry, and nothing that was put behind.
static bool holds_files(enum signature_format format)
{
	return format == SIGNATURE_CFB || format == SIGNATURE_TNEF || format == SIGNATURE_ONENOTE ||
	       format == SIGNATURE_TAR || format == SIGNATURE_CLOSED;
}

// Where what stands first, behind the beginning; 0: nowhere.
static size_t find(const struct item *item, const uint8_t *what, size_t n)
{
	for (size_t at = 1; at + n <= item->n; at++) {
		at += pair_find(item->bytes + at, item->n - at, what[0], what[1]);
		if (at + n <= item->n && !memcmp(item->bytes + at, what, n))
			return at;
	}
	return 0;
}

// A program that carries an archive, as installers do; and an image or a document that does, which
// none should.
static void look_for_carried(struct item *item)
{
	static const struct {
		const char *bytes;
		size_t n;
		enum signature_format format;
	} carried[] = {
		{ "7z\xbc\xaf\x27\x1c", 6, SIGNATURE_7Z },
		{ "Rar!\x1a\x07\x01", 7, SIGNATURE_RAR5 },
		{ "Rar!\x1a\x07", 7, SIGNATURE_RAR },
	};
	for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++) {
		size_t at = find(item, (const uint8_t *)carried[i].bytes, carried[i].n);
		if (!at || item_is_apart(item) || !archive_look(item, carried[i].format, at))
			continue;
		item->kinds |= UNPACK_ARCHIVE;
		if (!(item->kinds & UNPACK_EXECUTABLE))
			item->kinds |= UNPACK_AMBIGUOUS;
	}
}

static bool has_trailer(const struct item *item, const char *what)
{
	return item->n >= 512 && !memcmp(item->bytes + item->n - 512, what, strlen(what));
}

static bool is_iso(const struct item *item)
{
	return item->n > ISO_AT + 5 && !memcmp(item->bytes + ISO_AT, "CD001", 5);
}

// UDF beside ISO 9660: another tree, of which only the other is read.
static bool has_udf(const struct item *item)
{
	for (size_t sector = 17; sector < UDF_SECTORS; sector++) {
		size_t at = sector * ISO_SECTOR + 1;
		if (item->n >= at + 4 && !memcmp(item->bytes + at, "NSR0", 4))
			return true;
	}
	return false;
}

// What stands at the end, or far behind the beginning: a ZIP behind anything, a disk.
static void look_at_end(struct item *item, enum signature_format format)
{
	if (format != SIGNATURE_ZIP && zip_at_end(item->bytes, item->n, holds_files(format))) {
		item->kinds |= UNPACK_ARCHIVE;
		if (!(item->kinds & (UNPACK_EXECUTABLE | UNPACK_SCRIPT)))
			item->kinds |= UNPACK_AMBIGUOUS;
		zip_look_carried(item);
	}
	if (format != SIGNATURE_ISO && is_iso(item)) {
		item->kinds |= UNPACK_DISK_IMAGE | UNPACK_AMBIGUOUS;
		if (!item_is_apart(item))
			archive_look(item, SIGNATURE_ISO, 0);
	}
	if (format == SIGNATURE_ISO && has_udf(item))
		item_limit(item, UNPACK_UNKNOWN);
	if (has_trailer(item, "koly") || has_trailer(item, "conectix")) {
		item->kinds |= UNPACK_DISK_IMAGE;
		item_limit(item, UNPACK_UNKNOWN);
	}
}

static void look_into(struct item *item, struct signature signature)
{
	enum signature_format format = signature.format;
	if (is_archive(format)) {
		if (!item_is_apart(item) && !archive_look(item, format, 0))
			item_limit(item, UNPACK_UNKNOWN);
	} else if (format != SIGNATURE_NONE && !(format == SIGNATURE_MESSAGE && item->read)) {
		readers[format](item);
	}
	if (format != SIGNATURE_ZIP && !is_archive(format) && !holds_files(format))
		look_for_carried(item);
	look_at_end(item, format);
}

// Markup holds no entries, so it may lie at the last level.
static bool may_look(struct item *item, enum signature_format format)
{
	bool deepest = item->depth >= UNPACK_DEPTH_MAX || item->depth >= item->look->bounds->depth;
	if (!item->whole)
		item_limit(item, UNPACK_MEMORY);
	else if (item->n && deepest && format != SIGNATURE_NONE && format != SIGNATURE_XML)
		item_limit(item, UNPACK_DEPTH);
	return item->whole && item->n && (!deepest || format == SIGNATURE_XML);
}

// Of these, only who opens them knows what they are.
static bool is_container(enum signature_format format)
{
	return format == SIGNATURE_ZIP || format == SIGNATURE_CFB;
}

static void add_found(struct unpack_terms *to, uint64_t words, uint32_t numbers)
{
	to->words |= words;
	to->numbers = numbers > UINT32_MAX - to->numbers ? UINT32_MAX : to->numbers + numbers;
}

void look_prose(struct item *item, bool html, const char *type)
{
	struct unpack_terms found = { 0 };
	size_t room = LOOK_TEXT_MAX - item->look->said, n = item->n < room ? item->n : room;
	if (!item_reads_text(item) || !item->n)
		return;
	if (n < item->n || !item->whole)
		item_illegible(item);
	struct prose *prose = prose_new(item->look->sink->terms, html);
	if (prose && type)
		prose_type(prose, type);
	if (!prose || !prose_read(prose, item->bytes, n) || !prose_end(prose))
		item_limit(item, UNPACK_MEMORY);
	else
		prose_found(prose, &found);
	prose_free(prose);
	item->look->said += n;
	add_found(&item->found, found.words, found.numbers);
}

// A text on its own, or what may be one.
static void read_prose(struct item *item, struct signature signature)
{
	bool html = item->kinds & UNPACK_HTML || signature.format == SIGNATURE_XML;
	bool text = item->kinds & (UNPACK_TEXT | UNPACK_HTML | UNPACK_SCRIPT);
	bool other = signature.format != SIGNATURE_NONE && signature.format != SIGNATURE_XML;
	size_t head = item->n < UNPACK_FIRST_MIN ? item->n : UNPACK_FIRST_MIN;
	if (other || item->read || item->part || (item->kinds & UNPACK_OFFICE))
		return;
	if (!text && (item->kinds || memchr(item->bytes, 0, head)))
		return;
	look_prose(item, html, NULL);
}

// Documents of programs that only those programs read.
static bool is_closed_document(const char *name)
{
	static const char *const ends[] = { ".xdw", ".xbd", ".jtdc", ".jttc", ".mdb", ".accdb" };
	size_t n = strlen(name);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (n > strlen(ends[i]) && !strcasecmp(name + n - strlen(ends[i]), ends[i]))
			return true;
	return false;
}

static void judge(struct item *item)
{
	struct signature signature;
	const char *name = item->name.shown;
	uint32_t kinds = kinds_of(name, item->bytes, item->n, &signature);
	bool look = may_look(item, signature.format);
	if (look && is_container(signature.format))
		kinds = unpack_kinds(name, NULL, 0);
	item->kinds |= kinds | item->name.kinds;
	if (item->name.other[0])
		item->kinds |= unpack_kinds(item->name.other, NULL, 0);
	uint32_t numbers = item->look->numbers;
	if (look)
		look_into(item, signature);
	if (item->n && item_reads_text(item))
		read_prose(item, signature);
	if (item->n && is_closed_document(name))
		item_illegible(item);
	if (!item->part)
		for (size_t i = 0; i < LOOK_FLOWS; i++)
			item_said(item, i);
	// Of a name that promises entries, and of no kind that is known here.
	if (item->n && !signature.kinds && (kinds & (UNPACK_ARCHIVE | UNPACK_DISK_IMAGE)) &&
	    item->look->numbers == numbers)
		item_limit(item, UNPACK_UNKNOWN);
	item->kinds = kinds_compare(name, item->kinds, item->content);
}

// Of a document; markup of Office within Office is its own text.
static bool worth_telling(const struct item *item)
{
	uint32_t plain = UNPACK_TEXT | UNPACK_IMAGE;
	if (item->kinds & UNPACK_TEXT)
		plain |= UNPACK_OFFICE;
	return !item->part || (item->kinds & ~plain) || item->limit != UNPACK_WHOLE;
}

static struct unpack_terms found_in(const struct item *item)
{
	struct unpack_terms found = item->found;
	uint64_t words = 0;
	for (size_t i = 0; i < LOOK_FLOWS; i++)
		words |= item->text[i].found;
	add_found(&found, words, terms_numbers(item->text, LOOK_FLOWS));
	return found;
}

static void tell(const struct item *item)
{
	struct look *look = item->look;
	struct unpack_entry entry = {
		.number = item->number,
		.parent = item->parent->number,
		.name = item->name.shown,
		.also = item->name.other[0] ? item->name.other : NULL,
		.size = item->size,
		.kinds = item->kinds,
		.limit = item->limit,
		.found = found_in(item),
	};
	if (look->sink->entry && !look->apart && worth_telling(item))
		look->sink->entry(look->sink->arg, &entry);
}

void item_end(struct item *item)
{
	judge(item);
	tell(item);
	item_drop(item);
}

void item_drop(struct item *item)
{
	if (item->limit != UNPACK_WHOLE)
		item_limit(item->parent, item->limit);
	if (item->part)
		item->parent->kinds |= item->kinds & (UNPACK_MACRO | UNPACK_ACTIVE |
						      UNPACK_ENCRYPTED | UNPACK_ILLEGIBLE);
	const struct unpack_terms found = found_in(item);
	add_found(&item->parent->found, found.words, found.numbers);
	item->look->held -= item->cap;
	free(item->heap);
}

static uint64_t output_bound(const struct unpack_bounds *bounds, size_t size)
{
	uint64_t most = UNPACK_RATIO_FREE + (uint64_t)size * bounds->ratio;
	return bounds->ratio && most < bounds->output ? most : bounds->output;
}

void unpack_look(const struct unpack_file *file, const struct unpack_bounds *bounds,
		 const struct unpack_sink *sink, struct unpack_result *ret)
{
	struct look look = {
		.bounds = bounds,
		.sink = sink,
		.output_max = output_bound(bounds, file->size),
	};
	// What is sound is read once, or twice where a ZIP has two views of it.
	look.input_max = look.output_max + INPUT_TIMES * (uint64_t)file->size;
	struct item item = {
		.look = &look,
		.bytes = file->bytes,
		.n = file->size,
		.size = file->size,
		.whole = true,
	};
	void *map = MAP_FAILED;
	if (!file->bytes && file->size) {
		map = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, file->fd, 0);
		item.bytes = map == MAP_FAILED ? NULL : map;
		if (map == MAP_FAILED) {
			item.n = 0;
			item.limit = UNPACK_MEMORY;
		}
	}
	item_name(&item, file->name);
	judge(&item);
	if (map != MAP_FAILED)
		munmap(map, file->size);
	*ret = (struct unpack_result){ item.kinds, item.limit, found_in(&item), look.apart };
}
