// A packet on its way through an inspector, and what becomes of it.
#ifndef SEKISHO_INSPECT_FLIGHT_H
#define SEKISHO_INSPECT_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FLIGHT_BYTES_MAX = 65536 + 2048, // a GSO packet and what a reply may grow by
	FLIGHT_GUARD = 0x3fffffff,	 // of mark: PACKET_GUARD of compile.h
	FLIGHT_HEAD_MAX = 124,		 // where TCP begins at the latest; others are dropped
	FLIGHT_HOLD_SECONDS_MAX = 310,	 // none is held longer
};

enum flight_fate {
	FLIGHT_PENDING,
	FLIGHT_ACCEPT,
	FLIGHT_DROP,
	FLIGHT_HOLD, // not yet known: decided later, once, by ACCEPT or DROP
};

// IP packet as the kernel hands it over at the forward hook: after the translation of destinations
// and before that of sources, so both directions show the same two addresses.
struct flight {
	uint8_t *bytes;	     // may be changed in place
	uint32_t size, room; // of bytes; room: how far it may grow
	uint32_t mark;	     // the packet's: which flow lets a new connection in, else 0
	bool sums_not_ready; // checksums were not filled in yet: neither judged nor right
	bool sums_checked;   // the network card or the kernel found them right
	bool gso;	     // longer than what travels
	uint32_t slot;	     // the owner's
	enum flight_fate fate;
	bool changed; // bytes and size are to be sent in its place; its sums are filled in and
		      // right, whatever sums_not_ready says (the kernel completes no packet that it
		      // was handed back)
	bool passed;  // with ACCEPT: the connection needs no more inspection
	bool liberal; // connection tracking must not judge its sequence numbers from now on
};

#endif
