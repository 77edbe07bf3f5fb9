// Columns of Japanese text, UTF-8 validity, nearest names, diagnostics.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/diag.h"
#include "base/text.h"

static const struct {
	const char *text;
	size_t width;
} widths[] = {
	{ "", 0 },     { "office", 6 }, { "総務課", 6 }, { "LGWAN接続系", 11 },
	{ "ｶﾅ", 2 },   { "が", 2 }, // か and a combining mark
	{ "Ａ１", 4 }, { "\xff", 1 },
};

static void columns(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		assert_int_equal(text_width(widths[i].text), widths[i].width);
}

static const struct {
	const char *bytes;
	int bad; // -1: valid
} utf8[] = {
	{ "abc", -1 },	   { "総務", -1 },	  { "a\x82\xa0", 1 },
	{ "\xc0\x80", 0 }, { "\xed\xa0\x80", 0 }, { "ab\xe7\xb7", 2 },
};

static void validity(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(utf8) / sizeof(utf8[0]); i++) {
		size_t bad = 99;
		bool valid = text_is_utf8(utf8[i].bytes, strlen(utf8[i].bytes), &bad);

		assert_int_equal(valid, utf8[i].bad < 0);
		if (!valid)
			assert_int_equal(bad, utf8[i].bad);
	}
}

static void nearest(void **state)
{
	static const char *const names[] = { "office", "internet", "lgwan", "dmz" };
	static const struct {
		const char *wanted, *found;
	} rows[] = { { "ofice", "office" },
		     { "offcie", "office" },
		     { "lgawn", "lgwan" },
		     { "printer", NULL },
		     { "dm", "dmz" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text_nearest near = { .wanted = rows[i].wanted };

		for (size_t j = 0; j < 4; j++)
			text_nearest_try(&near, names[j]);
		if (rows[i].found)
			assert_string_equal(near.name, rows[i].found);
		else
			assert_null(near.name);
	}
}

static void cut_keeps_columns(void **state)
{
	char *shown = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&shown, &size);

	(void)state;
	text_cut(out, "個人番号利用事務系", 10);
	fclose(out);
	assert_string_equal(shown, "個人番...");
	free(shown);
}

static void diags_sort_and_print(void **state)
{
	struct diag *diag = diag_new();
	char *shown = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&shown, &size);
	struct place late = { "b.yaml", 9, 3, 7 };
	struct place early = { "a.yaml", 2, 1, 1 };
	enum diag_code code = diag_help_at(0)->code;

	(void)state;
	diag_second(diag, diag_add(diag, code, late, "later %d", 1), early, "first here");
	diag_add(diag, code, early, "sooner");
	diag_add(diag, code, early, "sooner");
	diag_sort(diag);
	assert_int_equal(diag_count(diag), 2);
	diag_print(diag, out);
	fclose(out);
	assert_non_null(strstr(shown, "a.yaml:2:1: SK"));
	assert_non_null(strstr(shown, "b.yaml:9:3-7: SK"));
	assert_non_null(strstr(shown, "a.yaml:2:1: note: first here\n"));
	assert_true(strstr(shown, "sooner") < strstr(shown, "later 1"));
	free(shown);
	diag_free(diag);
}

static void every_code_explains_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < diag_help_count(); i++) {
		const struct diag_help *help = diag_help_at(i);

		assert_in_range(help->code, 100, 899);
		assert_true(strlen(help->title) >= 5);
		assert_true(strlen(help->help_en) > 20);
		assert_true(strlen(help->help_ja) > 20);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(help->code, diag_help_at(j)->code);
	}
}

static void hidden_is_shown(void **state)
{
	static const struct {
		const char *text, *words, *lines, *json;
	} rows[] = {
		{ "plain あ é 👪", "plain あ é 👪", "plain あ é 👪", "plain あ é 👪" },
		{ "\x1b[2J\x7f", "<U+001B>[2J<U+007F>", "<U+001B>[2J<U+007F>",
		  "\\u001b[2J\\u007f" },
		{ "a\n\tb\r", "a<U+000A><U+0009>b<U+000D>", "a\n\tb<U+000D>", "a\n\tb\\u000d" },
		{ "\xc2\x9b\xc2\xad", "<U+009B><U+00AD>", "<U+009B><U+00AD>", "\\u009b\\u00ad" },
		{ "\ufeff\u200b\u061c", "<U+FEFF><U+200B><U+061C>", "<U+FEFF><U+200B><U+061C>",
		  "\\ufeff\\u200b\\u061c" },
		{ "x\u202egpj.exe\u2069", "x<U+202E>gpj.exe<U+2069>", "x<U+202E>gpj.exe<U+2069>",
		  "x\\u202egpj.exe\\u2069" },
		{ "\U000e0041", "<U+E0041>", "<U+E0041>", "\\udb40\\udc41" },
		{ "\u2028\u2029", "<U+2028><U+2029>", "<U+2028><U+2029>", "\\u2028\\u2029" },
		{ "\xff\ufffdz\xe3\x81", "?\ufffdz??", "?\ufffdz??", "?\ufffdz??" },
		{ "", "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const wanted[] = { rows[i].words, rows[i].lines, rows[i].json };

		for (int form = TEXT_WORDS; form <= TEXT_JSON; form++) {
			char shown[200], *printed = NULL;
			size_t size;
			FILE *stream = open_memstream(&printed, &size);

			assert_int_equal(text_show(rows[i].text, (enum text_form)form, shown),
					 strlen(wanted[form]));
			assert_int_equal(text_show(rows[i].text, (enum text_form)form, NULL),
					 strlen(wanted[form]));
			assert_string_equal(shown, wanted[form]);
			text_put(stream, rows[i].text, (enum text_form)form);
			fclose(stream);
			assert_string_equal(printed, wanted[form]);
			free(printed);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns),
		cmocka_unit_test(validity),
		cmocka_unit_test(nearest),
		cmocka_unit_test(cut_keeps_columns),
		cmocka_unit_test(hidden_is_shown),
		cmocka_unit_test(diags_sort_and_print),
		cmocka_unit_test(every_code_explains_itself),
	};

	return cmocka_run_group_tests_name("base_text", tests, NULL, NULL);
}
