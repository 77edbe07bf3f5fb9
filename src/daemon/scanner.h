// The gate's side of the malware scanner that the box file names: connects to it for inspectors,
// who may make no descriptors, and asks it now and then who it is and how old its definitions are.
#ifndef SEKISHO_DAEMON_SCANNER_H
#define SEKISHO_DAEMON_SCANNER_H

#include "control/field.h"
#include "daemon/gate.h"

enum {
	SCANNER_LOOK_SECONDS = 60,
	SCANNER_LOOK_SECONDS_DOWN = 5, // while it does not answer
	SCANNER_ANSWER_SECONDS = 10,
	SCANNER_NEEDED_SECONDS = 600, // since an inspector asked: that none is named is a problem
};

int scanner_open(struct gate *gate, sd_event *event); // 0 or -ENOMEM
void scanner_close(struct gate *gate);

// A guard of an inspector's policy has mail scanned: that no scanner is named is a problem then.
void scanner_is_needed(struct gate *gate);
// A descriptor that is connected, or being connected.  -ENOENT: none is named; -EAGAIN: it is there
// and takes no more at the moment; or another negative errno.
int scanner_connect(struct gate *gate, int *ret_fd);

// Its definitions are older than the box file allows, as far as is known.
bool scanner_is_old(const struct gate *gate);

void scanner_put_status(const struct gate *gate, struct control_writer *reply);

#endif
