// Exit statuses of every program of Sekisho; sekisho(8) lists them.
#ifndef SEKISHO_BASE_EXIT_H
#define SEKISHO_BASE_EXIT_H

enum exit_status {
	EXIT_FINE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_POLICY = 3,    // the policy is invalid
	EXIT_ASSERTION = 4, // an assertion or an expectation failed
	EXIT_APPROVAL = 5,  // approval is needed
	EXIT_KERNEL = 6,    // the kernel refused
	EXIT_DEGRADED = 7,  // running, but degraded or drifted
	EXIT_NO_DAEMON = 8,
	EXIT_RETURNED = 9,  // returned, or not confirmed
	EXIT_ISOLATED = 10, // something is isolated
};

#endif
