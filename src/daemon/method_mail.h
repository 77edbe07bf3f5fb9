// Mail records for a client.  Each look-up is in the audit log, with who, what was asked for and
// why, before it is made; without an audit log none is made.  Counts name nobody and are free of
// that.
#ifndef SEKISHO_DAEMON_METHOD_MAIL_H
#define SEKISHO_DAEMON_METHOD_MAIL_H

#include "daemon/methods.h"

enum { MAIL_READS_MAX = 4 }; // at a time

void method_mail_list(struct methods *methods, struct control_request *request);
void method_mail_show(struct methods *methods, struct control_request *request);
void method_mail_counts(struct methods *methods, struct control_request *request);
void method_mail_cancel(struct methods *methods); // nobody is answered any more

#endif
