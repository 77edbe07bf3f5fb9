// Words and numbers of persons in a stream of text: what is found, however it is written and cut.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/terms.h"

static const char *const words[] = { "重要性Ⅰ", "重要性Ⅱ", "機密", "TOP SECRET",
				     "マル秘",	"がぎ",	   "id",   "個人" };
enum { ONE = 1, TWO = 2, SECRET = 4, TOP = 8, MARU = 16, GAGI = 32, ID = 64, PERSON = 128 };

static const struct {
	const char *text;
	unsigned found;
	unsigned numbers;
} rows[] = {
	{ "", 0, 0 },
	{ "これは重要性Ⅰです", ONE, 0 },
	{ "重要性Ⅱ", TWO, 0 },
	{ "重要性Ⅲ", 0, 0 },
	{ "重要性I", ONE, 0 },
	{ "重要性i", ONE, 0 },
	{ "重要性ＩＩ", TWO, 0 },
	{ "重要性 I I", ONE, 0 },
	{ "【重 要\r\n 性】　Ⅰ", ONE, 0 },
	{ "重要性：Ⅰ、重要性(Ⅱ)", ONE | TWO, 0 },
	{ "重要\xe2\x80\x8b性\xef\xb8\x8fⅠ", ONE, 0 }, // not seen: U+200B, U+FE0F
	{ "重要性In", 0, 0 },
	{ "重要性I番", ONE, 0 },
	{ "重要 な 性 質 Ⅰ", 0, 0 },
	{ "機・密", SECRET, 0 },
	{ "機械の秘密", 0, 0 },
	{ "機\xff密", SECRET, 0 },
	{ "機\xe5\xaf", 0, 0 },
	{ "top secret", TOP, 0 },
	{ "TOPSECRET", 0, 0 }, // one word is not two
	{ "Top-Secret!", TOP, 0 },
	{ "desktop secret", 0, 0 },
	{ "top secretary", 0, 0 },
	{ "ﾏﾙ秘", MARU, 0 },
	{ "㊙", MARU, 0 },
	{ "秘", 0, 0 },
	// numerals as people write them where a sign is not to be had
	{ "重要性1", ONE, 0 },
	{ "重要性１、重要性②", ONE | TWO, 0 },
	{ "重要性 2 の資料", TWO, 0 },
	{ "重要性12", 0, 0 },
	{ "重要性 1 1", ONE, 0 },
	{ "重要性1番", ONE, 0 },
	{ "重要性1st", 0, 0 },
	// signs and marks
	{ "重★要☆性■Ⅰ", ONE, 0 },
	{ "│重│\n│要│\n│性│\n│Ⅰ│", ONE, 0 },
	{ "重→要、性。Ⅰ", ONE, 0 },
	{ "機\xcc\xb6密\xcc\xb6", SECRET, 0 }, // struck through, U+0336
	{ "機\xf3\xa0\x84\x80密", SECRET, 0 }, // U+E0100, as in names of persons
	{ "機\xef\xbf\xbd密", SECRET, 0 },     // U+FFFD
	// letters that Unicode has twice
	{ "個\xe2\xbc\x88", PERSON, 0 },      // U+2F08, the radical
	{ "\xef\xa9\x80", 0, 0 },	      // U+FA40, another letter
	{ "重要性\xce\x99", ONE, 0 },	      // Greek
	{ "重要性\xd0\x86", ONE, 0 },	      // Cyrillic
	{ "重要性\xf0\x9d\x90\x88", ONE, 0 }, // U+1D408
	{ "重要性Ⓘ", ONE, 0 },
	{ "重要性l", 0, 0 },
	{ "がぎ", GAGI, 0 },
	{ "か\xe3\x82\x99き\xe3\x82\x99", GAGI, 0 }, // decomposed
	{ "かき", 0, 0 },
	{ "my id is", ID, 0 },
	{ "idea, paid, i d", 0, 0 },
	{ "ＩＤ", ID, 0 },
	// 123456789018: the example of many a manual.
	{ "123456789018", 0, 1 },
	{ "番号は１２３４５６７８９０１８です", 0, 1 },
	{ "1234-5678-9018", 0, 1 },
	{ "1234 5678 9018", 0, 1 },
	{ "１２３４－５６７８－９０１８", 0, 1 },
	{ "1234-5678-9018.", 0, 1 },
	{ "1234-5678-9018 ", 0, 1 },
	{ "123456789018 123456789018", 0, 2 },
	{ "123456789018, 123456789018\r\n123456789018", 0, 3 },
	{ "123456789019", 0, 0 },
	{ "0123456789018", 0, 0 },
	{ "1234567890189", 0, 0 },
	{ "1234-5678-9018-1234", 0, 0 },
	{ "1234-5678-90181", 0, 0 },
	{ "1234-56789018", 0, 0 },
	{ "12345678-9018", 0, 0 },
	{ "12-3456789018", 0, 0 },
	{ "0566-12-345678", 0, 0 },
	{ "1234--5678-9018", 0, 0 },
	{ "12345678901", 0, 0 },
	{ "No.3 1234 5678 9018 山田 35", 0, 1 },
	{ "3 123456789018 45", 0, 1 },
	{ "１．１２３４５６７８９０１８", 0, 1 },
	{ "1234 - 5678 - 9018", 0, 1 },
	{ "1234・5678・9018", 0, 1 },
	{ "１２３４　５６７８　９０１８", 0, 1 },
	{ "1234.5678.9018", 0, 1 },
	{ "1234ー5678ー9018", 0, 1 },
	{ "1234 5678 9018 1234", 0, 0 }, // a card's
	{ "2019 2020 2021 2022 2023", 0, 0 },
	{ "0.123456789018", 0, 0 },
	{ "123456789018.5", 0, 0 },
	{ "12-123456789018", 0, 0 },
	{ "1234/5678/9018", 0, 0 },
	{ "1234, 5678, 9018", 0, 0 },
	{ "1234-5678-9018\r\n1234-5678-9018\r\n", 0, 2 },
	{ "2026\n1234-5678-9018\n2027", 0, 1 },
	// only where persons' numbers are spoken of
	{ "1234\n5678\n9018", 0, 0 },
	{ "個人番号\n1234\n5678\n9018", PERSON, 1 },
	{ "1234\n5678\n9018\nﾏｲﾅﾝﾊﾞｰ", 0, 1 },
	{ "マイナンバー 1234-5678-\r\n9018", 0, 1 },
	{ "マイナンバー 1234\n5678\n9018\n1234", 0, 0 },
	{ "マイナンバー: 1 2 3 4 5 6 7 8 9 0 1 8", 0, 1 },
	{ "個人番号|1|2|3|4|5|6|7|8|9|0|1|8|", PERSON, 1 },
	{ "個人番号 1\t2\t3\t4\t5\t6\t7\t8\t9\t0\t1\t8\t9", PERSON, 0 },
	{ "個人番号,1,2,3,4,5,6,7,8,9,0,1,8\r\n", PERSON, 1 },
	{ "\"個人番号\",\"1234\",\"5678\",\"9018\"", PERSON, 1 },
	{ "1 2 3 4 5 6 7 8 9 0 1 8", 0, 0 },
	{ "個人番号は12345678\r\n9018です", PERSON, 1 },
	{ "個人番号\r\n12345678\r\n9018", PERSON, 1 },
	{ "個人番号\r\n123456\r\n789018\r\n123456", PERSON, 0 }, // of a list
	{ "12345678\r\n9018", 0, 0 },
	{ "個人番号,10000000005", PERSON, 0 },
	{ "個人番号,23456789013", PERSON, 1 }, // 0 is not shown
	{ "23456789013", 0, 0 },
	{ "個人の番号 1234\n5678\n9018", PERSON, 0 },
	{ "1234\xe2\x80\x8b"
	  "56789018",
	  0, 1 },
};

static void judge(const struct terms_reader *reader, size_t row, size_t cut)
{
	const uint32_t numbers = terms_numbers(reader, 1);
	if (reader->found != rows[row].found || numbers != rows[row].numbers)
		fail_msg("%s, cut at %zu: found %llx and %u numbers", rows[row].text, cut,
			 (unsigned long long)reader->found, numbers);
}

static void finds(void **state)
{
	struct arena *arena = arena_new();
	struct terms *terms = terms_new(arena, words, sizeof(words) / sizeof(words[0]));
	assert_non_null(terms);
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t *text = (const uint8_t *)rows[i].text;
		size_t n = strlen(rows[i].text);
		for (size_t cut = 0; cut <= n; cut++) {
			struct terms_reader reader = { 0 };
			terms_read(terms, &reader, text, cut);
			terms_read(terms, &reader, text + cut, n - cut);
			terms_end(terms, &reader);
			judge(&reader, i, cut);
		}
		struct terms_reader slow = { 0 };
		for (size_t at = 0; at < n; at++)
			terms_read(terms, &slow, text + at, 1);
		terms_end(terms, &slow);
		judge(&slow, i, n);
	}
	arena_free(arena);
}

// Order of the Ministry: check digit 11 - sum mod 11, and 0 where that is over 9.
static void check_digits(void **state)
{
	static const struct {
		const char *digits;
		bool is;
	} numbers[] = {
		{ "123456789018", true }, { "000000000000", true }, { "100000000005", true },
		{ "000000000019", true }, { "000000000060", true }, { "999999999993", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint8_t digits[12];
		for (size_t k = 0; k < 12; k++)
			digits[k] = (uint8_t)(numbers[i].digits[k] - '0');
		if (terms_is_person(digits) != numbers[i].is)
			fail_msg("%s", numbers[i].digits);
	}
}

static void bad_words(void **state)
{
	struct arena *arena = arena_new();
	char longest[3 * (TERMS_WORD_MAX + 1) + 1] = "";
	const char *many[TERMS_MAX + 1];
	static const struct {
		const char *word;
		int r;
	} bad[] = { { "", -EINVAL },
		    { " -- ", -EINVAL },
		    { "\xff", -EINVAL },
		    { "\xe6\xa9", -EINVAL },
		    { "密", 0 } };
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(terms_check(bad[i].word), bad[i].r);
	for (size_t i = 0; i <= TERMS_WORD_MAX; i++)
		strcat(longest, "密");
	assert_int_equal(terms_check(longest), -E2BIG);
	assert_int_equal(terms_check(longest + 3), 0);
	for (size_t i = 0; i <= TERMS_MAX; i++)
		many[i] = longest + 3;
	assert_non_null(terms_new(arena, many, TERMS_NODES_MAX / TERMS_WORD_MAX - 1));
	assert_null(terms_new(arena, many, TERMS_NODES_MAX / TERMS_WORD_MAX));
	for (size_t i = 0; i <= TERMS_MAX; i++)
		many[i] = "密";
	assert_non_null(terms_new(arena, many, TERMS_MAX));
	assert_null(terms_new(arena, many, TERMS_MAX + 1));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(check_digits),
		cmocka_unit_test(bad_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
