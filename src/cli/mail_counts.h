// mail counts: how much mail there was in a month, and what became of it.
#ifndef SEKISHO_CLI_MAIL_COUNTS_H
#define SEKISHO_CLI_MAIL_COUNTS_H

#include "cli/verb.h"

int mail_counts(const struct cli *cli); // EXIT_USAGE: told on stderr

#endif
