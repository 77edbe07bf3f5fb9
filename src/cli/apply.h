// What the verbs that change the running policy have in common.
#ifndef SEKISHO_CLI_APPLY_H
#define SEKISHO_CLI_APPLY_H

#include "cli/call.h"

// Puts --confirm, --reason, --request and --emergency; EXIT_FINE, or EXIT_USAGE after telling.
int apply_put_options(const struct cli *cli, const char *verb, struct control_writer *request);
// A folder for the daemon, which reads it by this descriptor; -1 after telling.
int apply_open_folder(const char *verb, const char *dir, struct control_writer *request);
// The number of a word; 0: it is none.
uint64_t apply_number(const char *word);

#endif
