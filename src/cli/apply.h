// What the verbs that change the running policy have in common.
#ifndef SEKISHO_CLI_APPLY_H
#define SEKISHO_CLI_APPLY_H

#include "cli/call.h"

// What runs now, and until when it has to be confirmed.
void apply_print_running(const struct control_row *fields);
// Puts --confirm, --reason, --request and --emergency; EXIT_FINE, or EXIT_USAGE after telling.
int apply_put_options(const struct cli *cli, const char *verb, struct control_writer *request);
// Waits until the generation is confirmed (0) or has returned (9).
int apply_await(const struct cli *cli, uint64_t generation);
// A folder for the daemon, which reads it by this descriptor; -1 after telling.
int apply_open_folder(const char *verb, const char *dir, struct control_writer *request);
// The number of a word; 0: it is none.
uint64_t apply_number(const char *word);

#endif
