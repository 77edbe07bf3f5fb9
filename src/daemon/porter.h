// The porter: the process that accepts the connections of flows in proxy mode, which the rules
// bring to its listeners (compile/divert.c), connects onward with the client's own address, and
// hands both sockets to an inspector (daemon/porter_wire.h).  It has CAP_NET_ADMIN, which a socket
// with another's address needs, and no other right; it reads no byte of what is sent.
//
// The mark of an accepted socket is the one that the rules gave its first packet: no peer can set
// it, and a connection without one was brought by nobody and is reset.
#ifndef SEKISHO_DAEMON_PORTER_H
#define SEKISHO_DAEMON_PORTER_H

enum {
	PORTER_BACKLOG = 4096,	  // connections that wait to be accepted, of each family
	PORTER_SOURCE_MAX = 4096, // sessions of one source at a time
	// Ports of the client's address that the gate's half uses.  Few clients use them, so that
	// the two halves of two connections between the same ends seldom look alike.
	PORTER_PORT_FIRST = 5001,
	PORTER_PORT_LAST = 32767,
	PORTER_PORT_TRIES = 32,
};

// The private argument with which sekishod runs itself: the gate's socket on descriptor 3.
#define PORTER_ARGUMENT "--porter"
int porter_main(void);

#endif
