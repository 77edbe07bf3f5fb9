// Exporting an incident: a child of its own, since a tar takes its time.  Of root's rights it keeps
// none; the file it writes was opened by the caller of the method.
//
// Its descriptors: 3 the incident's folder, 4 the file, 5 the state folder (for the key), 6 its
// answer: fields (control/field.h), those of the method's reply.
#ifndef SEKISHO_DAEMON_EXPORT_H
#define SEKISHO_DAEMON_EXPORT_H

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "daemon/child.h"

#define EXPORT_ARGUMENT	       "--export"
#define EXPORT_MASKED_ARGUMENT "--export-masked"

enum { EXPORT_TIMEOUT_MS = 110 * 1000, EXPORT_ANSWER_MAX = 64 * 1024 };

// The descriptors stay the caller's.
int export_start(sd_event *event, int folder_fd, int out_fd, int state_fd, bool masked,
		 child_done *done, void *arg, struct child **ret_child);

int export_main(bool masked); // of the child

#endif
