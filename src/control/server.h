// The daemon's side of the control socket.  It owns the listening socket and its clients, and has
// one descriptor (an epoll) for the caller's event loop; it never blocks, and nothing a client
// sends, or fails to read, costs anybody but that client.
#ifndef SEKISHO_CONTROL_SERVER_H
#define SEKISHO_CONTROL_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "control/field.h"
#include "control/message.h"

enum {
	CTL_CLIENTS_MAX = 1024,
	CTL_CLIENTS_OF_USER_MAX =
		32, // of one that is not root, so that no user can shut others out
	CTL_ANSWERS_BYTES_MAX = 96 * 1024 * 1024, // waiting to be read by all clients together
	CTL_IDLE_MS = 30 * 1000,		  // a client without a request ends
	CTL_STALL_MS = 10 * 1000,		  // a client that does not read its answer ends
};

struct control_server;

// Names the call to answer; stays harmless when its client is gone.
struct control_token {
	uint32_t slot, serial; // serial 0: nobody
};

struct control_request {
	struct control_token token;
	struct control_peer peer;
	enum control_method method;
	const struct control_row *fields; // checked; gone after the handler returns
	int fd; // of the kind that its method carries, or -1; the handler takes it over by setting
		// -1 here
};

// Called for each permitted, well-formed request; answers now or later, exactly once.
typedef void control_handler(void *arg, struct control_request *request);
// Told of each call that its caller may not make; the server has answered it.
typedef void control_refused(void *arg, const struct control_peer *peer, unsigned method);

// Told of each client that has connected and not sent anything yet.
typedef void control_arrived(void *arg, const struct control_peer *peer);

// path: replaced when nobody listens there, -EADDRINUSE when somebody does.
int control_server_new(const char *path, control_handler *handler, void *arg,
		       struct control_server **ret_server);
void control_server_free(
	struct control_server *server); // takes the socket's name away; NULL is fine
int control_server_fd(const struct control_server *server); // readable: dispatch
int control_server_dispatch(struct control_server *server);
// Other times than CTL_IDLE_MS and CTL_STALL_MS; they are looked at once a second.
void control_server_set_patience(struct control_server *server, int idle_ms, int stall_ms);
void control_server_on_refused(struct control_server *server, control_refused *refused);
void control_server_on_arrived(struct control_server *server, control_arrived *arrived);
size_t control_server_clients(const struct control_server *server);

// Takes over the bytes of reply (fields and rows; no CTL_EXIT means 0).
void control_server_answer(struct control_server *server, struct control_token token,
			   struct control_writer *reply);
// Answers with an exit status and a reason.
void control_server_refuse(struct control_server *server, struct control_token token, int status,
			   const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
