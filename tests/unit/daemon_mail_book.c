// The book of mail as a process: every record that was sent is written or counted as lost,
// whoever is killed, whatever the disk says and whatever an inspector sends.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "daemon/mail_book.h"
#include "daemon/sandbox.h"

enum { NOBODY = 65534, WAIT_MS = 60000, KILLS = 5 };

static char folder[64], log_folder[80], file[128];
static int state_fd;
static uint64_t told_lost;
static char told_why[128];
static unsigned told_damaged, told_changed;

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/daemon_mail_book.XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(log_folder, sizeof(log_folder), "%s/log", folder);
	snprintf(file, sizeof(file), "%s/mail/" MAIL_BOOK_FILE, log_folder);
	state_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(state_fd >= 0);
	told_lost = told_damaged = told_changed = 0;
	told_why[0] = '\0';
	unsetenv("SEKISHO_FAULT");
	return 0;
}

static int teardown(void **state)
{
	char command[128];
	(void)state;
	close(state_fd);
	unsetenv("SEKISHO_FAULT");
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void on_lost(void *arg, uint64_t records, const char *why)
{
	(void)arg;
	told_lost += records;
	snprintf(told_why, sizeof(told_why), "%s", why);
}

static void on_damaged(void *arg)
{
	(void)arg;
	told_damaged++;
}

static void on_changed(void *arg)
{
	(void)arg;
	told_changed++;
}

static struct mail_book *start_it(void)
{
	const struct mail_book_options options = {
		.log = log_folder,
		.uid = NOBODY,
		.gid = NOBODY,
		.state_fd = state_fd,
		.changed = on_changed,
		.lost = on_lost,
		.damaged = on_damaged,
	};
	struct mail_book *book;
	struct failure failure;
	assert_int_equal(mail_book_start(NULL, &options, &failure, &book), 0);
	return book;
}

static struct mail_book_numbers numbers(const struct mail_book *book)
{
	struct mail_book_numbers numbers;
	mail_book_numbers(book, &numbers);
	return numbers;
}

static bool send_one(const struct mail_book *book, uint64_t number)
{
	static struct mail_recipient recipient;
	static uint8_t wire[MAIL_WIRE_MAX];
	struct mail_record record = {
		.began_us = number,
		.ended_us = number,
		.flow = "mail-in",
		.sender = "tanaka@example.net",
		.recipients = &recipient,
		.n_recipients = 1,
	};
	snprintf(recipient.address, sizeof(recipient.address), "u%llu@example.jp",
		 (unsigned long long)number);
	size_t size = mail_wire_pack(&record, wire);
	return send(mail_book_writer_fd(book), wire, size, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	       (ssize_t)size;
}

static uint64_t send_many(const struct mail_book *book, uint64_t n)
{
	uint64_t sent = 0;
	for (uint64_t i = 0; i < n; i++)
		sent += send_one(book, i);
	return sent;
}

// Until so many were written, lost or refused.
static void settle(struct mail_book *book, uint64_t records)
{
	uint64_t until = monotonic_ms() + WAIT_MS;
	for (;;) {
		struct mail_book_numbers now = numbers(book);
		if (now.written + now.lost + now.refused >= records)
			return;
		assert_true(monotonic_ms() < until);
		mail_book_tend(book);
		usleep(5000);
	}
}

// Until its process is another than that one, and has given a sign of life.
static void await_restart(struct mail_book *book, uint64_t restarts)
{
	uint64_t start = monotonic_ms();
	while (numbers(book).restarts == restarts) {
		assert_true(monotonic_ms() < start + WAIT_MS);
		usleep(250 * 1000); // as the event loop does
		mail_book_tend(book);
	}
}

static int count_one(void *arg, const struct mail_stored *stored)
{
	(void)stored;
	++*(uint64_t *)arg;
	return 0;
}

static uint64_t in_file(void)
{
	struct mail_store *store;
	struct mail_query query = { .verdict = -1 };
	struct mail_key key = { { 0 } };
	uint64_t n = 0;
	int r = mail_store_open_read(file, &key, &store);
	if (r == -ENOENT)
		return 0;
	assert_int_equal(r, 0);
	assert_int_equal(mail_store_find(store, &query, count_one, &n), 0);
	mail_store_close(store);
	return n;
}

static void writes(void **state)
{
	struct mail_book *book = start_it();
	(void)state;
	assert_int_equal(send_many(book, 2500), 2500);
	settle(book, 2500);
	assert_int_equal(numbers(book).written, 2500);
	for (int i = 0; i < WAIT_MS / 10 && numbers(book).records != 2500; i++) {
		usleep(10 * 1000); // it counts its file after it has written
		mail_book_tend(book);
	}
	assert_int_equal(numbers(book).records, 2500);
	assert_int_equal(in_file(), 2500);
	// What waits is written before the end.
	assert_int_equal(send_many(book, 700), 700);
	mail_book_stop(book);
	assert_int_equal(in_file(), 3200);
	assert_int_equal(told_lost, 0);
}

static bool says(int pid, const char *line)
{
	char path[32], text[256];
	bool found = false;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	while (fgets(text, sizeof(text), in))
		found |= strcmp(text, line) == 0;
	fclose(in);
	return found;
}

static void without_rights(void **state)
{
	struct mail_book *book = start_it();
	struct stat st;
	int pid = numbers(book).pid;
	(void)state;
	send_one(book, 1);
	settle(book, 1);
	assert_true(says(pid, "CapEff:\t0000000000000000\n"));
	assert_true(says(pid, "NoNewPrivs:\t1\n"));
	if (geteuid() == 0) {
		assert_true(says(pid, "Uid:\t65534\t65534\t65534\t65534\n"));
		assert_int_equal(stat(file, &st), 0);
		assert_int_equal(st.st_uid, NOBODY);
		assert_int_equal(st.st_mode & 077, 0);
	}
	assert_true(SANDBOX_WITHOUT_FILTER || says(pid, "Seccomp:\t2\n"));
	mail_book_stop(book);
}

static void killed(void **state)
{
	struct mail_book *book = start_it();
	uint64_t sent = 0;
	(void)state;
	sent += send_many(book, 100);
	settle(book, sent);
	for (int i = 0; i < KILLS; i++) {
		uint64_t restarts = numbers(book).restarts;
		sent += send_many(book, 1500);
		usleep((useconds_t)(i * 20 * 1000));
		kill(numbers(book).pid, SIGKILL);
		sent += send_many(book, 500); // these wait in the socket
		await_restart(book, restarts);
	}
	// Killed in the call that takes a record out of the socket, it has not counted this one.
	settle(book, sent - KILLS);
	struct mail_book_numbers now = numbers(book);
	assert_true(now.written + now.lost <= sent);
	assert_int_equal(now.restarts, KILLS);
	assert_true(now.written >= 100 + KILLS * 500 - KILLS);
	mail_book_stop(book);
	// A batch may be in the file and its number not yet on the page: counted as lost, and not.
	assert_true(in_file() >= now.written && in_file() <= sent);
	assert_int_equal(told_lost, now.lost);
}

static void socket_full(void **state)
{
	struct mail_book *book = start_it();
	uint64_t sent;
	(void)state;
	send_one(book, 0);
	settle(book, 1);
	kill(numbers(book).pid, SIGSTOP);
	sent = send_many(book, 100 * 1000);
	assert_true(sent > 1000 && sent < 100 * 1000);
	mail_book_count_lost(book, 100 * 1000 - sent);
	kill(numbers(book).pid, SIGCONT);
	settle(book, 100 * 1000 + 1);
	assert_int_equal(numbers(book).written, sent + 1);
	mail_book_tend(book);
	assert_int_equal(told_lost, 100 * 1000 - sent);
	mail_book_stop(book);
}

static void disk_full(void **state)
{
	uint64_t until = monotonic_ms() + WAIT_MS;
	setenv("SEKISHO_FAULT", "mail-write=ENOSPC", 1);
	struct mail_book *book = start_it();
	(void)state;
	unsetenv("SEKISHO_FAULT");
	assert_int_equal(send_many(book, 20), 20);
	while (mail_book_error(book) == 0 && monotonic_ms() < until) {
		usleep(10000);
		mail_book_tend(book);
	}
	assert_int_equal(mail_book_error(book), -ENOSPC);
	assert_int_equal(numbers(book).written, 0);
	assert_true(told_changed > 0);
	kill(numbers(book).pid, SIGKILL);
	await_restart(book, 0);
	assert_int_equal(send_many(book, 5), 5);
	settle(book, 25);
	mail_book_tend(book);
	assert_int_equal(mail_book_error(book), 0);
	assert_int_equal(numbers(book).written, 5);
	assert_int_equal(told_lost, 20);
	mail_book_stop(book);
}

// What could not be written for a while is written when it can be.
static void disk_full_for_a_while(void **state)
{
	setenv("SEKISHO_FAULT", "mail-write:1=ENOSPC,mail-write:2=EIO", 1);
	struct mail_book *book = start_it();
	(void)state;
	unsetenv("SEKISHO_FAULT");
	assert_int_equal(send_many(book, 20), 20);
	settle(book, 20);
	assert_int_equal(numbers(book).written, 20);
	mail_book_stop(book);
	assert_int_equal(in_file(), 20);
}

static void hostile(void **state)
{
	struct mail_book *book = start_it();
	static uint8_t nonsense[MAIL_WIRE_MAX + 100];
	int fd = mail_book_writer_fd(book);
	(void)state;
	memset(nonsense, 0xa5, sizeof(nonsense));
	const size_t sizes[] = {
		1, 111, 112, 5000, MAIL_WIRE_MAX, MAIL_WIRE_MAX + 1, sizeof(nonsense)
	};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_int_equal(send(fd, nonsense, sizes[i], MSG_DONTWAIT), sizes[i]);
	send_one(book, 1);
	settle(book, 8);
	mail_book_tend(book);
	assert_int_equal(numbers(book).written, 1);
	assert_int_equal(numbers(book).refused, 7);
	mail_book_stop(book);
	assert_string_equal(told_why, "they made no sense");
	assert_int_equal(told_lost, 7);
}

static void socket_ended(void **state)
{
	struct mail_book *book = start_it();
	(void)state;
	send_one(book, 1);
	settle(book, 1);
	shutdown(mail_book_writer_fd(book), SHUT_RDWR);
	assert_false(send_one(book, 2));
	kill(numbers(book).pid, SIGKILL);
	await_restart(book, 0);
	assert_true(send_one(book, 3));
	settle(book, 2);
	assert_int_equal(numbers(book).written, 2);
	mail_book_stop(book);
}

static void damaged(void **state)
{
	char command[256];
	struct mail_book *book = start_it();
	(void)state;
	send_one(book, 1);
	settle(book, 1);
	mail_book_stop(book);
	snprintf(command, sizeof(command), "yes damaged | head -c 100000 > %s; rm -f %s-*", file,
		 file);
	assert_int_equal(system(command), 0);
	book = start_it();
	send_one(book, 2);
	settle(book, 1);
	mail_book_tend(book);
	assert_int_equal(told_damaged, 1);
	assert_int_equal(mail_book_error(book), 0);
	mail_book_stop(book);
	assert_int_equal(in_file(), 1);
	snprintf(command, sizeof(command), "ls %s.damaged-* >/dev/null", file);
	assert_int_equal(system(command), 0);
}

static void limits(void **state)
{
	struct mail_book *book = start_it();
	const struct mail_limits few = { .records_max = 10, .hash_addresses = true };
	uint64_t until = monotonic_ms() + WAIT_MS;
	(void)state;
	send_many(book, 2000);
	settle(book, 2000);
	mail_book_set_limits(book, &few);
	while (numbers(book).records != 10 && monotonic_ms() < until)
		usleep(10000);
	assert_int_equal(numbers(book).records, 10);
	assert_int_equal(in_file(), 10);
	// A book that is started again has them too.
	kill(numbers(book).pid, SIGKILL);
	await_restart(book, 0);
	send_many(book, 15);
	settle(book, 2015);
	until = monotonic_ms() + WAIT_MS;
	while (numbers(book).records != 10 && monotonic_ms() < until)
		usleep(10000);
	assert_int_equal(in_file(), 10);
	mail_book_stop(book);
}

static void hangs(void **state)
{
	struct mail_book *book = start_it();
	uint64_t until = monotonic_ms() + 3 * WAIT_MS;
	(void)state;
	send_one(book, 1);
	settle(book, 1);
	kill(numbers(book).pid, SIGSTOP);
	while (numbers(book).restarts == 0 && monotonic_ms() < until) {
		mail_book_tend(book);
		usleep(100 * 1000);
	}
	assert_int_equal(numbers(book).restarts, 1);
	send_one(book, 2);
	settle(book, 2);
	mail_book_tend(book);
	assert_int_equal(mail_book_error(book), 0);
	mail_book_stop(book);
	assert_int_equal(in_file(), 2);
}

// One writes after the other: a book whose gate was killed, and the next gate's.
static void gate_killed(void **state)
{
	(void)state;
	pid_t gate = fork();
	if (gate == 0) {
		struct mail_book *book = start_it();
		send_many(book, 1000);
		kill(getpid(), SIGKILL);
	}
	assert_true(gate > 0);
	waitpid(gate, NULL, 0);
	struct mail_book *book = start_it();
	send_many(book, 10);
	settle(book, 10);
	mail_book_stop(book);
	uint64_t until = monotonic_ms() + WAIT_MS;
	while (in_file() != 1010 && monotonic_ms() < until)
		usleep(10000);
	assert_int_equal(in_file(), 1010);
	usleep(100 * 1000); // the other one closes its files
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], MAIL_BOOK_ARGUMENT) == 0)
		return mail_book_main();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes, setup, teardown),
		cmocka_unit_test_setup_teardown(without_rights, setup, teardown),
		cmocka_unit_test_setup_teardown(killed, setup, teardown),
		cmocka_unit_test_setup_teardown(socket_full, setup, teardown),
		cmocka_unit_test_setup_teardown(disk_full, setup, teardown),
		cmocka_unit_test_setup_teardown(disk_full_for_a_while, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(socket_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(limits, setup, teardown),
		cmocka_unit_test_setup_teardown(hangs, setup, teardown),
		cmocka_unit_test_setup_teardown(gate_killed, setup, teardown),
	};
	return cmocka_run_group_tests_name("daemon_mail_book", tests, NULL, NULL);
}
