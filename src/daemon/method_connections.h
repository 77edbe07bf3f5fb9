// The method "connections": what lives, and the flow that permits each.
#ifndef SEKISHO_DAEMON_METHOD_CONNECTIONS_H
#define SEKISHO_DAEMON_METHOD_CONNECTIONS_H

#include "daemon/methods.h"

enum {
	CONNECTIONS_SHOWN_MAX = 10000, // rows of one answer; the totals count all
	CONNECTIONS_ASKED_MAX = 2,     // at a time; each is a process that holds a plan
};

void method_connections(struct methods *methods, struct control_request *request);
void method_connections_cancel(struct methods *methods); // nobody is answered any more

#endif
