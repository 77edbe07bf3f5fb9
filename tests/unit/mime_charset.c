// Character sets beside iconv, every character of each; and reading them in a process that may not
// open a file any more.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "mime/mime.h"
#include "mime/mime_charset.h"
#include "mime/mime_word.h"

static struct mime_store store;

static struct mime_span span(const char *text)
{
	return (struct mime_span){ text, strlen(text) };
}

// What iconv says of bytes, or "" if they are none.
static const char *reference(iconv_t converter, const uint8_t *bytes, size_t n)
{
	static char made[32];
	char *in = (char *)bytes, *out = made;
	size_t in_left = n, out_left = sizeof(made) - 1;
	iconv(converter, NULL, NULL, NULL, NULL);
	if (iconv(converter, &in, &in_left, &out, &out_left) == (size_t)-1 || in_left)
		return "";
	*out = '\0';
	return made;
}

static bool agrees(iconv_t converter, const struct mime_charset *charset, const uint8_t *bytes,
		   size_t n)
{
	struct mime_text text = { .store = &store };
	const char *wanted = reference(converter, bytes, n);
	bool sound =
		mime_charset_read(charset, (struct mime_span){ (const char *)bytes, n }, &text);
	bool same = *wanted ? sound && strcmp(mime_text_string(&text), wanted) == 0 : !sound;
	mime_text_done(&text);
	return same;
}

// Our name, iconv's; the first lead of pairs that is compared; how many may differ, and why.
static const struct {
	const char *name, *iconv;
	unsigned lead, differ;
} sets[] = {
	{ "Shift_JIS", "CP932", 0x81, 0 },
	// Control characters of 8 bits are none here; nor are the private rows 85 to 94.
	{ "EUC-JP", "EUC-JP-MS", 0xa0, 29 + 940 },
	{ "GB2312", "GBK", 0x81, 0 },
	{ "Big5", "BIG5", 0x81, 0 },
	{ "ks_c_5601-1987", "UHC", 0x81, 0 },
	{ "ISO-8859-1", "CP1252", 0x80, 0 },
	{ "latin2", "ISO-8859-2", 0x80, 0 },
	{ "koi8-r", "KOI8-R", 0x80, 0 },
	{ "windows-1251", "CP1251", 0x80, 0 },
	{ "x-mac-roman", "MACINTOSH", 0x80, 0 },
	{ "utf_8", "UTF-8", 0x80, 0 },
};

static void as_iconv(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		const struct mime_charset *charset = mime_charset_find(span(sets[i].name));
		iconv_t converter = iconv_open("UTF-8", sets[i].iconv);
		unsigned differ = 0;
		assert_non_null(charset);
		assert_true(converter != (iconv_t)-1);
		for (unsigned a = 1; a < 256; a++) {
			if (a == 0x80 && sets[i].lead > a) // a lead of none, a character of some
				continue;
			differ += !agrees(converter, charset, (uint8_t[]){ (uint8_t)a }, 1);
			for (unsigned b = 0x40; a >= sets[i].lead && b < 256; b++)
				differ += !agrees(converter, charset,
						  (uint8_t[]){ (uint8_t)a, (uint8_t)b }, 2);
		}
		iconv_close(converter);
		if (differ > sets[i].differ)
			fail_msg("%s: %u differ from iconv", sets[i].name, differ);
	}
}

// The rows of JIS X 0208 are the same characters in each of the three ways to write them.
static void japanese_alike(void **state)
{
	const struct mime_charset *jis = mime_charset_find(span("ISO-2022-JP"));
	const struct mime_charset *euc = mime_charset_find(span("euc-jp"));
	unsigned found = 0;
	(void)state;
	for (int row = 0x21; row < 0x75; row++)
		for (int cell = 0x21; cell < 0x7f; cell++) {
			char as_jis[] = { 0x1b, '$', 'B', (char)row, (char)cell };
			char as_euc[] = { (char)(row | 0x80), (char)(cell | 0x80) };
			struct mime_text a = { .store = &store }, b = { .store = &store };
			bool sound = mime_charset_read(jis, (struct mime_span){ as_jis, 5 }, &a);
			assert_int_equal(
				mime_charset_read(euc, (struct mime_span){ as_euc, 2 }, &b), sound);
			if (sound)
				assert_string_equal(mime_text_string(&a), mime_text_string(&b));
			found += sound;
			mime_text_done(&a);
			mime_text_done(&b);
		}
	assert_true(found > 6800);
}

static const struct {
	const char *raw, *shown;
	bool unknown;
} words[] = {
	{ "plain", "plain", false },
	{ "=?ISO-2022-JP?B?GyRCTT07OxsoQg==?=", "予算", false },
	{ "=?iso-2022-jp?B?GyRCLSEtShsoQg==?=", "①㌍", false }, // NEC's row 13
	{ "=?Shift_JIS?B?l1yOWofA?=", "予算�ﾀ", true },
	{ "=?shift_jis?q?=87=40?=", "①", false },
	{ "=?EUC-JP?B?zb27uw==?=", "予算", false },
	{ "=?UTF-8?B?5LqI566X?=", "予算", false },
	{ "=?GBK?B?1KQ=?= =?Big5?B?uXc=?=", "预預", false },
	{ "=?none?q?a?=", "a", true },
	{ "a =?utf-8?q?b?= c", "a b c", false },
	{ "=?utf-8?q?a?= =?utf-8?q?b?=", "ab", false },
	{ "=?utf-8?q?a?=x=?utf-8?q?b?=", "axb", false },
	{ "=?utf-8?x?a?=", "=?utf-8?x?a?=", false },
	{ "=?utf-8?q?a", "=?utf-8?q?a", false },
	{ "=?utf-8?q?"
	  "?=",
	  "", false },
	{ "=?utf-8?q?=41?=", "A", false },
	{ "=?us-ascii?q?=E4=BA=88?=", "予", false },
};

static int read_words(void)
{
	int wrong = 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct mime_text text = { .store = &store };
		struct mime_words found = mime_word_read(span(words[i].raw), &text);
		if (strcmp(mime_text_string(&text), words[i].shown) != 0 ||
		    found.unknown != words[i].unknown) {
			fprintf(stderr, "%s: %s %d\n", words[i].raw, mime_text_string(&text),
				found.unknown);
			wrong++;
		}
		mime_text_done(&text);
	}
	return wrong;
}

static void encoded_words(void **state)
{
	(void)state;
	assert_int_equal(read_words(), 0);
}

// A new program that loads, then may open nothing, and reads.
static int sealed(void)
{
	static const int calls[] = { SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(read),
				     SCMP_SYS(stat), SCMP_SYS(newfstatat) };
	int r = mime_load_charsets();
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (r < 0 || !filter)
		return 10;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), calls[i], 0) < 0)
			return 11;
	if (seccomp_load(filter) < 0)
		return 12;
	seccomp_release(filter);
	if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
		return 13;
	return read_words() ? 14 : 0;
}

static void without_files(void **state)
{
	char *self = realpath("/proc/self/exe", NULL);
	int status;
	(void)state;
	assert_non_null(self);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execl(self, self, "sealed", (char *)NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	free(self);
}

static void names_of_sets(void **state)
{
	static const char *const known[] = { "Shift_JIS", "SHIFT-JIS", "x-sjis",  "Windows-31J",
					     "cp932",	  "EUC-JP",    "eucJP",	  "ISO-2022-JP",
					     "utf8",	  "UTF-8",     "gb18030", "us" };
	(void)state;
	for (size_t i = 0; i + 1 < sizeof(known) / sizeof(known[0]); i++)
		assert_non_null(mime_charset_find(span(known[i])));
	assert_null(mime_charset_find(span("us")));
	assert_null(mime_charset_find(span("")));
	assert_null(mime_charset_find(span("utf-8-and-a-name-that-is-much-too-long-to-be-one")));
}

static int load(void **state)
{
	(void)state;
	return mime_load_charsets() < 0 || mime_load_charsets() < 0; // a second time is nothing
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_iconv),	 cmocka_unit_test(japanese_alike),
		cmocka_unit_test(encoded_words), cmocka_unit_test(without_files),
		cmocka_unit_test(names_of_sets),
	};
	if (argc > 1 && strcmp(argv[1], "sealed") == 0)
		_exit(sealed());
	return cmocka_run_group_tests(tests, load, NULL);
}
