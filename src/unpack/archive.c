// libarchive, one format at a time: the one that the file's first bytes are of.  Nothing of it
// writes, runs a program or opens a file, and what it may spend is bounded by whoever runs us
// (daemon/extract.h) besides: it has no bound of its own for memory.
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <string.h>
#include <strings.h>

#include "unpack/format.h"

enum { BLOCK = 32768, HEADERS_DAMAGED_MAX = 16, EMPTY_MAX = 32 };

static locale_t utf8_locale;

int archive_load(void)
{
	if (!utf8_locale)
		utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return utf8_locale ? 0 : -errno;
}

void archive_unload(void)
{
	if (utf8_locale)
		freelocale(utf8_locale);
	utf8_locale = (locale_t)0;
}

typedef int support(struct archive *archive);

static support *const formats[] = {
	[SIGNATURE_7Z] = archive_read_support_format_7zip,
	[SIGNATURE_RAR] = archive_read_support_format_rar,
	[SIGNATURE_RAR5] = archive_read_support_format_rar5,
	[SIGNATURE_LHA] = archive_read_support_format_lha,
	[SIGNATURE_CAB] = archive_read_support_format_cab,
	[SIGNATURE_ISO] = archive_read_support_format_iso9660,
	[SIGNATURE_XAR] = archive_read_support_format_xar,
	[SIGNATURE_TAR] = archive_read_support_format_tar,
	[SIGNATURE_CPIO] = archive_read_support_format_cpio,
	[SIGNATURE_AR] = archive_read_support_format_ar,
};

// Those that need no program beside: none is ever run.
static support *const filters[] = {
	archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
	archive_read_support_filter_xz,	  archive_read_support_filter_lzma,
	archive_read_support_filter_lzip, archive_read_support_filter_zstd,
	archive_read_support_filter_lz4,  archive_read_support_filter_compress,
};

static void add_support(struct archive *archive, enum signature_format format)
{
	if (format != SIGNATURE_COMPRESSED) {
		formats[format](archive);
		return;
	}
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		filters[i](archive);
	// Never as a tar at once: what begins with zeros, as disks do, would be an empty one.
	archive_read_support_format_raw(archive);
}

// What the archive's error means for what it was reading.
static void take_error(struct item *item, struct archive *archive)
{
	const char *text = archive_error_string(archive);
	if (text && strcasestr(text, "encrypt")) {
		item->kinds |= UNPACK_ENCRYPTED;
		return;
	}
	if (text && (strcasestr(text, "unsupported") || strcasestr(text, "not supported")))
		item_limit(item, UNPACK_UNKNOWN);
	else
		item_limit(item, archive_errno(archive) == ENOMEM ? UNPACK_MEMORY : UNPACK_DAMAGED);
}

// The hole before a block of a sparse file, as it is read.
static bool add_hole(struct item *entry, uint64_t n)
{
	static const uint8_t zeros[BLOCK];
	while (n > BLOCK && item_add(entry, zeros, BLOCK))
		n -= BLOCK;
	return n <= BLOCK && item_add(entry, zeros, (size_t)n);
}

// false: nothing more of the archive can be read.
static bool read_data(struct item *entry, struct archive *archive)
{
	// libarchive's xar counts offsets from the first entry's data on.
	bool holes = archive_format(archive) != ARCHIVE_FORMAT_XAR;
	for (;;) {
		const void *block;
		size_t n;
		la_int64_t at;
		int r = archive_read_data_block(archive, &block, &n, &at);
		if (r == ARCHIVE_EOF)
			return true;
		if (r < ARCHIVE_WARN) {
			take_error(entry, archive);
			return r != ARCHIVE_FATAL;
		}
		if (holes && at > 0 && (uint64_t)at > entry->size &&
		    !add_hole(entry, (uint64_t)at - entry->size))
			return false;
		if (!item_add(entry, block, n))
			return false;
	}
}

// What a compressed file becomes: its name without the last extension.
static void name_raw(struct item *entry, const struct item *item)
{
	char name[UNPACK_NAME_MAX + 1];
	strcpy(name, item->name.shown);
	char *dot = strrchr(name, '.');
	if (dot && !strcasecmp(dot, ".tgz"))
		strcpy(dot, ".tar");
	else if (dot)
		*dot = '\0';
	item_name(entry, name);
}

// Formats whose names are Unicode; others have whatever their writer's system had.
static bool has_unicode_names(struct archive *archive)
{
	switch (archive_format(archive) & ARCHIVE_FORMAT_BASE_MASK) {
	case ARCHIVE_FORMAT_7ZIP:
	case ARCHIVE_FORMAT_RAR:
	case ARCHIVE_FORMAT_RAR_V5:
	case ARCHIVE_FORMAT_XAR:
	case ARCHIVE_FORMAT_ISO9660:
		return true;
	default:
		return false;
	}
}

static void read_name(struct item *entry, const struct item *item, struct archive *archive,
		      struct archive_entry *found)
{
	const char *name = archive_entry_pathname(found);
	if (!name)
		name = archive_entry_pathname_utf8(found);
	if (archive_format(archive) == ARCHIVE_FORMAT_RAW)
		name_raw(entry, item);
	else
		charset_read((const uint8_t *)(name ? name : ""), name ? strlen(name) : 0,
			     has_unicode_names(archive), &entry->name);
}

// One volume of several may end in the midst of an entry without an error.
static bool is_short(const struct item *entry, struct archive_entry *found)
{
	return archive_entry_filetype(found) == AE_IFREG && !archive_entry_hardlink(found) &&
	       archive_entry_size_is_set(found) && archive_entry_size(found) > 0 &&
	       (uint64_t)archive_entry_size(found) > entry->size;
}

static bool look_entry(struct item *item, struct archive *archive, struct archive_entry *found)
{
	struct item entry;
	bool more = true;
	if (archive_entry_filetype(found) == AE_IFDIR)
		return true;
	if (!item_begin(&entry, item))
		return false;
	read_name(&entry, item, archive, found);
	if (archive_entry_is_encrypted(found)) {
		entry.kinds |= UNPACK_ENCRYPTED;
		entry.size = archive_entry_size_is_set(found) && archive_entry_size(found) > 0
				     ? (uint64_t)archive_entry_size(found)
				     : 0;
	} else {
		more = read_data(&entry, archive);
		if (is_short(&entry, found))
			item_limit(&entry, UNPACK_DAMAGED);
	}
	if (entry.kinds & UNPACK_ENCRYPTED)
		item->kinds |= UNPACK_ENCRYPTED;
	item_end(&entry);
	return more && !item->look->stopped;
}

// Entries, one after the other.  What is damaged may be followed by what is not.
static size_t look_entries(struct item *item, struct archive *archive)
{
	struct archive_entry *found;
	size_t n = 0;
	for (int damaged = 0; damaged < HEADERS_DAMAGED_MAX;) {
		int r = archive_read_next_header(archive, &found);
		if (r == ARCHIVE_EOF)
			return n;
		if (r < ARCHIVE_WARN) {
			if (n || archive_format(archive))
				take_error(item, archive);
			damaged++;
			if (r == ARCHIVE_FATAL)
				return n;
			continue;
		}
		n++;
		if (!look_entry(item, archive, found))
			return n;
	}
	return n;
}

// How names of LHa are read: libarchive stops at one that is not of the character set it was told,
// and these name none.  In the order of trust; the last takes any.
static const char *const lha_options[] = { NULL, "lha:hdrcharset=CP932",
					   "lha:hdrcharset=ISO-8859-1" };

static struct archive *open_archive(const struct item *item, enum signature_format format,
				    size_t from, const char *options)
{
	struct archive *archive = archive_read_new();
	if (!archive)
		return NULL;
	add_support(archive, format);
	if (options)
		archive_read_set_options(archive, options);
	if (archive_read_open_memory(archive, item->bytes + from, item->n - from) == ARCHIVE_OK)
		return archive;
	archive_read_free(archive);
	return NULL;
}

// The first with which the most headers can be read.
static const char *lha_option(const struct item *item, size_t from)
{
	const char *best = NULL;
	size_t most = 0;
	for (size_t i = 0; i < sizeof(lha_options) / sizeof(lha_options[0]); i++) {
		struct archive *archive = open_archive(item, SIGNATURE_LHA, from, lha_options[i]);
		struct archive_entry *found;
		size_t n = 0;
		int r = archive ? ARCHIVE_OK : ARCHIVE_FATAL;
		while (r >= ARCHIVE_WARN && r != ARCHIVE_EOF && n <= item->look->bounds->entries) {
			r = archive_read_next_header(archive, &found);
			n += r != ARCHIVE_EOF && r >= ARCHIVE_WARN;
		}
		if (archive)
			archive_read_free(archive);
		if (n > most) {
			most = n;
			best = lha_options[i];
		}
		if (r == ARCHIVE_EOF)
			break;
	}
	return best;
}

static bool look_from(struct item *item, enum signature_format format, size_t from)
{
	const char *options = format == SIGNATURE_LHA ? lha_option(item, from) : NULL;
	struct archive *archive = open_archive(item, format, from, options);
	uint32_t kinds = item->kinds;
	if (!archive)
		return false;
	size_t n = look_entries(item, archive);
	if (archive_read_has_encrypted_entries(archive) > 0)
		item->kinds |= UNPACK_ENCRYPTED;
	bool opened = n || item->kinds != kinds || archive_format(archive);
	if (!n && opened && !from && item->n > EMPTY_MAX && format != SIGNATURE_TAR &&
	    !(item->kinds & UNPACK_ENCRYPTED))
		item_limit(item, UNPACK_DAMAGED); // a later volume: all it has began before it
	archive_read_free(archive);
	return opened;
}

bool archive_look(struct item *item, enum signature_format format, size_t from)
{
	locale_t before = utf8_locale ? uselocale(utf8_locale) : (locale_t)0;
	bool opened = look_from(item, format, from);
	if (before)
		uselocale(before);
	return opened;
}

void archive_zip_entry(struct item *item, const uint8_t *bytes, size_t n)
{
	struct archive *archive = item_is_apart(item) ? NULL : archive_read_new();
	struct archive_entry *found;
	if (!archive) {
		item_limit(item, UNPACK_MEMORY);
		return;
	}
	archive_read_support_format_zip_streamable(archive);
	if (archive_read_open_memory(archive, bytes, n) != ARCHIVE_OK ||
	    archive_read_next_header(archive, &found) < ARCHIVE_WARN)
		item_limit(item, UNPACK_UNKNOWN);
	else if (!read_data(item, archive) && item->limit == UNPACK_WHOLE)
		item_limit(item, UNPACK_UNKNOWN);
	archive_read_free(archive);
}
