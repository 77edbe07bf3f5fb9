// Packet records of the kernel (NFLOG) → events, at a bounded rate.
//
// A record says which rule logged it, not of which generation: it gets the number of the generation
// that runs when it is read.  What waits is read before another generation is committed, so only
// what the kernel still gathers then (nflog.h) can get the number of the one after.
#ifndef SEKISHO_DAEMON_PACKETS_H
#define SEKISHO_DAEMON_PACKETS_H

#include <stdint.h>

#include <systemd/sd-event.h>

#include "daemon/failure.h"
#include "daemon/gate.h"

enum { PACKETS_RATE = 200, PACKETS_BURST = 1000 }; // events written a second; at once

struct packets;

int packets_open(sd_event *event, struct gate *gate, struct failure *failure,
		 struct packets **ret_packets);
void packets_close(struct packets *packets); // NULL is fine

// Reads what waits, up to some thousand records; NULL is fine.
void packets_drain(struct packets *packets);

// Since the start: records received, records not written.
void packets_totals(const struct packets *packets, uint64_t *ret_received,
		    uint64_t *ret_suppressed);

#endif
