// What a name says, what first bytes say, and when they contradict each other: two tables.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unpack/charset.h"
#include "unpack/unpack.h"

#define X  UNPACK_EXECUTABLE
#define S  UNPACK_SCRIPT
#define L  UNPACK_SHORTCUT
#define D  UNPACK_DISK_IMAGE
#define A  UNPACK_ARCHIVE
#define O  UNPACK_OFFICE
#define M  UNPACK_MACRO
#define E  UNPACK_ENCRYPTED
#define P  UNPACK_PDF
#define AC UNPACK_ACTIVE
#define I  UNPACK_IMAGE
#define T  UNPACK_TEXT
#define H  UNPACK_HTML
#define ML UNPACK_MAIL
#define MI UNPACK_MISLEADING

struct name_row {
	const char *name;
	uint32_t kinds;
};

static const struct name_row names[] = {
	{ "", 0 },
	{ "README", 0 },
	{ "予算.xlsx", O },
	{ "予算.xlsm", O | M },
	{ "tool.exe", X },
	{ "TOOL.EXE", X },
	{ "a.tar.gz", A },
	{ "議事録.v2.pdf", P },
	{ "2026.04.01.txt", T },
	{ "setup.msi", X },
	{ "a.cab", X | A },
	{ "本日の.js", S },
	{ "a.hta", S | H },
	{ "a.shs", X },
	{ "a.msh1", S },
	{ "a.ps2xml", S },
	{ "a.xnk", L },
	{ "a.mdw", O | M },
	{ "a.lnk", L },
	{ "a.url", L },
	{ "a.iso", D },
	{ "a.vhdx", D },
	{ "a.lzh", A },
	{ "a.eml", ML },
	{ "a.msg", ML },
	{ "a.svg", I },
	{ "a.atc", E },
	{ "a.jtd", O },
	// Two extensions, of which a hurried reader sees the first.
	{ "予算.pdf.exe", X | MI },
	{ "予算.PDF.ExE", X | MI },
	{ "photo.jpg.js", S | MI },
	{ "a.docx.lnk", L | MI },
	{ "a.txt.backup.exe", X | MI },
	{ "report.pdf.html", H | MI },
	{ "a.zip.exe", X | MI },
	{ "a.msg.js", S | MI },
	{ "tool.v2.exe", X },
	{ "jquery.min.js", S },
	{ "report.pdf.zip", A },
	{ "予算．pdf.exe", X | MI },
	{ "予算・pdf.exe", X | MI },
	// Spaces that push the extension out of sight.
	{ "予算.pdf                                   .exe", X | MI },
	{ "予算　　　　　　　　.exe", X | MI },
	{ "予算 .exe", X | MI },
	{ "a      b.txt", T },
	{ "a      b.exe", X | MI },
	{ "a  b.txt", T },
	// Letters that turn others around, or are not seen.
	{ "予算\u202exslx.exe", X | MI },
	{ "memo\u202efdp.exe", X | MI },
	{ "memo\u2066.txt", T | MI },
	{ "me\u200bmo.txt", T | MI },
	{ "a.e\u200bxe", X | MI },
	{ "a.e\u00adxe", X | MI },
	{ "\ufeff"
	  "a.exe",
	  X | MI },
	{ "a.exe\u200d", X | MI },
	{ "a\x01.exe", X | MI },
	{ "葛\U000E0100城市.xlsx", O }, // a variant of a kanji, as names of people and places have
	{ "か\u3099.txt", T },
	{ "☺\ufe0f.txt", T },
	{ "👨\u200d👩\u200d👧.jpg", I },
	{ "スクリーンショット 2026-04-01 9.00.00\u202fAM.png", I },
	// What Windows strips.
	{ "a.exe.", X | MI },
	{ "a.exe ", X | MI },
	{ "a.exe . .", X | MI },
	{ "a.txt.", T },
	// Streams.
	{ "a.txt:b.exe", T | X | MI },
	{ "a.exe::$DATA", X | MI },
	{ "会議:資料", 0 },
	// Paths.
	{ "folder.exe/memo.txt", T },
	{ "C:\\work\\memo.txt", T },
	{ "..\\..\\a.exe", X },
	{ "a.exe/", X },
	{ ".exe", X },
	{ "exe", 0 },
	{ "a.", 0 },
	{ "...", 0 },
	{ "\xff\xfe.exe", X },
};

struct content_row {
	const char *title, *name, *bytes;
	size_t n;
	uint32_t kinds;
};

#define BYTES(text) text, sizeof(text) - 1
#define EXE	    BYTES("MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0PE")

static const struct content_row contents[] = {
	{ "PE", "a.exe", EXE, X },
	{ "PE as text", "a.txt", EXE, X | T | MI },
	{ "PE as an image", "a.jpg", EXE, X | I | MI },
	{ "PE without an extension", "a", EXE, X },
	{ "PE of an unknown extension", "a.dat", EXE, X },
	{ "PE as a document", "a.pdf", EXE, X | P | MI },
	{ "a letter that begins with MZ", "a.txt", BYTES("MZ san he, kaigi ha chushi desu.\n"), T },
	{ "ELF", "",
	  BYTES("\x7f"
		"ELF\2\1\1"),
	  X },
	{ "Mach-O", "", BYTES("\xcf\xfa\xed\xfe\7\0\0\1"), X },
	{ "a class", "a.class", BYTES("\xca\xfe\xba\xbe\0\0\0\x34"), X },
	{ "ZIP", "a.zip", BYTES("PK\3\4\x14\0\0\0\0\0"), A },
	{ "ZIP as an image", "a.png", BYTES("PK\3\4\x14\0\0\0\0\0"), A | I | MI },
	{ "ZIP of a document", "a.docx",
	  BYTES("PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml"),
	  O },
	{ "a document without its name", "a",
	  BYTES("PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml"),
	  O },
	{ "OLE2", "a.doc", BYTES("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0"), O },
	{ "OLE2 as PDF", "a.pdf", BYTES("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0"), O | P | MI },
	{ "RTF named doc", "a.doc", BYTES("{\\rtf1 x}"), O },
	{ "7z", "", BYTES("7z\xbc\xaf\x27\x1c\0\4"), A },
	{ "RAR 4", "", BYTES("Rar!\x1a\x07\0"), A },
	{ "RAR 5", "", BYTES("Rar!\x1a\x07\1\0"), A },
	{ "LHa", "", BYTES("\x20\xc4-lh5-\x80\0\0\0\x80\0\0\0\0H\x81\\ \0\1a\0\0"), A },
	{ "CAB", "", BYTES("MSCF\0\0\0\0\0\0"), X | A },
	{ "ARJ", "a.arj", BYTES("\x60\xea\x2a\0\x1e\x0b\1\0"), A },
	{ "gzip", "", BYTES("\x1f\x8b\x08\0\0\0\0\0\0\3"), A },
	{ "bzip2", "", BYTES("BZh91AY&SY\0\0"), A },
	{ "xz", "",
	  BYTES("\xfd"
		"7zXZ\0\0\4"),
	  A },
	{ "zstd", "", BYTES("\x28\xb5\x2f\xfd\4\0"), A },
	{ "VHDX", "a.vhdx", BYTES("vhdxfile\0\0\0\0"), D },
	{ "a shortcut", "予算.pdf", BYTES("L\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46\0\0\0\0"),
	  L | P | MI },
	{ "a link", "a", BYTES("[InternetShortcut]\r\nURL=http://x\r\n"), L | T },
	{ "PDF", "a.pdf", BYTES("%PDF-1.7\n"), P },
	{ "PDF behind noise", "a.pdf", BYTES("\r\n\r\n   %PDF-1.7\n"), P },
	{ "PDF behind an image", "a.jpg", BYTES("\xff\xd8\xff\xe0\0\x10JFIF\0%PDF-1.7\n"),
	  I | P | UNPACK_AMBIGUOUS },
	{ "a first line", "a.txt", BYTES("#!/bin/sh\n"), S | T | MI },
	{ "a first line without a name", "", BYTES("#!/bin/sh\n"), S | T },
	{ "batch", "", BYTES("@echo off\r\n"), S | T },
	{ "encoded JScript", "a.txt", BYTES("#@~^DgAAAA==\\ko$K6,JCV^GJqAQAAA==^#~@"), S | T | MI },
	{ "HTML", "a.htm", BYTES("<!DOCTYPE html><html>"), T | H },
	{ "HTML as text", "a.txt", BYTES("  <html><script>"), T | H | MI },
	{ "HTML in UTF-16", "a", BYTES("\xff\xfe<\0h\0t\0m\0l\0>\0"), T | H },
	{ "HTML named xls", "a.xls", BYTES("<html><table>"), O | T | H | MI },
	{ "an HTML application", "a.html", BYTES("<html><hta:application id=x>"), S | T | H },
	{ "SVG", "a.svg", BYTES("<?xml version=\"1.0\"?><svg>"), I | T },
	{ "a scriptlet", "a.xml", BYTES("<?xml version=\"1.0\"?><scriptlet>"), S | T | MI },
	{ "a library", "a.xml", BYTES("<?xml version=\"1.0\"?><libraryDescription>"), L | T | MI },
	{ "JPEG", "a.jpg", BYTES("\xff\xd8\xff\xe0\0\x10JFIF\0"), I },
	{ "JPEG named png", "a.png", BYTES("\xff\xd8\xff\xe0\0\x10JFIF\0"), I },
	{ "PNG", "", BYTES("\x89PNG\r\n\x1a\n"), I },
	{ "mail", "", BYTES("Received: from a\r\nFrom: b\r\n"), T | ML },
	{ "mail named txt", "a.txt", BYTES("Received: from a\r\nFrom: b\r\n"), T | ML },
	{ "PGP", "a.txt", BYTES("-----BEGIN PGP MESSAGE-----\n"), E | T },
	{ "text in ISO-2022-JP", "a.txt", BYTES("\x1b$B%F%9%H\x1b(B\n"), T },
	{ "text in CP932", "a.txt", BYTES("\x83\x65\x83\x58\x83\x67\r\n"), T },
	{ "text named exe", "a.exe", BYTES("hello\n"), X | T },
	{ "SYLK", "a.csv", BYTES("ID;PWXL;N;E\r\n"), O | M | T | MI },
	{ "OneNote", "a.one",
	  BYTES("\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3"), O },
	{ "TNEF", "winmail.dat", BYTES("\x78\x9f\x3e\x22\1\0"), A | ML },
	{ "one byte", "a.bin", BYTES("M"), T },
	{ "nothing", "a.bin", "", 0, 0 },
};

static void fail_kinds(const char *title, uint32_t kinds, uint32_t expected)
{
	char text[512] = "";
	for (int i = 0; i < UNPACK_KINDS; i++)
		if ((kinds ^ expected) & 1U << i) {
			strcat(text, kinds & 1U << i ? " +" : " -");
			strcat(text, unpack_kind_names[i]);
		}
	fail_msg("%s:%s", title, text);
}

static void check_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint32_t kinds = unpack_kinds(names[i].name, NULL, 0);
		if (kinds != names[i].kinds)
			fail_kinds(names[i].name, kinds, names[i].kinds);
	}
}

static void check_contents(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		const struct content_row *row = &contents[i];
		uint8_t *bytes = malloc(row->n + 1); // for the sanitizers to see its end
		bytes = realloc(bytes, row->n ? row->n : 1);
		memcpy(bytes, row->bytes, row->n);
		uint32_t kinds = unpack_kinds(row->name, bytes, row->n);
		free(bytes);
		if (kinds != row->kinds)
			fail_kinds(row->title, kinds, row->kinds);
	}
}

// A disk is known by what stands after 32 KiB; a tar by its check sum.
static void check_far(void **state)
{
	(void)state;
	static uint8_t bytes[40000];
	memcpy(bytes + 32769, "CD001", 5);
	assert_int_equal(unpack_kinds("", bytes, sizeof(bytes)), D);
	assert_int_equal(unpack_kinds("", bytes, 32773), 0);
	memset(bytes, 0, sizeof(bytes));
	strcpy((char *)bytes, "a.txt");
	unsigned sum = 8 * ' ';
	for (int i = 0; i < 512; i++)
		sum += bytes[i];
	snprintf((char *)bytes + 148, 8, "%06o", sum);
	assert_int_equal(unpack_kinds("", bytes, 512), A);
	bytes[0] ^= 1;
	assert_int_equal(unpack_kinds("", bytes, 512), 0);
}

// A name of any length is judged by its end, and told no longer than it may be.
static void check_long(void **state)
{
	(void)state;
	static char name[100000];
	static struct charset_name read;
	memset(name, 'a', sizeof(name) - 1);
	memcpy(name + sizeof(name) - 5, ".exe", 5);
	assert_int_equal(unpack_kinds(name, NULL, 0), X);
	charset_read((const uint8_t *)name, sizeof(name) - 1, false, &read);
	assert_true(strlen(read.shown) <= UNPACK_NAME_MAX);
	assert_string_equal(read.shown + strlen(read.shown) - 4, ".exe");
	assert_true(read.kinds & UNPACK_MISLEADING);
	charset_read((const uint8_t *)name, UNPACK_NAME_MAX, false, &read);
	assert_int_equal(strlen(read.shown), UNPACK_NAME_MAX);
	assert_int_equal(read.kinds, 0);
	memset(name, 0xff, UNPACK_NAME_MAX);
	memcpy(name + UNPACK_NAME_MAX - 4, ".exe", 4);
	charset_read((const uint8_t *)name, UNPACK_NAME_MAX, false, &read);
	assert_string_equal(read.shown + strlen(read.shown) - 4, ".exe");
}

static void check_charsets(void **state)
{
	(void)state;
	static const struct {
		const char *bytes, *shown, *other;
		bool utf8;
	} rows[] = {
		{ "a.txt", "a.txt", "", false },
		{ "\x97\x5c\x8e\x5a.txt", "予算.txt", "", false },
		{ "予算表.xls", "予算表.xls", "莠育ｮ苓｡ｨ.xls", false },
		{ "予.txt", "予.txt", "", true },
		{ "\xcd\xbd\xbb\xbb.txt", "ﾍｽｻｻ.txt", "予算.txt", false },
		{ "\x97\x5c.txt", "予.txt", "", true }, // the flag lies
		{ "\xff\xfd.txt", "\uFFFD\uFFFD.txt", "", false },
	};
	struct charset_name read;
	assert_int_equal(charset_load(), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		charset_read((const uint8_t *)rows[i].bytes, strlen(rows[i].bytes), rows[i].utf8,
			     &read);
		assert_string_equal(read.shown, rows[i].shown);
		assert_string_equal(read.other, rows[i].other);
	}
	charset_read((const uint8_t *)"a.txt\0.exe", 10, false, &read);
	assert_string_equal(read.shown, "a.txt\1.exe");
	assert_true(read.kinds & UNPACK_MISLEADING);
	charset_unload();
	charset_read((const uint8_t *)"\x97\x5c.txt", 6, false, &read);
	assert_string_equal(read.shown, "\uFFFD\\.txt"); // without tables nothing is guessed
}

// With libmagic loaded nothing that our own table says changes.
static void check_with_magic(void **state)
{
	assert_int_equal(unpack_load(), 0);
	assert_int_equal(unpack_load(), 0); // once is enough
	check_names(state);
	check_contents(state);
	unpack_unload();
	check_contents(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_names),	  cmocka_unit_test(check_contents),
		cmocka_unit_test(check_far),	  cmocka_unit_test(check_long),
		cmocka_unit_test(check_charsets), cmocka_unit_test(check_with_magic),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
