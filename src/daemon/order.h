// An order to cut off: what it means, whether it may be given, and carrying it out.  On the
// switch's thread.
#ifndef SEKISHO_DAEMON_ORDER_H
#define SEKISHO_DAEMON_ORDER_H

#include "control/server.h"
#include "daemon/isolation_book.h"

void order_carry_out(struct isolation_book *book, struct control_server *server,
		     struct control_request *request);

// What an order would cut, and nothing else happens: for the method "isolate-preview", on the main
// loop.  zones: of the report (daemon/report.h), for counting connections by their networks.
void order_preview(struct isolation_book *book, const struct control_rows *zones,
		   struct control_server *server, struct control_request *request);

#endif
