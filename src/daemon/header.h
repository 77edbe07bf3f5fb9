// The first bytes of an IP packet as a record of the kernel has them: addresses, protocol, ports.
// Pure: bytes in, numbers out; what is cut off or makes no sense is left out.
#ifndef SEKISHO_DAEMON_HEADER_H
#define SEKISHO_DAEMON_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum { HEADER_EXTENSIONS_MAX = 8 };

struct header {
	struct addr source, destination;
	uint8_t protocol;
	bool has_ports; // sport and port of TCP, UDP, SCTP; has_type: port is an ICMP type
	bool has_type;
	uint16_t sport, port;
	uint32_t length; // of the whole packet, as its header says
};

// 0, or -EBADMSG: not even its addresses are there.
int header_parse(const uint8_t *bytes, size_t size, struct header *ret);
// "tcp", "icmpv6", or the number; out at least 8 bytes.
const char *header_protocol(uint8_t protocol, char *out);

#endif
