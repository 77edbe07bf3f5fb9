// Held messages as fields for the control socket: what a list shows, and one whole.
#ifndef SEKISHO_DAEMON_VAULT_SHOW_H
#define SEKISHO_DAEMON_VAULT_SHOW_H

#include "control/field.h"
#include "daemon/vault_wire.h"
#include "keep/held_store.h"

enum { VAULT_SHOW_BYTES = 16 * 1024 * 1024, VAULT_SHOW_RECIPIENTS = 3 };

// all: those that are over as well.  0 or a negative errno.
int vault_show_list(struct held_store *store, bool all, struct control_writer *writer);
int vault_show_one(struct held_store *store, uint64_t number, struct control_writer *writer);
// What a word says of all that are held: how many, and how long those that wait have waited.
void vault_count(const struct held_store *store, uint64_t now_us, struct vault_word *word);

#endif
