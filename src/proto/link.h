// From a captured frame to its IP packet: Ethernet with VLAN tags (802.1Q, QinQ), Linux cooked
// captures, raw IP, BSD loopback.  Pure; a frame that is cut off or of no known kind has no packet.
// Numbers of link types: https://www.tcpdump.org/linktypes.html
#ifndef SEKISHO_PROTO_LINK_H
#define SEKISHO_PROTO_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum link_type {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_RAW_BSD = 12, // DLT_RAW of some systems
	LINK_RAW_OPENBSD = 14,
	LINK_RAW = 101,
	LINK_LOOP = 108,
	LINK_SLL = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_SLL2 = 276,
};

enum { LINK_TAGS_MAX = 4 };

enum link_way { LINK_UNKNOWN, LINK_COMING, LINK_LEAVING, LINK_PASSING }; // PASSING: to another host

struct link_frame {
	bool ip;	// an IP packet begins at `offset`
	bool vlan;	// tagged
	bool malformed; // cut off, or not what its link type says
	bool has_macs;
	uint16_t vlan_id; // the innermost tag's
	uint32_t offset;
	uint32_t interface; // its number, of LINK_SLL2; 0: not said
	enum link_way way;  // as the captured interface had it
	uint64_t source_mac, destination_mac;
};

bool link_known(uint32_t link_type);
const char *link_name(uint32_t link_type); // "Ethernet"
void link_parse(uint32_t link_type, const uint8_t *bytes, size_t size, struct link_frame *ret);

#endif
