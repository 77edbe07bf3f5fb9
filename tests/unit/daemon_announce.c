// Words to terminals: each that utmp names gets them once, and one that takes nothing costs
// nothing.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utmp.h>
#include <utmpx.h>
#include <cmocka.h>

#include "daemon/announce.h"

static char utmp_path[] = "/tmp/sekisho-utmp-XXXXXX";
static int masters[2], slaves[2];

static void log_in(const char *line, short type)
{
	struct utmpx entry = { .ut_type = type, .ut_pid = getpid() };
	snprintf(entry.ut_id, sizeof(entry.ut_id), "%s", line + 4);
	memcpy(entry.ut_line, line, strlen(line));
	strcpy(entry.ut_user, "somebody");
	setutxent();
	assert_non_null(pututxline(&entry));
	endutxent();
}

static int setup(void **state)
{
	(void)state;
	int fd = mkstemp(utmp_path);
	if (fd < 0 || utmpname(utmp_path) < 0)
		return -1;
	close(fd);
	for (int i = 0; i < 2; i++) {
		char name[64];
		if (openpty(&masters[i], &slaves[i], name, NULL, NULL) < 0)
			return -1;
		fcntl(masters[i], F_SETFL, O_NONBLOCK);
		log_in(name + strlen("/dev/"), USER_PROCESS);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		close(masters[i]);
		close(slaves[i]);
	}
	unlink(utmp_path);
	return 0;
}

static void told(void **state)
{
	char text[1024];
	(void)state;
	assert_true(announce("generation %d waits", 7) >= 2);
	for (int i = 0; i < 2; i++) {
		ssize_t n = read(masters[i], text, sizeof(text) - 1);
		assert_true(n > 0);
		text[n] = '\0';
		assert_non_null(strstr(text, "Sekisho"));
		assert_non_null(strstr(text, "generation 7 waits"));
		assert_true(read(masters[i], text, sizeof(text)) < 0); // once
	}
}

static void names_that_lead_elsewhere(void **state)
{
	(void)state;
	log_in("../etc/passwd", USER_PROCESS);
	log_in("null", USER_PROCESS);
	log_in("pts/../../etc/group", USER_PROCESS);
	log_in("nonexistent", USER_PROCESS);
	assert_true(announce("x") >= 2);
}

// A terminal that nobody reads fills up; the announcement goes on.
static void one_that_takes_nothing(void **state)
{
	char filler[4096];
	char text[4096];
	(void)state;
	memset(filler, 'x', sizeof(filler));
	fcntl(slaves[0], F_SETFL, O_NONBLOCK);
	while (write(slaves[0], filler, sizeof(filler)) > 0)
		;
	while (read(masters[1], text, sizeof(text)) > 0)
		;
	announce("still told");
	ssize_t n = read(masters[1], text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "still told"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told),
		cmocka_unit_test(names_that_lead_elsewhere),
		cmocka_unit_test(one_that_takes_nothing),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
