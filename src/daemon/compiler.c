// The gate's side: start, read the pipe, end the child, whatever it did.
#include "daemon/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/report.h"

enum { CHILD_SNAPSHOT = 3, CHILD_REPORT = 4 };

struct compiler {
	pid_t pid;
	int pipe;
	sd_event_source *readable, *timer;
	uint8_t *bytes;
	size_t size, cap;
	compiler_done *done;
	void *arg;
};

static void run_child(int snapshot_fd, int report_fd, const struct compiler_command *command)
{
	static char name[] = "sekishod", argument[] = COMPILER_ARGUMENT;
	char *const own_argv[] = { name, argument, NULL };
	char *const environment[] = { NULL };
	sigset_t none;
	// First out of the way of 3 and 4, then onto them.
	int snapshot = fcntl(snapshot_fd, F_DUPFD, 10), report = fcntl(report_fd, F_DUPFD, 10);
	int null = open("/dev/null", O_RDWR);
	if (snapshot < 0 || report < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(snapshot, CHILD_SNAPSHOT) < 0 || dup2(report, CHILD_REPORT) < 0 ||
	    syscall(SYS_close_range, CHILD_REPORT + 1, ~0U, 0) < 0)
		_exit(126);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (command && command->path)
		execve(command->path, command->argv, environment);
	else
		execve("/proc/self/exe", own_argv, environment);
	_exit(127);
}

static void end_child(struct compiler *compiler)
{
	if (compiler->pid <= 0)
		return;
	// Without CAP_KILL another user's process cannot be ended: then it is not waited for
	// either.
	bool killed = kill(compiler->pid, SIGKILL) == 0;
	while (waitpid(compiler->pid, NULL, killed ? 0 : WNOHANG) < 0 && errno == EINTR)
		;
	compiler->pid = 0;
}

void compiler_cancel(struct compiler *compiler)
{
	if (!compiler)
		return;
	end_child(compiler);
	sd_event_source_disable_unref(compiler->readable);
	sd_event_source_disable_unref(compiler->timer);
	if (compiler->pipe >= 0)
		close(compiler->pipe);
	free(compiler->bytes);
	free(compiler);
}

static void finish(struct compiler *compiler, const struct failure *failure)
{
	compiler_done *done = compiler->done;
	void *arg = compiler->arg;
	uint8_t *bytes = failure ? NULL : compiler->bytes;
	size_t size = compiler->size;
	if (!failure)
		compiler->bytes = NULL;
	compiler_cancel(compiler);
	done(arg, bytes, size, failure);
}

static void fail(struct compiler *compiler, const char *what)
{
	struct failure failure;
	failure_set(&failure, SK_COMPILER_FAILED, 0, "the policy compiler %s", what);
	finish(compiler, &failure);
}

// How the child ended, if it does so by itself soon; 0 when it had to be made to.
static int last_status(struct compiler *compiler)
{
	int status = 0;
	for (int i = 0; i < 50; i++) {
		if (waitpid(compiler->pid, &status, WNOHANG) != 0) {
			compiler->pid = 0;
			return status;
		}
		usleep(2000);
	}
	end_child(compiler);
	return 0;
}

// The pipe's other end is closed: the child has said all it will, or died.
static void at_end(struct compiler *compiler)
{
	struct failure failure;
	int status = last_status(compiler);
	if (status == 0) { // what it said is judged by whoever reads it
		finish(compiler, NULL);
		return;
	}
	if (WIFSIGNALED(status))
		failure_set(&failure, SK_COMPILER_FAILED, 0,
			    "the policy compiler was ended by signal %d (%s)", WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
	else
		failure_set(&failure, SK_COMPILER_FAILED, 0,
			    "the policy compiler ended with status %d", WEXITSTATUS(status));
	finish(compiler, &failure);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct compiler *compiler = arg;
	(void)source;
	(void)events;
	if (compiler->cap - compiler->size < 65536) {
		size_t cap = compiler->cap ? compiler->cap * 2 : 1 << 18;
		uint8_t *bytes = realloc(compiler->bytes, cap);
		if (!bytes) {
			fail(compiler, "made a report that no memory is left for");
			return 0;
		}
		compiler->bytes = bytes;
		compiler->cap = cap;
	}
	ssize_t n = read(fd, compiler->bytes + compiler->size, compiler->cap - compiler->size);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0) {
		fail(compiler, "cannot be heard");
	} else if (n == 0) {
		at_end(compiler);
	} else if ((compiler->size += (size_t)n) > REPORT_BYTES_MAX) {
		fail(compiler, "made a report without end");
	}
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)source;
	(void)usec;
	fail(arg, "took too long");
	return 0;
}

static int fork_child(struct compiler *compiler, int snapshot_fd,
		      const struct compiler_command *command)
{
	int pipes[2];
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	fcntl(pipes[0], F_SETPIPE_SZ, 1 << 20);
	compiler->pipe = pipes[0];
	compiler->pid = fork();
	if (compiler->pid == 0)
		run_child(snapshot_fd, pipes[1], command);
	int r = compiler->pid < 0 ? -errno : 0;
	close(pipes[1]);
	if (r == 0 && fcntl(pipes[0], F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	return r;
}

int compiler_start(sd_event *event, int snapshot_fd, const struct compiler_command *command,
		   compiler_done *done, void *arg, struct compiler **ret_compiler)
{
	struct compiler *compiler = calloc(1, sizeof(*compiler));
	uint64_t timeout_us = COMPILER_TIMEOUT_MS * 1000ULL;
	if (!compiler)
		return -ENOMEM;
	if (command && command->timeout_ms)
		timeout_us = command->timeout_ms * 1000ULL;
	compiler->pipe = -1;
	compiler->done = done;
	compiler->arg = arg;
	int r = fork_child(compiler, snapshot_fd, command);
	if (r == 0)
		r = sd_event_add_io(event, &compiler->readable, compiler->pipe, EPOLLIN,
				    on_readable, compiler);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &compiler->timer, CLOCK_MONOTONIC, timeout_us,
					       0, on_timeout, compiler);
	if (r < 0) {
		compiler_cancel(compiler);
		return r;
	}
	*ret_compiler = compiler;
	return 0;
}
