// Mass mail: what is counted, what stops, what few outsiders cannot reach, what is usual, and what
// is kept.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <errno.h>
#include <cmocka.h>

#include "daemon/mass_count.h"
#include "daemon/mass_judge.h"
#include "daemon/mass_usual.h"

#define SECOND UINT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

static const uint64_t start = 20000 * DAY;

// --- counts

static void counts_in_a_sliding_time(void **state)
{
	struct mass_counts *counts;
	(void)state;
	assert_int_equal(mass_counts_new(8, &counts), 0);
	mass_counts_add(counts, 5, 10, 60, start);
	mass_counts_add(counts, 5, 20, 60, start + 59 * SECOND);
	assert_int_equal(mass_counts_get(counts, 5, 60, start + 59 * SECOND), 30);
	assert_int_equal(mass_counts_get(counts, 5, 60, start + 90 * SECOND), 15);
	assert_int_equal(mass_counts_get(counts, 5, 60, start + 120 * SECOND), 0);
	assert_int_equal(mass_counts_get(counts, 6, 60, start), 0);
	mass_counts_forget(counts, 5);
	assert_int_equal(mass_counts_get(counts, 5, 60, start + 59 * SECOND), 0);
	mass_counts_free(counts);
}

static void the_oldest_makes_room(void **state)
{
	struct mass_counts *counts;
	(void)state;
	assert_int_equal(mass_counts_new((size_t)1 << 21, &counts), -EINVAL);
	assert_int_equal(mass_counts_new(1, &counts), 0);
	for (uint64_t key = 1; key <= 8; key++)
		mass_counts_add(counts, key, 3, 60, start + key);
	mass_counts_add(counts, 1, 3, 60, start + 9);
	mass_counts_add(counts, 9, 3, 60, start + 10);
	assert_int_equal(mass_counts_get(counts, 1, 60, start + 10), 6);
	assert_int_equal(mass_counts_get(counts, 2, 60, start + 10), 0);
	assert_int_equal(mass_counts_get(counts, 9, 60, start + 10), 3);
	mass_counts_free(counts);
}

// --- the judge

struct bed {
	struct mass_judge *judge;
	struct mass_message message;
	uint64_t now;
	size_t n; // findings
	char words[MASS_STOP_WORDS_MAX];
	uint32_t count, limit;
};

static void on_found(void *arg, const struct mass_finding *finding)
{
	struct bed *bed = arg;
	bed->n++;
	bed->count = finding->count;
	bed->limit = finding->limit;
	mass_stop_words(&finding->stop, bed->words);
}

static void begin(struct bed *bed, const struct plan_mail_mass *limit)
{
	struct mass_rule *rule = calloc(1, sizeof(*rule));
	char line[1024];
	assert_int_equal(mass_rule_write("mail", limit, line, sizeof(line)), 0);
	assert_int_equal(mass_rule_read(line, rule), 0);
	assert_memory_equal(&rule->limit, limit, sizeof(*limit));
	*bed = (struct bed){ .now = start,
			     .message = { .guard = "mail",
					  .zone = "office",
					  .sender = 7,
					  .n_own = 1,
					  .passed = true } };
	assert_int_equal(mass_judge_new(&bed->judge), 0);
	mass_judge_set(bed->judge, rule, 1);
}

static void done(struct bed *bed)
{
	mass_judge_free(bed->judge);
}

static void send_from(struct bed *bed, const char *client, unsigned messages)
{
	assert_int_equal(addr_parse(client, &bed->message.client), 0);
	for (unsigned i = 0; i < messages; i++)
		mass_judge_take(bed->judge, &bed->message, bed->now, on_found, bed);
}

static const struct plan_mail_mass by_source = { .over = 20, .seconds = 3600, .for_seconds = 60 };

static void a_source_over_its_limit(void **state)
{
	struct bed bed;
	(void)state;
	begin(&bed, &by_source);
	send_from(&bed, "10.20.0.5", 20);
	send_from(&bed, "10.20.0.6", 20);
	assert_int_equal(bed.n, 0);
	send_from(&bed, "10.20.0.5", 1);
	assert_int_equal(bed.n, 1);
	assert_string_equal(bed.words, "source 10.20.0.5");
	assert_int_equal(bed.count, 21);
	assert_int_equal(bed.limit, 20);
	send_from(&bed, "10.20.0.5", 20); // counted anew
	assert_int_equal(bed.n, 1);
	bed.message.guard = "other";
	send_from(&bed, "10.20.0.6", 100);
	assert_int_equal(bed.n, 1);
	done(&bed);
}

static void a_network_of_ipv6_is_one_source(void **state)
{
	struct bed bed;
	(void)state;
	begin(&bed, &by_source);
	for (unsigned i = 0; i < 21; i++) {
		char client[64];
		snprintf(client, sizeof(client), "2001:db8:66::%x", i + 1);
		send_from(&bed, client, 1);
	}
	assert_int_equal(bed.n, 1);
	assert_string_equal(bed.words, "source 2001:db8:66::/64");
	done(&bed);
}

static void refused_mail_counts_for_its_source_alone(void **state)
{
	const struct plan_mail_mass wide[] = {
		{ .by = PLAN_MASS_DIRECTION,
		  .stops = PLAN_MASS_DIRECTION,
		  .over = 20,
		  .seconds = 60 },
		{ .by = PLAN_MASS_ZONE, .stops = PLAN_MASS_ALL, .over = 20, .seconds = 60 },
		{ .by = PLAN_MASS_SENDER, .stops = PLAN_MASS_SENDER, .over = 20, .seconds = 60 },
		{ .by = PLAN_MASS_SOURCE, .stops = PLAN_MASS_ALL, .over = 20, .seconds = 60 },
	};
	struct bed bed;
	(void)state;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		begin(&bed, &wide[i]);
		bed.message.passed = false;
		send_from(&bed, "198.51.100.1", 1000);
		assert_int_equal(bed.n, 0);
		done(&bed);
	}
	begin(&bed, &by_source);
	bed.message.passed = false;
	send_from(&bed, "198.51.100.1", 21);
	assert_int_equal(bed.n, 1);
	done(&bed);
}

static const struct plan_mail_mass inward = { .by = PLAN_MASS_DIRECTION,
					      .stops = PLAN_MASS_DIRECTION,
					      .direction = PLAN_MAIL_IN,
					      .over = 100,
					      .seconds = 3600,
					      .sources = 20 };

// As much as they like, beside honest mail of others: what one network sends counts for 5 of 100.
static void few_outsiders_stop_nothing(void **state)
{
	struct bed bed;
	char client[64];
	(void)state;
	begin(&bed, &inward);
	bed.message.zone = "internet";
	send_from(&bed, "203.0.113.9", 100000);
	for (unsigned i = 0; i < 256; i++) {
		snprintf(client, sizeof(client), "203.0.113.%u", i);
		send_from(&bed, client, 100);
		snprintf(client, sizeof(client), "2001:db8:66:%x::1", i);
		send_from(&bed, client, 100);
	}
	for (unsigned i = 0; i < 18; i++) {
		snprintf(client, sizeof(client), "198.18.%u.1", i);
		send_from(&bed, client, 1000);
	}
	assert_int_equal(bed.n, 0);
	send_from(&bed, "198.18.18.1", 1);
	assert_int_equal(bed.n, 1);
	assert_string_equal(bed.words, "direction in");
	done(&bed);
}

static void directions_are_counted_apart(void **state)
{
	const struct plan_mail_mass both = {
		.by = PLAN_MASS_DIRECTION, .stops = PLAN_MASS_DIRECTION, .over = 20, .seconds = 60
	};
	struct bed bed;
	(void)state;
	begin(&bed, &both);
	send_from(&bed, "10.20.0.5", 15);
	bed.message.n_own = 0;
	bed.message.n_others = 9;
	send_from(&bed, "10.20.0.5", 20);
	assert_int_equal(bed.n, 0);
	send_from(&bed, "10.20.0.5", 1);
	assert_int_equal(bed.n, 1);
	assert_string_equal(bed.words, "direction out");
	done(&bed);
}

static void stages(void **state)
{
	const struct {
		struct plan_mail_mass limit;
		const char *words;
	} rows[] = {
		{ { .by = PLAN_MASS_SOURCE, .stops = PLAN_MASS_ZONE }, "zone office" },
		{ { .by = PLAN_MASS_SOURCE, .direction = PLAN_MAIL_OUT },
		  "source 10.20.0.5 (out)" },
		{ { .by = PLAN_MASS_SOURCE,
		    .stops = PLAN_MASS_DIRECTION,
		    .direction = PLAN_MAIL_OUT },
		  "direction out" },
		{ { .by = PLAN_MASS_SENDER, .stops = PLAN_MASS_SENDER, .direction = PLAN_MAIL_OUT },
		  "sender #0000000000000007 (out)" },
		{ { .by = PLAN_MASS_ZONE, .stops = PLAN_MASS_ALL }, "all" },
		{ { .by = PLAN_MASS_ZONE, .stops = PLAN_MASS_ZONE, .alarm = true }, "zone office" },
		{ { .by = PLAN_MASS_ZONE, .stops = PLAN_MASS_ZONE, .recipients = true },
		  "zone office" },
	};
	struct bed bed;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan_mail_mass limit = rows[i].limit;
		limit.over = limit.recipients ? 60 : 20;
		limit.seconds = 60;
		begin(&bed, &limit);
		bed.message.n_others = 2;
		send_from(&bed, "10.20.0.5", 20);
		assert_int_equal(bed.n, 0);
		send_from(&bed, "10.20.0.5", 1);
		assert_int_equal(bed.n, 1);
		assert_string_equal(bed.words, rows[i].words);
		done(&bed);
	}
}

static void no_sender_and_no_zone_are_nobodys(void **state)
{
	const struct plan_mail_mass limits[] = {
		{ .by = PLAN_MASS_SENDER, .stops = PLAN_MASS_SENDER, .over = 1, .seconds = 60 },
		{ .by = PLAN_MASS_ZONE, .stops = PLAN_MASS_ZONE, .over = 1, .seconds = 60 },
	};
	struct bed bed;
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin(&bed, &limits[i]);
		bed.message.sender = 0;
		bed.message.zone = "";
		send_from(&bed, "10.20.0.5", 100);
		assert_int_equal(bed.n, 0);
		done(&bed);
	}
}

static const struct plan_mail_mass learned = { .seconds = 3600, .times = 5, .at_least = 30 };

static void what_is_usual_is_learned(void **state)
{
	struct bed bed;
	(void)state;
	begin(&bed, &learned);
	send_from(&bed, "10.20.0.5", 20);
	bed.now += 3 * HOUR; // 20 in the busiest hour: 100 may pass
	send_from(&bed, "10.20.0.5", 100);
	assert_int_equal(bed.n, 0);
	send_from(&bed, "10.20.0.5", 1);
	assert_int_equal(bed.n, 1);
	assert_int_equal(bed.limit, 100);
	bed.now += 3 * HOUR; // an hour with a burst is not usual
	send_from(&bed, "10.20.0.5", 101);
	assert_int_equal(bed.n, 2);
	bed.now += 3 * HOUR;
	send_from(&bed, "10.20.0.6", 30); // nothing is known of it
	assert_int_equal(bed.n, 2);
	send_from(&bed, "10.20.0.6", 1);
	assert_int_equal(bed.n, 3);
	assert_int_equal(bed.limit, 30);
	bed.now += 14 * DAY; // forgotten
	send_from(&bed, "10.20.0.5", 31);
	assert_int_equal(bed.n, 4);
	assert_int_equal(bed.limit, 30);
	done(&bed);
}

static void what_is_usual_is_kept(void **state)
{
	char folder[] = "/tmp/sekisho-mass.XXXXXX", path[64];
	struct bed bed, next;
	(void)state;
	assert_non_null(mkdtemp(folder));
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	begin(&bed, &learned);
	assert_int_equal(mass_judge_read(bed.judge, fd), -ENOENT);
	send_from(&bed, "10.20.0.5", 20);
	assert_int_equal(mass_judge_write(bed.judge, fd), 0);
	begin(&next, &learned);
	assert_int_equal(mass_judge_read(next.judge, fd), 0);
	next.now += 3 * HOUR;
	send_from(&next, "10.20.0.5", 100);
	assert_int_equal(next.n, 0);
	send_from(&next, "10.20.0.5", 1);
	assert_int_equal(next.n, 1);
	done(&next);
	snprintf(path, sizeof(path), "%s/" MASS_USUAL_FILE, folder);
	FILE *file = fopen(path, "r+e");
	assert_non_null(file);
	fseek(file, 4000, SEEK_SET);
	fputc(1, file);
	fclose(file);
	assert_int_equal(mass_judge_read(bed.judge, fd), -EBADMSG);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(mass_judge_read(bed.judge, fd), -EBADMSG);
	done(&bed);
	unlink(path);
	close(fd);
	rmdir(folder);
}

static void lines_that_are_none(void **state)
{
	static const char *const lines[] = {
		"",
		"mail",
		"mail ",
		" 0 0 0 20 3600 0 0 0 0 0 60 x",
		"mail 4 0 0 20 3600 0 0 0 0 0 60 x",
		"mail 0 5 0 20 3600 0 0 0 0 0 60 x",
		"mail 0 0 3 20 3600 0 0 0 0 0 60 x",
		"mail 0 0 0 0 3600 0 0 0 0 0 60 x",
		"mail 0 0 0 0 60 5 30 0 0 0 60 x",
		"mail 0 0 0 20 0 0 0 0 0 0 60 x",
		"mail 0 0 0 20 86401 0 0 0 0 0 60 x",
		"mail 0 0 0 20 3600 0 0 201 0 0 60 x",
		"mail 0 0 0 20 3600 0 0 0 2 0 60 x",
		"mail 0 0 0 20 3600 0 0 0 0 2 60 x",
		"mail 0 0 0 20 3600 0 0 0 0 0 60",
		"mail -1 0 0 20 3600 0 0 0 0 0 60 x",
		"mail 0 0 0 99999999999 3600 0 0 0 0 0 60 x",
	};
	struct mass_rule rule;
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(mass_rule_read(lines[i], &rule), -EBADMSG);
	assert_int_equal(mass_rule_read("mail 0 0 0 20 3600 0 0 0 0 0 60 x", &rule), 0);
}

// --- the book

static void put(struct mass_book *book, const char *kind, const char *name)
{
	struct mass_stop stop;
	assert_null(mass_stop_parse(kind, name, &stop));
	assert_int_equal(mass_book_put(book, &stop), 0);
}

static void stops_are_named(void **state)
{
	static const struct {
		const char *kind, *name, *words; // words NULL: there is no such
	} rows[] = {
		{ "source", "10.20.0.5", "source 10.20.0.5" },
		{ "source", "10.20.0.0/16", "source 10.20.0.0/16" },
		{ "source", "2001:db8::5", "source 2001:db8::/64" },
		{ "source", "2001:db8::/32", "source 2001:db8::/32" },
		{ "source", "office", NULL },
		{ "source", "", NULL },
		{ "sender", "a@city.example.jp", "sender a@city.example.jp" },
		{ "sender", "#0000000000000007", "sender #0000000000000007" },
		{ "sender", "#7", NULL },
		{ "zone", "office", "zone office" },
		{ "direction", "in", "direction in" },
		{ "direction", "out", "direction out" },
		{ "direction", "up", NULL },
		{ "all", "", "all" },
		{ "all", "x", NULL },
		{ "else", "x", NULL },
	};
	char words[MASS_STOP_WORDS_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mass_stop stop;
		const char *why = mass_stop_parse(rows[i].kind, rows[i].name, &stop);
		assert_int_equal(!why, !!rows[i].words);
		if (!why)
			assert_string_equal(mass_stop_words(&stop, words), rows[i].words);
	}
}

static void the_book_is_kept(void **state)
{
	static struct mass_book book, read;
	(void)state;
	book.n = 0;
	put(&book, "source", "2001:db8::5");
	put(&book, "sender", "a@city.example.jp");
	put(&book, "zone", "office");
	put(&book, "direction", "in");
	put(&book, "all", "");
	put(&book, "all", "");
	assert_int_equal(book.n, 5);
	book.v[0].stop.until_us = UINT64_MAX - 1;
	book.v[0].stop.directions = MAIL_OUT;
	book.v[0].asked_uid = 1000;
	snprintf(book.v[1].reason, sizeof(book.v[1].reason), "\"疑い\"\n");
	char *text = mass_book_text(&book);
	assert_int_equal(mass_book_read(text, &read), 0);
	assert_int_equal(read.n, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(read.v[i].stop.kind, book.v[i].stop.kind);
		assert_int_equal(read.v[i].stop.directions, book.v[i].stop.directions);
		assert_true(read.v[i].stop.until_us == book.v[i].stop.until_us);
		assert_true(read.v[i].stop.sender == book.v[i].stop.sender);
		assert_string_equal(read.v[i].reason, book.v[i].reason);
		assert_string_equal(read.v[i].name, book.v[i].name);
	}
	assert_int_equal(read.v[0].asked_uid, 1000);
	text[strlen(text) / 2] = '\0';
	assert_int_equal(mass_book_read(text, &read), -EBADMSG);
	assert_int_equal(mass_book_read("[{\"kind\":\"all\"}]", &read), -EBADMSG);
	assert_int_equal(mass_book_read("{}", &read), -EBADMSG);
	assert_int_equal(mass_book_read("[]", &read), 0);
	free(text);
}

// What somebody stopped by hand, and what is more than a source, makes room for no source.
static void a_full_book(void **state)
{
	static struct mass_book book;
	struct mass_stop stop;
	char name[32];
	(void)state;
	book.n = 0;
	put(&book, "all", "");
	for (unsigned i = 1; i < MAIL_STOPS_MAX; i++) {
		snprintf(name, sizeof(name), "10.20.%u.%u", i / 256, i % 256);
		put(&book, "source", name);
		snprintf(book.v[i].actor, sizeof(book.v[i].actor), "tanaka");
	}
	assert_null(mass_stop_parse("source", "10.30.0.1", &stop));
	assert_int_equal(mass_book_put(&book, &stop), -ENOSPC);
	book.v[7].actor[0] = book.v[9].actor[0] = '\0';
	book.v[7].stop.until_us = 2000;
	book.v[9].stop.until_us = 1000;
	assert_int_equal(mass_book_put(&book, &stop), 0);
	assert_string_equal(book.v[9].name, "10.30.0.1");
	mass_book_take(&book, &book.v[9]);
	assert_int_equal(book.n, MAIL_STOPS_MAX - 1);
	assert_null(mass_book_find(&book, &stop));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_in_a_sliding_time),
		cmocka_unit_test(the_oldest_makes_room),
		cmocka_unit_test(a_source_over_its_limit),
		cmocka_unit_test(a_network_of_ipv6_is_one_source),
		cmocka_unit_test(refused_mail_counts_for_its_source_alone),
		cmocka_unit_test(few_outsiders_stop_nothing),
		cmocka_unit_test(directions_are_counted_apart),
		cmocka_unit_test(stages),
		cmocka_unit_test(no_sender_and_no_zone_are_nobodys),
		cmocka_unit_test(what_is_usual_is_learned),
		cmocka_unit_test(what_is_usual_is_kept),
		cmocka_unit_test(lines_that_are_none),
		cmocka_unit_test(stops_are_named),
		cmocka_unit_test(the_book_is_kept),
		cmocka_unit_test(a_full_book),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
