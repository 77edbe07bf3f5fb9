// First the table, then what needs more than a comparison, then text by its first words.
#include "unpack/signature.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "unpack/format.h"
#include "unpack/unpack.h"

enum {
	X = UNPACK_EXECUTABLE,
	S = UNPACK_SCRIPT,
	L = UNPACK_SHORTCUT,
	D = UNPACK_DISK_IMAGE,
	A = UNPACK_ARCHIVE,
	O = UNPACK_OFFICE,
	M = UNPACK_MACRO,
	I = UNPACK_IMAGE,
	H = UNPACK_HTML,
	AC = UNPACK_ACTIVE,
	ML = UNPACK_MAIL,
	E = UNPACK_ENCRYPTED,
};

enum { TEXT_LOOKED = 4096, PDF_LOOKED = 1024, TAR_BLOCK = 512 };

struct row {
	uint32_t at;
	const char *bytes;
	uint8_t n;
	uint8_t format;
	uint32_t kinds;
};

// The longer of two that begin alike comes first.
static const struct row table[] = {
	{ 0,
	  "\x7f"
	  "ELF",
	  4, SIGNATURE_NONE, X },
	{ 0, "\xfe\xed\xfa\xce", 4, SIGNATURE_NONE, X },
	{ 0, "\xfe\xed\xfa\xcf", 4, SIGNATURE_NONE, X },
	{ 0, "\xce\xfa\xed\xfe", 4, SIGNATURE_NONE, X },
	{ 0, "\xcf\xfa\xed\xfe", 4, SIGNATURE_NONE, X },
	{ 0, "\xca\xfe\xba\xbe", 4, SIGNATURE_NONE, X }, // a class, or Mach-O of several kinds
	{ 0, "\xca\xfe\xba\xbf", 4, SIGNATURE_NONE, X },
	{ 0, "\xbe\xba\xfe\xca", 4, SIGNATURE_NONE, X },
	{ 0, "\xca\xfe\xd0\x0d", 4, SIGNATURE_NONE, X }, // pack200
	{ 0, "dex\n03", 6, SIGNATURE_NONE, X },
	{ 0, "\0asm", 4, SIGNATURE_NONE, X },
	{ 0, "\x1bLua", 4, SIGNATURE_NONE, X },
	{ 0, "Cr24", 4, SIGNATURE_CLOSED, X },
	{ 0, "!<arch>\ndebian-binary", 21, SIGNATURE_AR, X | A },
	{ 0, "!<arch>\n", 8, SIGNATURE_AR, A },
	{ 0, "\xed\xab\xee\xdb", 4, SIGNATURE_NONE, X },
	{ 0, "MSCF\0\0\0\0", 8, SIGNATURE_CAB, X | A },
	{ 0, "ISc(", 4, SIGNATURE_CLOSED, X | A },

	{ 0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, SIGNATURE_CFB, O },
	{ 0, "{\\rt", 4, SIGNATURE_RTF, O },
	{ 0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", 16,
	  SIGNATURE_ONENOTE, O },
	{ 4, "Standard Jet DB", 15, SIGNATURE_NONE, O },
	{ 4, "Standard ACE DB", 15, SIGNATURE_NONE, O },
	{ 0, "ActiveMime", 10, SIGNATURE_NONE, O | M },
	{ 0, "ID;P", 4, SIGNATURE_NONE, O | M }, // SYLK, whose formulas may be XLM
	{ 0, "WEB\r\n1", 6, SIGNATURE_NONE, O | AC },
	{ 0, "WEB\n1", 5, SIGNATURE_NONE, O | AC },
	{ 0, "ITSF\3\0\0\0", 8, SIGNATURE_CLOSED, S | H },
	{ 0, "\x3f\x5f\x03\0", 4, SIGNATURE_NONE, X }, // WinHelp
	{ 0, "\x78\x9f\x3e\x22", 4, SIGNATURE_TNEF, ML | A },
	{ 0, "!BDN", 4, SIGNATURE_CLOSED, ML | A },

	{ 0, "PK\3\4", 4, SIGNATURE_ZIP, A },
	{ 0, "PK\5\6", 4, SIGNATURE_ZIP, A },
	{ 0, "PK\6\6", 4, SIGNATURE_ZIP, A },
	{ 0, "PK\7\10PK\3\4", 8, SIGNATURE_ZIP, A },
	{ 0, "PK00PK\3\4", 8, SIGNATURE_ZIP, A },
	{ 0, "7z\xbc\xaf\x27\x1c", 6, SIGNATURE_7Z, A },
	{ 0, "Rar!\x1a\x07\x01\0", 8, SIGNATURE_RAR5, A },
	{ 0, "Rar!\x1a\x07\0", 7, SIGNATURE_RAR, A },
	{ 0, "RE~^", 4, SIGNATURE_CLOSED, A },
	{ 0, "\x1f\x8b\x08", 3, SIGNATURE_COMPRESSED, A },
	{ 0,
	  "\xfd"
	  "7zXZ\0",
	  6, SIGNATURE_COMPRESSED, A },
	{ 0, "\x28\xb5\x2f\xfd", 4, SIGNATURE_COMPRESSED, A },
	{ 0, "\x04\x22\x4d\x18", 4, SIGNATURE_COMPRESSED, A },
	{ 0, "\x02\x21\x4c\x18", 4, SIGNATURE_COMPRESSED, A },
	{ 0, "LZIP\1", 5, SIGNATURE_COMPRESSED, A },
	{ 0, "\x1f\x9d\x90", 3, SIGNATURE_COMPRESSED, A },
	{ 0, "\x1f\x9d\x8c", 3, SIGNATURE_COMPRESSED, A },
	{ 0, "\x89LZO\0\r\n\x1a\n", 9, SIGNATURE_CLOSED, A },
	{ 0, "LRZI", 4, SIGNATURE_CLOSED, A },
	{ 0, "xar!", 4, SIGNATURE_XAR, A },
	{ 257, "ustar", 5, SIGNATURE_TAR, A },
	{ 0, "070701", 6, SIGNATURE_CPIO, A },
	{ 0, "070702", 6, SIGNATURE_CPIO, A },
	{ 0, "070707", 6, SIGNATURE_CPIO, A },
	{ 0, "\xc7\x71", 2, SIGNATURE_CPIO, A },
	{ 0, "\x60\xea", 2, SIGNATURE_CLOSED, A }, // ARJ
	{ 7, "**ACE**", 7, SIGNATURE_CLOSED, A },
	{ 0, "ALZ\1", 4, SIGNATURE_CLOSED, A },
	{ 0, "EGGA\0\1", 6, SIGNATURE_CLOSED, A },
	{ 0, "ZOO ", 4, SIGNATURE_CLOSED, A },
	{ 0, "GCAX", 4, SIGNATURE_CLOSED, A },
	{ 0, "DGCA", 4, SIGNATURE_CLOSED, A },
	{ 0, "yz01", 4, SIGNATURE_CLOSED, A },
	{ 0, "StuffIt ", 8, SIGNATURE_CLOSED, A },
	{ 0, "SIT!", 4, SIGNATURE_CLOSED, A },
	{ 0, "7kSt", 4, SIGNATURE_CLOSED, A },
	{ 0, "zPQ", 3, SIGNATURE_CLOSED, A },
	{ 0, "SZDD\x88\xf0\x27\x33", 8, SIGNATURE_CLOSED, A },
	{ 0, "KWAJ\x88\xf0\x27\xd1", 8, SIGNATURE_CLOSED, A },
	{ 0, "(This file must be converted with BinHex", 40, SIGNATURE_CLOSED, A },
	{ 0, "WARC/", 5, SIGNATURE_CLOSED, A },

	{ 32769, "CD001", 5, SIGNATURE_ISO, D },
	{ 32769, "BEA01", 5, SIGNATURE_CLOSED, D },
	{ 32769, "NSR0", 4, SIGNATURE_CLOSED, D },
	{ 0, "conectix", 8, SIGNATURE_CLOSED, D },
	{ 0, "vhdxfile", 8, SIGNATURE_CLOSED, D },
	{ 0, "KDMV", 4, SIGNATURE_CLOSED, D },
	{ 0, "COWD", 4, SIGNATURE_CLOSED, D },
	{ 0, "# Disk DescriptorFile", 21, SIGNATURE_CLOSED, D },
	{ 0, "QFI\xfb", 4, SIGNATURE_CLOSED, D },
	{ 64, "\x7f\x10\xda\xbe", 4, SIGNATURE_CLOSED, D },
	{ 0, "MSWIM\0\0\0", 8, SIGNATURE_CLOSED, D | A },
	{ 0, "hsqs", 4, SIGNATURE_CLOSED, D },
	{ 0, "encrcdsa", 8, SIGNATURE_CLOSED, D | E },
	{ 0, "cdsaencr", 8, SIGNATURE_CLOSED, D | E },
	{ 0, "LUKS\xba\xbe", 6, SIGNATURE_CLOSED, D | E },
	{ 3, "NTFS    ", 8, SIGNATURE_CLOSED, D },
	{ 3, "EXFAT   ", 8, SIGNATURE_CLOSED, D },
	{ 3, "-FVE-FS-", 8, SIGNATURE_CLOSED, D | E },
	{ 54, "FAT1", 4, SIGNATURE_CLOSED, D },
	{ 82, "FAT32   ", 8, SIGNATURE_CLOSED, D },
	{ 0x438, "\x53\xef", 2, SIGNATURE_CLOSED, D },

	{ 0, "L\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", 20, SIGNATURE_NONE, L },
	{ 0, "\xff\xd8\xff", 3, SIGNATURE_NONE, I },
	{ 0, "\x89PNG\r\n\x1a\n", 8, SIGNATURE_NONE, I },
	{ 0, "GIF87a", 6, SIGNATURE_NONE, I },
	{ 0, "GIF89a", 6, SIGNATURE_NONE, I },
	{ 0, "II*\0", 4, SIGNATURE_NONE, I },
	{ 0, "MM\0*", 4, SIGNATURE_NONE, I },
	{ 0, "II+\0", 4, SIGNATURE_NONE, I },
	{ 0, "II\xbc\1", 4, SIGNATURE_NONE, I },
	{ 8, "WEBPVP8", 7, SIGNATURE_NONE, I },
	{ 0, "\0\0\1\0", 4, SIGNATURE_NONE, I },
	{ 0, "\0\0\2\0", 4, SIGNATURE_NONE, I },
	{ 0, "8BPS\0", 5, SIGNATURE_NONE, I },
	{ 0, "\xd7\xcd\xc6\x9a\0\0", 6, SIGNATURE_NONE, I },
	{ 40, " EMF", 4, SIGNATURE_NONE, I },
	{ 4, "jP  \r\n\x87\n", 8, SIGNATURE_NONE, I },
	{ 4, "JXL \r\n\x87\n", 8, SIGNATURE_NONE, I },
	{ 4, "ftyp", 4, SIGNATURE_NONE, I }, // HEIC, AVIF, MP4
	{ 0, "RIFF", 4, SIGNATURE_NONE, I }, // sound and film: what is looked at, and no more
	{ 0, "OggS", 4, SIGNATURE_NONE, I },
	{ 0, "fLaC", 4, SIGNATURE_NONE, I },
	{ 0, "ID3", 3, SIGNATURE_NONE, I },
	{ 0, "\x1a\x45\xdf\xa3", 4, SIGNATURE_NONE, I },
	{ 0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", 8, SIGNATURE_NONE, I },
	{ 0, "\0\0\1\xba", 4, SIGNATURE_NONE, I },
	{ 0, "FWS", 3, SIGNATURE_NONE, AC },
	{ 0, "CWS", 3, SIGNATURE_NONE, AC },
	{ 0, "ZWS", 3, SIGNATURE_NONE, AC },

	{ 0, "-----BEGIN PGP MESSAGE", 22, SIGNATURE_NONE, E },
	{ 0, "Salted__", 8, SIGNATURE_NONE, E },
	{ 0, "age-encryption.org/", 19, SIGNATURE_NONE, E },
	{ 0, "AES\2", 4, SIGNATURE_NONE, E },
	{ 0, "_AttacheCaseData_", 17, SIGNATURE_NONE, E },
	{ 4, "_AttacheCaseData", 16, SIGNATURE_NONE, E },
	{ 0, "#@~^", 4, SIGNATURE_NONE, S }, // encoded JScript or VBScript
};

static bool has(const uint8_t *bytes, size_t n, size_t at, const void *what, size_t length)
{
	return at + length <= n && !memcmp(bytes + at, what, length);
}

static uint32_t le32(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

// Text of any usual encoding: no control characters but those of text.
static bool is_text(const uint8_t *bytes, size_t n)
{
	if (n > TEXT_LOOKED)
		n = TEXT_LOOKED;
	for (size_t i = 0; i < n; i++)
		if (bytes[i] < 0x20 && !strchr("\t\n\v\f\r\x1b\x0e\x0f\x1a", bytes[i]))
			return false;
	for (size_t i = 0; i < n; i++)
		if (!bytes[i])
			return false;
	return n > 0;
}

// "PE", "NE", "LE" or a program of DOS: "MZ" is also how a letter may begin.
static bool is_mz(const uint8_t *bytes, size_t n)
{
	if (!has(bytes, n, 0, "MZ", 2) && !has(bytes, n, 0, "ZM", 2))
		return false;
	return n >= 28 ? !is_text(bytes, n) : n > 2;
}

// "-lh5-", and the level of its header, and what its first byte says of it.
static bool is_lha(const uint8_t *bytes, size_t n)
{
	return n >= 21 && bytes[2] == '-' && bytes[6] == '-' &&
	       ((bytes[3] == 'l' && (bytes[4] == 'h' || bytes[4] == 'z' || bytes[4] == 'x')) ||
		(bytes[3] == 'p' && bytes[4] == 'm')) &&
	       bytes[20] <= 3;
}

static bool is_bzip2(const uint8_t *bytes, size_t n)
{
	return has(bytes, n, 0, "BZh", 3) && n > 10 && bytes[3] >= '1' && bytes[3] <= '9' &&
	       (has(bytes, n, 4, "\x31\x41\x59\x26\x53\x59", 6) ||
		has(bytes, n, 4, "\x17\x72\x45\x38\x50\x90", 6));
}

// The old form: its check sum.
static bool is_tar(const uint8_t *bytes, size_t n)
{
	uint32_t sum = 0, told = 0, digits = 0;
	if (n < TAR_BLOCK || !bytes[0])
		return false;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : bytes[i];
	for (size_t i = 148; i < 156; i++)
		if (bytes[i] >= '0' && bytes[i] <= '7')
			told = told * 8 + (bytes[i] - '0'), digits++;
	return digits >= 3 && told == sum;
}

// LZMA without a container: properties, a size of the dictionary that is usual, a size.
static bool is_lzma(const uint8_t *bytes, size_t n)
{
	if (n < 14 || bytes[0] != 0x5d || bytes[1] || bytes[2])
		return false;
	uint32_t dictionary = le32(bytes + 1);
	bool usual = dictionary && !(dictionary & (dictionary - 1));
	return usual && bytes[13] == 0 && (bytes[12] == 0 || bytes[12] == 0xff);
}

static bool is_bitmap(const uint8_t *bytes, size_t n)
{
	return has(bytes, n, 0, "BM", 2) && n > 18 && !le32(bytes + 6) && bytes[15] == 0 &&
	       bytes[16] == 0 && bytes[17] == 0;
}

static bool is_mpeg_audio(const uint8_t *bytes, size_t n)
{
	return n > 4 && bytes[0] == 0xff && (bytes[1] & 0xe6) == 0xe2 && (bytes[2] & 0xf0) != 0xf0;
}

// BIFF of before OLE2: a BOF record and what its sheet is.
static bool is_biff(const uint8_t *bytes, size_t n)
{
	return n > 8 && bytes[0] == 9 &&
	       (bytes[1] == 0 || bytes[1] == 2 || bytes[1] == 4 || bytes[1] == 8) &&
	       (bytes[2] == 4 || bytes[2] == 6 || bytes[2] == 8 || bytes[2] == 16) && bytes[3] == 0;
}

static bool is_old_wmf(const uint8_t *bytes, size_t n)
{
	return n > 18 && (bytes[0] == 1 || bytes[0] == 2) && bytes[1] == 0 && bytes[2] == 9 &&
	       bytes[3] == 0 && bytes[4] == 0 && (bytes[5] == 1 || bytes[5] == 3);
}

// A skippable frame of zstd or lz4 may come first.
static bool is_skippable(const uint8_t *bytes, size_t n)
{
	return n > 8 && (bytes[0] & 0xf0) == 0x50 && has(bytes, n, 1, "\x2a\x4d\x18", 3);
}

// RFC 5652: a sequence that begins with what it is.
static bool is_cms(const uint8_t *bytes, size_t n, const char *what, size_t n_what)
{
	size_t at = 2;
	if (n <= 2 || bytes[0] != 0x30)
		return false;
	if (bytes[1] > 0x80)
		at += bytes[1] & 0x7f;
	return has(bytes, n, at, what, n_what);
}

static bool is_signed(const uint8_t *bytes, size_t n)
{
	return is_cms(bytes, n, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", 11) &&
	       pkcs7_has_content(bytes, n);
}

static bool is_enveloped(const uint8_t *bytes, size_t n)
{
	return is_cms(bytes, n, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", 11) ||
	       is_cms(bytes, n, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06", 11) ||
	       is_cms(bytes, n, "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17", 13);
}

static bool is_compressed_mail(const uint8_t *bytes, size_t n)
{
	return is_cms(bytes, n, "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09", 13);
}

static bool is_boot_sector(const uint8_t *bytes, size_t n)
{
	return n >= 1024 && bytes[510] == 0x55 && bytes[511] == 0xaa &&
	       (bytes[0] == 0xeb || bytes[0] == 0xe9 || bytes[0] == 0xfa || bytes[0] == 0x33);
}

static bool is_icon(const uint8_t *bytes, size_t n)
{
	return n > 22 && !bytes[0] && !bytes[1] && (bytes[2] == 1 || bytes[2] == 2) && !bytes[3];
}

// What is known by more than its first bytes.
static const struct {
	bool (*is)(const uint8_t *bytes, size_t n);
	uint8_t format;
	uint32_t kinds;
} rules[] = {
	{ is_mz, SIGNATURE_NONE, X },
	{ is_lha, SIGNATURE_LHA, A },
	{ is_bzip2, SIGNATURE_COMPRESSED, A },
	{ is_tar, SIGNATURE_TAR, A },
	{ is_lzma, SIGNATURE_COMPRESSED, A },
	{ is_skippable, SIGNATURE_COMPRESSED, A },
	{ is_bitmap, SIGNATURE_NONE, I },
	{ is_biff, SIGNATURE_BIFF, O },
	{ is_old_wmf, SIGNATURE_NONE, I },
	{ is_mpeg_audio, SIGNATURE_NONE, I },
	{ is_icon, SIGNATURE_NONE, I },
	{ is_boot_sector, SIGNATURE_CLOSED, D },
	{ is_signed, SIGNATURE_PKCS7, ML },
	{ is_enveloped, SIGNATURE_NONE, E },
	{ is_compressed_mail, SIGNATURE_CLOSED, ML },
};

// Text, from its first letter that is none of space, in one byte a letter.
struct text {
	char v[TEXT_LOOKED + 1];
	size_t n;
	bool utf16;
};

static void read_text(const uint8_t *bytes, size_t n, struct text *ret)
{
	size_t step = 1, at = 0;
	bool big = n >= 2 && bytes[0] == 0xfe && bytes[1] == 0xff;
	ret->n = 0;
	ret->utf16 = big || (n >= 2 && bytes[0] == 0xff && bytes[1] == 0xfe);
	if (ret->utf16)
		step = 2, at = 2;
	else if (has(bytes, n, 0, "\xef\xbb\xbf", 3))
		at = 3;
	for (; at + step <= n && ret->n < TEXT_LOOKED; at += step) {
		uint8_t c = bytes[at + (big ? 1 : 0)];
		bool wide = step == 2 && bytes[at + (big ? 0 : 1)];
		if (!ret->n && !wide && (c == ' ' || (c >= 9 && c <= 13)))
			continue;
		ret->v[ret->n++] = (char)(wide ? 0x80 : c ? c : 1);
	}
	ret->v[ret->n] = '\0';
}

static bool begins(const struct text *text, const char *with)
{
	return !strncasecmp(text->v, with, strlen(with));
}

static bool holds(const struct text *text, const char *what)
{
	return strcasestr(text->v, what) != NULL;
}

// What the first words say.
static const struct {
	const char *words;
	uint8_t format;
	uint32_t kinds;
} openings[] = {
	{ "{\\rt", SIGNATURE_RTF, O },
	{ "#!", SIGNATURE_NONE, S },
	{ "<?php", SIGNATURE_NONE, S },
	{ "@echo", SIGNATURE_NONE, S },
	{ "echo off", SIGNATURE_NONE, S },
	{ "<job", SIGNATURE_NONE, S },
	{ "<package>", SIGNATURE_NONE, S },
	{ "<scriptlet", SIGNATURE_NONE, S },
	{ "<component", SIGNATURE_NONE, S },
	{ "<hta:", SIGNATURE_NONE, S | H },
	{ "Windows Registry Editor", SIGNATURE_NONE, S },
	{ "REGEDIT4", SIGNATURE_NONE, S },
	{ "On Error Resume Next", SIGNATURE_NONE, S },
	{ "Option Explicit", SIGNATURE_NONE, S },
	{ "Attribute VB_Name", SIGNATURE_NONE, S },
	{ "WScript.", SIGNATURE_NONE, S },
	{ "[InternetShortcut", SIGNATURE_NONE, L },
	{ "[{000214A0-", SIGNATURE_NONE, L },
	{ "[Desktop Entry]", SIGNATURE_NONE, L },
	{ "[Shell]", SIGNATURE_NONE, L },
	{ "<!doctype html", SIGNATURE_XML, H },
	{ "<html", SIGNATURE_XML, H },
	{ "<head", SIGNATURE_XML, H },
	{ "<body", SIGNATURE_XML, H },
	{ "<script>", SIGNATURE_XML, H },
	{ "<script ", SIGNATURE_XML, H },
	{ "<iframe", SIGNATURE_XML, H },
	{ "<meta", SIGNATURE_XML, H },
	{ "<title", SIGNATURE_XML, H },
	{ "<table", SIGNATURE_XML, H },
	{ "<svg", SIGNATURE_XML, I },
	{ "<?xml", SIGNATURE_XML, 0 },
	{ "<!--", SIGNATURE_XML, 0 },
	{ "<!doctype", SIGNATURE_XML, 0 },
	{ "<", SIGNATURE_XML, 0 },
	{ "Return-Path:", SIGNATURE_MESSAGE, ML },
	{ "Received:", SIGNATURE_MESSAGE, ML },
	{ "Delivered-To:", SIGNATURE_MESSAGE, ML },
	{ "MIME-Version:", SIGNATURE_MESSAGE, ML },
	{ "Message-ID:", SIGNATURE_MESSAGE, ML },
	{ "X-Mozilla-Status:", SIGNATURE_MESSAGE, ML },
	{ "From - ", SIGNATURE_MESSAGE, ML },
};

// What stands in XML, wherever it begins.
static const struct {
	const char *words;
	uint32_t kinds;
} elements[] = {
	{ "<hta:application", S | H },
	{ "<scriptlet", S },
	{ "<job", S },
	{ "<component", S },
	{ "<package>", S },
	{ "ms:script", S },
	{ "<html", H },
	{ "<script>", H },
	{ "<script ", H },
	{ "<svg", I },
	{ ":svg", I },
	{ "<libraryDescription", L },
	{ "<searchConnectorDescription", L },
	{ "<persistedQuery", L },
	{ "<PCSettings", L },
	{ "progid=\"Word.Document\"", O },
	{ "progid=\"Excel.Sheet\"", O },
	{ "<w:wordDocument", O },
	{ "schemas.microsoft.com/office/", O },
	{ "opendocument:xmlns:office", O },
	{ "w:macrosPresent=\"yes\"", M },
	{ "<MMC_ConsoleFile", S },
	{ "urn:schemas-microsoft-com:asm.v2", X },
};

// Several fields, as of a message without any of the first words.
static bool is_mail(const struct text *text)
{
	static const char *const fields[] = {
		"From:", "To:", "Subject:", "Date:", "Message-ID:", "MIME-Version:", "Content-Type:"
	};
	enum { MIME_FIELDS = 5 }; // the last two
	unsigned found = 0, last = 0, mime = 0;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *at = strcasestr(text->v, fields[i]);
		last = at && (at == text->v || at[-1] == '\n');
		found += last;
		mime += last && i >= MIME_FIELDS;
	}
	// Word reads MHTML whatever stands before it.
	if (mime == 2)
		return true;
	if (begins(text, "From "))
		return found >= 2;
	return found >= 4 && strcspn(text->v, ": \r\n") < 40 &&
	       text->v[strcspn(text->v, ": \r\n")] == ':';
}

static struct signature text_signature(const struct text *text)
{
	struct signature found = { SIGNATURE_NONE, UNPACK_TEXT };
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		if (!begins(text, openings[i].words))
			continue;
		found.format = openings[i].format;
		found.kinds |= openings[i].kinds;
		break;
	}
	if (found.format == SIGNATURE_XML)
		for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
			if (holds(text, elements[i].words))
				found.kinds |= elements[i].kinds;
	if (found.kinds == UNPACK_TEXT && is_mail(text))
		found = (struct signature){ SIGNATURE_MESSAGE, UNPACK_TEXT | UNPACK_MAIL };
	return found;
}

// Office and mail inside of a ZIP are known by the first entry's name; an archive else.
static uint32_t zip_kinds(const uint8_t *bytes, size_t n)
{
	static const struct {
		const char *name;
		uint32_t kinds;
	} firsts[] = {
		{ "[Content_Types].xml", O },
		{ "_rels/", O },
		{ "docProps/", O },
		{ "word/", O },
		{ "xl/", O },
		{ "ppt/", O },
		{ "customXml/", O },
		{ "mimetype", O },
		{ "META-INF/MANIFEST.MF", X | A },
		{ "AndroidManifest.xml", X | A },
	};
	if (has(bytes, n, 0, "PK\3\4", 4))
		for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++)
			if (has(bytes, n, 30, firsts[i].name, strlen(firsts[i].name)))
				return firsts[i].kinds;
	return A;
}

static bool known(const uint8_t *bytes, size_t n, struct signature *ret)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct row *row = &table[i];
		if (!has(bytes, n, row->at, row->bytes, row->n))
			continue;
		*ret = (struct signature){ row->format, row->kinds };
		if (row->format == SIGNATURE_ZIP)
			ret->kinds = zip_kinds(bytes, n);
		return true;
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!rules[i].is(bytes, n))
			continue;
		*ret = (struct signature){ rules[i].format, rules[i].kinds };
		return true;
	}
	return false;
}

struct signature signature_find(const uint8_t *bytes, size_t n)
{
	struct signature found = { SIGNATURE_NONE, 0 };
	struct text text;
	if (!known(bytes, n, &found)) {
		read_text(bytes, n, &text);
		if (text.utf16 || is_text(bytes, n))
			found = text_signature(&text);
	}
	// Readers take what comes before for noise.
	if (found.format != SIGNATURE_ZIP &&
	    memmem(bytes, n < PDF_LOOKED ? n : PDF_LOOKED, "%PDF-", 5)) {
		if (found.kinds & ~(uint32_t)UNPACK_TEXT)
			found.kinds |= UNPACK_PDF | UNPACK_AMBIGUOUS;
		else
			found = (struct signature){ SIGNATURE_PDF, UNPACK_PDF };
		found.format = SIGNATURE_PDF;
	}
	return found;
}
