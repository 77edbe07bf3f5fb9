// Held messages on the disk: what comes back is what was given, and nothing else does; what a crash
// leaves; what has room; the same message once more.
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
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keep/held_store.h"

static char folder[] = "/tmp/keep_held.XXXXXX";
static int dir_fd;
static const struct held_key key = { { 1, 2, 3 } }, other_key = { { 3, 2, 1 } };

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder + sizeof("/tmp/keep_held.") - 1, "XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0;
}

static int remove_folder(void **state)
{
	(void)state;
	DIR *dir = opendir(folder);
	struct dirent *file;
	while (dir && (file = readdir(dir)))
		unlinkat(dir_fd, file->d_name, 0);
	if (dir)
		closedir(dir);
	close(dir_fd);
	return rmdir(folder);
}

static size_t count_files(const char *ending)
{
	DIR *dir = opendir(folder);
	struct dirent *file;
	size_t n = 0;
	while ((file = readdir(dir))) {
		size_t length = strlen(file->d_name), end = strlen(ending);
		n += length > end && strcmp(file->d_name + length - end, ending) == 0;
	}
	closedir(dir);
	return n;
}

// --- bodies

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static void write_body(int fd, size_t size, struct held_sum *ret)
{
	struct held_body *body;
	uint8_t piece[999];
	assert_int_equal(held_body_new(&key, fd, &body), 0);
	for (size_t at = 0; at < size;) {
		size_t n = size - at < sizeof(piece) ? size - at : sizeof(piece);
		for (size_t i = 0; i < n; i++)
			piece[i] = pattern(at + i);
		assert_int_equal(held_body_add(body, piece, n), 0);
		at += n;
	}
	assert_int_equal(held_body_end(body, ret), 0);
	held_body_free(body);
}

static int memory(void)
{
	int fd = memfd_create("held", MFD_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static const size_t sizes[] = {
	0, 1, 999, HELD_CHUNK - 1, HELD_CHUNK, HELD_CHUNK + 1, 2 * HELD_CHUNK, 3 * HELD_CHUNK + 5
};
enum { N_SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void a_body_comes_back(void **state)
{
	(void)state;
	for (size_t k = 0; k < N_SIZES; k++) {
		int fd = memory(), to = memory();
		struct held_sum sum;
		write_body(fd, sizes[k], &sum);
		assert_int_equal(sum.size, sizes[k]);
		assert_int_equal(held_body_read(&key, fd, &sum, to), 0);
		assert_int_equal(lseek(to, 0, SEEK_END), sizes[k]);
		for (size_t i = 0; i < sizes[k]; i++) {
			uint8_t byte;
			assert_int_equal(pread(to, &byte, 1, (off_t)i), 1);
			assert_int_equal(byte, pattern(i));
		}
		close(fd);
		close(to);
	}
}

static bool reads(const struct held_key *with, int fd, const struct held_sum *sum)
{
	int to = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int r = held_body_read(with, fd, sum, to);
	close(to);
	assert_true(r == 0 || r == -EBADMSG);
	return r == 0;
}

static void a_changed_body_does_not(void **state)
{
	(void)state;
	struct held_sum sum, wrong;
	int fd = memory(), other = memory();
	write_body(fd, 2 * HELD_CHUNK + 100, &sum);
	const off_t size = lseek(fd, 0, SEEK_END);
	assert_true(reads(&key, fd, &sum));
	assert_false(reads(&other_key, fd, &sum));
	wrong = sum;
	wrong.size++;
	assert_false(reads(&key, fd, &wrong));
	wrong = sum;
	wrong.sha256[3] ^= 1;
	assert_false(reads(&key, fd, &wrong));
	wrong = sum;
	wrong.id[3] ^= 1;
	assert_false(reads(&key, fd, &wrong));
	for (off_t at = 0; at < size; at += at < 64 || at > size - 64 ? 1 : 4099) {
		uint8_t byte;
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x20;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_false(reads(&key, fd, &sum));
		byte ^= 0x20;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_true(reads(&key, fd, &sum));
	const off_t cuts[] = { 0,	7, 31, 32, 32 + HELD_CHUNK + 17, 32 + 2 * (HELD_CHUNK + 17),
			       size - 1 };
	for (size_t i = sizeof(cuts) / sizeof(cuts[0]); i-- > 0;) {
		assert_int_equal(ftruncate(fd, cuts[i]), 0);
		assert_false(reads(&key, fd, &sum));
	}
	write_body(other, 2 * HELD_CHUNK + 100, &wrong); // the same content, another body
	assert_false(reads(&key, other, &sum));
	assert_int_equal(pwrite(other, "x", 1, lseek(other, 0, SEEK_END)), 1);
	assert_false(reads(&key, other, &wrong));
	close(fd);
	close(other);
}

// --- envelopes

static size_t envelope_of(const char *guard, const char *to, uint32_t most, uint8_t *out)
{
	static uint8_t record[MAIL_WIRE_MAX];
	char lines[200];
	const struct mail_record what = {
		.client = { ADDR_V4, 0x0a000001 },
		.server = { ADDR_V4, 0xc0000219 },
		.flow = "mail-out",
		.guard = guard,
		.verdict = MAIL_HELD,
		.reason = "held: kept",
	};
	int n = snprintf(lines, sizeof(lines), "<a@city.example.jp>%c<%s>", 0, to) + 1;
	const struct held_envelope envelope = {
		.keep_seconds = 100,
		.persons = 2,
		.messages_max = most,
		.bytes_max = 1000,
		.record = record,
		.record_size = mail_wire_pack(&what, record),
		.lines = lines,
		.lines_size = (size_t)n,
		.n_lines = 2,
	};
	size_t size = held_wire_pack(&envelope, out, HELD_WIRE_MAX);
	assert_true(size > 0);
	return size;
}

// A heading is texts of UTF-8, each with its NUL; without it an envelope is as sound.
static void headings(void **state)
{
	(void)state;
	static uint8_t wire[HELD_WIRE_MAX], again[HELD_WIRE_MAX];
	static char long_one[HELD_HEADING_MAX + 1], many[2 * (HELD_HEADING_LINES_MAX + 1)];
	struct held_envelope envelope, read;
	memset(long_one, 'a', HELD_HEADING_MAX);
	for (size_t i = 0; i < sizeof(many); i += 2)
		many[i] = 'a';
	const struct {
		const char *heading;
		size_t size;
		bool sound;
	} rows[] = {
		{ "Subject: 計画", sizeof("Subject: 計画"), true },
		{ "a\0b", 4, true },
		{ many, 2 * HELD_HEADING_LINES_MAX, true },
		{ many, sizeof(many), false },
		{ long_one + 1, HELD_HEADING_MAX, true },
		{ long_one, HELD_HEADING_MAX + 1, false },
		{ "ab", 2, false },
		{ "a\0", 3, false }, // an empty one
		{ "a\x1b", 3, false },
		{ "a\xff", 3, false },
	};
	size_t n = envelope_of("mail", "x@other.example", 3, wire);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(held_wire_unpack(wire, n, &envelope), 0);
		assert_int_equal(envelope.heading_size, 0);
		envelope.heading = rows[i].heading;
		envelope.heading_size = rows[i].size;
		size_t size = held_wire_pack(&envelope, again, sizeof(again));
		assert_int_equal(size, rows[i].sound ? n + rows[i].size : 0);
		if (!size) { // as somebody says it who does not pack it with us
			memcpy(again, wire, n);
			memcpy(again + n, rows[i].heading, rows[i].size);
			assert_int_equal(held_wire_unpack(again, n + rows[i].size, &read),
					 -EBADMSG);
			continue;
		}
		assert_int_equal(held_wire_unpack(again, size, &read), 0);
		assert_int_equal(read.heading_size, rows[i].size);
		assert_memory_equal(read.heading, rows[i].heading, rows[i].size);
	}
}

struct given {
	int r;
	enum held_answer answer;
	uint64_t number;
	bool fresh;
};

static struct given give(struct held_store *store, const char *guard, const char *to,
			 const char *text, uint64_t now_us)
{
	static uint8_t wire[HELD_WIRE_MAX];
	struct held_coming *coming;
	struct given given = { 0 };
	size_t n = envelope_of(guard, to, 3, wire);
	assert_int_equal(held_coming_new(store, &coming), 0);
	assert_int_equal(held_coming_add(coming, (const uint8_t *)text, strlen(text)), 0);
	given.r = held_coming_keep(coming, wire, n, now_us, &given.answer, &given.number,
				   &given.fresh);
	held_coming_free(coming);
	return given;
}

static struct held_store *open_store(void)
{
	struct held_store *store;
	assert_int_equal(held_store_open(dir_fd, &key, &store), 0);
	return store;
}

static void decide(struct held_store *store, uint64_t number, enum held_state to)
{
	struct held_meta meta;
	assert_int_equal(held_store_read(store, number, &meta), 0);
	meta.state = to;
	meta.ended_us = 500;
	strcpy(meta.decided.name, "tanaka");
	strcpy(meta.fates[0].reply, "250 ok");
	meta.fates[0].done = true;
	assert_int_equal(held_store_write(store, &meta), 0);
	held_meta_done(&meta);
}

static void a_message_is_there_after_a_restart(void **state)
{
	(void)state;
	struct held_store *store = open_store();
	struct given given = give(store, "mail", "b@other.example", "Subject: secret\r\n", 100);
	struct held_meta meta;
	char text[64] = "";
	int to = memory();
	assert_int_equal(given.r, 0);
	assert_true(given.fresh && given.answer == HELD_KEPT && given.number == 1);
	held_store_close(store);
	store = open_store();
	assert_int_equal(held_store_read(store, 1, &meta), 0);
	assert_int_equal(meta.state, HELD_WAITS);
	assert_int_equal(meta.held_us, 100);
	assert_int_equal(meta.expires_us, 100 + 100 * 1000000);
	assert_string_equal(meta.envelope.lines, "<a@city.example.jp>");
	assert_string_equal(held_meta_line(&meta, 0), "<b@other.example>");
	assert_int_equal(held_store_copy(store, &meta, to), 0);
	assert_int_equal(pread(to, text, sizeof(text) - 1, 0), 17);
	assert_string_equal(text, "Subject: secret\r\n");
	held_meta_done(&meta);
	decide(store, 1, HELD_DELIVERED);
	assert_int_equal(count_files(".mail"), 0);
	held_store_close(store);
	store = open_store();
	assert_int_equal(held_store_read(store, 1, &meta), 0);
	assert_int_equal(meta.state, HELD_DELIVERED);
	assert_string_equal(meta.decided.name, "tanaka");
	assert_true(meta.fates[0].done);
	assert_string_equal(meta.fates[0].reply, "250 ok");
	held_meta_done(&meta);
	held_store_close(store);
	close(to);
}

static void the_same_once_more(void **state)
{
	(void)state;
	struct held_store *store = open_store();
	struct given one = give(store, "mail", "b@other.example", "text\r\n", 100);
	struct given again = give(store, "mail", "b@other.example", "text\r\n", 200);
	struct given else_text = give(store, "mail", "b@other.example", "text\n", 200);
	struct given else_to = give(store, "mail", "c@other.example", "text\r\n", 200);
	assert_true(one.r == 0 && again.r == 0 && one.number == again.number && !again.fresh);
	assert_true(else_text.fresh && else_to.fresh && else_text.number != else_to.number);
	assert_int_equal(count_files(".mail"), 3);
	decide(store, one.number, HELD_RELEASED);
	again = give(store, "mail", "b@other.example", "text\r\n", 300);
	assert_true(!again.fresh && again.answer == HELD_CAME_DELIVERED);
	decide(store, one.number, HELD_DELIVERED);
	again = give(store, "mail", "b@other.example", "text\r\n", 300);
	assert_true(!again.fresh && again.answer == HELD_CAME_DELIVERED);
	decide(store, one.number, HELD_REJECTED);
	again = give(store, "mail", "b@other.example", "text\r\n", 300);
	assert_true(!again.fresh && again.answer == HELD_CAME_REJECTED);
	decide(store, one.number, HELD_EXPIRED); // nobody has said anything of it
	again = give(store, "mail", "b@other.example", "text\r\n", 300);
	assert_true(again.r == 0 && again.fresh);
	held_store_close(store);
}

static void what_has_room(void **state)
{
	(void)state;
	char large[999] = "";
	struct held_store *store = open_store();
	memset(large, 'x', sizeof(large) - 1);
	for (int i = 0; i < 3; i++) {
		char text[] = { (char)('a' + i), '\0' };
		assert_int_equal(give(store, "mail", "b@o.example", text, 1).r, 0);
	}
	assert_int_equal(give(store, "mail", "b@o.example", "d", 1).r, -ENOSPC);
	assert_int_equal(give(store, "other", "b@o.example", "d", 1).r, 0);
	assert_int_equal(give(store, "other", "b@o.example", large, 1).r, 0); // 1 + 998 of 1000
	assert_int_equal(give(store, "other", "b@o.example", "ef", 1).r, -ENOSPC);
	decide(store, 1, HELD_REJECTED);
	assert_int_equal(give(store, "mail", "b@o.example", "d", 1).r, 0);
	assert_int_equal(count_files(".mail"), 5);
	held_store_close(store);
}

static void what_is_over_goes(void **state)
{
	(void)state;
	struct held_store *store = open_store();
	const uint64_t second = 1000000;
	size_t n;
	give(store, "mail", "b@o.example", "a", 0);
	give(store, "mail", "b@o.example", "b", 50 * second);
	assert_int_equal(held_store_expired(store, 0, 99 * second), 0);
	assert_int_equal(held_store_expired(store, 0, 100 * second), 1);
	assert_int_equal(held_store_expired(store, 1, 100 * second), 0);
	decide(store, 1, HELD_EXPIRED);
	assert_int_equal(held_store_expired(store, 0, 100 * second), 0);
	assert_int_equal(count_files(".mail"), 1);
	held_store_forget(store, HELD_REMEMBERED_SECONDS * second);
	assert_int_equal(count_files(".meta"), 2);
	held_store_forget(store, (HELD_REMEMBERED_SECONDS + 1) * second);
	assert_int_equal(count_files(".meta"), 1);
	held_store_entries(store, &n);
	assert_int_equal(n, 1);
	held_store_close(store);
	store = open_store(); // no number is given twice
	decide(store, 2, HELD_EXPIRED);
	held_store_forget(store, (HELD_REMEMBERED_SECONDS + 1) * second);
	held_store_close(store);
	store = open_store();
	assert_true(give(store, "mail", "b@o.example", "a", 0).number > 2);
	held_store_close(store);
}

static void touch(const char *name)
{
	int fd = openat(dir_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void what_a_crash_leaves_goes(void **state)
{
	(void)state;
	struct held_store *store = open_store();
	size_t n;
	give(store, "mail", "b@o.example", "a", 0);
	held_store_close(store);
	touch(".coming-3");
	touch("7.mail"); // without what is known of it
	touch("9.meta"); // damaged
	store = open_store();
	held_store_entries(store, &n);
	assert_int_equal(n, 1);
	assert_int_equal(held_store_damaged(store), 1);
	assert_int_equal(count_files(".mail"), 1);
	assert_int_equal(faccessat(dir_fd, ".coming-3", F_OK, 0), -1);
	assert_true(give(store, "mail", "b@o.example", "c", 0).number > 9);
	held_store_close(store);
}

static void one_that_is_not_kept_leaves_nothing(void **state)
{
	(void)state;
	struct held_store *store = open_store();
	struct held_coming *coming;
	assert_int_equal(held_coming_new(store, &coming), 0);
	assert_int_equal(held_coming_add(coming, (const uint8_t *)"secret", 6), 0);
	held_coming_free(coming);
	struct given given;
	assert_int_equal(held_coming_new(store, &coming), 0);
	assert_int_equal(held_coming_keep(coming, (const uint8_t *)"x", 1, 0, &given.answer,
					  &given.number, &given.fresh),
			 -EBADMSG);
	held_coming_free(coming);
	held_store_close(store);
	assert_int_equal(count_files("0") + count_files("1") + count_files(".mail"), 0);
}

static void no_other_key_opens_it(void **state)
{
	(void)state;
	struct held_store *store = open_store();
	size_t n;
	give(store, "mail", "b@o.example", "a", 0);
	held_store_close(store);
	assert_int_equal(held_store_open(dir_fd, &other_key, &store), 0);
	held_store_entries(store, &n);
	assert_int_equal(n, 0);
	assert_int_equal(held_store_damaged(store), 1);
	assert_int_equal(count_files(".mail"), 1); // the right key may come back
	held_store_close(store);
	assert_int_equal(renameat(dir_fd, "1.meta", dir_fd, "5.meta"), 0);
	assert_int_equal(renameat(dir_fd, "1.mail", dir_fd, "5.mail"), 0);
	store = open_store(); // another number's
	assert_int_equal(held_store_damaged(store), 1);
	held_store_close(store);
}

static void nothing_of_it_is_readable(void **state)
{
	(void)state;
	struct held_store *store = open_store();
	static const char *const files[] = { "1.mail", "1.meta" };
	give(store, "mail", "bureau@other.example", "Subject: 重要性Ⅰ plan\r\n", 0);
	held_store_close(store);
	for (size_t i = 0; i < 2; i++) {
		static char bytes[HELD_META_MAX];
		int fd = openat(dir_fd, files[i], O_RDONLY | O_CLOEXEC);
		struct stat st;
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		ssize_t size = read(fd, bytes, sizeof(bytes));
		close(fd);
		assert_true(size > 0);
		assert_null(memmem(bytes, (size_t)size, "重要性", 9));
		assert_null(memmem(bytes, (size_t)size, "bureau", 6));
		assert_null(memmem(bytes, (size_t)size, "mail-out", 8));
	}
}

#define STORED(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_comes_back),
		cmocka_unit_test(headings),
		cmocka_unit_test(a_changed_body_does_not),
		STORED(a_message_is_there_after_a_restart),
		STORED(the_same_once_more),
		STORED(what_has_room),
		STORED(what_is_over_goes),
		STORED(what_a_crash_leaves_goes),
		STORED(one_that_is_not_kept_leaves_nothing),
		STORED(no_other_key_opens_it),
		STORED(nothing_of_it_is_readable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
