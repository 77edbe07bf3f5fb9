// What the vault does: messages that come in frames, however they are cut, and what makes no sense;
// one person and two; what servers said of each recipient; what is over.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/peer.h"
#include "daemon/vault_answer.h"
#include "daemon/vault_decide.h"
#include "daemon/vault_show.h"
#include "daemon/vault_stream.h"

enum { SECOND = 1000000 };

static char folder[] = "/tmp/daemon_vault.XXXXXX";
static int dir_fd;
static const struct held_key key = { { 7 } };
static struct held_store *store;
static struct vault_streams *streams;
static uint64_t kept;

static void on_kept(void *arg, uint64_t number)
{
	(void)arg;
	kept = number;
}

static int setup(void **state)
{
	(void)state;
	strcpy(folder + sizeof("/tmp/daemon_vault.") - 1, "XXXXXX");
	kept = 0;
	if (!mkdtemp(folder))
		return -1;
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return held_store_open(dir_fd, &key, &store) < 0 ||
	       vault_streams_new(store, on_kept, NULL, &streams) < 0;
}

static int teardown(void **state)
{
	(void)state;
	DIR *dir = opendir(folder);
	struct dirent *file;
	vault_streams_free(streams);
	held_store_close(store);
	while (dir && (file = readdir(dir)))
		unlinkat(dir_fd, file->d_name, 0);
	if (dir)
		closedir(dir);
	close(dir_fd);
	return rmdir(folder);
}

static size_t envelope_of(uint32_t persons, uint8_t *out)
{
	static const char heading[] = "From: a\0Subject: 計画";
	static uint8_t record[MAIL_WIRE_MAX];
	static const char lines[] =
		"<a@city.example.jp>\0<x@o.example>\0<y@o.example>\0<z@o.example>";
	const struct mail_record what = {
		.client = { ADDR_V4, 0x0a000001 },
		.server = { ADDR_V4, 0xc0000219 },
		.server_port = 25,
		.flow = "mail-out",
		.guard = "mail",
		.verdict = MAIL_HELD,
		.reason = "held: kept",
	};
	const struct held_envelope envelope = {
		.keep_seconds = 100000,
		.persons = persons,
		.messages_max = 100,
		.bytes_max = 100000,
		.record = record,
		.record_size = mail_wire_pack(&what, record),
		.lines = lines,
		.lines_size = sizeof(lines),
		.n_lines = 4,
		.heading = heading,
		.heading_size = sizeof(heading),
	};
	size_t size = held_wire_pack(&envelope, out, HELD_WIRE_MAX);
	assert_true(size > 0);
	return size;
}

// --- streams

static int tried(struct held_store *in, uint64_t number, const struct vault_fate *fates, size_t n,
		 const char *trouble, uint64_t now_us, struct vault_told *told)
{
	const struct vault_try try = { number, fates, n, trouble, 0 };
	return vault_tried(in, &try, now_us, told);
}

static size_t put_frame(uint8_t *at, const void *bytes, uint32_t n)
{
	const uint8_t head[] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
				 (uint8_t)n };
	memcpy(at, head, sizeof(head));
	if (n)
		memcpy(at + sizeof(head), bytes, n);
	return sizeof(head) + n;
}

static size_t words_of(const char *text, uint8_t *out)
{
	static uint8_t envelope[HELD_WIRE_MAX];
	size_t n = envelope_of(2, envelope), used = 0;
	used += put_frame(out, text, (uint32_t)strlen(text));
	used += put_frame(out + used, text, (uint32_t)strlen(text));
	used += put_frame(out + used, NULL, 0);
	used += put_frame(out + used, envelope, (uint32_t)n);
	used += put_frame(out + used, NULL, 0);
	return used;
}

static void look(void)
{
	static struct pollfd fds[VAULT_STREAMS_MAX];
	size_t n = vault_streams_poll(streams, fds);
	poll(fds, n, 0);
	vault_streams_look(streams, fds, n, 5 * SECOND);
}

static int connect_one(void)
{
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	vault_streams_add(streams, pair[1]);
	return pair[0];
}

static struct hold_result said(int fd)
{
	struct scan_reply reply = { .n = 0 };
	struct scan_result result;
	struct hold_result held;
	uint8_t bytes[100];
	ssize_t n;
	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		vault_words.read(&reply, bytes, (size_t)n);
	vault_words.verdict(&reply, true, &result);
	vault_answer_read(&result, &held);
	return held;
}

static void however_it_is_cut_it_is_kept(void **state)
{
	(void)state;
	static uint8_t words[HELD_WIRE_MAX];
	char text[40];
	for (unsigned cut = 1; cut < 40; cut++) {
		snprintf(text, sizeof(text), "Subject: %u\r\n", cut);
		size_t n = words_of(text, words);
		int fd = connect_one();
		for (size_t at = 0; at < n;) {
			size_t piece = n - at < cut ? n - at : cut;
			assert_int_equal(send(fd, words + at, piece, MSG_NOSIGNAL), piece);
			at += piece;
			look();
		}
		struct hold_result held = said(fd);
		assert_int_equal(held.verdict, HOLD_KEPT);
		assert_int_equal(held.number, cut);
		assert_int_equal(kept, cut);
		assert_int_equal(held_store_find(store, cut)->size, 2 * strlen(text));
		close(fd);
	}
	size_t n = words_of(text, words); // the last one once more
	int fd = connect_one();
	kept = 0;
	assert_int_equal(send(fd, words, n, MSG_NOSIGNAL), n);
	look();
	assert_int_equal(said(fd).number, 39);
	assert_int_equal(kept, 0);
	close(fd);
}

static void what_is_not_whole_is_not_kept(void **state)
{
	(void)state;
	static uint8_t words[HELD_WIRE_MAX];
	size_t n = words_of("text\r\n", words), entries;
	for (size_t cut = 0; cut < n; cut += cut < 40 || cut > n - 40 ? 1 : 37) {
		int fd = connect_one();
		assert_int_equal(send(fd, words, cut, MSG_NOSIGNAL), cut);
		look();
		assert_int_equal(said(fd).verdict, HOLD_DOWN); // it has said nothing
		close(fd);
		look();
	}
	struct pollfd fds[VAULT_STREAMS_MAX];
	assert_int_equal(vault_streams_poll(streams, fds), 0);
	held_store_entries(store, &entries);
	assert_int_equal(entries, 0);
}

static void nonsense_is_answered(void **state)
{
	(void)state;
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, 'x' };
	static const uint8_t empty[] = { 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t bad[] = { 0, 0, 0, 1, 'm', 0, 0, 0, 0, 0, 0, 0, 1, 'e', 0, 0, 0, 0 };
	const struct {
		const uint8_t *bytes;
		size_t n;
	} rows[] = { { huge, sizeof(huge) }, { empty, sizeof(empty) }, { bad, sizeof(bad) } };
	for (size_t i = 0; i < 3; i++) {
		int fd = connect_one();
		char text[20] = "";
		assert_int_equal(send(fd, rows[i].bytes, rows[i].n, MSG_NOSIGNAL), rows[i].n);
		look();
		assert_true(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) > 0);
		assert_string_equal(text, "failed");
		close(fd);
	}
}

static void words_of_the_answer(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum hold_verdict verdict;
		uint64_t number;
	} rows[] = {
		{ "kept 7", HOLD_KEPT, 7 },
		{ "delivered 8", HOLD_DELIVERED, 8 },
		{ "rejected 9", HOLD_REJECTED, 9 },
		{ "full", HOLD_FULL, 0 },
		{ "failed", HOLD_DOWN, 0 },
		{ "kept ", HOLD_DOWN, 0 },
		{ "kept 0", HOLD_DOWN, 0 },
		{ "kept 7 ", HOLD_DOWN, 0 },
		{ "", HOLD_DOWN, 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scan_reply reply = { .n = 0 };
		struct scan_result result;
		struct hold_result held;
		vault_words.read(&reply, (const uint8_t *)rows[i].text, strlen(rows[i].text) + 1);
		vault_words.verdict(&reply, false, &result);
		vault_answer_read(&result, &held);
		assert_int_equal(held.verdict, rows[i].verdict);
		if (held.verdict != HOLD_DOWN)
			assert_int_equal(held.number, rows[i].number);
	}
}

// --- decisions

static uint64_t hold(uint32_t persons, const char *text)
{
	static uint8_t envelope[HELD_WIRE_MAX];
	struct held_coming *coming;
	enum held_answer answer;
	uint64_t number;
	bool fresh;
	size_t n = envelope_of(persons, envelope);
	assert_int_equal(held_coming_new(store, &coming), 0);
	assert_int_equal(held_coming_add(coming, (const uint8_t *)text, strlen(text)), 0);
	assert_int_equal(held_coming_keep(coming, envelope, n, SECOND, &answer, &number, &fresh),
			 0);
	held_coming_free(coming);
	return number;
}

static struct held_person person(uint32_t uid, const char *name, uint64_t seconds)
{
	struct held_person person = {
		.us = seconds * SECOND, .uid = uid, .login_uid = uid, .reason = "because"
	};
	snprintf(person.name, sizeof(person.name), "%s", name);
	return person;
}

static struct vault_told told;

static enum vault_outcome release(uint64_t number, uint32_t uid, const char *name, uint64_t seconds)
{
	const struct held_person who = person(uid, name, seconds);
	return vault_release(store, number, &who, &told) < 0 ? VAULT_NOTHING : told.word.outcome;
}

static enum held_state state_of(uint64_t number)
{
	return held_store_find(store, number)->state;
}

static bool shows(const struct control_writer *writer, const char *text)
{
	return memmem(writer->bytes, writer->size, text, strlen(text));
}

// One whole has its heading; the list has none.
static void what_is_shown(void **state)
{
	(void)state;
	struct control_writer one, all;
	uint64_t n = hold(2, "a");
	control_writer_init(&one, VAULT_SHOW_BYTES);
	control_writer_init(&all, VAULT_SHOW_BYTES);
	assert_int_equal(release(n, 1001, "tanaka", 10), VAULT_ASKED);
	assert_int_equal(vault_show_one(store, n, &one), 0);
	assert_int_equal(vault_show_list(store, true, &all), 0);
	assert_true(shows(&one, "Subject: 計画") && shows(&one, "From: a"));
	assert_false(shows(&all, "Subject") || shows(&all, "計画"));
	assert_true(shows(&all, "tanaka") && shows(&one, "because"));
	control_writer_done(&one);
	control_writer_done(&all);
}

// envelope_of() keeps 100000 seconds; a quarter of it is less than a day.
static void how_many_wait(void **state)
{
	(void)state;
	struct vault_word word;
	const uint64_t end = 100001, quarter = 25000;
	uint64_t a = hold(2, "a");
	hold(2, "b");
	vault_count(store, 2 * SECOND, &word);
	assert_int_equal(word.held, 2);
	assert_int_equal(word.waiting, 2);
	assert_int_equal(word.ending, 0);
	assert_int_equal(word.oldest_us, SECOND);
	assert_int_equal(word.first_until_us, end * SECOND);
	vault_count(store, (end - quarter) * SECOND, &word);
	assert_int_equal(word.ending, 0);
	vault_count(store, (end - quarter) * SECOND + 1, &word);
	assert_int_equal(word.ending, 2);
	release(a, 1001, "tanaka", 10);
	release(a, 1002, "sato", 20);
	vault_count(store, (end - quarter) * SECOND + 1, &word);
	assert_int_equal(word.held, 2);
	assert_int_equal(word.waiting, 1);
	assert_int_equal(word.ending, 1);
}

static void two_persons(void **state)
{
	(void)state;
	uint64_t n = hold(2, "a");
	assert_int_equal(release(n, 1001, "tanaka", 10), VAULT_ASKED);
	assert_int_equal(release(n, 1001, "tanaka", 20), VAULT_ASKED);
	assert_int_equal(state_of(n), HELD_WAITS);
	assert_int_equal(release(n, 1002, "sato", 20 + VAULT_ASKED_SECONDS),
			 VAULT_ASKED); // too late
	assert_int_equal(release(n, 1001, "tanaka", 30 + VAULT_ASKED_SECONDS), VAULT_WAS_RELEASED);
	assert_string_equal(told.word.asked_by, "sato");
	assert_int_equal(state_of(n), HELD_RELEASED);
	assert_int_equal(release(n, 1002, "sato", 40 + VAULT_ASKED_SECONDS), VAULT_NOTHING);
	n = hold(2, "b"); // root without a login may be anybody
	const struct held_person root = { .us = SECOND, .login_uid = CONTROL_NO_LOGIN };
	assert_int_equal(release(n, 1001, "tanaka", 1), VAULT_ASKED);
	assert_int_equal(vault_release(store, n, &root, &told), 0);
	assert_int_equal(told.word.outcome, VAULT_ASKED);
	n = hold(1, "c");
	assert_int_equal(release(n, 1001, "tanaka", 10), VAULT_WAS_RELEASED);
	assert_int_equal(release(99, 1001, "tanaka", 10), VAULT_NOTHING);
	assert_int_equal(told.word.error, -ENOENT);
}

static struct mail_record told_record(void)
{
	static struct mail_taken taken;
	assert_true(told.word.record_size > 0);
	assert_int_equal(mail_wire_unpack(told.record, told.word.record_size, &taken), 0);
	return taken.record;
}

static void one_rejects(void **state)
{
	(void)state;
	uint64_t n = hold(2, "a");
	const struct held_person who = person(1001, "tanaka", 10);
	assert_int_equal(vault_reject(store, n, &who, &told), 0);
	assert_int_equal(told.word.outcome, VAULT_WAS_REJECTED);
	assert_int_equal(state_of(n), HELD_REJECTED);
	assert_int_equal(told_record().verdict, MAIL_REFUSED);
	assert_non_null(strstr(told_record().reason, "held-rejected: held message 1, rejected by "
						     "tanaka: because"));
	assert_int_equal(vault_reject(store, n, &who, &told), -EALREADY);
}

static void each_recipient_has_his_fate(void **state)
{
	(void)state;
	uint64_t n = hold(1, "a");
	struct vault_fate fates[] = { { 1, 250, "250 ok" },
				      { 0, 450, "450 later" },
				      { 1, 550, "550 no" } };
	struct held_meta meta;
	release(n, 1001, "tanaka", 10);
	assert_int_equal(tried(store, n, NULL, 0, "no connection", 20 * SECOND, &told), 0);
	assert_int_equal(told.word.outcome, VAULT_WAS_TRIED);
	assert_int_equal(held_store_find(store, n)->next_us, (20 + VAULT_PAUSE_FIRST) * SECOND);
	assert_int_equal(tried(store, n, fates, 3, "", 100 * SECOND, &told), 0);
	assert_int_equal(told.word.outcome, VAULT_WAS_TRIED);
	assert_int_equal(held_store_find(store, n)->next_us,
			 (100 + 2 * VAULT_PAUSE_FIRST) * SECOND);
	fates[0] = (struct vault_fate){ 1, 250, "250 at last" }; // the one that was left
	assert_int_equal(tried(store, n, fates, 1, "", 300 * SECOND, &told), 0);
	assert_int_equal(told.word.outcome, VAULT_WAS_DELIVERED);
	assert_int_equal(state_of(n), HELD_DELIVERED);
	assert_int_equal(told_record().verdict, MAIL_PASSED);
	assert_non_null(strstr(told_record().reason, "1 of 3 refused: 550 no"));
	assert_int_equal(held_store_read(store, n, &meta), 0);
	assert_string_equal(meta.fates[1].reply, "250 at last");
	assert_int_equal(meta.tries, 3);
	held_meta_done(&meta);
	assert_int_equal(tried(store, n, fates, 1, "", 400 * SECOND, &told), -EALREADY);
}

static void pauses_grow_and_end(void **state)
{
	(void)state;
	uint64_t n = hold(1, "a"), last = 0;
	release(n, 1001, "tanaka", 10);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(tried(store, n, NULL, 0, "x", SECOND, &told), 0);
		uint64_t pause = held_store_find(store, n)->next_us - SECOND;
		assert_true(pause >= last && pause <= (uint64_t)VAULT_PAUSE_MAX * SECOND);
		last = pause;
	}
	assert_int_equal(last, (uint64_t)VAULT_PAUSE_MAX * SECOND);
	assert_int_equal(vault_expire(store, n, 2 * SECOND, &told), 0);
	assert_int_equal(told.word.outcome, VAULT_WAS_EXPIRED);
	assert_int_equal(state_of(n), HELD_EXPIRED);
	assert_non_null(strstr(told_record().reason, "held-expired: held message 1, released"));
}

#define STORED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORED(however_it_is_cut_it_is_kept),
		STORED(what_is_not_whole_is_not_kept),
		STORED(nonsense_is_answered),
		cmocka_unit_test(words_of_the_answer),
		STORED(what_is_shown),
		STORED(how_many_wait),
		STORED(two_persons),
		STORED(one_rejects),
		STORED(each_recipient_has_his_fate),
		STORED(pauses_grow_and_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
