// The end of a child process that is not wanted any more, whatever state it is in.
#ifndef SEKISHO_DAEMON_REAP_H
#define SEKISHO_DAEMON_REAP_H

#include <sys/types.h>

enum { REAP_WAIT_MS = 200, REAP_LATE_MAX = 16 };

// Kills and reaps it.  One that does not end within REAP_WAIT_MS (it hangs on a dead disk, or may
// not be killed by us) is reaped by a later call, so that the caller never hangs with it.  At most
// REAP_LATE_MAX of those are remembered.  For the main thread.
void reap(pid_t pid);

#endif
