// Address fields as senders write them: which addresses, with which names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime/mime.h"
#include "mime/mime_address.h"

static const struct {
	const char *field, *mailboxes; // "address|name;..."
} rows[] = {
	{ "a@b.jp", "a@b.jp|;" },
	{ "<a@b.jp>", "a@b.jp|;" },
	{ "Taro <a@b.jp>", "a@b.jp|Taro;" },
	{ "\"Taro, Kasumi\" <a@b.jp>, c@d.jp", "a@b.jp|Taro, Kasumi;c@d.jp|;" },
	{ "a@b.jp (Taro)", "a@b.jp|Taro;" },
	{ "Taro (office) <a@b.jp>", "a@b.jp|Taro office;" },
	{ "=?utf-8?B?5biC6ZW3?= <a@b.jp>", "a@b.jp|市長;" },
	{ "\"=?utf-8?B?5biC6ZW3?=\" <a@b.jp>", "a@b.jp|市長;" },
	{ "=?iso-2022-jp?B?GyRCO1REORsoQg==?= <a@b.jp>", "a@b.jp|市長;" },
	{ "市長 <a@b.jp>", "a@b.jp|市長;" },
	{ "=?utf-8?Q?x_=3Cc=40d.jp=3E?= <a@b.jp>", "a@b.jp|x <c@d.jp>;" },
	{ "mayor@city.jp <a@b.jp>", "a@b.jp|mayor@city.jp;" },
	{ "\"mayor@city.jp\" <a@b.jp>", "a@b.jp|mayor@city.jp;" },
	{ "mayor@city.jp a@b.jp", "mayor@city.jp|;a@b.jp|;" },
	{ "Taro <a@b.jp> <c@d.jp>", "a@b.jp|Taro;c@d.jp|Taro;" },
	{ "group: a@b.jp, c@d.jp;", "a@b.jp|;c@d.jp|;" },
	{ "undisclosed-recipients:;", "|undisclosed-recipients:;" },
	{ "\"say \\\"x\\\"\" <a@b.jp>", "a@b.jp|say \"x\";" },
	{ "<@relay.jp:a@b.jp>", "a@b.jp|;" },
	{ "< a @ b.jp >", "a@b.jp|;" },
	{ "<a(comment)@b.jp>", "a@b.jp|;" },
	{ "Taro <>", "|Taro;" },
	{ "Taro", "|Taro;" },
	{ "Taro <a@b.jp", "<a@b.jp|;" },
	{ "\"Taro <a@b.jp>", "a@b.jp|\"Taro;" },
	{ "(Taro <a@b.jp>", "a@b.jp|(Taro;" },
	{ "", "" },
	{ ",,;", "" },
	{ "\"<a@b.jp>\" <c@d.jp>", "c@d.jp|<a@b.jp>;" },
	{ "a@b.jp; c@d.jp", "a@b.jp|;c@d.jp|;" },
};

static void each(void *arg, const struct mime_mailbox *mailbox)
{
	char *out = arg;
	size_t n = strlen(out);
	snprintf(out + n, 512 - n, "%s|%s;", mailbox->address, mailbox->name);
}

static void reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mime_store store = { 0 };
		char out[512] = "";
		assert_true(mime_addresses_read(&store, rows[i].field, rows[i].field, each, out));
		assert_int_equal(store.used, 0);
		if (strcmp(out, rows[i].mailboxes) != 0)
			fail_msg("%s: %s, not %s", rows[i].field, out, rows[i].mailboxes);
	}
}

static void count(void *arg, const struct mime_mailbox *mailbox)
{
	assert_true(strlen(mailbox->address) < MIME_FIELD_MAX);
	++*(size_t *)arg;
}

// Work is linear whatever is repeated.
static void repeats(void **state)
{
	static const char *const pieces[] = { "(",    "\"",   "<",  "<>",   "x<a@b>",
					      "a@b,", "((()", "\\", "a@b ", "=?utf-8?Q?a?=<>" };
	static char field[MIME_FIELD_MAX + 1];
	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct mime_store store = { 0 };
		size_t n = 0, told = 0, piece = strlen(pieces[i]);
		while (n + piece < MIME_FIELD_MAX) {
			memcpy(field + n, pieces[i], piece);
			n += piece;
		}
		field[n] = '\0';
		assert_true(mime_addresses_read(&store, field, field, count, &told));
		assert_true(store.work < 64 * n);
		assert_int_equal(store.used, 0);
		assert_true(told <= n);
	}
}

static int load(void **state)
{
	(void)state;
	return mime_load_charsets();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(repeats),
	};
	return cmocka_run_group_tests(tests, load, NULL);
}
