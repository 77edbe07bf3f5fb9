// Packet records of the kernel (NFLOG) → events, at a bounded rate.
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

// Since the start: records received, records not written.
void packets_totals(const struct packets *packets, uint64_t *ret_received,
		    uint64_t *ret_suppressed);

#endif
