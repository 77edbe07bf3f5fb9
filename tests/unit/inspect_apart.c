// Archives of a message that somebody else opens, as the engine sees it: which are given away, that
// the server gets no end of the message before all is known, and what becomes of it then.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "content_files.h"
#include "inspect/apart.h"
#include "message_bed.h"
#include "unpack/unpack.h"
#include "unpack_file.h"

enum { JOBS_MAX = 32 };

static struct {
	unsigned n, refuses_after, waits, drops;
	uint32_t numbers[JOBS_MAX];
	char names[JOBS_MAX][64];
	size_t sizes[JOBS_MAX];
} host_has;

static bool on_begin(void *arg, const struct apart_job *job)
{
	(void)arg;
	if (host_has.n == host_has.refuses_after)
		return false;
	host_has.numbers[host_has.n] = job->number;
	host_has.sizes[host_has.n] = job->n;
	snprintf(host_has.names[host_has.n++], 64, "%s", job->name);
	assert_false(job->bounds.apart);
	return true;
}

static void on_wait(void *arg)
{
	(void)arg;
	host_has.waits++;
}

static void on_drop(void *arg)
{
	(void)arg;
	host_has.drops++;
}

static const struct apart_host apart_host = { on_begin, on_wait, on_drop };

static const struct profile_attachment rules[] = {
	{ .kinds = UNPACK_EXECUTABLE, .action = PROFILE_REFUSE, .clause = "" },
	{ .unread = true, .action = PROFILE_REFUSE, .clause = "" },
	{ .number_over = 6, .action = PROFILE_REFUSE, .clause = "" },
};
static const struct profile_size size_row = { .max = 1000000 };
static struct profile profile = { .guard = "g",
				  .domains = message_domains,
				  .n_domains = 1,
				  .senders = { message_client, 1 },
				  .sizes = &size_row,
				  .n_sizes = 1,
				  .attachments = rules,
				  .n_attachments = 3 };
static const struct profile_flow flow = { .mark = 1, .id = "f", .clause = "", .profile = &profile };

static void begin(struct bed *bed)
{
	memset(&host_has, 0, sizeof(host_has));
	host_has.refuses_after = JOBS_MAX;
	message_begin(bed, &flow, (struct engine_host){ .apart = &apart_host });
	message_greet(bed, "a@b.example", "c@city.example.jp");
}

static void over(struct bed *bed)
{
	bed_over(bed);
	bed_done(bed);
}

// A message with these files of tests/unpack/files; in pieces of step bytes.
static void send(struct bed *bed, const char *const *files, size_t n, size_t step)
{
	struct blob message = { 0 };
	blob_text(
		&message,
		"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (size_t i = 0; i < n; i++) {
		struct blob file = { 0 };
		file.v = read_file(files[i], &file.n);
		blob_text(
			&message,
			"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: "
			"base64\r\nContent-Disposition: attachment; filename=");
		blob_text(&message, files[i]);
		blob_text(&message, "\r\n\r\n");
		blob_base64(&message, &file);
		blob_done(&file);
	}
	blob_text(&message, "--b--\r\n.\r\n");
	for (size_t at = 0; at < message.n && !bed->ended && !bed->taken; at += step)
		bed_feed(bed, ENGINE_CLIENT, (char *)message.v + at,
			 message.n - at < step ? message.n - at : step);
	blob_done(&message);
}

static void answer(struct bed *bed, unsigned i, uint32_t kinds, enum unpack_limit limit)
{
	const struct unpack_entry entries[] = {
		{ .number = 2, .parent = 1, .name = "inner", .size = 10, .kinds = kinds },
		{ .number = 1, .name = "outer", .size = 20, .kinds = UNPACK_ARCHIVE },
	};
	const struct apart_answer answer = { .number = host_has.numbers[i],
					     .result = { UNPACK_ARCHIVE, limit, { 0, 0 }, false },
					     .entries = entries,
					     .n_entries = 2 };
	if (!bed->ended)
		engine_opened(bed->engine, &answer, bed->now_us);
}

// The end waits, whether answers come before it or after it, however the message is cut.
static void waits_for_all(void **state)
{
	static const char *const files[] = { "a.tar", "plain.pdf", "a.7z" };
	(void)state;
	for (size_t step = 1; step < 20000; step = step * 7 + 1) {
		for (unsigned early = 0; early < 2; early++) {
			struct bed bed;
			begin(&bed);
			send(&bed, files, 3, step);
			assert_int_equal(host_has.n, 2);
			assert_string_equal(host_has.names[0], "a.tar");
			assert_string_equal(host_has.names[1], "a.7z");
			assert_true(host_has.waits >= 1);
			assert_false(server_has_end(&bed));
			answer(&bed, early ? 0 : 1, UNPACK_TEXT, UNPACK_WHOLE);
			assert_false(server_has_end(&bed));
			answer(&bed, early ? 1 : 0, UNPACK_TEXT, UNPACK_WHOLE);
			assert_true(server_has_end(&bed));
			say(&bed, ENGINE_SERVER, "250 ok\r\n");
			assert_true(recorded(&bed, "passed"));
			over(&bed);
		}
	}
}

static void refuses_for_what_is_in_it(void **state)
{
	static const char *const files[] = { "a.tar", "a.7z" };
	(void)state;
	for (unsigned which = 0; which < 2; which++) {
		struct bed bed;
		begin(&bed);
		send(&bed, files, 2, 500);
		answer(&bed, which, UNPACK_EXECUTABLE, UNPACK_WHOLE);
		assert_false(server_has_end(&bed));
		assert_true(recorded(&bed, "attachment-program"));
		assert_int_equal(host_has.drops, 1);
		answer(&bed, 1 - which, UNPACK_TEXT, UNPACK_WHOLE); // it comes too late
		assert_false(server_has_end(&bed));
		over(&bed);
	}
}

static void what_came_to_no_end_is_unread(void **state)
{
	static const char *const files[] = { "a.tar" };
	struct bed bed;
	(void)state;
	begin(&bed);
	send(&bed, files, 1, 500);
	answer(&bed, 0, UNPACK_TEXT, UNPACK_TIME);
	assert_true(recorded(&bed, "attachment-unread"));
	over(&bed);
}

// An answer that no file waits for, or for a second time, does nothing.
static void answers_that_make_no_sense(void **state)
{
	static const char *const files[] = { "a.tar" };
	struct bed bed;
	(void)state;
	begin(&bed);
	host_has.numbers[9] = 77;
	answer(&bed, 9, UNPACK_EXECUTABLE, UNPACK_WHOLE);
	send(&bed, files, 1, 500);
	answer(&bed, 9, UNPACK_EXECUTABLE, UNPACK_WHOLE);
	host_has.numbers[9] = 0;
	answer(&bed, 9, UNPACK_EXECUTABLE, UNPACK_WHOLE);
	assert_false(server_has_end(&bed));
	answer(&bed, 0, UNPACK_TEXT, UNPACK_WHOLE);
	assert_true(server_has_end(&bed));
	answer(&bed, 0, UNPACK_EXECUTABLE, UNPACK_WHOLE);
	say(&bed, ENGINE_SERVER, "250 ok\r\n");
	assert_true(recorded(&bed, "passed"));
	over(&bed);
}

static void without_room_it_comes_again(void **state)
{
	static const char *const files[] = { "a.tar", "a.7z" };
	struct bed bed;
	(void)state;
	begin(&bed);
	host_has.refuses_after = 1;
	send(&bed, files, 2, 500);
	assert_true(recorded(&bed, "attachment-busy"));
	assert_false(server_has_end(&bed));
	assert_int_equal(host_has.drops, 1);
	over(&bed);
	begin(&bed);
	send(&bed, files, 1, 500);
	const struct apart_answer busy = { .number = host_has.numbers[0], .busy = true };
	engine_opened(bed.engine, &busy, bed.now_us);
	assert_true(recorded(&bed, "attachment-busy"));
	assert_false(server_has_end(&bed));
	over(&bed);
}

// What readers of our own open stays here, unless it holds what they do not.
static void what_is_given_away(void **state)
{
	static const struct {
		const char *file;
		bool away;
	} rows[] = { { "a.7z", true },	     { "a.rar", true },	      { "a.lzh", true },
		     { "a.iso.gz", true },   { "a.tar.xz", true },    { "bzip2.zip", true },
		     { "plain.pdf", false }, { "plain.docx", false }, { "cp932.zip", false },
		     { "mail.eml", false } };
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bed bed;
		begin(&bed);
		send(&bed, &rows[i].file, 1, 4000);
		if (host_has.n != rows[i].away)
			fail_msg("%s: %u", rows[i].file, host_has.n);
		over(&bed);
	}
}

// A client that goes away while it waits.
static void dropped(void **state)
{
	static const char *const files[] = { "a.tar" };
	struct bed bed;
	(void)state;
	begin(&bed);
	send(&bed, files, 1, 500);
	over(&bed);
	assert_int_equal(host_has.drops, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_for_all),
		cmocka_unit_test(refuses_for_what_is_in_it),
		cmocka_unit_test(what_came_to_no_end_is_unread),
		cmocka_unit_test(answers_that_make_no_sense),
		cmocka_unit_test(without_room_it_comes_again),
		cmocka_unit_test(what_is_given_away),
		cmocka_unit_test(dropped),
	};
	unpack_load();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
