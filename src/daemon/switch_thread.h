// The emergency switch: a thread with a netlink socket and a control socket of its own
// (RUN/switch.sock), which answers isolate, quarantine and the list of isolations while the main
// loop does whatever it does.  An order is carried out in the kernel, confirmed by read-back, put
// on the disk, mirrored, and answered; then the main loop hears of it (daemon/isolation.h).
#ifndef SEKISHO_DAEMON_SWITCH_THREAD_H
#define SEKISHO_DAEMON_SWITCH_THREAD_H

#include "daemon/isolation_book.h"

struct switch_thread;

// path: of the socket.  0 or a negative errno.
int switch_thread_start(struct isolation_book *book, const char *path,
			struct switch_thread **ret_switch);
void switch_thread_stop(struct switch_thread *switch_thread); // NULL is fine

#endif
