// The methods of the control socket about incidents.
#ifndef SEKISHO_DAEMON_INCIDENT_METHODS_H
#define SEKISHO_DAEMON_INCIDENT_METHODS_H

#include "daemon/methods.h"

void method_incident_list(struct methods *methods, struct control_request *request);
void method_incident_show(struct methods *methods, struct control_request *request);
void method_incident_open(struct methods *methods, struct control_request *request);
void method_incident_note(struct methods *methods, struct control_request *request);
void method_incident_close(struct methods *methods, struct control_request *request);
void method_incident_export(struct methods *methods, struct control_request *request);

#endif
