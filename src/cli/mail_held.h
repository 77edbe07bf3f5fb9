// mail held, release and reject.
#ifndef SEKISHO_CLI_MAIL_HELD_H
#define SEKISHO_CLI_MAIL_HELD_H

#include "cli/verb.h"

int mail_held(const struct cli *cli); // the exit status; -1: it is another verb of mail

#endif
