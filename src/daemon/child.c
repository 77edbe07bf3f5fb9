// The gate's side: start, read the pipe, end the child, whatever it did.
#include "daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/reap.h"
#include "daemon/reborn.h"

struct child {
	pid_t pid;
	int pipe;
	sd_event_source *readable, *timer;
	uint8_t *bytes;
	size_t size, cap;
	const char *name;
	size_t bytes_max;
	child_done *done;
	void *arg;
};

_Static_assert((int)CHILD_FD_FIRST == REBORN_FD_FIRST && CHILD_FDS_MAX + 1 <= REBORN_FDS_MAX,
	       "the pipe comes after them");

static void run_child(int answer, const struct child_command *command)
{
	char name[] = "sekishod", argument[32];
	char *const own_argv[] = { name, argument, NULL };
	char *const environment[] = { NULL };
	int fds[CHILD_FDS_MAX + 1];
	snprintf(argument, sizeof(argument), "%s", command->argument);
	memcpy(fds, command->fds, command->n_fds * sizeof(fds[0]));
	fds[command->n_fds] = answer;
	reborn_take(fds, command->n_fds + 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (command->path)
		execve(command->path, command->argv, environment);
	else
		execve("/proc/self/exe", own_argv, environment);
	_exit(127);
}

static void end_child(struct child *child)
{
	if (child->pid <= 0)
		return;
	reap(child->pid);
	child->pid = 0;
}

void child_cancel(struct child *child)
{
	if (!child)
		return;
	end_child(child);
	sd_event_source_disable_unref(child->readable);
	sd_event_source_disable_unref(child->timer);
	if (child->pipe >= 0)
		close(child->pipe);
	free(child->bytes);
	free(child);
}

static void finish(struct child *child, const struct failure *failure)
{
	child_done *done = child->done;
	void *arg = child->arg;
	uint8_t *bytes = failure ? NULL : child->bytes;
	size_t size = child->size;
	if (!failure)
		child->bytes = NULL;
	child_cancel(child);
	done(arg, bytes, size, failure);
}

static void fail(struct child *child, const char *what)
{
	struct failure failure;
	failure_set(&failure, SK_COMPILER_FAILED, 0, "%s %s", child->name, what);
	finish(child, &failure);
}

// How the child ended, if it does so by itself soon; 0 when it had to be made to.
static int last_status(struct child *child)
{
	int status = 0;
	for (int i = 0; i < 50; i++) {
		if (waitpid(child->pid, &status, WNOHANG) != 0) {
			child->pid = 0;
			return status;
		}
		usleep(2000);
	}
	end_child(child);
	return 0;
}

// The pipe's other end is closed: the child has said all it will, or died.
static void at_end(struct child *child)
{
	struct failure failure;
	int status = last_status(child);
	if (status == 0) { // what it said is judged by whoever reads it
		finish(child, NULL);
		return;
	}
	if (WIFSIGNALED(status))
		failure_set(&failure, SK_COMPILER_FAILED, 0, "%s was ended by signal %d (%s)",
			    child->name, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		failure_set(&failure, SK_COMPILER_FAILED, 0, "%s ended with status %d", child->name,
			    WEXITSTATUS(status));
	finish(child, &failure);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct child *child = arg;
	(void)source;
	(void)events;
	if (child->cap - child->size < 65536) {
		size_t cap = child->cap ? child->cap * 2 : 1 << 18;
		uint8_t *bytes = realloc(child->bytes, cap);
		if (!bytes) {
			fail(child, "made a report that no memory is left for");
			return 0;
		}
		child->bytes = bytes;
		child->cap = cap;
	}
	ssize_t n = read(fd, child->bytes + child->size, child->cap - child->size);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0) {
		fail(child, "cannot be heard");
	} else if (n == 0) {
		at_end(child);
	} else if ((child->size += (size_t)n) > child->bytes_max) {
		fail(child, "made a report without end");
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

static int fork_child(struct child *child, const struct child_command *command)
{
	int pipes[2];
	if (command->n_fds > CHILD_FDS_MAX)
		return -EINVAL;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	fcntl(pipes[0], F_SETPIPE_SZ, 1 << 20);
	child->pipe = pipes[0];
	child->pid = fork();
	if (child->pid == 0)
		run_child(pipes[1], command);
	int r = child->pid < 0 ? -errno : 0;
	close(pipes[1]);
	if (r == 0 && fcntl(pipes[0], F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	return r;
}

int child_start(sd_event *event, const struct child_command *command, child_done *done, void *arg,
		struct child **ret_child)
{
	struct child *child = calloc(1, sizeof(*child));
	unsigned timeout_ms = command->timeout_ms ? command->timeout_ms : CHILD_TIMEOUT_MS;
	if (!child)
		return -ENOMEM;
	*child = (struct child){
		.pipe = -1,
		.name = command->name,
		.bytes_max = command->bytes_max,
		.done = done,
		.arg = arg,
	};
	int r = fork_child(child, command);
	if (r == 0)
		r = sd_event_add_io(event, &child->readable, child->pipe, EPOLLIN, on_readable,
				    child);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &child->timer, CLOCK_MONOTONIC,
					       timeout_ms * 1000ULL, 0, on_timeout, child);
	if (r < 0) {
		child_cancel(child);
		return r;
	}
	*ret_child = child;
	return 0;
}
