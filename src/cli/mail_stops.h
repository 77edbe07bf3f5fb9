// mail status, stop and resume.
#ifndef SEKISHO_CLI_MAIL_STOPS_H
#define SEKISHO_CLI_MAIL_STOPS_H

#include "cli/verb.h"

int mail_stops(const struct cli *cli); // the exit status; -1: it is another verb of mail

#endif
