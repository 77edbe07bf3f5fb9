// sekishod as a service: the gate in an event loop, with systemd, signals, timers and the control
// socket around it.
#ifndef SEKISHO_DAEMON_SERVICE_H
#define SEKISHO_DAEMON_SERVICE_H

#include "base/exit.h"
#include "daemon/gate.h"

// Runs until SIGTERM or SIGINT; the kernel keeps its rules.
enum exit_status service_run(const struct gate_options *options, struct journal *journal);

// At boot, before the interfaces come up: closed first, then the last good generation.
// EXIT_DEGRADED: there is none, the gate stays closed; other failures likewise leave it closed.
enum exit_status service_boot(const struct gate_options *options, struct journal *journal);

// At boot with a box file that is no good, which is no reason to leave the box open: closed.
void service_close(struct journal *journal);

#endif
