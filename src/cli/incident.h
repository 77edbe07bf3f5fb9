// What the files of the verb "incident" share.
#ifndef SEKISHO_CLI_INCIDENT_H
#define SEKISHO_CLI_INCIDENT_H

#include <stdint.h>

#include "cli/verb.h"
#include "control/field.h"

// A request about an incident, to be filled further; for control_writer_done().
void cli_incident_request(struct control_writer *request, uint64_t number);
// Writes the incident to a new file.  The file appears whole or not at all.
int cli_incident_export(const struct cli *cli, uint64_t number, const char *path);

#endif
