// The last packets of the zones that the policy names, in memory, for an incident: a thread that
// hears an NFLOG group of its own (kernel/capture.h) and fills a ring (daemon/ring.h).  It runs
// behind everything else; when it cannot keep up, packets go past it and are counted.
#ifndef SEKISHO_DAEMON_CAPTURE_H
#define SEKISHO_DAEMON_CAPTURE_H

#include <stdint.h>

#include "daemon/failure.h"
#include "daemon/gate.h"

enum {
	CAPTURE_GROUP_AFTER = 1, // its group is that of the packet records and this
	CAPTURE_LAG_MS = 200,	 // how long a packet may be under way to the ring
};

struct capture;

// Starts, stops or starts anew, as the running policy says or when it has ended by itself, which is
// recorded; a failure becomes a problem of the gate.  Fault point: capture-read=EIO.
void capture_follow(struct gate *gate);
void capture_stop(struct gate *gate);

// What a copy begins with; ring packets follow (daemon/ring.h).
struct capture_head {
	uint32_t magic, snaplen;
	uint64_t packets, pushed, lost; // in the copy; pushed out of the ring; never reached it
};
enum { CAPTURE_MAGIC = 0x50434b53 };

// Writes a copy of the ring.  -ENOENT: nothing is captured.
int capture_copy(const struct gate *gate, int fd);

#endif
