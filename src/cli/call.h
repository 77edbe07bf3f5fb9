// One call to the daemon, and what to say when it can't be made.
#ifndef SEKISHO_CLI_CALL_H
#define SEKISHO_CLI_CALL_H

#include <json-c/json.h>

#include "cli/verb.h"
#include "control/client.h"

// Connects, calls, tells on stderr what went wrong.  Returns the exit status the reply asks for;
// *ret_reply is to be given to control_reply_done() in any case; *ret_answered says whether there
// is a reply at all.
int cli_call(const struct cli *cli, enum control_method method,
	     const struct control_writer *request, int fd, struct control_reply *ret_reply,
	     bool *ret_answered);

// Connects ahead of the first cli_call() on this path, which then uses the connection.  What fails
// is told by that call.
void cli_dial(const char *path);

// Calls and shows the answer: as JSON with --json (its rows under rows_key), else by print() if the
// call succeeded.  Takes over the request's bytes; request may be NULL.  Returns the exit status.
int cli_show(const struct cli *cli, enum control_method method, struct control_writer *request,
	     const char *rows_key, void (*print)(const struct control_reply *reply));

// A row of a reply as a JSON object: names of the tags as keys; tags that repeat give arrays;
// times as RFC 3339 in local time.
struct json_object *cli_row_json(const struct control_row *row);
// The whole reply: its fields, and its rows under `rows_key` (NULL: no rows).
struct json_object *cli_reply_json(const struct control_reply *reply, const char *rows_key);

// A diagnostic of a reply, as diag_print() would show it, to stderr.
void cli_print_diagnostic(const struct control_row *row);

// Local time with offset, "2026-11-23 14:05:09 +0900"; "never" for 0.
const char *cli_time_text(uint64_t usec, char out[40]);
// Texts of a tag that repeats, with commas between.
const char *cli_join(const struct control_row *row, enum control_tag tag, char *out, size_t size);

#endif
