// Sends the newest signed record's number and hash elsewhere, so that a log whose end was cut off
// can be told from one that ends there.
#ifndef SEKISHO_DAEMON_BEACON_H
#define SEKISHO_DAEMON_BEACON_H

#include "keep/chain.h"

// where: "syslog", or "file:" and an absolute path, to which a line is added:
//	SEQ HASH 2026-11-26T14:00:00.123456+09:00
// Never waits for a reader; what cannot be sent is not sent (the next one says as much).
void beacon_send(const char *where, const struct chain *checkpoint);

#endif
