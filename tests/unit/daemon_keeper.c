// The keeper as a process: nothing acknowledged is lost and nothing is there twice, whoever is
// killed and whatever the disk says.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/journal.h"
#include "daemon/keeper.h"
#include "keep/segment.h"
#include "keep/verify_folder.h"

enum { NOBODY = 65534, WAIT_MS = 10000 };

static char folder[64], log_folder[80];
static int state_fd, dir_fd;
static char trouble_text[AUDIT_TROUBLE_MAX];

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/daemon_keeper.XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(log_folder, sizeof(log_folder), "%s/log", folder);
	state_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(state_fd >= 0);
	dir_fd = -1;
	trouble_text[0] = '\0';
	unsetenv("SEKISHO_FAULT");
	return 0;
}

static int teardown(void **state)
{
	char command[128];
	(void)state;
	close(state_fd);
	if (dir_fd >= 0)
		close(dir_fd);
	unsetenv("SEKISHO_FAULT");
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void on_trouble(void *arg, const char *text)
{
	(void)arg;
	snprintf(trouble_text, sizeof(trouble_text), "%s", text);
}

static struct keeper *start_it(void)
{
	const struct keeper_options options = {
		.folder = log_folder,
		.uid = NOBODY,
		.gid = NOBODY,
		.state_fd = state_fd,
		.trouble = on_trouble,
	};
	struct keeper *keeper;
	struct failure failure;
	assert_int_equal(keeper_start(NULL, &options, &failure, &keeper), 0);
	return keeper;
}

static bool put(struct keeper *keeper, uint64_t number)
{
	char body[256];
	int n = snprintf(body, sizeof(body),
			 "\"time\":\"2026-11-26T14:00:00.000001+09:00\",\"event\":\"applied\","
			 "\"flows\":%llu}",
			 (unsigned long long)number);
	return keeper_put(keeper, EVENT_APPLIED, body, (size_t)n);
}

static void put_many(struct keeper *keeper, uint64_t first, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		assert_true(put(keeper, first + i));
}

static int open_log_folder(void)
{
	char path[128];
	if (dir_fd < 0) {
		snprintf(path, sizeof(path), "%s/audit", log_folder);
		dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(dir_fd >= 0);
	}
	return dir_fd;
}

// The events on the disk: how many, and whether they are 1, 2, 3 ... in this order.
static uint64_t on_disk(void)
{
	struct segment_list list;
	uint64_t n = 0;
	assert_int_equal(segment_list(open_log_folder(), &list), 0);
	for (size_t i = 0; i < list.n; i++) {
		struct segment_lines lines;
		struct segment_line line;
		char name[SEGMENT_NAME_MAX];
		segment_name(list.v[i], name);
		int fd = openat(dir_fd, name, O_RDONLY);
		assert_int_equal(segment_lines_init(&lines, fd), 0);
		while (segment_lines_next(&lines, &line) > 0) {
			uint64_t number = chain_number(line.text, line.length, "flows");
			if (number && number != n + 1)
				fail_msg("event %llu stands after %llu", (unsigned long long)number,
					 (unsigned long long)n);
			n += number != 0;
		}
		segment_lines_done(&lines);
		close(fd);
	}
	segment_list_done(&list);
	return n;
}

static void print_finding(void *arg, const struct verify_finding *finding)
{
	(void)arg;
	print_message("%s:%llu: %s\n", finding->file, (unsigned long long)finding->line,
		      finding->text);
}

static uint64_t faults(void)
{
	struct key_public keys[VERIFY_KEYS_MAX];
	struct verify verify = { .keys = keys, .each = print_finding };
	verify.n_keys = verify_keys(open_log_folder(), keys);
	assert_int_equal(verify_folder(dir_fd, &verify), 0);
	return verify_end(&verify);
}

static int pid_of(const struct keeper *keeper)
{
	struct keeper_numbers numbers;
	keeper_numbers(keeper, &numbers);
	return numbers.pid;
}

// The keeper says so within ten seconds, however busy the machine is.
static void says(struct keeper *keeper, int expected)
{
	int r = keeper_ask(keeper);
	for (int i = 0; i < 100 && r != expected; i++) {
		usleep(100 * 1000);
		r = keeper_ask(keeper);
	}
	assert_int_equal(r, expected);
}

static void writes_and_signs(void **state)
{
	struct keeper *keeper = start_it();
	struct keeper_numbers numbers;
	struct stat st;
	(void)state;
	put_many(keeper, 1, 5000);
	assert_int_equal(keeper_flush(keeper, WAIT_MS), 0);
	says(keeper, 0);
	assert_int_equal(on_disk(), 5000);
	keeper_numbers(keeper, &numbers);
	assert_int_equal(numbers.durable, 5000);
	assert_true(numbers.checkpoint.seq > 0);
	keeper_stop(keeper);
	assert_int_equal(faults(), 0);
	assert_int_equal(fstat(open_log_folder(), &st), 0);
	if (geteuid() == 0)
		assert_int_equal(st.st_uid, NOBODY);
	// The next daemon goes on where this one ended.
	keeper = start_it();
	put_many(keeper, 5001, 10);
	keeper_stop(keeper);
	assert_int_equal(on_disk(), 5010);
	assert_int_equal(faults(), 0);
	assert_string_equal(trouble_text, "");
}

static unsigned seed_of_run(void)
{
	const char *given = getenv("SEKISHO_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	print_message("seed %u (SEKISHO_SEED)\n", seed);
	return seed;
}

static void keeper_killed(void **state)
{
	struct keeper *keeper = start_it();
	unsigned seed = seed_of_run();
	uint64_t n = 0;
	(void)state;
	for (int round = 0; round < 12; round++) {
		int burst = rand_r(&seed) % 400;
		put_many(keeper, n + 1, (uint64_t)burst);
		n += (uint64_t)burst;
		usleep((unsigned)rand_r(&seed) % 3000);
		if (round % 3 == 0)
			keeper_ask(keeper);
		if (pid_of(keeper) > 0)
			kill(pid_of(keeper), SIGKILL);
		if (round % 4 == 0)
			assert_int_equal(keeper_flush(keeper, WAIT_MS), 0);
	}
	assert_int_equal(keeper_flush(keeper, WAIT_MS), 0);
	keeper_stop(keeper);
	assert_int_equal(on_disk(), n);
	assert_int_equal(faults(), 0);
}

// Waits until the keeper of a gate that was killed has ended: it holds the folder's lock.
static void wait_for_lock(void)
{
	int fd = openat(open_log_folder(), ".", O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	close(fd);
}

static void gate_killed(void **state)
{
	unsigned seed = seed_of_run();
	uint64_t *durable =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t before = 0;
	(void)state;
	for (int round = 0; round < 8; round++) {
		*durable = before;
		pid_t pid = fork();
		if (pid == 0) {
			struct keeper *keeper = start_it();
			struct keeper_numbers numbers;
			for (uint64_t i = before + 1;; i++) {
				put(keeper, i);
				if (i % 7 == 0)
					keeper_flush(keeper, WAIT_MS);
				keeper_numbers(keeper, &numbers);
				__atomic_store_n(durable, before + numbers.durable,
						 __ATOMIC_SEQ_CST);
			}
		}
		while (__atomic_load_n(durable, __ATOMIC_SEQ_CST) == before)
			usleep(500);
		usleep((unsigned)rand_r(&seed) % 20000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		wait_for_lock();
		uint64_t there = on_disk();
		if (there < *durable)
			fail_msg("%llu were acknowledged, %llu are there",
				 (unsigned long long)*durable, (unsigned long long)there);
		before = there;
	}
	assert_int_equal(faults(), 0);
	munmap(durable, 4096);
}

static const char *const failing[] = {
	"audit-write:2=EIO", "audit-write:1=ENOSPC", "audit-sync:2=EIO", "audit-sync:1=EIO",
	"audit-written:2",   "audit-synced:2",	     "audit-opened:1",	 "audit-synced:1",
};

static void disk_that_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(failing) / sizeof(failing[0]); i++) {
		void *none = NULL;
		setup(&none);
		setenv("SEKISHO_FAULT", failing[i], 1);
		struct keeper *keeper = start_it();
		for (uint64_t n = 0; n < 20; n++) {
			put_many(keeper, n * 50 + 1, 50);
			keeper_ask(keeper);
			unsetenv("SEKISHO_FAULT"); // the next keeper finds a sound disk
		}
		assert_int_equal(keeper_flush(keeper, WAIT_MS), 0);
		keeper_stop(keeper);
		if (on_disk() != 1000)
			fail_msg("%s: %llu of 1000", failing[i], (unsigned long long)on_disk());
		assert_int_equal(faults(), 0);
		teardown(&none);
	}
	setup(state);
}

static void disk_full(void **state)
{
	struct keeper_numbers numbers;
	uint64_t n = 0;
	(void)state;
	setenv("SEKISHO_FAULT", "audit-write=ENOSPC", 1);
	struct keeper *keeper = start_it();
	says(keeper, -ENOSPC);
	while (put(keeper, n + 1))
		n++;
	says(keeper, -ENOSPC);
	assert_int_equal(keeper_flush(keeper, WAIT_MS), -ENOSPC);
	keeper_numbers(keeper, &numbers);
	assert_int_equal(numbers.waiting, n);
	assert_int_equal(numbers.lost, 1);
	assert_int_equal(keeper_lost(keeper), 1);
	unsetenv("SEKISHO_FAULT");
	kill(pid_of(keeper), SIGKILL);
	assert_int_equal(keeper_flush(keeper, WAIT_MS), 0);
	says(keeper, 0);
	keeper_stop(keeper);
	assert_int_equal(on_disk(), n);
	assert_int_equal(faults(), 0);
}

static uint64_t count_kind(const char *kind, uint64_t *ret_sum)
{
	struct segment_list list;
	uint64_t n = 0;
	*ret_sum = 0;
	assert_int_equal(segment_list(open_log_folder(), &list), 0);
	for (size_t i = 0; i < list.n; i++) {
		struct segment_lines lines;
		struct segment_line line;
		char name[SEGMENT_NAME_MAX];
		segment_name(list.v[i], name);
		int fd = openat(dir_fd, name, O_RDONLY);
		assert_int_equal(segment_lines_init(&lines, fd), 0);
		while (segment_lines_next(&lines, &line) > 0) {
			const char *event;
			size_t length;
			if (!chain_member(line.text, line.length, "event", &event, &length) ||
			    length != strlen(kind) || memcmp(event, kind, length) != 0)
				continue;
			n++;
			*ret_sum += chain_number(line.text, line.length, "count");
		}
		segment_lines_done(&lines);
		close(fd);
	}
	segment_list_done(&list);
	return n;
}

// Through the journal: what had no room is told, to the last event.
static void gap_is_counted(void **state)
{
	enum { EVENTS = 60000 };
	struct journal *journal;
	struct keeper_numbers numbers;
	uint64_t sum;
	(void)state;
	setenv("SEKISHO_FAULT", "audit-write=ENOSPC", 1);
	struct keeper *keeper = start_it();
	assert_int_equal(journal_open("/dev/null", &journal), 0);
	journal_keep(journal, keeper);
	for (int i = 0; i < EVENTS; i++) {
		struct event event;
		char text[400];
		event_init(&event, EVENT_APPLIED, journal_now_usec());
		memset(text, 'x', sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		event_text(&event, EVENT_MESSAGE, text);
		journal_write(journal, &event);
	}
	keeper_numbers(keeper, &numbers);
	assert_true(numbers.lost > 1000);
	assert_true(keeper_lost(keeper) > 1000);
	unsetenv("SEKISHO_FAULT");
	kill(pid_of(keeper), SIGKILL);
	assert_int_equal(journal_flush(journal, WAIT_MS), 0);
	struct event last;
	event_init(&last, EVENT_STARTED, journal_now_usec());
	journal_write(journal, &last);
	assert_int_equal(journal_flush(journal, WAIT_MS), 0);
	assert_int_equal(keeper_lost(keeper), 0);
	journal_keep(journal, NULL);
	journal_close(journal);
	keeper_stop(keeper);
	uint64_t applied = count_kind("applied", &sum);
	assert_true(count_kind("record-gap", &sum) > 0);
	assert_int_equal(applied + sum, EVENTS);
	assert_int_equal(faults(), 0);
}

static void packets_leave_room_for_persons(void **state)
{
	static const char body[] = "\"time\":\"t\",\"event\":\"packet-denied\",\"flow\":\"x\"}";
	uint64_t packets = 0, others = 0;
	(void)state;
	setenv("SEKISHO_FAULT", "audit-write=ENOSPC", 1);
	struct keeper *keeper = start_it();
	while (keeper_put(keeper, EVENT_PACKET_DENIED, body, sizeof(body) - 1))
		packets++;
	while (put(keeper, others + 1))
		others++;
	assert_true(packets > 100000);
	assert_true(others > 5000);
	unsetenv("SEKISHO_FAULT");
	kill(pid_of(keeper), SIGKILL);
	assert_int_equal(keeper_flush(keeper, WAIT_MS), 0);
	keeper_stop(keeper);
	assert_int_equal(on_disk(), others);
}

// --- what is done to the files while the keeper writes

static void file_path(const char *name, char out[128])
{
	snprintf(out, 128, "%s/audit/%s", log_folder, name);
}

static void remove_file(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static void swap_file(const char *path)
{
	char other[160];
	snprintf(other, sizeof(other), "%s.other", path);
	FILE *out = fopen(other, "w");
	fputs("{}\n", out);
	fclose(out);
	assert_int_equal(rename(other, path), 0);
}

static void cut_file(const char *path)
{
	assert_int_equal(truncate(path, 2000), 0);
}

static void add_to_file(const char *path)
{
	FILE *out = fopen(path, "a");
	fputs("{\"seq\":3,\"event\":\"nothing\"}\n", out);
	fclose(out);
}

static const struct {
	void (*act)(const char *path);
	bool is_saved; // the records are written back
} acts[] = {
	{ remove_file, true },
	{ swap_file, true },
	{ cut_file, false },
	{ add_to_file, false },
};

static void files_under_the_writer(void **state)
{
	char path[128];
	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		void *none = NULL;
		setup(&none);
		struct keeper *keeper = start_it();
		put_many(keeper, 1, 50);
		assert_int_equal(keeper_flush(keeper, WAIT_MS), 0);
		file_path("00000001.jsonl", path);
		acts[i].act(path);
		put_many(keeper, 51, 50);
		assert_int_equal(keeper_flush(keeper, WAIT_MS), 0);
		assert_string_not_equal(trouble_text, "");
		keeper_stop(keeper);
		file_path("00000002.jsonl", path);
		assert_int_equal(access(path, F_OK), 0);
		if (acts[i].is_saved) {
			assert_int_equal(on_disk(), 100);
			assert_int_equal(faults(), 0);
		} else {
			assert_true(faults() > 0);
		}
		teardown(&none);
	}
	setup(state);
}

// The end of the log cut off while no daemon ran.
static void end_gone_between(void **state)
{
	char path[128];
	struct keeper *keeper = start_it();
	(void)state;
	put_many(keeper, 1, 50);
	keeper_stop(keeper);
	file_path("00000001.jsonl", path);
	cut_file(path);
	keeper = start_it();
	put_many(keeper, 51, 10);
	assert_int_equal(keeper_flush(keeper, WAIT_MS), 0);
	assert_string_not_equal(trouble_text, "");
	keeper_stop(keeper);
	assert_true(faults() > 0);
}

static void half_a_record_is_cut(void **state)
{
	char path[128];
	struct keeper *keeper = start_it();
	(void)state;
	put_many(keeper, 1, 50);
	keeper_stop(keeper);
	file_path("00000001.jsonl", path);
	FILE *out = fopen(path, "a");
	fputs("{\"seq\":99,\"time\":\"2026", out);
	fclose(out);
	keeper = start_it();
	put_many(keeper, 51, 50);
	keeper_stop(keeper);
	assert_int_equal(on_disk(), 100);
	assert_int_equal(faults(), 0);
	assert_string_equal(trouble_text, "");
}

static void hangs(void **state)
{
	struct keeper *keeper = start_it();
	(void)state;
	says(keeper, 0);
	kill(pid_of(keeper), SIGSTOP);
	put_many(keeper, 1, 10);
	says(keeper, -ETIMEDOUT);
	kill(pid_of(keeper), SIGCONT);
	assert_int_equal(keeper_flush(keeper, WAIT_MS), 0);
	says(keeper, 0);
	keeper_stop(keeper);
	assert_int_equal(on_disk(), 10);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], KEEPER_ARGUMENT) == 0)
		return keeper_main();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes_and_signs, setup, teardown),
		cmocka_unit_test_setup_teardown(keeper_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(gate_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(disk_that_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(disk_full, setup, teardown),
		cmocka_unit_test_setup_teardown(gap_is_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(packets_leave_room_for_persons, setup, teardown),
		cmocka_unit_test_setup_teardown(files_under_the_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(end_gone_between, setup, teardown),
		cmocka_unit_test_setup_teardown(half_a_record_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(hangs, setup, teardown),
	};
	return cmocka_run_group_tests_name("daemon_keeper", tests, NULL, NULL);
}
