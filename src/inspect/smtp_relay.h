// Whose mail goes where: no relay from outside to outside.
#ifndef SEKISHO_INSPECT_SMTP_RELAY_H
#define SEKISHO_INSPECT_SMTP_RELAY_H

#include <stdbool.h>

#include "inspect/engine.h"
#include "inspect/smtp_reason.h"
#include "proto/smtp_path.h"

// The client may have mail sent to any domain, by this server.
bool smtp_relay_is_sender(const struct engine_peer *peer);
// The address is of an own domain; a bare one is, for the server completes it with its own.
bool smtp_relay_is_own(const struct profile *profile, const struct smtp_path *path);
// SMTP_REASON_NONE: the recipient may be named; else why not.
enum smtp_reason smtp_relay_recipient(const struct profile *profile, bool sender,
				      const struct smtp_path *path);
// The same of a sender address: a client of senders may use own ones, whatever the server.
// *ret_marked: it is one that the record has to tell.
enum smtp_reason smtp_relay_sender(const struct engine_peer *peer, const struct smtp_path *path,
				   bool *ret_marked);

#endif
