// The store of incidents: whole or not at all, a timeline that survives a torn line and a full
// disk, numbers that go on; and its readers against bytes of anyone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <json-c/json.h>

#include "keep/incident.h"

struct bed {
	char path[64];
	int fd;
};

static int open_bed(void **state)
{
	static struct bed bed;
	strcpy(bed.path, "/tmp/sekisho-incident.XXXXXX");
	if (!mkdtemp(bed.path))
		return -1;
	bed.fd = open(bed.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &bed;
	return bed.fd < 0 ? -1 : 0;
}

static int close_bed(void **state)
{
	struct bed *bed = *state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", bed->path);
	close(bed->fd);
	return system(command) == 0 ? 0 : -1;
}

static const char *const zones[] = { "office", "dmz" };
static const struct incident_what what = {
	.kind = INCIDENT_ISOLATE,
	.scope = "zone",
	.subject = "office",
	.zones = zones,
	.n_zones = 2,
	.actor = "tanaka",
	.uid = 1001,
	.login_uid = INCIDENT_NO_LOGIN,
	.reason = "不審な通信 \"x\"\n二行目",
	.own_judgment = true,
	.time_usec = 1795709669255822,
};

static int store(const struct bed *bed, uint64_t number)
{
	const struct incident_box box = { .host = "gw1", .version = "0", .generation = 7 };
	struct incident_record record;
	incident_record_make(number, &what, &box, &record);
	int r = incident_store(bed->fd, &record);
	incident_record_done(&record);
	return r;
}

static size_t steps_of(const struct bed *bed, uint64_t number, size_t *ret_torn)
{
	struct incident incident;
	assert_int_equal(incident_read(bed->fd, number, &incident), 0);
	size_t n = json_object_array_length(incident.steps);
	*ret_torn = incident.torn;
	incident_done(&incident);
	return n;
}

static void kept_as_given(void **state)
{
	const struct bed *bed = *state;
	struct incident incident;
	uint64_t last = 99;
	assert_int_equal(incident_last(bed->fd, &last), 0);
	assert_int_equal(last, 0);
	assert_int_equal(store(bed, 1), 0);
	assert_int_equal(store(bed, 1), -EEXIST);
	assert_int_equal(incident_last(bed->fd, &last), 0);
	assert_int_equal(last, 1);
	assert_int_equal(incident_read(bed->fd, 1, &incident), 0);
	assert_string_equal(incident_text(incident.about, "kind"), "isolate");
	assert_string_equal(incident_text(incident.about, "reason"), what.reason);
	assert_string_equal(incident_text(incident.about, "actor"), "tanaka");
	assert_int_equal(incident_number(incident.about, "usec"), what.time_usec);
	assert_int_equal(json_object_array_length(incident.steps), 1);
	assert_false(incident_is_closed(&incident));
	incident_done(&incident);
	assert_int_equal(incident_read(bed->fd, 2, &incident), -ENOENT);
	assert_int_equal(incident_read(bed->fd, 0, &incident), -ENOENT);
}

static void steps_add_up(void **state)
{
	const struct bed *bed = *state;
	const struct incident_step note = { .kind = INCIDENT_NOTED,
					    .actor = "sato",
					    .text = "電話済" };
	const struct incident_step closed = {
		.kind = INCIDENT_CLOSED,
		.actor = "sato",
		.text = "done",
		.prevention = "patch",
	};
	struct incident incident;
	assert_int_equal(incident_append(bed->fd, 1, &note), -ENOENT);
	assert_int_equal(store(bed, 1), 0);
	assert_int_equal(incident_append(bed->fd, 1, &note), 0);
	assert_int_equal(incident_append(bed->fd, 1, &closed), 0);
	assert_int_equal(incident_read(bed->fd, 1, &incident), 0);
	assert_int_equal(json_object_array_length(incident.steps), 3);
	assert_true(incident_is_closed(&incident));
	assert_string_equal(
		incident_text(json_object_array_get_idx(incident.steps, 2), "prevention"), "patch");
	incident_done(&incident);
}

// A power cut in the middle of a line: that step is gone, those before and after are there.
static void torn_line(void **state)
{
	const struct bed *bed = *state;
	const struct incident_step note = { .kind = INCIDENT_NOTED, .text = "after" };
	char path[128];
	struct stat st;
	size_t torn;
	assert_int_equal(store(bed, 1), 0);
	assert_int_equal(incident_append(bed->fd, 1, &note), 0);
	snprintf(path, sizeof(path), "%s/1/timeline.jsonl", bed->path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 5), 0);
	assert_int_equal(steps_of(bed, 1, &torn), 1);
	assert_int_equal(torn, 1);
	assert_int_equal(incident_append(bed->fd, 1, &note), 0);
	assert_int_equal(steps_of(bed, 1, &torn), 2);
	assert_int_equal(torn, 1);
}

// Runs this program again with SEKISHO_FAULT (it is read at the start); its exit status, or -1 when
// it was killed.
static int with_fault(const struct bed *bed, const char *fault, const char *job)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		setenv("SEKISHO_FAULT", fault, 1);
		execl("/proc/self/exe", "keep_incident", job, bed->path, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int do_job(const char *job, const char *path)
{
	const struct incident_step note = { .kind = INCIDENT_NOTED, .text = "lost" };
	struct bed bed = { .fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	return (!strcmp(job, "store") ? store(&bed, 2) : incident_append(bed.fd, 1, &note)) < 0;
}

static void crash_at_every_step(void **state)
{
	static const struct {
		const char *fault;
		bool there; // incident 2 afterwards
	} rows[] = {
		{ "incident-made", false },
		{ "incident-about", false },
		{ "incident-store=ENOSPC", false },
		{ "incident-linked", true },
	};
	const struct bed *bed = *state;
	uint64_t last;
	assert_int_equal(store(bed, 1), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_not_equal(with_fault(bed, rows[i].fault, "store"), 0);
		assert_int_equal(incident_last(bed->fd, &last), 0);
		assert_int_equal(last, rows[i].there ? 2 : 1);
	}
	assert_int_equal(store(bed, 3), 0); // what a crash left is no hindrance
}

static void full_disk_leaves_nothing(void **state)
{
	const struct bed *bed = *state;
	size_t torn;
	assert_int_equal(store(bed, 1), 0);
	assert_int_equal(with_fault(bed, "incident-append=ENOSPC", "note"), 1);
	assert_int_equal(steps_of(bed, 1, &torn), 1);
	assert_int_equal(torn, 0);
	assert_int_equal(with_fault(bed, "incident-step", "note"), -1);
	assert_int_equal(steps_of(bed, 1, &torn), 2); // killed after it was on the disk
}

static void about_of_anyone(void **state)
{
	static const struct {
		const char *bytes;
		bool fine;
	} rows[] = {
		{ "{\"number\":1,\"usec\":5,\"kind\":\"isolate\"}", true },
		{ "{\"number\":1,\"usec\":5,\"kind\":\"isolate\"}\n \n", true },
		{ "{\"number\":1,\"usec\":5,\"kind\":\"else\"}", false },
		{ "{\"number\":0,\"usec\":5,\"kind\":\"isolate\"}", false },
		{ "{\"number\":-1,\"usec\":5,\"kind\":\"isolate\"}", false },
		{ "{\"number\":1000000000,\"usec\":5,\"kind\":\"isolate\"}", false },
		{ "{\"number\":\"1\",\"usec\":5,\"kind\":\"isolate\"}", false },
		{ "{\"number\":1,\"kind\":\"isolate\"}", false },
		{ "{\"number\":1,\"usec\":5,\"kind\":7}", false },
		{ "{\"number\":1,\"usec\":5,\"kind\":\"isolate\"} x", false },
		{ "[]", false },
		{ "null", false },
		{ "", false },
		{ "{", false },
		{ "{\"number\":1,\"usec\":5,\"kind\":\"isolate\",\"a\":[[[[[[[[[[]]]]]]]]]]}",
		  false },
		{ "{\"number\":1,\"usec\":5,\"kind\":\"isolate\",\"a\":\"\xff\"}", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_object *about = NULL;
		int r = incident_parse_about(rows[i].bytes, strlen(rows[i].bytes), &about);
		if ((r == 0) != rows[i].fine)
			fail_msg("%s: %d", rows[i].bytes, r);
		json_object_put(about);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return do_job(argv[1], argv[2]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kept_as_given, open_bed, close_bed),
		cmocka_unit_test_setup_teardown(steps_add_up, open_bed, close_bed),
		cmocka_unit_test_setup_teardown(torn_line, open_bed, close_bed),
		cmocka_unit_test_setup_teardown(crash_at_every_step, open_bed, close_bed),
		cmocka_unit_test_setup_teardown(full_disk_leaves_nothing, open_bed, close_bed),
		cmocka_unit_test(about_of_anyone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
