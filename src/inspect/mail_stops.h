// Mail that is stopped: whose, in which direction, until when.  Decided outside of this
// room (daemon/mass.h) and the same for all engines of a process; they answer what is stopped with
// 451, so that queues keep it.
//
// A message is inward to a recipient of an own domain, outward to any other.
#ifndef SEKISHO_INSPECT_MAIL_STOPS_H
#define SEKISHO_INSPECT_MAIL_STOPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum { MAIL_IN = 1, MAIL_OUT = 2, MAIL_BOTH_WAYS = MAIL_IN | MAIL_OUT };
enum { MAIL_STOPS_MAX = 256, MAIL_STOP_ZONE_MAX = 64 };

enum mail_stop_kind { MAIL_STOP_SOURCE, MAIL_STOP_SENDER, MAIL_STOP_ZONE, MAIL_STOP_ALL };

struct mail_stop {
	uint32_t kind, directions; // MAIL_IN, MAIL_OUT
	uint64_t until_us;	   // since 1970; 0: until it is taken away
	uint64_t sender;	   // SENDER: mail_sender_hash()
	struct addr_range source;  // SOURCE
	char zone[MAIL_STOP_ZONE_MAX];
};

struct mail_stops {
	uint64_t n;
	struct mail_stop v[MAIL_STOPS_MAX];
};

struct mail_origin { // of a message
	const struct addr *client;
	const char *zone; // of the client, "" if not known
	uint64_t sender;
};

// The directions in which mail of that origin is stopped.
unsigned mail_stops_find(const struct mail_stops *stops, const struct mail_origin *origin,
			 uint64_t now_us);
// Of an address as given; without regard to case.  0: no sender.
uint64_t mail_sender_hash(const uint8_t *address, size_t n);

#endif
