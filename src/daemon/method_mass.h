// Mail stopped and resumed by hand.  Resuming takes two persons where reconnecting does.
#ifndef SEKISHO_DAEMON_METHOD_MASS_H
#define SEKISHO_DAEMON_METHOD_MASS_H

#include "daemon/methods.h"

void method_mail_status(struct methods *methods, struct control_request *request);
void method_mail_stop(struct methods *methods, struct control_request *request);
void method_mail_resume(struct methods *methods, struct control_request *request);

#endif
