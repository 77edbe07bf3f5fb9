// The file of isolations: what is written is read, and nothing else is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <string.h>

#include "daemon/isolation_book.h"
#include "unit/kernel_net.h"

static void make(struct isolated *v)
{
	v[0] = (struct isolated){ .uid = 1000,
				  .login_uid = 1000,
				  .pid = 77,
				  .actor = "tanaka",
				  .reason = "\xe8\xa8\x93\xe7\xb7\xb4 \"drill\" \\",
				  .ordered_by = "the mayor",
				  .confirmed_usec = 1790000000123456,
				  .incident = 17,
				  .down = { "lan-of" },
				  .n_down = 1,
				  .asked_by = "suzuki",
				  .asked_uid = 1001,
				  .asked_login_uid = CONTROL_NO_LOGIN,
				  .asked_reason = "all clear",
				  .asked_usec = 1790000001000000 };
	assert_int_equal(isolation_init(&v[0].cut, ISOLATION_ZONE, "office"), 0);
	assert_int_equal(isolation_add_target(&v[0].cut, "lan-of"), 0);
	assert_int_equal(isolation_add_target(&v[0].cut, "vlan*"), 0);
	v[0].cut.since = 1790000000;
	strcpy(v[0].until.boot, "0d2b6c1e-7f3a-4c55-9a9e-000000000001");
	v[0].until.usec = 5000000;
	v[0].until_usec = 1790000005000000;
	v[1] = (struct isolated){ .by_hand = true, .leaving = true };
	assert_int_equal(isolation_init(&v[1].cut, ISOLATION_ALL, ""), 0);
	v[1].cut.total = true;
}

static void test_round_trip(void **state)
{
	struct isolated *v = calloc(ISOLATIONS_MAX, sizeof(*v));
	struct isolated *again = calloc(ISOLATIONS_MAX, sizeof(*again));
	char *text, *second;
	size_t n;

	(void)state;
	make(v);
	text = isolation_file_text(v, 2);
	assert_int_equal(isolation_file_read(text, again, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(again[0].reason, v[0].reason);
	assert_string_equal(again[0].cut.targets[1].text, "vlan*");
	assert_string_equal(again[0].down[0], "lan-of");
	assert_int_equal(again[0].until.usec, 5000000);
	assert_int_equal(again[0].asked_login_uid, CONTROL_NO_LOGIN);
	assert_true(again[1].leaving && again[1].by_hand && again[1].cut.total);
	second = isolation_file_text(again, n);
	assert_string_equal(second, text);
	free(text);
	text = isolation_file_text(v, 0);
	assert_int_equal(isolation_file_read(text, again, &n), 0);
	assert_int_equal(n, 0);
	free(second);
	free(text);
	free(again);
	free(v);
}

// Each word of the file replaced by something that it cannot be.
static void test_hostile(void **state)
{
	static const struct {
		const char *there, *instead;
	} rows[] = {
		{ "\"kind\":\"zone\"", "\"kind\":\"planet\"" },
		{ "\"kind\":\"zone\"", "\"kind\":\"host\"" },
		{ "\"kind\":\"zone\"", "\"kind\":3" },
		{ "\"name\":\"office\"", "\"name\":\"of fice\"" },
		{ "\"name\":\"office\"", "\"nam\":\"office\"" },
		{ "\"lan-of\",", "\"lan/of\"," },
		{ "\"lan-of\",", "7," },
		{ "\"since\":1790000000", "\"since\":-1" },
		{ "\"since\":1790000000", "\"since\":\"now\"" },
		{ "\"uid\":1000", "\"uid\":4294967296" },
		{ "\"actor\":\"tanaka\"", "\"actor\":\"tan\\u0007aka\"" },
		{ "\"actor\":\"tanaka\"", "\"actor\":\"tan\\u0000aka\"" },
		{ "\"total\":false", "\"total\":0" },
		{ "0d2b6c1e", "zzzzzzzz" },
		{ "\"targets\":", "\"target\":" },
		{ "]", "" },
	};
	struct isolated *v = calloc(ISOLATIONS_MAX, sizeof(*v));
	char *text, *changed = malloc(ISOLATION_FILE_MAX);
	size_t n = 99;

	(void)state;
	make(v);
	text = isolation_file_text(v, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *at = strstr(text, rows[i].there);

		assert_non_null(at);
		snprintf(changed, ISOLATION_FILE_MAX, "%.*s%s%s", (int)(at - text), text,
			 rows[i].instead, at + strlen(rows[i].there));
		assert_int_equal(isolation_file_read(changed, v, &n), -EBADMSG);
	}
	for (size_t cut = 0; cut < strlen(text); cut++) {
		memcpy(changed, text, cut);
		changed[cut] = '\0';
		assert_int_equal(isolation_file_read(changed, v, &n), -EBADMSG);
	}
	assert_int_equal(n, 99);
	free(changed);
	free(text);
	free(v);
}

static void test_limits(void **state)
{
	struct isolated *v = calloc(ISOLATIONS_MAX + 1, sizeof(*v));
	char *text;
	size_t n;

	(void)state;
	for (int i = 0; i <= ISOLATIONS_MAX; i++) {
		char name[32];

		snprintf(name, sizeof(name), "10.0.0.%d", i);
		assert_int_equal(isolation_init(&v[i].cut, ISOLATION_HOST, name), 0);
	}
	text = isolation_file_text(v, ISOLATIONS_MAX);
	assert_int_equal(isolation_file_read(text, v, &n), 0);
	assert_int_equal(n, ISOLATIONS_MAX);
	free(text);
	text = isolation_file_text(v, ISOLATIONS_MAX + 1);
	assert_int_equal(isolation_file_read(text, v, &n), -EBADMSG);
	free(text);
	free(v);
}

// Whatever is ordered can be read again at the next boot.
static void test_words(void **state)
{
	static const struct {
		const char *text, *line;
	} rows[] = {
		{ "drill", "drill" },
		{ "a\nb\tc\x1b\x7f", "a b c  " },
		{ "\xe8\xa8\x93\xe7\xb7\xb4\xe4\xb8\xad", "\xe8\xa8\x93\xe7\xb7\xb4" },
	};
	struct isolated *v = calloc(ISOLATIONS_MAX, sizeof(*v));
	char out[9], *text;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		isolated_text(out, sizeof(out), rows[i].text);
		assert_string_equal(out, rows[i].line);
	}
	make(v);
	strcpy(v[0].reason, "two\n\tlines"); // as earlier versions wrote them
	text = isolation_file_text(v, 1);
	assert_int_equal(isolation_file_read(text, v, &n), 0);
	assert_string_equal(v[0].reason, "two\n\tlines");
	free(text);
	free(v);
}

// A boot ends nothing by itself.
static void test_over(void **state)
{
	enum { MINUTE = 60 * 1000000 };
	static const struct {
		const char *boot; // NULL: this one
		int now;	  // minutes after the order, which was for ten
		bool over, armed;
	} rows[] = {
		{ "", 1000, false, false },	     { NULL, 9, false, true },
		{ NULL, 1000, false, true }, // this boot's own time counts
		{ "0d2b6c1e", 9, false, true },	     { "0d2b6c1e", 10, true, false },
		{ "0d2b6c1e", 1000, true, false },   { "0d2b6c1e", -1, false, false },
		{ "0d2b6c1e", -1000, false, false },
	};
	const uint64_t begin = 1790000000000000;
	struct isolated *one = calloc(1, sizeof(*one));

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t left, now = begin + (uint64_t)((int64_t)rows[i].now * MINUTE);

		*one = (struct isolated){ .confirmed_usec = begin,
					  .until_usec = begin + 10ULL * MINUTE };
		if (rows[i].boot)
			strcpy(one->until.boot, rows[i].boot);
		else
			assert_int_equal(boot_deadline(MINUTE, &one->until), 0);
		assert_int_equal(isolated_is_over(one, now), rows[i].over);
		left = boot_left_usec(&one->until);
		assert_int_equal(left > 0, rows[i].armed);
		assert_true(left <= MINUTE);
	}
	boot_deadline(0, &one->until);
	assert_true(isolated_is_over(one, begin));
	free(one);
}

// --- the book, with a kernel

static struct isolation_book *book_new(void)
{
	struct isolation_book *book;
	bool damaged;

	assert_int_equal(book_open(-1, &book, &damaged), 0);
	book->state = KERNEL_GUARD_OPEN;
	return book;
}

// A second order widens the first, and the later of both ends counts.
static void test_again(void **state)
{
	static const struct {
		uint64_t first, second, then; // minutes; 0: without end
	} rows[] = { { 10, 0, 0 }, { 0, 10, 0 }, { 10, 60, 60 }, { 60, 10, 60 }, { 0, 0, 0 } };
	struct isolation_book *book = book_new();
	struct isolated *one = calloc(2, sizeof(*one)), *there;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint64_t minutes[] = { rows[i].first, rows[i].second };

		for (size_t k = 0; k < 2; k++) {
			one[k] = (struct isolated){ .leaving = k == 0 };
			assert_int_equal(isolation_init(&one[k].cut, ISOLATION_HOST, "10.0.0.1"),
					 0);
			one[k].cut.quarantine = k == 1;
			one[k].until_usec = minutes[k];
			if (minutes[k])
				assert_int_equal(boot_deadline(minutes[k], &one[k].until), 0);
			assert_int_equal(book_put(book, &one[k]), 0);
		}
		assert_int_equal(book->n, 1);
		there = book_find(book, &one[0].cut);
		assert_true(there->cut.quarantine && !there->leaving);
		assert_int_equal(there->until_usec, rows[i].then);
		assert_int_equal(there->until.boot[0] != 0, rows[i].then != 0);
		book_take(book, &one[0].cut);
	}
	free(one);
	book_close(book);
}

// An order that comes while one is being reconnected is not taken back with it.
static void test_end(void **state)
{
	struct isolation_book *book = book_new();
	struct isolated *one = calloc(1, sizeof(*one)), *gone = calloc(1, sizeof(*gone));
	struct book_seen seen;

	(void)state;
	assert_int_equal(isolation_init(&one->cut, ISOLATION_LINK, "wan0"), 0);
	assert_int_equal(book_end(book, &one->cut, gone), -ECANCELED);
	assert_int_equal(book_put(book, one), 0);
	assert_int_equal(book_make(book, KERNEL_GUARD_OPEN), 0);
	book_find(book, &one->cut)->leaving = true;
	assert_int_equal(book_put(book, one), 0);
	assert_int_equal(book_end(book, &one->cut, gone), -ECANCELED);
	assert_int_equal(book_look(book, &seen), 0);
	assert_int_equal(book->n, 1);
	book_find(book, &one->cut)->leaving = true;
	assert_int_equal(book_end(book, &one->cut, gone), 0);
	assert_string_equal(gone->cut.name, "wan0");
	assert_int_equal(book->n + book->in_force->n, 0);
	assert_int_equal(book_look(book, &seen), 0);
	assert_int_equal(book->n, 0);
	free(gone);
	free(one);
	book_close(book);
}

static void expect_whole(struct isolation_book *book)
{
	struct book_seen seen;

	assert_int_equal(book_look(book, &seen), 0);
	assert_false(seen.undone);
	assert_int_equal(seen.guard, GUARD_SAME);
	assert_int_equal(seen.mirror, GUARD_SAME);
	assert_int_equal(seen.state, KERNEL_GUARD_OPEN);
}

// What a hand took away in part is noticed and put back, and what is whole is left alone.
static void test_half(void **state)
{
	static const char *const hands[] = {
		"nft flush chain inet sekisho_guard prerouting",
		"nft flush chain inet sekisho_guard postrouting",
		"nft 'add table inet sekisho_guard { flags dormant; }'",
		"nft flush ruleset",
	};
	static const struct {
		enum isolation_kind kind;
		const char *name;
	} rows[] = { { ISOLATION_LINK, "wan0" },
		     { ISOLATION_HOST, "fd00::5" },
		     { ISOLATION_MAC, "02:00:00:00:00:05" },
		     { ISOLATION_ALL, "" } };
	struct isolation_book *book = book_new();
	struct isolated *one = calloc(1, sizeof(*one));
	struct book_seen seen;

	(void)state;
	strcpy(book->map.management.interface, "lan-mg");
	book->map.management.family = 4;
	book->map.management.port = 22;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct guard_want want = book_want(book);

		*one = (struct isolated){ 0 };
		assert_int_equal(isolation_init(&one->cut, rows[i].kind, rows[i].name), 0);
		assert_int_equal(switch_isolate(book->guard, &want, &one->cut), 0);
		assert_int_equal(book_put(book, one), 0);
		expect_whole(book);
	}
	for (size_t i = 0; i < sizeof(hands) / sizeof(hands[0]); i++) {
		assert_int_equal(net_run("%s", hands[i]), 0);
		assert_int_equal(book_look(book, &seen), 0);
		assert_true(seen.undone);
		assert_int_equal(book_make(book, KERNEL_GUARD_OPEN), 0);
		expect_whole(book);
	}
	free(one);
	book_close(book);
}

// What others put into the gate's two tables: between its rules, beside its chains, into a mirror
// that it cannot own since somebody had a table of that name.
static void test_foreign(void **state)
{
	static const struct {
		const char *hand;
		enum guard_match guard, mirror;
	} rows[] = {
		{ "insert rule inet sekisho_guard prerouting accept", GUARD_RULES_DIFFER, 0 },
		{ "add rule inet sekisho_guard postrouting ip saddr 192.0.2.1 accept",
		  GUARD_RULES_DIFFER, 0 },
		{ "chain inet sekisho_guard postrouting '{ policy drop; }'", GUARD_RULES_DIFFER,
		  0 },
		{ "add chain inet sekisho_guard more", GUARD_CHAINS_DIFFER, 0 },
		{ "insert rule inet sekisho_mirror prerouting accept", 0, GUARD_RULES_DIFFER },
		{ "insert rule inet sekisho_mirror postrouting tcp dport 22 accept", 0,
		  GUARD_RULES_DIFFER },
		{ "add chain inet sekisho_mirror more '{ type filter hook prerouting priority "
		  "-400; }'",
		  0, GUARD_CHAINS_DIFFER },
	};
	struct isolation_book *book;
	struct isolated *one = calloc(1, sizeof(*one));
	struct book_seen seen;

	(void)state;
	net_enter(); // where nobody owned a mirror yet
	assert_int_equal(net_run("nft add table inet sekisho_mirror"), 0);
	book = book_new();
	strcpy(book->map.management.interface, "lan-mg");
	book->map.management.family = 4;
	book->map.management.port = 22;
	assert_int_equal(isolation_init(&one->cut, ISOLATION_LINK, "wan0"), 0);
	assert_int_equal(book_put(book, one), 0);
	assert_int_equal(isolation_init(&one->cut, ISOLATION_ALL, ""), 0);
	one->cut.n_targets = 0;
	assert_int_equal(book_put(book, one), 0);
	assert_int_equal(book_make(book, KERNEL_GUARD_OPEN), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expect_whole(book);
		assert_int_equal(net_run("nft %s", rows[i].hand), 0);
		assert_int_equal(book_look(book, &seen), 0);
		if (seen.undone || seen.guard != rows[i].guard || seen.mirror != rows[i].mirror)
			fail_msg("%s: undone %d, guard %d, mirror %d", rows[i].hand, seen.undone,
				 (int)seen.guard, (int)seen.mirror);
		assert_int_equal(book_make_over(book, KERNEL_GUARD_OPEN, false,
						rows[i].guard + rows[i].mirror >=
							GUARD_CHAINS_DIFFER),
				 0);
	}
	expect_whole(book);
	free(one);
	book_close(book);
}

// What a hand closes stays closed, whatever is made for other reasons, until that is over.
static void test_hand(void **state)
{
	struct isolation_book *book = book_new();
	struct book_seen seen;

	(void)state;
	assert_int_equal(book_make(book, KERNEL_GUARD_OPEN), 0);
	assert_int_equal(net_run("nft add rule inet sekisho_guard postrouting drop"), 0);
	assert_int_equal(book_make(book, KERNEL_GUARD_OPEN), 0);
	assert_int_equal(book_look(book, &seen), 0);
	assert_true(seen.by_hand);
	assert_int_equal(seen.state, KERNEL_GUARD_CLOSED);
	assert_int_equal(book_make_over(book, KERNEL_GUARD_CLOSED, true, false), 0);
	assert_int_equal(book_make(book, KERNEL_GUARD_CLOSED), 0);
	assert_int_equal(book_look(book, &seen), 0);
	assert_true(seen.by_hand);
	assert_int_equal(book_make_over(book, KERNEL_GUARD_CLOSED, false, false), 0);
	assert_int_equal(book_look(book, &seen), 0);
	assert_false(seen.by_hand);
	assert_int_equal(seen.state, KERNEL_GUARD_CLOSED);
	assert_int_equal(seen.guard, GUARD_SAME);
	assert_int_equal(book_make_over(book, KERNEL_GUARD_OPEN, false, false), 0);
	expect_whole(book);
	book_close(book);
}

// Refusals that nobody hears of yet take no end of memory, and hold no order back.
static void test_news(void **state)
{
	struct isolation_book *book = book_new();
	const struct control_peer peer = { .uid = 1000, .login_uid = 1000 };
	struct isolation_news *heard;
	struct isolated *one = calloc(1, sizeof(*one));
	size_t refusals = 0, orders = 0, counted = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		book_tell_refusal(book, &peer, 1);
	book_tell(book, one, false);
	while ((heard = book_hear(book))) {
		refusals += heard->method != 0;
		orders += heard->method == 0;
		free(heard);
	}
	assert_true(refusals > 0 && refusals < 1000);
	assert_int_equal(orders, 1);
	assert_int_equal(book_untold(book), 0);
	// What was kept back is counted by the next that is told.
	usleep(300000);
	book_tell_refusal(book, &peer, 1);
	while ((heard = book_hear(book))) {
		refusals++;
		counted += heard->suppressed;
		free(heard);
	}
	assert_true(counted > 0);
	assert_int_equal(refusals + counted, 1001);
	free(one);
	book_close(book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_limits),	   cmocka_unit_test(test_words),
		cmocka_unit_test(test_over),	   cmocka_unit_test(test_again),
		cmocka_unit_test(test_end),	   cmocka_unit_test(test_half),
		cmocka_unit_test(test_foreign),	   cmocka_unit_test(test_hand),
		cmocka_unit_test(test_news),
	};

	net_enter();

	return cmocka_run_group_tests_name("daemon isolation", tests, NULL, NULL);
}
