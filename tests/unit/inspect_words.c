// Words and numbers of persons in messages: in whatever character set, encoding and place they
// stand, and however the message is cut.
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
#include "inspect/content.h"
#include "mime/mime.h"
#include "unpack/unpack.h"

enum encoding { PLAIN, BASE64, QP };

struct row {
	const char *name;
	const char *subject, *type, *file; // NULL: none
	const char *charset;		   // of the body, as it is
	enum encoding encoding;
	const char *body; // UTF-8
	const char *reason;
};

#define WORDS	  "attachment-words"
#define PERSONAL  "attachment-personal"
#define TEXT(set) "text/plain; charset=" set

static const struct row rows[] = {
	{ "nothing of it", "予算", TEXT("utf-8"), NULL, "UTF-8", PLAIN, "明日の会議の件です。",
	  NULL },
	{ "UTF-8", NULL, TEXT("utf-8"), NULL, "UTF-8", PLAIN, "これは重要性Ⅰです。", WORDS },
	{ "UTF-8 in base64", NULL, TEXT("\"UTF-8\""), NULL, "UTF-8", BASE64, "重要性Ⅱの文書",
	  WORDS },
	{ "ISO-2022-JP", NULL, TEXT("iso-2022-jp"), NULL, "ISO-2022-JP", PLAIN, "機密の文書",
	  WORDS },
	{ "ISO-2022-JP over two lines", NULL, TEXT("ISO-2022-JP"), NULL, "ISO-2022-JP", PLAIN,
	  "これは機\r\n密です", WORDS },
	{ "Roman numerals of CP932", NULL, TEXT("shift_jis"), NULL, "CP932", BASE64, "重要性Ⅱ",
	  WORDS },
	{ "Shift_JIS as quoted-printable", NULL, TEXT("Shift_JIS"), NULL, "CP932", QP, "機密",
	  WORDS },
	{ "EUC-JP", NULL, TEXT("EUC-JP"), NULL, "EUC-JP", PLAIN, "機密の文書を送ります", WORDS },
	{ "Shift_JIS, not declared", NULL, "text/plain", NULL, "CP932", BASE64,
	  "これは機密の文書です。取り扱いに注意してください。", WORDS },
	{ "ISO-2022-JP, declared as something else", NULL, TEXT("us-ascii"), NULL, "ISO-2022-JP",
	  PLAIN, "機密", WORDS },
	{ "UTF-8, declared as Latin", NULL, TEXT("iso-8859-1"), NULL, "UTF-8", BASE64, "機密",
	  WORDS },
	{ "wide letters, spaced out", NULL, TEXT("utf-8"), NULL, "UTF-8", PLAIN,
	  "【重　要　性　Ｉ】", WORDS },
	{ "another class", NULL, TEXT("utf-8"), NULL, "UTF-8", PLAIN, "重要性Ⅲ", NULL },
	{ "part of a word", NULL, TEXT("utf-8"), NULL, "UTF-8", PLAIN, "desktop secretary", NULL },
	{ "words over a line's end", NULL, TEXT("utf-8"), NULL, "UTF-8", PLAIN, "Top\r\nsecret",
	  WORDS },
	{ "HTML with tags", NULL, "text/html; charset=utf-8", NULL, "UTF-8", PLAIN,
	  "<p>重要<b>性</b>&#8544;</p>", WORDS },
	{ "HTML with entities", NULL, "text/html; charset=utf-8", NULL, "UTF-8", PLAIN,
	  "&#x6A5F;&#23494;", WORDS },
	{ "HTML whose tags divide", NULL, "text/html", NULL, "UTF-8", PLAIN, "top<br/>secret",
	  WORDS },
	{ "a word in a tag only", NULL, "text/html; charset=utf-8", NULL, "UTF-8", PLAIN,
	  "<p class=\"機密\">公開</p>", NULL },
	{ "a word in a tag, which is shown", NULL, "text/html; charset=utf-8", NULL, "UTF-8", PLAIN,
	  "<p title=\"機密\">公開</p>", WORDS },
	{ "a page by its name alone", NULL, "application/octet-stream", "filename=a.html", "UTF-8",
	  BASE64, "<p>機<b>密</b></p>", WORDS },
	{ "readings of letters", NULL, "text/html; charset=utf-8", NULL, "UTF-8", PLAIN,
	  "<ruby>機<rt>き</rt>密<rt>みつ</rt></ruby>", WORDS },
	{ "UTF-16, declared", NULL, "text/plain; charset=utf-16", NULL, "UTF-16LE", BASE64, "機密",
	  WORDS },
	{ "UTF-7, declared", NULL, "text/plain; charset=utf-7", NULL, "UTF-7", PLAIN, "機密です",
	  WORDS },
	{ "HTML with zeros and letters that are not seen", NULL, "text/html; charset=utf-8", NULL,
	  "UTF-8", PLAIN, "&#0000000027231;&ZeroWidthSpace;&#x000000005bc6;", WORDS },
	{ "the subject, raw", "\033$B5!L)\033(B", TEXT("utf-8"), NULL, "UTF-8", PLAIN, "x", WORDS },
	{ "a list that says it is of Excel", NULL, "application/vnd.ms-excel", "filename=a.csv",
	  "CP932", BASE64, "機密,1", WORDS },
	{ "the subject", "=?iso-2022-jp?B?GyRCNSFMKRsoQg==?=", TEXT("utf-8"), NULL, "UTF-8", PLAIN,
	  "添付します。", WORDS },
	{ "a name", NULL, "application/octet-stream", "filename*=utf-8''%E6%A9%9F%E5%AF%86.bin",
	  "UTF-8", PLAIN, "x", WORDS },
	{ "a name in Shift_JIS", NULL, "application/octet-stream",
	  "filename=\"=?shift_jis?B?i0CWpw==?=.bin\"", "UTF-8", PLAIN, "x", WORDS },
	{ "a text that is attached", NULL, TEXT("utf-8"), "filename=a.txt", "UTF-8", BASE64,
	  "一行目\n二行目 重要性Ⅰ\n", WORDS },
	{ "one number", NULL, TEXT("utf-8"), NULL, "UTF-8", PLAIN, "番号 1234-5678-9018", NULL },
	{ "two numbers", NULL, TEXT("utf-8"), NULL, "UTF-8", PLAIN,
	  "番号 1234-5678-9018\r\n１２３４５６７８９０１８", PERSONAL },
	{ "telephones", NULL, TEXT("utf-8"), NULL, "UTF-8", PLAIN,
	  "0566-12-3456, 090-1234-5678, 123456789019", NULL },
};

static size_t encode(const char *text, const char *charset, char *out, size_t room)
{
	char *from = (char *)(uintptr_t)text, *to = out;
	size_t left = strlen(text), free = room;
	iconv_t cd = iconv_open(charset, "UTF-8");
	assert_true(cd != (iconv_t)-1);
	assert_true(iconv(cd, &from, &left, &to, &free) != (size_t)-1);
	assert_true(iconv(cd, NULL, NULL, &to, &free) != (size_t)-1);
	iconv_close(cd);
	return room - free;
}

static size_t transfer(const uint8_t *bytes, size_t n, enum encoding encoding, char *out)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t used = 0;
	if (encoding == PLAIN) {
		memcpy(out, bytes, n);
		return n;
	}
	for (size_t i = 0; encoding == QP && i < n; i++)
		used += (size_t)sprintf(out + used, "=%02X", bytes[i]);
	for (size_t i = 0; encoding == BASE64 && i < n; i += 3) {
		uint32_t v = (uint32_t)bytes[i] << 16 | (i + 1 < n ? bytes[i + 1] << 8 : 0) |
			     (i + 2 < n ? bytes[i + 2] : 0);
		for (unsigned k = 0; k < 4; k++)
			out[used++] = i + k > n ? '=' : alphabet[v >> (18 - 6 * k) & 63];
		if (i % 48 == 45)
			used += (size_t)sprintf(out + used, "\r\n");
	}
	return used;
}

static size_t message(const struct row *row, char *out)
{
	static const char *const encodings[] = { "8bit", "base64", "quoted-printable" };
	char body[1024];
	size_t n = encode(row->body, row->charset, body, sizeof(body)), used = 0;
	if (row->subject)
		used += (size_t)sprintf(out + used, "Subject: %s\r\n", row->subject);
	used += (size_t)sprintf(
		out + used,
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
		"--b\r\nContent-Type: %s\r\nContent-Transfer-Encoding: %s\r\n",
		row->type, encodings[row->encoding]);
	if (row->file)
		used += (size_t)sprintf(out + used, "Content-Disposition: attachment; %s\r\n",
					row->file);
	used += (size_t)sprintf(out + used, "\r\n");
	used += transfer((const uint8_t *)body, n, row->encoding, out + used);
	return used + (size_t)sprintf(out + used, "\r\n--b--\r\n");
}

static void judge(const struct row *row, const struct profile *profile, const char *bytes, size_t n,
		  size_t step)
{
	struct audience audience = { 0 };
	struct content *content;
	enum smtp_reason reason = SMTP_REASON_NONE;
	assert_int_equal(content_new(profile, &audience, NULL, NULL, &content), 0);
	for (size_t at = 0; at < n && reason == SMTP_REASON_NONE; at += step)
		reason = content_feed(content, (const uint8_t *)bytes + at,
				      n - at < step ? n - at : step);
	if (reason == SMTP_REASON_NONE)
		reason = content_end(content);
	const char *word = reason == SMTP_REASON_NONE ? "nothing" : smtp_reason_row(reason)->word;
	if (strcmp(word, row->reason ? row->reason : "nothing") != 0)
		fail_msg("%s, %zu bytes at a time: %s", row->name, step, word);
	assert_true(content_memory(content) < 256 * 1024);
	content_free(content);
}

static void finds(void **state)
{
	static const char *const words[] = { "重要性Ⅰ", "重要性Ⅱ", "機密", "top secret" };
	struct arena *arena = arena_new();
	const struct profile_attachment rules[] = {
		{ .words = 15, .action = PROFILE_REFUSE, .clause = "" },
		{ .numbers = 2, .action = PROFILE_REFUSE, .clause = "" },
	};
	const struct profile profile = { .attachments = rules,
					 .n_attachments = 2,
					 .terms = terms_new(arena, words, 4) };
	static char bytes[8192];
	(void)state;
	assert_int_equal(mime_load_charsets(), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = message(&rows[i], bytes);
		judge(&rows[i], &profile, bytes, n, n);
		for (size_t step = 1; step < 40; step++)
			judge(&rows[i], &profile, bytes, n, step);
	}
	arena_free(arena);
}

// Only with words that somebody looks for is any text read.
static void looks_for_nothing(void **state)
{
	const struct profile_attachment rule = { .kinds = UNPACK_MACRO,
						 .action = PROFILE_REFUSE,
						 .clause = "" };
	const struct profile profile = { .attachments = &rule, .n_attachments = 1 };
	static char bytes[8192];
	struct row row = rows[1];
	(void)state;
	row.reason = NULL;
	judge(&row, &profile, bytes, message(&row, bytes), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(looks_for_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
