// The methods "isolate-preview" and "quarantine-preview": what an order would cut.
#ifndef SEKISHO_DAEMON_METHOD_PREVIEW_H
#define SEKISHO_DAEMON_METHOD_PREVIEW_H

#include "daemon/methods.h"

// Counts of connections at a time; who asks for one more is answered without.
enum { PREVIEWS_COUNTED_MAX = 4 };

void method_preview(struct methods *methods, struct control_request *request);
void method_preview_cancel(struct methods *methods); // nobody is answered any more

#endif
