// Fields: what is written reads back; bytes of a stranger are refused, each for one reason.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "control/field.h"
#include "control/message.h"

static void read_back(void **state)
{
	(void)state;
	struct control_writer writer;
	struct control_rows rows;
	control_writer_init(&writer, 4096);
	control_put_u64(&writer, CTL_GENERATION, 7);
	control_put_text(&writer, CTL_TITLE, "町の関所");
	control_put_text(&writer, CTL_ERROR, ""); // puts nothing
	control_put_mark(&writer, CTL_ROW);
	control_put_text(&writer, CTL_FROM, "office");
	control_put_text(&writer, CTL_FROM, "lgwan");
	control_put_bool(&writer, CTL_PRESENT, true);
	control_put_mark(&writer, CTL_ROW);
	assert_int_equal(writer.error, 0);
	assert_int_equal(control_rows_read(writer.bytes, writer.size, 100, &rows), 0);
	assert_int_equal(rows.n, 3);
	assert_int_equal(control_u64(&rows.v[0], CTL_GENERATION), 7);
	assert_string_equal(control_text(&rows.v[0], CTL_TITLE), "町の関所");
	assert_null(control_find(&rows.v[0], CTL_ERROR));
	assert_int_equal(rows.v[1].n, 3);
	assert_string_equal(rows.v[1].v[1].text, "lgwan");
	assert_true(control_bool(&rows.v[1], CTL_PRESENT));
	assert_int_equal(rows.v[2].n, 0);
	control_rows_done(&rows);
	assert_int_equal(control_rows_read(writer.bytes, writer.size, 6, &rows), -E2BIG);
	control_writer_done(&writer);
}

// A text at its limit goes, one past it is cut between characters.
static void text_limits(void **state)
{
	(void)state;
	char text[CTL_ID_MAX + 8];
	struct control_writer writer;
	struct control_rows rows;
	for (size_t length = CTL_ID_MAX - 2; length <= CTL_ID_MAX + 2; length++) {
		memset(text, 'x', sizeof(text));
		memcpy(text + length - 3, "関", 3);
		text[length] = '\0';
		control_writer_init(&writer, 4096);
		control_put_text(&writer, CTL_ID, text);
		assert_int_equal(control_rows_read(writer.bytes, writer.size, 10, &rows), 0);
		size_t got = strlen(control_text(&rows.v[0], CTL_ID));
		assert_int_equal(got, length <= CTL_ID_MAX ? length : length - 3);
		control_rows_done(&rows);
		control_writer_done(&writer);
	}
}

static void dirty_text_is_cleaned(void **state)
{
	(void)state;
	struct control_writer writer;
	struct control_rows rows;
	control_writer_init(&writer, 4096);
	control_put_text(&writer, CTL_MESSAGE, "a\x1b[31m\xff\x82z");
	assert_int_equal(control_rows_read(writer.bytes, writer.size, 10, &rows), 0);
	assert_string_equal(control_text(&rows.v[0], CTL_MESSAGE), "a?[31m??z");
	control_rows_done(&rows);
	control_writer_done(&writer);
}

static void persons_write_on_one_line(void **state)
{
	static const char *const words[][2] = {
		{ "plain あ é € words", "plain あ é € words" },
		{ "a\nb\tc", "a b c" },
		{ "\xc2\x9b"
		  "31mred"
		  "\xc2\x85",
		  "  31mred  " },
		{ "\u202eturned\u2066\u2028", "   turned      " },
		{ "\u2030 \u2065", "\u2030 \u2065" },
		{ "\ufeff\u200b", "      " },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct control_writer writer;
		struct control_rows rows;
		control_writer_init(&writer, 4096);
		control_put_text(&writer, CTL_REASON, words[i][0]);
		assert_int_equal(control_rows_read(writer.bytes, writer.size, 10, &rows), 0);
		control_rows_on_one_line(&rows);
		assert_string_equal(control_text(&rows.v[0], CTL_REASON), words[i][1]);
		control_rows_done(&rows);
		control_writer_done(&writer);
	}
}

// Strangers' words, whole and harmless.
static void strangers_words_are_shown(void **state)
{
	struct control_writer writer;
	struct control_rows rows;
	(void)state;
	control_writer_init(&writer, 4096);
	control_put_text(&writer, CTL_SENDER, "\ufeff\u202ea@b.example");
	control_put_text(&writer, CTL_MESSAGE, "two\nlines\xc2\x85");
	assert_int_equal(control_rows_read(writer.bytes, writer.size, 10, &rows), 0);
	assert_int_equal(control_rows_show(&rows, TEXT_LINES), 0);
	assert_string_equal(control_text(&rows.v[0], CTL_SENDER), "<U+FEFF><U+202E>a@b.example");
	assert_string_equal(control_text(&rows.v[0], CTL_MESSAGE), "two\nlines<U+0085>");
	assert_int_equal(control_rows_show(&rows, TEXT_WORDS), 0); // once more does no harm
	assert_string_equal(control_text(&rows.v[0], CTL_SENDER), "<U+FEFF><U+202E>a@b.example");
	assert_string_equal(control_text(&rows.v[0], CTL_MESSAGE), "two<U+000A>lines<U+0085>");
	control_rows_done(&rows);
	control_writer_done(&writer);
}

static void writer_limit(void **state)
{
	(void)state;
	struct control_writer writer;
	control_writer_init(&writer, 32);
	control_put_u64(&writer, CTL_GENERATION, 1);
	control_put_u64(&writer, CTL_FLOWS, 1);
	assert_int_equal(writer.error, 0);
	control_put_mark(&writer, CTL_ROW);
	assert_int_equal(writer.error, -E2BIG);
	control_writer_done(&writer);
}

#define HEAD(tag, type, zero, length)                                                              \
	(tag) & 0xff, (tag) >> 8, (type), (zero), (length)&0xff, (length) >> 8 & 0xff, 0, 0

static const struct {
	const char *why;
	uint8_t bytes[48];
	size_t size;
} hostile[] = {
	{ "half a head", { CTL_ROW, 0, CTL_MARK }, 3 },
	{ "tag 0", { HEAD(0, CTL_MARK, 0, 0) }, 8 },
	{ "unknown tag", { HEAD(CTL_TAG_END, CTL_U64, 0, 8) }, 16 },
	{ "huge tag", { HEAD(0xffff, CTL_U64, 0, 8) }, 16 },
	{ "wrong type", { HEAD(CTL_GENERATION, CTL_TEXT, 0, 8) }, 16 },
	{ "unknown type", { HEAD(CTL_GENERATION, 99, 0, 8) }, 16 },
	{ "head's zero", { HEAD(CTL_GENERATION, CTL_U64, 1, 8) }, 16 },
	{ "short number", { HEAD(CTL_GENERATION, CTL_U64, 0, 4) }, 16 },
	{ "long number", { HEAD(CTL_GENERATION, CTL_U64, 0, 16) }, 24 },
	{ "mark with a value", { HEAD(CTL_ROW, CTL_MARK, 0, 8) }, 16 },
	{ "cut value", { HEAD(CTL_GENERATION, CTL_U64, 0, 8) }, 12 },
	{ "no value", { HEAD(CTL_TITLE, CTL_TEXT, 0, 5) }, 8 },
	{ "empty text", { HEAD(CTL_TITLE, CTL_TEXT, 0, 0) }, 8 },
	{ "text past its limit", { HEAD(CTL_ID, CTL_TEXT, 0, CTL_ID_MAX + 1) }, 48 },
	{ "length near 2^32", { CTL_TITLE, 0, CTL_TEXT, 0, 0xff, 0xff, 0xff, 0xff }, 16 },
	{ "NUL in a text", { HEAD(CTL_TITLE, CTL_TEXT, 0, 3), 'a', 0, 'b' }, 16 },
	{ "control character", { HEAD(CTL_TITLE, CTL_TEXT, 0, 2), 'a', 0x1b }, 16 },
	{ "bad UTF-8", { HEAD(CTL_TITLE, CTL_TEXT, 0, 2), 0xc0, 0x80 }, 16 },
	{ "padding", { HEAD(CTL_TITLE, CTL_TEXT, 0, 2), 'o', 'k', 1 }, 16 },
	{ "bool of two", { HEAD(CTL_PRESENT, CTL_BOOL, 0, 8), 2 }, 16 },
	{ "twice in a row",
	  { HEAD(CTL_FLOWS, CTL_U64, 0, 8), 0, 0, 0, 0, 0, 0, 0, 0,
	    HEAD(CTL_FLOWS, CTL_U64, 0, 8) },
	  32 },
};

static void hostile_fields(void **state)
{
	(void)state;
	struct control_rows rows;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		if (control_rows_read(hostile[i].bytes, hostile[i].size, 100, &rows) != -EBADMSG)
			fail_msg("taken: %s", hostile[i].why);
	}
}

// Every tag of the table has a name of its own, and a type that the reader knows.
static void tag_table(void **state)
{
	(void)state;
	for (unsigned tag = 1; tag < CTL_TAG_END; tag++) {
		const struct control_tag_info *info = control_tag_info(tag);
		assert_non_null(info);
		assert_true(info->type <= CTL_TEXT);
		assert_true(info->type != CTL_TEXT || (info->max && info->max <= CTL_TEXT_MAX));
		for (unsigned other = 1; other < tag; other++)
			assert_string_not_equal(info->name, control_tag_info(other)->name);
	}
	assert_null(control_tag_info(0));
	assert_null(control_tag_info(CTL_TAG_END));
}

static void method_table(void **state)
{
	(void)state;
	for (unsigned method = 1; method < CTL_METHOD_END; method++) {
		const struct control_method_info *info = control_method_info(method);
		const struct control_peer root = { .permissions =
							   control_permissions_of(0, NULL, 0) },
					  other = { .uid = 1000 };
		assert_non_null(info);
		assert_int_equal(control_method_find(info->name), method);
		assert_true(control_permitted(&root, method));
		assert_false(control_permitted(&other, method));
	}
	assert_null(control_method_info(0));
	assert_null(control_method_info(CTL_METHOD_END));
	assert_int_equal(control_method_find("no-such-method"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_back),
		cmocka_unit_test(text_limits),
		cmocka_unit_test(dirty_text_is_cleaned),
		cmocka_unit_test(persons_write_on_one_line),
		cmocka_unit_test(strangers_words_are_shown),
		cmocka_unit_test(writer_limit),
		cmocka_unit_test(hostile_fields),
		cmocka_unit_test(tag_table),
		cmocka_unit_test(method_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
