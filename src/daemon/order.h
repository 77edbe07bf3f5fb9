// An order to cut off: what it means, whether it may be given, and carrying it out.  On the
// switch's thread.
#ifndef SEKISHO_DAEMON_ORDER_H
#define SEKISHO_DAEMON_ORDER_H

#include "control/server.h"
#include "daemon/census.h"
#include "daemon/isolation_book.h"

void order_carry_out(struct isolation_book *book, struct control_server *server,
		     struct control_request *request);

// What an order would cut, while nothing is cut: for previews, on the main loop.
struct order;
// NULL: it means nothing that could be cut, and whoever asked is told so already.
struct order *order_new(struct isolation_book *book, struct control_server *server,
			struct control_request *request);
const struct isolation *order_cut(const struct order *order);
void order_put_preview(struct order *order, const struct census_result *connections,
		       struct control_writer *reply);
void order_free(struct order *order); // NULL is fine

#endif
