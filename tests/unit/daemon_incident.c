// What the gate makes of its incidents: while one is open, the audit log is held.
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
#include <unistd.h>

#include "daemon/incident.h"

enum { DAY = 24 * 3600 };

// With its evidence, so that nobody goes to gather it.
static void store(int fd, uint64_t number, uint64_t seconds)
{
	const struct incident_what what = { .kind = INCIDENT_BY_HAND,
					    .reason = "test",
					    .time_usec = seconds * 1000000 };
	const struct incident_step evidence = { .kind = INCIDENT_EVIDENCE, .text = "none" };
	const struct incident_box box = { .host = "gw1" };
	struct incident_record record;
	incident_record_make(number, &what, &box, &record);
	assert_int_equal(incident_store(fd, &record), 0);
	incident_record_done(&record);
	assert_int_equal(incident_append(fd, number, &evidence), 0);
}

static void open_ones_hold_the_log(void **state)
{
	const struct incident_step closed = { .kind = INCIDENT_CLOSED, .text = "done" };
	char path[] = "/tmp/sekisho-incidents.XXXXXX", day[11] = "", command[64];
	struct gate gate = { .state_fd = -1 };
	sd_event *event;
	(void)state;
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	assert_non_null(mkdtemp(path));
	gate.state_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(gate.state_fd, "incidents", 0700), 0);
	assert_int_equal(journal_open("/dev/null", &gate.journal), 0);
	assert_true(sd_event_new(&event) >= 0);
	assert_false(incidents_hold(&gate, day));
	assert_int_equal(incidents_open(&gate, event), 0);
	assert_false(incidents_hold(&gate, day));
	// 00:30 in Japan on the 27th is the day before elsewhere.
	store(incidents_folder(&gate), 1, 1795707000);
	store(incidents_folder(&gate), 2, 1795707000 + 3 * DAY);
	assert_true(incidents_hold(&gate, day));
	assert_string_equal(day, "2026-11-26");
	assert_int_equal(incident_step(&gate, 1, &closed), 0);
	assert_true(incidents_hold(&gate, day));
	assert_string_equal(day, "2026-11-29");
	assert_int_equal(incident_step(&gate, 1, &closed), -EALREADY);
	assert_int_equal(incident_step(&gate, 2, &closed), 0);
	assert_false(incidents_hold(&gate, day));
	incidents_close(&gate);
	journal_close(gate.journal);
	sd_event_unref(event);
	close(gate.state_fd);
	snprintf(command, sizeof(command), "rm -rf %s", path);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(open_ones_hold_the_log) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
