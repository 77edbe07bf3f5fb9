// A message on its way to the vault in the words that daemon/scans.h wants, and what the vault says
// of it: one word, and the number of the held message.
#ifndef SEKISHO_DAEMON_VAULT_ANSWER_H
#define SEKISHO_DAEMON_VAULT_ANSWER_H

#include "inspect/hold.h"
#include "inspect/scan.h"

// Whatever the vault says is SCAN_CLEAN, with what it said as the name.
extern const struct scan_words vault_words;
// Of such a result.  What makes no sense is HOLD_DOWN.
void vault_answer_read(const struct scan_result *result, struct hold_result *ret);

#endif
