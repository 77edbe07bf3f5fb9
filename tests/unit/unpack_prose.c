// Texts in whatever character set, with and without tags, fed whole, byte by byte and in pieces:
// the words and numbers found in them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/terms.h"
#include "mime/mime.h"
#include "unpack/prose.h"

enum { I = 1, SECRET = 2, TOP = 4 };
#define L(text) text, sizeof(text) - 1

struct row {
	const char *title;
	bool html;
	const char *type;    // a Content-Type field, or NULL
	const char *charset; // that text is written in; NULL: its bytes are as they stand
	const char *text;
	size_t n;
	unsigned words, numbers;
};

static const struct row rows[] = {
	{ "UTF-8", false, NULL, NULL, L("これは機密です"), SECRET, 0 },
	{ "UTF-8 with a mark", false, NULL, NULL, L("\xef\xbb\xbf機密"), SECRET, 0 },
	{ "UTF-16 with a mark", false, NULL, "UTF-16", L("一行目\r\n機密"), SECRET, 0 },
	{ "UTF-16 without one", false, NULL, "UTF-16LE", L("一行目\r\nこれは機密です"), SECRET, 0 },
	{ "UTF-16, the high byte first, without one", false, NULL, "UTF-16BE",
	  L("一行目\r\nこれは機密です"), SECRET, 0 },
	{ "UTF-16, declared", false, "text/plain; charset=UTF-16LE", "UTF-16LE", L("機密です"),
	  SECRET, 0 },
	{ "UTF-16, whose bytes nobody orders", false, "text/plain; charset=utf-16", "UTF-16LE",
	  L("機密です"), SECRET, 0 },
	{ "UTF-16, whose bytes are in order", false, "text/plain; charset=utf-16", "UTF-16BE",
	  L("機密です"), SECRET, 0 },
	{ "UTF-32 with a mark", false, NULL, "UTF-32", L("番号123456789018と機密"), SECRET, 1 },
	{ "UTF-32 without one", false, NULL, "UTF-32BE", L("番号123456789018と機密"), SECRET, 1 },
	{ "UTF-32, declared", false, "text/plain; charset=utf-32", "UTF-32BE", L("機密"), SECRET,
	  0 },
	{ "UTF-7", false, "text/plain; charset=utf-7", NULL, L("+al9bxg- desu"), SECRET, 0 },
	{ "GB 18030", false, "text/plain; charset=gb18030", "GB18030", L("機密"), SECRET, 0 },
	{ "Big5", false, "text/plain; charset=big5", "BIG5", L("機密"), SECRET, 0 },
	{ "JIS X 0213", false, "text/plain; charset=iso-2022-jp-3", NULL, L("\033$(O5!L)\033(B"),
	  SECRET, 0 },
	{ "escapes within a word", false, NULL, NULL, L("\033$B5!\033(B\033$BL)\033(B"), SECRET,
	  0 },
	{ "of two kinds", false, NULL, NULL, L("\033$@5!\033(J\033$BL)\033(B"), SECRET, 0 },
	{ "an escape over a line's end", false, NULL, NULL, L("\033$B5!\r\nL)\033(B\r\n"), SECRET,
	  0 },
	{ "an escape over lines, declared", false, "text/plain; charset=iso-2022-jp", NULL,
	  L("\033$B$\"\r\n5!L)\r\n$\"\033(B\r\n"), SECRET, 0 },
	{ "an escape that is not ended, for readers who end it", false, NULL, NULL,
	  L("\033$B$\"\r\ntop secret, really\r\n"), TOP, 0 },
	{ "an escape that is not ended, and UTF-8", false, NULL, NULL,
	  L("\033$B$\"\r\nこれは機密です\r\n"), SECRET, 0 },
	{ "tags", true, NULL, NULL, L("<font>機</font><b>密</b>"), SECRET, 0 },
	{ "cells", true, NULL, NULL, L("<td>top</td><td>secret</td>"), TOP, 0 },
	{ "a title", true, NULL, NULL, L("<title>Top secret</title>x"), TOP, 0 },
	{ "a comment within", true, NULL, NULL, L("機<!-- a > b -->密"), SECRET, 0 },
	{ "in a comment", true, NULL, NULL, L("<!-- <p>機密</p> -->"), SECRET, 0 },
	{ "a style within", true, NULL, NULL, L("機<style>p { color: red }</style>密"), SECRET, 0 },
	{ "in a style", true, NULL, NULL, L("<style>p:before { content: \"機密\" }</style>"),
	  SECRET, 0 },
	{ "a script within", true, NULL, NULL, L("機<script>x = 1</script>密"), SECRET, 0 },
	{ "readings", true, NULL, NULL,
	  L("<ruby>機<rp>(</rp><rt>き</rt><rp>)</rp></ruby><ruby>密<rt>みつ</rt></ruby>"), SECRET,
	  0 },
	{ "readings without ends", true, NULL, NULL, L("<ruby>機<rt>き<rb>密<rt>みつ</ruby>"),
	  SECRET, 0 },
	{ "in readings", true, NULL, NULL, L("<ruby>あ<rt>機密</rt></ruby>"), SECRET, 0 },
	{ "something not shown within", true, NULL, NULL,
	  L("機<span style=\"display: none\">x<span>y</span>z</span>密"), SECRET, 0 },
	{ "in something not shown", true, NULL, NULL, L("<p hidden>機<b>密</b></p>"), SECRET, 0 },
	{ "letters of no size", true, NULL, NULL, L("機<i style='FONT-SIZE:0px;color:red'>x</i>密"),
	  SECRET, 0 },
	{ "letters of some size", true, NULL, NULL, L("機<i style='font-size:0.8em'>x</i>密"), 0,
	  0 },
	{ "seen through a little", true, NULL, NULL, L("機<i style='opacity:0.5'>x</i>密"), 0, 0 },
	{ "nothing shown that has no end", true, NULL, NULL,
	  L("<img hidden><p style=visibility:hidden>機<b>密"), SECRET, 0 },
	{ "values", true, NULL, NULL, L("<img alt=\"機密\"><input value=\"top secret\">"),
	  SECRET | TOP, 0 },
	{ "values of no reader", true, NULL, NULL, L("<p class=\"機密\" data-id=\"123456789018\">"),
	  0, 0 },
	{ "numbers in cells", true, NULL, NULL,
	  L("<p>個人番号<table><tr><td>1234<td>5678<td>9018</table>"), 0, 1 },
	{ "one in each box", true, NULL, NULL,
	  L("マイナンバー<table><tr><td>1<td>2<td>3<td>4<td>5<td>6<td>7<td>8<td>9<td>0<td>1<td>8</table>"),
	  0, 1 },
};

static const struct terms *terms;
static struct arena *arena;

static size_t encode(const char *text, size_t n, const char *charset, char *out, size_t room)
{
	char *from = (char *)(uintptr_t)text, *to = out;
	size_t left = room;
	if (!charset) {
		memcpy(out, text, n);
		return n;
	}
	iconv_t cd = iconv_open(charset, "UTF-8");
	assert_true(cd != (iconv_t)-1);
	assert_true(iconv(cd, &from, &n, &to, &left) != (size_t)-1);
	iconv_close(cd);
	return room - left;
}

static struct unpack_terms read_in(const char *bytes, size_t n, bool html, const char *type,
				   size_t first, size_t step)
{
	struct unpack_terms found = { 0 };
	struct prose *prose = prose_new(terms, html);
	assert_non_null(prose);
	if (type)
		prose_type(prose, type);
	for (size_t at = 0; at < n;) {
		size_t piece = at ? step : first;
		piece = piece < n - at ? piece : n - at;
		assert_true(prose_read(prose, (const uint8_t *)bytes + at, piece));
		at += piece;
	}
	assert_true(prose_end(prose));
	prose_found(prose, &found);
	prose_free(prose);
	return found;
}

static void finds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		char bytes[4096];
		size_t n = encode(row->text, row->n, row->charset, bytes, sizeof(bytes));
		for (size_t first = 1; first <= n; first++)
			for (int whole = 0; whole < 2; whole++) {
				struct unpack_terms found = read_in(bytes, n, row->html, row->type,
								    first, whole ? n : 1);
				if (found.words != row->words || found.numbers != row->numbers)
					fail_msg("%s, first %zu: words %llx, %u numbers",
						 row->title, first, (unsigned long long)found.words,
						 found.numbers);
			}
	}
}

// A word where a line without an end is cut, wherever that is.
static void long_lines(void **state)
{
	static const struct {
		const char *charset, *fill;
	} lines[] = { { "UTF-8", "あ" },       { "CP932", "あ" },  { "CP932", "ｱ" },
		      { "EUC-JP", "あ" },      { "EUC-JP", "ｱ" },  { "ISO-2022-JP", "あ" },
		      { "ISO-2022-JP", "機" }, { "UTF-16", "あ" }, { "UTF-8", "a" },
		      { "UTF-8", "𠮷" },       { "GBK", "重" } };
	(void)state;
	char *text = malloc(PROSE_LINE_MAX * 8), *bytes = malloc(PROSE_LINE_MAX * 8);
	assert_true(text && bytes);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		for (int ascii = 0; ascii < 4; ascii++)
			for (int near = -12; near < 4; near += 4) {
				size_t used = 0, n = 0, want = (size_t)(PROSE_LINE_MAX + near);
				used += (size_t)sprintf(text, "%.*s", ascii, "abc");
				while ((n = encode(text, used, lines[i].charset, bytes,
						   PROSE_LINE_MAX * 8)) < want - 6)
					for (int k = 0; k < (n + 1024 < want ? 100
							     : n + 64 < want ? 10
									     : 1);
					     k++)
						used += (size_t)sprintf(text + used, "%s",
									lines[i].fill);
				used += (size_t)sprintf(text + used, "機密%s", lines[i].fill);
				n = encode(text, used, lines[i].charset, bytes, PROSE_LINE_MAX * 8);
				char type[64];
				sprintf(type, "text/plain; charset=%s", lines[i].charset);
				struct unpack_terms found = read_in(bytes, n, false, type, n, n);
				if (!(found.words & SECRET))
					fail_msg("%s of %s, behind %d, near %d: words %llx",
						 lines[i].fill, lines[i].charset, ascii, near,
						 (unsigned long long)found.words);
			}
	free(text);
	free(bytes);
}

static int setup(void **state)
{
	static const char *const words[] = { "重要性Ⅰ", "機密", "top secret" };
	(void)state;
	arena = arena_new();
	terms = terms_new(arena, words, 3);
	return mime_load_charsets();
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(long_lines),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
