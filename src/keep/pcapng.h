// Packets as a file for Wireshark: the blocks of draft-ietf-opsawg-pcapng that are needed, section
// header, interface description and enhanced packet.  Link type LINKTYPE_RAW (101): a packet begins
// with its IP header.
#ifndef SEKISHO_KEEP_PCAPNG_H
#define SEKISHO_KEEP_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { PCAPNG_RAW = 101, PCAPNG_BLOCK_MAX = 128 * 1024 };

// Once, first.  comment may be NULL.
int pcapng_begin(FILE *out, const char *comment);
// Its number is how many were described before it.
int pcapng_interface(FILE *out, const char *name, uint32_t snaplen);
struct pcapng_packet {
	uint32_t interface; // its number in the file
	uint64_t time_us;   // since 1970
	bool leaving;
	uint32_t wire_size; // 0: as many as are here
	uint32_t size;
	const uint8_t *bytes;
};
int pcapng_packet(FILE *out, const struct pcapng_packet *packet);

// Reads a whole file of this machine's byte order; calls for each packet.  0, -EBADMSG, or what a
// call returned that was not 0.
int pcapng_read(const void *bytes, size_t size,
		int (*each)(void *arg, const struct pcapng_packet *packet), void *arg);

#endif
