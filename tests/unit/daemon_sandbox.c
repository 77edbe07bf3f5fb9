// The sandbox: what is left of a process in it, and what ends it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/sandbox.h"

enum { NOBODY = 65534 };

static int do_open(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static int do_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int do_fork(void)
{
	return fork();
}

static int do_exec(void)
{
	return execl("/bin/true", "true", NULL);
}

static int do_kill(void)
{
	return kill(getppid(), 0);
}

static int do_trace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int do_setuid(void)
{
	return setuid(0);
}

static int do_dup(void)
{
	return dup(2);
}

static int do_memfd(void)
{
	return memfd_create("x", 0);
}

static int do_mkdir(void)
{
	return mkdir("/tmp/sekisho-sandbox", 0700);
}

static int do_unshare(void)
{
	return (int)syscall(SYS_unshare, 0);
}

static int do_prctl(void)
{
	return (int)syscall(SYS_prctl, 4, 1, 0, 0, 0);
}

static const struct {
	const char *what;
	int (*act)(void);
} forbidden[] = {
	{ "open", do_open },	 { "socket", do_socket },   { "fork", do_fork },
	{ "exec", do_exec },	 { "kill", do_kill },	    { "ptrace", do_trace },
	{ "setuid", do_setuid }, { "dup", do_dup },	    { "memfd", do_memfd },
	{ "mkdir", do_mkdir },	 { "unshare", do_unshare }, { "prctl", do_prctl },
};

static int status_in(int (*enter)(uint32_t uid, uint32_t gid), int (*act)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		if (enter(NOBODY, NOBODY) < 0)
			_exit(99);
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int status_of(int (*act)(void))
{
	return status_in(sandbox_enter, act);
}

static void what_ends_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		int status = status_of(forbidden[i].act);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %x", forbidden[i].what, status);
	}
}

static int work(void)
{
	char *memory = malloc(8 << 20), byte;
	memset(memory, 1, 8 << 20);
	bool fine = write(9, "x", 1) == 1 && !isatty(2);
	free(memory);
	_exit(fine && read(0, &byte, 0) <= 0 ? 42 : 1);
}

static void what_is_left(void **state)
{
	int pipes[2];
	char byte;
	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(dup2(pipes[1], 9), 9);
	int status = status_of(work);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	close(pipes[1]);
	close(9);
}

static int eat(void)
{
	for (size_t i = 0; i < 64; i++) {
		char *memory = mmap(NULL, 256 << 20, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (memory == MAP_FAILED)
			_exit(i < 13 ? 43 : 44);
	}
	_exit(0);
}

static void memory(void **state)
{
	(void)state;
	int status = status_of(eat);
	assert_int_equal(WEXITSTATUS(status), 43);
}

static int memory_file;

static int do_reopen(void)
{
	char path[64], byte;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory_file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	_exit(fd >= 0 && read(fd, &byte, 1) == 1 && byte == 'x' ? 42 : 1);
}

static int do_open_read(void) // Landlock says no, or, without it, the folder is anybody's to read
{
	_exit(open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ? 42 : 1);
}

static int do_open_write(void)
{
	return open("/tmp/sekisho-sandbox", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

// Nothing may be opened but what is open already.
static void the_reader(void **state)
{
	(void)state;
	memory_file = memfd_create("x", 0);
	assert_int_equal(write(memory_file, "x", 1), 1);
	assert_int_equal(WEXITSTATUS(status_in(sandbox_enter_reader, do_reopen)), 42);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0)
		assert_int_equal(WEXITSTATUS(status_in(sandbox_enter_reader, do_open_read)), 42);
	close(memory_file);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		int (*act)(void) = forbidden[i].act == do_open ? do_open_write : forbidden[i].act;
		int status = status_in(sandbox_enter_reader, act);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %x", forbidden[i].what, status);
	}
}

static int enter_extractor(uint32_t uid, uint32_t gid)
{
	return sandbox_enter_extractor(uid, gid, 64, 1);
}

static int do_open_refused(void)
{
	_exit(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? 42 : 1);
}

static int do_eat(void)
{
	_exit(malloc(128 << 20) ? 1 : 42);
}

static int do_spin(void)
{
	for (volatile uint64_t n = 1; n; n++)
		;
	return 0;
}

// Files are refused, not deadly; memory and time are what it was given.
static void the_extractor(void **state)
{
	(void)state;
	assert_int_equal(WEXITSTATUS(status_in(enter_extractor, do_open_refused)), 42);
	assert_int_equal(WEXITSTATUS(status_in(enter_extractor, do_eat)), 42);
	assert_true(WIFSIGNALED(status_in(enter_extractor, do_spin)));
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		if (forbidden[i].act == do_open)
			continue;
		int status = status_in(enter_extractor, forbidden[i].act);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %x", forbidden[i].what, status);
	}
}

static int seal_book(uint32_t uid, uint32_t gid)
{
	int r = sandbox_become(uid, gid);
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0)
		r = fd < 0 ? -1 : sandbox_seal_book(fd);
	return r;
}

static int do_open_inside(void)
{
	char path[] = "/tmp/sekisho-sandbox-book";
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_exit(fd >= 0 && unlink(path) == 0 ? 42 : 1);
}

// The book of mail has its folder and nothing else.
static void the_book(void **state)
{
	(void)state;
	assert_int_equal(WEXITSTATUS(status_in(seal_book, do_open_inside)), 42);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0)
		assert_int_equal(WEXITSTATUS(status_in(seal_book, do_open_read)), 42);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		if (forbidden[i].act == do_open)
			continue;
		int status = status_in(seal_book, forbidden[i].act);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %x", forbidden[i].what, status);
	}
}

static int given[2];

static int seal_inspector(uint32_t uid, uint32_t gid)
{
	int r = sandbox_become_inspector(uid, gid);
	return r < 0 ? r : sandbox_seal_inspector(64);
}

static int do_serve(void)
{
	const struct linger linger = { .l_onoff = 1 };
	char byte;
	bool fine = send(given[0], "x", 1, MSG_NOSIGNAL) == 1 && recv(given[1], &byte, 1, 0) == 1;
	fine = fine && setsockopt(given[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0;
	_exit(fine && shutdown(given[0], SHUT_WR) == 0 && recv(given[1], &byte, 1, 0) == 0 ? 42
											   : 1);
}

static int do_mark(void)
{
	const int mark = 1;
	return setsockopt(given[0], SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
}

static int do_connect(void)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	return connect(given[0], &nobody, sizeof(nobody));
}

static int do_fast_open(void)
{
	return (int)sendto(given[0], "x", 1, MSG_FASTOPEN, NULL, 0);
}

static int do_fast_open_message(void)
{
	const struct msghdr message = { 0 };
	return (int)sendmsg(given[0], &message, MSG_FASTOPEN);
}

// An inspector serves the sockets that it is given, and cannot make one connect anew.
static void the_inspector(void **state)
{
	static const struct {
		const char *what;
		int (*act)(void);
	} more[] = {
		{ "mark", do_mark },
		{ "connect", do_connect },
		{ "fast open", do_fast_open },
		{ "fast open by sendmsg", do_fast_open_message },
	};
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, given), 0);
	assert_int_equal(WEXITSTATUS(status_in(seal_inspector, do_serve)), 42);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		int status = status_in(seal_inspector, more[i].act);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %x", more[i].what, status);
	}
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		int status = status_in(seal_inspector, forbidden[i].act);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %x", forbidden[i].what, status);
	}
	close(given[0]);
	close(given[1]);
}

// The porter has CAP_NET_ADMIN: with a socket of netlink, or a raw one, it could do what it likes.
static int do_raw(void)
{
	return socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int do_packet(void)
{
	return socket(AF_PACKET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int do_shutdown(void)
{
	return shutdown(0, SHUT_RDWR);
}

static int do_peek(void)
{
	char byte;
	return (int)recv(0, &byte, 1, MSG_PEEK);
}

static int porters_sockets(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	const int on = 1;
	for (size_t i = 0; i < 2; i++) {
		int fd = socket(families[i], SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &on, sizeof(on)) < 0)
			_exit(1);
	}
	_exit(42);
}

static void what_a_porter_may(void **state)
{
	static const struct {
		const char *what;
		int (*act)(void);
	} more[] = {
		{ "a raw socket", do_raw },
		{ "a packet socket", do_packet },
		{ "shutdown", do_shutdown },
		{ "reading", do_peek },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		int status = status_in(sandbox_seal_porter, forbidden[i].act);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %x", forbidden[i].what, status);
	}
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		int status = status_in(sandbox_seal_porter, more[i].act);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %x", more[i].what, status);
	}
	int status = status_in(sandbox_seal_porter, porters_sockets);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_porter_may), cmocka_unit_test(what_ends_it),
		cmocka_unit_test(what_is_left),	     cmocka_unit_test(memory),
		cmocka_unit_test(the_reader),	     cmocka_unit_test(the_book),
		cmocka_unit_test(the_extractor),     cmocka_unit_test(the_inspector),
	};
	if (geteuid() != 0 || SANDBOX_WITHOUT_FILTER) {
		puts("skipped: needs root, and a build without address sanitizer");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
