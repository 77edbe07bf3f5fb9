// The head of an IP packet: addresses, protocol, ports, and what tells fragments, errors and odd
// packets apart.  IPv4 (RFC 791), IPv6 (RFC 8200) with extension headers, TCP, UDP, SCTP, ICMP,
// ICMPv6.  Pure: bytes in, numbers out; what is cut off or makes no sense is left out.
#ifndef SEKISHO_PROTO_HEADER_H
#define SEKISHO_PROTO_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum { HEADER_EXTENSIONS_MAX = 8 };

enum header_extension { // bits
	HEADER_HOPOPTS = 1,
	HEADER_ROUTING = 2,
	HEADER_FRAGMENT = 4,
	HEADER_DSTOPTS = 8,
	HEADER_AH = 16,
	HEADER_MOBILITY = 32,
};

enum header_tcp { // bits of tcp_flags
	HEADER_FIN = 1,
	HEADER_SYN = 2,
	HEADER_RST = 4,
	HEADER_ACK = 16,
};

struct header {
	struct addr source, destination;
	uint8_t protocol;
	bool has_ports; // sport and port of TCP, UDP, SCTP; has_type: port is an ICMP type
	bool has_type;
	bool has_id;	// echo: sport is its identifier
	bool has_flags; // tcp_flags
	bool fragment;	// one of several pieces; has_ports and the like only with the first
	bool later;	// not the first piece
	uint8_t tcp_flags, extensions;
	uint16_t sport, port;
	uint32_t length;      // of the whole packet, as its header says
	uint32_t fragment_id; // of its pieces
	uint16_t transport;   // where the transport's header begins; 0: it is not there
};

// 0, or -EBADMSG: not even its addresses are there.
int header_parse(const uint8_t *bytes, size_t size, struct header *ret);
// An ICMP error quotes the packet it is about, from its IP header on: where that begins, or 0 when
// this is no error, or nothing is quoted.
size_t header_quoted(const struct header *header, size_t size);
// "tcp", "icmpv6", or the number; out at least 8 bytes.
const char *header_protocol(uint8_t protocol, char *out);

#endif
