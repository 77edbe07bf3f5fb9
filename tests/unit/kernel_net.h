// A network namespace of the test's own: made by unshare(), gone when the process ends.
#ifndef SEKISHO_TESTS_KERNEL_NET_H
#define SEKISHO_TESTS_KERNEL_NET_H

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Exit status 0 with a message if it cannot be: such a test needs root.
static inline void net_enter(void)
{
	if (unshare(CLONE_NEWNET) < 0) {
		perror("skipped: no network namespace can be made here");
		exit(0);
	}
}

// Runs a shell command; its exit status.
__attribute__((format(printf, 1, 2))) static inline int net_run(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command);
}

#endif
