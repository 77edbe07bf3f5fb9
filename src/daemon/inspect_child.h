// An inspector as a process: packets come by a lane, every byte of them hostile, and go back with
// their fates.  It has no capability, no file, no descriptor but those it was started with and
// those of policies that the gate hands it, and may not make any.
//
// A second thread plans a policy when there is a new one, so that packets do not wait for it.
#ifndef SEKISHO_DAEMON_INSPECT_CHILD_H
#define SEKISHO_DAEMON_INSPECT_CHILD_H

#include <stdint.h>

enum {
	INSPECT_CONNECTIONS_MAX = 65536,
	INSPECT_MEMORY_MIB = 512, // of connections; the process has SANDBOX_INSPECTOR_MIB
	INSPECT_TICK_MS = 250,
	INSPECT_SOURCES = 65536, // that limits count
	// Descriptors besides those of pairs: its own, and those of the scanner.
	INSPECT_FILES = 400,
	// Descriptors after the gate's socket
	INSPECT_LANE = 4,
	INSPECT_RINGS, // the ferry's bell
	INSPECT_HEARS, // its own
};

// The private argument with which sekishod runs itself.
#define INSPECT_ARGUMENT "--inspect"
int inspect_main(void);

// Sessions in proxy mode that an inspector started from here has descriptors for, two each, at most
// PIPES_PAIRS_MAX; *ret_files: its limit of them.
uint32_t inspect_pairs(uint32_t *ret_files);

#endif
