// A capture file as packets: pcap and pcapng, both byte orders, whole in memory (or mapped).
// pcap: draft-ietf-opsawg-pcap; pcapng: draft-ietf-opsawg-pcapng.
//
// Read with code of our own, not with libpcap: that hides which interface of a pcapng a packet came
// in by, refuses files with interfaces of several kinds, and does not say where damage lies.
//
// The bytes are a stranger's.  Packets are handed out until something makes no sense; then
// capture_next() ends, and `fault` says what and at which byte.  What was read before is good.
#ifndef SEKISHO_REPLAY_CAPTURE_H
#define SEKISHO_REPLAY_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/link.h"

enum {
	CAPTURE_PACKET_MAX = 256 * 1024, // bytes of one packet that are here; more is damage
	CAPTURE_WIRE_MAX = 16 << 20,	 // that it had on the wire; likewise
	CAPTURE_INTERFACES_MAX = 4096,
	CAPTURE_NAME_MAX = 64,
};

struct capture_interface {
	char name[CAPTURE_NAME_MAX]; // "" if the file does not say
	uint32_t link_type;
	uint32_t snaplen;
	uint64_t units;	   // of its clock in a second
	int64_t offset_us; // added to its times
};

struct capture_packet {
	uint32_t interface; // index of interfaces[]
	uint32_t size;	    // bytes that are here
	uint32_t wire_size; // that it had
	enum link_way way;  // as the file says
	int64_t time_us;    // since 1970
	const uint8_t *bytes;
};

struct capture {
	const uint8_t *bytes;
	size_t size, at;
	bool swapped, ng, nanoseconds, modified;
	struct capture_interface *interfaces;
	size_t n_interfaces, first_interface; // of the section
	char fault[160];		      // "": none
	size_t fault_at;
};

// 0, or -EBADMSG: it is no capture (fault says so).  capture_done() in any case.
int capture_open(struct capture *capture, const void *bytes, size_t size);
void capture_done(struct capture *capture);
// Goes back to the first packet.
void capture_rewind(struct capture *capture);
bool capture_next(struct capture *capture, struct capture_packet *ret);

#endif
