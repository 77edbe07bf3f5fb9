// Between fork and exec: a child that becomes this program again, by a private argument, with
// descriptors of its own.
#ifndef SEKISHO_DAEMON_REBORN_H
#define SEKISHO_DAEMON_REBORN_H

#include <stddef.h>

enum { REBORN_FD_FIRST = 3, REBORN_FDS_MAX = 5 };

// These descriptors become REBORN_FD_FIRST and on; input and output become /dev/null, the gate's
// standard error stays, all others are closed.  No signal is blocked.  Ends the child if it cannot.
void reborn_take(const int *fds, size_t n);
// The environment is empty but for what a test has in SEKISHO_FAULT (base/fault.h).
_Noreturn void reborn_run(const char *argument);

#endif
