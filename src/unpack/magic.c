// Its answer is a media type, which a table makes into kinds.  It is asked little: bounded bytes,
// no look into compressed files, no running of regular expressions over all of them.
#include "unpack/magic.h"

#include <errno.h>
#include <magic.h>
#include <string.h>

#include "unpack/unpack.h"

enum { BYTES_MAX = 8192, REGEX_MAX = 1024, NAMES_MAX = 30, INDIRECT_MAX = 10 };

static magic_t table;

static const struct {
	const char *type; // or how it begins
	uint32_t kinds;
} types[] = {
	{ "image/svg", UNPACK_IMAGE },
	{ "image/", UNPACK_IMAGE },
	{ "audio/", UNPACK_IMAGE },
	{ "video/", UNPACK_IMAGE },
	{ "application/x-dosexec", UNPACK_EXECUTABLE },
	{ "application/vnd.microsoft.portable-executable", UNPACK_EXECUTABLE },
	{ "application/x-executable", UNPACK_EXECUTABLE },
	{ "application/x-pie-executable", UNPACK_EXECUTABLE },
	{ "application/x-sharedlib", UNPACK_EXECUTABLE },
	{ "application/x-object", UNPACK_EXECUTABLE },
	{ "application/x-mach-binary", UNPACK_EXECUTABLE },
	{ "application/x-java-applet", UNPACK_EXECUTABLE },
	{ "application/java-archive", UNPACK_EXECUTABLE | UNPACK_ARCHIVE },
	{ "application/x-setupscript", UNPACK_SCRIPT },
	{ "application/x-ms-shortcut", UNPACK_SHORTCUT },
	{ "application/x-iso9660-image", UNPACK_DISK_IMAGE },
	{ "application/x-qemu-disk", UNPACK_DISK_IMAGE },
	{ "application/x-apple-diskimage", UNPACK_DISK_IMAGE },
	{ "application/msword", UNPACK_OFFICE },
	{ "application/vnd.ms-", UNPACK_OFFICE },
	{ "application/vnd.openxmlformats", UNPACK_OFFICE },
	{ "application/vnd.oasis.opendocument", UNPACK_OFFICE },
	{ "application/x-ole-storage", UNPACK_OFFICE },
	{ "application/pdf", UNPACK_PDF },
	{ "application/x-arj", UNPACK_ARCHIVE },
	{ "application/x-ace-compressed", UNPACK_ARCHIVE },
	{ "application/x-arc", UNPACK_ARCHIVE },
	{ "application/x-lha", UNPACK_ARCHIVE },
	{ "application/x-zoo", UNPACK_ARCHIVE },
	{ "application/x-stuffit", UNPACK_ARCHIVE },
	{ "application/x-lz4", UNPACK_ARCHIVE },
	{ "application/x-lzip", UNPACK_ARCHIVE },
	{ "application/x-lrzip", UNPACK_ARCHIVE },
	{ "application/x-compress", UNPACK_ARCHIVE },
	{ "application/x-rpm", UNPACK_EXECUTABLE },
	{ "application/vnd.tcpdump.pcap", 0 },
	{ "application/pgp-encrypted", UNPACK_ENCRYPTED },
	{ "application/vnd.ms-tnef", UNPACK_MAIL },
};

int magic_table_load(void)
{
	static const struct {
		int parameter;
		size_t value;
	} settings[] = {
		{ MAGIC_PARAM_BYTES_MAX, BYTES_MAX },
		{ MAGIC_PARAM_REGEX_MAX, REGEX_MAX },
		{ MAGIC_PARAM_NAME_MAX, NAMES_MAX },
		{ MAGIC_PARAM_INDIR_MAX, INDIRECT_MAX },
	};
	if (table)
		return 0;
	table = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF |
			   MAGIC_NO_CHECK_TEXT | MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_ENCODING |
			   MAGIC_NO_CHECK_TOKENS | MAGIC_NO_CHECK_CSV | MAGIC_NO_CHECK_JSON |
			   MAGIC_NO_CHECK_CDF | MAGIC_NO_CHECK_APPTYPE);
	if (!table)
		return -errno;
	if (magic_load(table, NULL) < 0) {
		int r = magic_errno(table) ? -magic_errno(table) : -ENOENT;
		magic_table_unload();
		return r;
	}
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		size_t value = settings[i].value;
		magic_setparam(table, settings[i].parameter, &value);
	}
	return 0;
}

void magic_table_unload(void)
{
	if (table)
		magic_close(table);
	table = NULL;
}

static uint32_t ask(const uint8_t *bytes, size_t n)
{
	const char *type = table ? magic_buffer(table, bytes, n) : NULL;
	for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strncmp(type, types[i].type, strlen(types[i].type)))
			return types[i].kinds;
	return 0;
}

// A look takes 300 us, and a file is looked at under each of its names, and once more as a whole.
uint32_t magic_kinds(const uint8_t *bytes, size_t n)
{
	static struct {
		uint8_t bytes[BYTES_MAX];
		size_t n;
		uint32_t kinds;
	} last;
	n = n < BYTES_MAX ? n : BYTES_MAX;
	if (!n || n != last.n || memcmp(bytes, last.bytes, n) != 0) {
		last.kinds = ask(bytes, n);
		memcpy(last.bytes, bytes, n);
		last.n = n;
	}
	return last.kinds;
}
