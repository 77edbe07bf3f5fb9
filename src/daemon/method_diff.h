// The method "diff": clients that wait for a comparison, and its answer.
#ifndef SEKISHO_DAEMON_METHOD_DIFF_H
#define SEKISHO_DAEMON_METHOD_DIFF_H

#include "daemon/methods.h"

enum { DIFFS_MAX = 4 }; // at a time; each is a process that holds two plans

// Who may see may compare generations; with a folder, who may operate.
void method_diff(struct methods *methods, struct control_request *request);
void method_diff_cancel(struct methods *methods); // nobody is answered any more

#endif
