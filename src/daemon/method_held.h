// Held mail: listed, released by two persons (or one, as its guard has it), rejected by one.  Who
// looks is recorded before he sees anything.
#ifndef SEKISHO_DAEMON_METHOD_HELD_H
#define SEKISHO_DAEMON_METHOD_HELD_H

#include "daemon/methods.h"

void method_mail_held(struct methods *methods, struct control_request *request);
void method_mail_release(struct methods *methods, struct control_request *request);
void method_mail_reject(struct methods *methods, struct control_request *request);

#endif
