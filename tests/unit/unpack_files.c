// What is told of files, each made by tests/unpack/make.py: their entries, as they end, and what
// they are themselves.  The sharpest rows: an entry that only one directory of a ZIP knows, two
// formats in one file, macros that only content shows, names that old Windows wrote.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unpack/unpack.h"
#include "unpack_file.h"
#include "unpack_print.h"

struct row {
	const char *file, *told;
};

static const struct unpack_bounds usual = {
	.depth = 8,
	.entries = 1000,
	.output = 64 << 20,
	.each = 32 << 20,
	.memory = 64 << 20,
};

// Lines of entries: number<parent name (other reading) size kinds !limit; last the file's own.
static const struct row rows[] = {
	{ "a.7z", "1<0 memo.txt 34 text\n"
		  "2<0 tool 128 executable\n"
		  "= archive\n" },
	{ "a.ar", "1<0 memo.txt 34 text\n"
		  "2<0 tool 128 executable\n"
		  "= archive\n" },
	{ "a.cab", "1<0 memo.txt 34 text\n"
		   "2<0 tool 128 executable\n"
		   "= executable archive\n" },
	{ "a.cpio", "1<0 memo.txt 34 text\n"
		    "2<0 tool 128 executable\n"
		    "= archive\n" },
	{ "a.iso.gz", "2<1 予算.exe 128 executable\n"
		      "1<0 a.iso 370688 disk-image\n"
		      "= archive\n" },
	{ "a.lzh", "1<0 memo.txt 1360 text\n"
		   "2<0 tool 128 executable\n"
		   "= archive\n" },
	{ "a.rar", "1<0 test.txt 20 text\n"
		   "2<0 testlink 0\n"
		   "3<0 testdir/test.txt 20 text\n"
		   "= archive\n" },
	{ "a.tar", "1<0 memo.txt 34 text\n"
		   "2<0 tool 128 executable\n"
		   "= archive\n" },
	{ "a.tar.Z", "2<1 memo.txt 34 text\n"
		     "3<1 tool 128 executable\n"
		     "1<0 a.tar 3072 archive\n"
		     "= archive\n" },
	{ "a.tar.bz2", "2<1 memo.txt 34 text\n"
		       "3<1 tool 128 executable\n"
		       "1<0 a.tar 10240 archive\n"
		       "= archive\n" },
	{ "a.tar.gz", "2<1 memo.txt 34 text\n"
		      "3<1 tool 128 executable\n"
		      "1<0 a.tar 10240 archive\n"
		      "= archive\n" },
	{ "a.tar.lz", "2<1 memo.txt 34 text\n"
		      "3<1 tool 128 executable\n"
		      "1<0 a.tar 3072 archive\n"
		      "= archive\n" },
	{ "a.tar.lz4", "2<1 memo.txt 34 text\n"
		       "3<1 tool 128 executable\n"
		       "1<0 a.tar 3072 archive\n"
		       "= archive\n" },
	{ "a.tar.lzma", "2<1 memo.txt 34 text\n"
			"3<1 tool 128 executable\n"
			"1<0 a.tar 3072 archive\n"
			"= archive\n" },
	{ "a.tar.xz", "2<1 memo.txt 34 text\n"
		      "3<1 tool 128 executable\n"
		      "1<0 a.tar 10240 archive\n"
		      "= archive\n" },
	{ "a.tar.zst", "2<1 memo.txt 34 text\n"
		       "3<1 tool 128 executable\n"
		       "1<0 a.tar 3072 archive\n"
		       "= archive\n" },
	{ "a.xar", "1<0 memo.txt 34 text\n"
		   "2<0 tool 128 executable\n"
		   "= archive\n" },
	{ "a5.rar", "1<0 helloworld.txt 29 text\n"
		    "= archive\n" },
	{ "aes.zip", "1<0 a.txt 34 encrypted text\n"
		     "= archive encrypted\n" },
	{ "basic.odt", "3<0 Basic/Standard/Module1.xml 44 macro text\n"
		       "= office macro\n" },
	{ "behind.zip", "1<0 a.txt 34 text\n"
			"= archive ambiguous\n" },
	{ "blank-behind.zip", "1<0 a.txt 34 text\n"
			      "= archive\n" },
	{ "bzip2.zip", "1<0 a 128 executable\n"
		       "= archive\n" },
	{ "cp932.lzh", "1<0 予算表.exe (莠育ｮ苓｡ｨ.exe) 128 executable\n"
		       "= archive\n" },
	{ "cp932.zip", "1<0 予算表.xls 34 office text\n"
		       "= archive\n" },
	{ "dde.doc", "= office macro\n" },
	{ "dde.docx", "3<0 word/document.xml 391 macro text\n"
		      "= office macro\n" },
	{ "dde.rtf", "= office macro\n" },
	{ "dde.xls", "= office macro\n" },
	{ "ddelink.xlsx", "3<0 xl/externalLinks/externalLink1.xml 72 macro text\n"
			  "= office macro\n" },
	{ "deep.zip", "9<4 word/vbaProject.bin 3072 office macro\n"
		      "4<3 請求書.docm 1253 office macro\n"
		      "10<3 予算.pdf.exe 128 executable misleading\n"
		      "3<2 inner0.zip 1072 archive\n"
		      "2<1 inner1.zip 1124 archive\n"
		      "1<0 inner2.zip 1247 archive\n"
		      "= archive\n" },
	{ "deflate64.zip", "1<0 a.exe 0 executable !unknown\n"
			   "= archive !unknown\n" },
	{ "encrypted-names.7z", "= archive encrypted\n" },
	{ "encrypted-names.rar", "= archive encrypted\n" },
	{ "encrypted.7z", "1<0 memo.txt 34 encrypted text\n"
			  "= archive encrypted\n" },
	{ "encrypted.doc", "= office encrypted\n" },
	{ "encrypted.docx", "= office encrypted\n" },
	{ "encrypted.odt", "3<0 META-INF/manifest.xml 142 encrypted text\n"
			   "= office encrypted\n" },
	{ "encrypted.pdf", "= encrypted pdf\n" },
	{ "encrypted.ppt", "= office encrypted\n" },
	{ "encrypted.rar", "1<0 foo.txt 16 encrypted text\n"
			   "2<0 bar.txt 16 encrypted text\n"
			   "= archive encrypted\n" },
	{ "encrypted.xls", "= office encrypted\n" },
	{ "eucjp.zip", "1<0 ﾍｽｻｻﾉｽ.xls (予算表.xls) 34 office text\n"
		       "= archive\n" },
	{ "field.docx", "= office\n" },
	{ "file.pdf", "1<0 EmbeddedFile 128 executable\n"
		      "= pdf active\n" },
	{ "folders.zip", "= archive\n" },
	{ "goto.pdf", "= pdf\n" },
	{ "hidden.pdf", "= pdf active\n" },
	{ "in-comment.zip", "1<0 a.txt 34 text\n"
			    "2<0 b.exe 128 executable\n"
			    "= archive ambiguous\n" },
	{ "inside.zip", "1<0 a.txt 34 text\n"
			"2<0 a.txt 34 text\n"
			"3<0 inside.exe 128 executable !damaged\n"
			"= archive ambiguous !damaged\n" },
	{ "launch.pdf", "= pdf active\n" },
	{ "linked.xls", "= office\n" },
	{ "lzma.zip", "1<0 a 128 executable\n"
		      "= archive\n" },
	{ "macro-renamed.docx", "5<0 word/settings.bin 3072 office macro\n"
				"= office macro\n" },
	{ "macro.doc", "= office macro\n" },
	{ "macro.docm", "1<0 [Content_Types].xml 255 macro text\n"
			"5<0 word/vbaProject.bin 3072 office macro\n"
			"= office macro\n" },
	{ "macro.ppt", "= office macro\n" },
	{ "blank.rtf", "= office active text\n" },
	{ "flat-macro.xml", "= office macro text\n" },
	{ "linked-share.xlsx", "= office\n" },
	{ "signed.p7m", "3<1 a.dat 128 executable\n"
			"1<0  412 text mail\n"
			"= mail\n" },
	{ "signed-open.p7m", "3<1 a.dat 128 executable\n"
			     "1<0  412 text mail\n"
			     "= mail\n" },
	{ "signed-cut.p7m", "1<0  0 mail\n"
			    "= mail !damaged\n" },
	{ "smime.p7s", "=\n" },
	{ "enveloped.p7m", "= encrypted\n" },
	{ "mail.eml", "= text mail\n" },
	{ "program.eml", "2<0 a.dat 128 executable\n"
			 "3<0 予算.txt 34 text\n"
			 "= text mail\n" },
	{ "program-lf.eml", "2<0 a.dat 128 executable\n"
			    "3<0 予算.txt 34 text\n"
			    "= text mail\n" },
	{ "nested.eml", "4<0 a.dat 128 executable\n"
			"5<0 予算.txt 34 text\n"
			"2<0 inner.eml 644 text mail\n"
			"= text mail\n" },
	{ "partial.eml", "1<0  6 text\n"
			 "= text mail !damaged\n" },
	{ "folder.mbox", "= text mail !unknown\n" },
	{ "mhtml.doc", "2<0 a.mso 128 executable\n"
		       "= office text misleading mail\n" },
	{ "mail.msg", "1<0 予算.pdf.exe 128 executable misleading\n"
		      "= mail\n" },
	{ "names-differ.zip", "1<0 invoice.txt 128 executable text misleading\n"
			      "2<0 invoice.exe 128 executable\n"
			      "= archive ambiguous\n" },
	{ "no-central.zip", "1<0 a.txt 34 text\n"
			    "2<0 b.exe 128 executable\n"
			    "= archive !damaged\n" },
	{ "not-a.docx", "1<0 readme.txt 34 text\n"
			"= archive office misleading\n" },
	{ "notes.one", "1<0 FileDataStoreObject 49 script text html\n"
		       "= office active\n" },
	{ "object.doc", "1<0 a.exe 128 executable\n"
			"= office active\n" },
	{ "object.docx", "6<5 請求書.pdf.js 15 script text misleading\n"
			 "5<0 word/embeddings/oleObject1.bin 2560 office active\n"
			 "= office active\n" },
	{ "object.rtf", "1<0 a.exe 128 executable\n"
			"= office active\n" },
	{ "objects.pdf", "= pdf active\n" },
	{ "only-central.zip", "1<0 a.txt 34 text\n"
			      "2<0 ghost.exe 128 executable !damaged\n"
			      "= archive !damaged\n" },
	{ "only-local.zip", "1<0 a.txt 34 text\n"
			    "2<0 hidden.exe 128 executable\n"
			    "3<0 b.txt 34 text\n"
			    "= archive ambiguous\n" },
	{ "photo.jpg", "1<0 a.exe 128 executable\n"
		       "= archive image ambiguous\n" },
	{ "plain.doc", "= office\n" },
	{ "plain.docx", "= office\n" },
	{ "plain.odt", "= office\n" },
	{ "plain.pdf", "= pdf\n" },
	{ "plain.ppt", "= office\n" },
	{ "plain.rtf", "= office\n" },
	{ "plain.svg", "= image text\n" },
	{ "plain.xls", "= office\n" },
	{ "plain.zip", "1<0 memo.txt 34 text\n"
		       "2<0 tool.exe 128 executable\n"
		       "= archive\n" },
	{ "pool.doc", "= office\n" },
	{ "report.pdf", "1<0 a.exe 128 executable\n"
			"= archive pdf ambiguous\n" },
	{ "script-predictor.pdf", "= pdf active\n" },
	{ "script.pdf", "= pdf active\n" },
	{ "script.svg", "= image text html\n" },
	{ "setup.exe", "1<0 a.txt 34 text\n"
		       "= executable archive\n" },
	{ "setup.msi", "= executable\n" },
	{ "stored-zip.zip", "2<1 b.txt 34 text\n"
			    "1<0 a.zip 147 archive\n"
			    "= archive\n" },
	{ "stream64.zip", "1<0 a 128 executable\n"
			  "= archive\n" },
	{ "table-predictor.pdf", "= pdf\n" },
	{ "template.docx", "4<0 word/_rels/document.xml.rels 300 active text\n"
			   "= office active\n" },
	{ "template.rtf", "= office active\n" },
	{ "tool.exe.gz", "1<0 tool.exe 128 executable\n"
			 "= archive\n" },
	{ "two-ends.zip", "1<0 a.txt 34 text\n"
			  "2<0 b.exe 128 executable\n"
			  "= archive ambiguous\n" },
	{ "two.zip", "1<0 a.txt 34 text\n"
		     "2<0 b.exe 128 executable\n"
		     "= archive ambiguous\n" },
	{ "udf.iso.gz", "2<1 A.EXE 128 executable\n"
			"1<0 udf.iso 858112 disk-image !unknown\n"
			"= archive !unknown\n" },
	{ "unicode-extra.zip", "1<0 b.exe (a.txt) 128 executable text\n"
			       "= archive ambiguous\n" },
	{ "utf8-flag.zip", "1<0 予算表.xls 34 office text\n"
			   "= archive\n" },
	{ "utf8-noflag.zip", "1<0 予算表.xls (莠育ｮ苓｡ｨ.xls) 34 office text\n"
			     "= archive\n" },
	{ "winmail.dat", "1<0 予算.pdf.exe 128 executable misleading\n"
			 "2<0 表.txt 34 text\n"
			 "= archive mail\n" },
	{ "xlm.xls", "= office macro\n" },
	{ "xlm.xlsm", "1<0 [Content_Types].xml 264 macro text\n"
		      "3<0 xl/macrosheets/sheet1.xml 16 macro text\n"
		      "= office macro\n" },
	{ "zipcrypto.zip", "1<0 a.txt 34 encrypted text\n"
			   "2<0 b.exe 128 executable encrypted\n"
			   "= archive encrypted\n" },
};

static void check_row(void **state)
{
	const struct row *row = *state;
	size_t n;
	uint8_t *bytes = read_file(row->file, &n);
	char *told = print_look(row->file, bytes, n, &usual);
	assert_string_equal(told, row->told);
	free(told);
	free(bytes);
}

// The same bytes cut anywhere: whatever is told, memory is as it should be (the sanitizers look).
static void cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n;
		uint8_t *bytes = read_file(rows[i].file, &n);
		for (size_t cut = 0; cut < n; cut += cut < 600 ? 1 : n / 50 + 1) {
			uint8_t *part = malloc(cut ? cut : 1);
			memcpy(part, bytes, cut);
			free(print_look(rows[i].file, part, cut, &usual));
			free(part);
		}
		free(bytes);
	}
}

enum { N = sizeof(rows) / sizeof(rows[0]) };

int main(void)
{
	struct CMUnitTest tests[N + 1];
	if (unpack_load() < 0)
		fprintf(stderr, "tables are missing\n");
	for (size_t i = 0; i < N; i++)
		tests[i] = (struct CMUnitTest){ rows[i].file, check_row, NULL, NULL,
						(void *)&rows[i] };
	tests[N] = (struct CMUnitTest)cmocka_unit_test(cut_anywhere);
	int failed = _cmocka_run_group_tests("unpack_files", tests, N + 1, NULL, NULL);
	unpack_unload();
	return failed;
}
