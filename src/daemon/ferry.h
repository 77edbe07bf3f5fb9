// The ferry: the process that moves packets between the kernel's queue and the inspectors, and the
// one owner of their verdicts.  Every packet gets exactly one, whatever an inspector does.  It has
// CAP_NET_ADMIN, which a verdict needs when it is sent, and no other right; of a packet it looks at
// the addresses, to choose the inspector, and at what a changed one must still have.
//
// Packets that are held are moved to a queue of their own, so that verdicts for many at once (see
// daemon/turns.h) never decide them; their place there is told by a cookie in the packet's mark.
#ifndef SEKISHO_DAEMON_FERRY_H
#define SEKISHO_DAEMON_FERRY_H

enum {
	FERRY_QUEUE_LENGTH = 8192, // packets that wait in the kernel for their inspector
	FERRY_SOCKET_BYTES = 32 * 1024 * 1024,
};

// The private argument with which sekishod runs itself: the gate's socket on descriptor 3.
#define FERRY_ARGUMENT "--ferry"
int ferry_main(void);

#endif
