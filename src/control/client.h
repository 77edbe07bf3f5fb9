// The caller's side of the control socket: connect, call, read the reply.
//
//	struct control_client *client;
//	struct control_reply reply;
//	if (control_connect(path, &client) < 0) return 8;
//	if (control_call(client, CTL_FLOWS_LIST, NULL, -1, &reply) < 0) ...
//	for (size_t i = 0; i < control_reply_rows(&reply); i++)
//		puts(control_text(control_reply_row(&reply, i), CTL_ID));
//	int status = control_reply_exit(&reply);
#ifndef SEKISHO_CONTROL_CLIENT_H
#define SEKISHO_CONTROL_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "control/field.h"
#include "control/message.h"

#define CONTROL_SOCKET_DEFAULT "/run/sekisho/control.sock"

enum { CONTROL_TIMEOUT_MS = 10 * 1000, CONTROL_APPLY_TIMEOUT_MS = 120 * 1000 };

struct control_client;

// 0; -ENOENT and -ECONNREFUSED: no daemon; -EACCES: the socket is not yours to open.
int control_connect(const char *path, struct control_client **ret_client);
void control_close(struct control_client *client); // NULL is fine

struct control_reply {
	struct control_rows rows;
};

// request: its fields (control_put_...), or NULL for none; fd: a directory for CTL_APPLY, or -1.
// 0 with *ret_reply, whatever the reply says (see its exit and error); -EPROTO: the daemon speaks
// another protocol or nonsense; -ECONNRESET: it hung up; -ETIMEDOUT; other negative errno.  A
// caller without permission gets a reply that says so (exit status 1).
int control_call(struct control_client *client, enum control_method method,
		 const struct control_writer *request, int fd, struct control_reply *ret_reply);
void control_reply_done(struct control_reply *reply);

int control_reply_exit(const struct control_reply *reply);	    // 0: fine
const char *control_reply_error(const struct control_reply *reply); // NULL: none
const struct control_row *control_reply_fields(const struct control_reply *reply);
size_t control_reply_rows(const struct control_reply *reply);
const struct control_row *control_reply_row(const struct control_reply *reply, size_t index);

// The exit status of a command whose control_connect() or control_call() failed so: 8 or 1.
int control_exit_of(int error);

#endif
