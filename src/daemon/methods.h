// The methods of the control socket: requests in, what the gate says out.
#ifndef SEKISHO_DAEMON_METHODS_H
#define SEKISHO_DAEMON_METHODS_H

#include <systemd/sd-event.h>

#include "control/server.h"
#include "daemon/apply.h"
#include "daemon/gate.h"
#include "daemon/packets.h"
#include "event/limit.h"

struct methods {
	struct gate *gate;
	struct packets *packets; // NULL: there are no packet records
	sd_event *event;
	struct control_server *server;
	struct event_limit refusals; // that are recorded
	// Applies the box's own rules, as SIGHUP does; done is told as by apply_start().
	void (*reload)(void *arg, const struct apply_request *request);
	void *reload_arg;
	struct connections_waiting *connections; // clients that wait for a list of them
	struct page *pages;	    // clients that wait for a proposal's page (daemon/page.c)
	struct preview *previews;   // clients that wait for one (daemon/method_preview.h)
	struct diff_waiting *diffs; // clients that wait for a comparison (daemon/method_diff.h)
	struct mail_waiting *mails; // clients that wait for mail records (daemon/method_mail.h)
};

// Takes over the bytes of reply.
void methods_send(struct methods *methods, struct control_token token,
		  struct control_writer *reply);
void methods_put_generation(struct control_writer *reply, const struct generation *generation);

// Both: arg is a struct methods.
control_handler methods_handle;
control_refused methods_refused; // records it

#endif
