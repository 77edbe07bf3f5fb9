// Packets of the lab's tools: built byte by byte, sent from any zone with any source, and watched
// for at both ends.  What counts is what is seen: each packet carries a token of its own, a packet
// that the gateway took in is "entered", one that came out in a zone "arrived".
#ifndef LAB_WIRE_H
#define LAB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_ZONES_MAX = 1001,
	WIRE_LINKS_MAX = 64, // of a zone
	WIRE_BYTES_MAX = 2048,
	WIRE_EXTRA_MAX = 64,
};

// The first packet of a connection.  Addresses in network order, 4 or 16 bytes used.
struct wire_packet {
	uint8_t family; // 4, 6
	uint8_t source[16], destination[16];
	uint8_t protocol;
	uint16_t sport, port; // port: ICMP type for ICMP
	uint32_t token;
	uint8_t tos, ttl;	       // ttl 0: 64
	uint8_t tcp_flags;	       // 0: SYN
	bool fragmented;	       // sent as two fragments
	uint8_t extra[WIRE_EXTRA_MAX]; // IPv4 options, or IPv6 extension headers
	size_t extra_size;	       // of IPv4: a multiple of 4; of IPv6: of 8
	uint8_t extra_protocol;	       // IPv6: next header of the fixed header
	size_t payload;		       // further bytes behind the token
};

enum wire_what {
	WIRE_ENTERED,  // the gateway took it in
	WIRE_ARRIVED,  // seen where it should go
	WIRE_RESET,    // answered by a TCP reset
	WIRE_ERROR,    // answered by an ICMP error
	WIRE_ANSWERED, // answered by the other end
	WIRE_QUEUED,   // handed to the inspection queue
};

struct wire_event {
	enum wire_what what;
	uint32_t token;
	unsigned zone; // where it was seen; 0: on the gateway itself
	uint8_t family;
	uint8_t source[16], destination[16];
	uint16_t sport, port;
	uint8_t icmp_type, icmp_code; // WIRE_ERROR
};

struct wire_zone {
	char name[64];
	unsigned index; // as the plan numbers it
	int namespace;
	int send; // AF_PACKET
	unsigned n_links;
	struct wire_link {
		char gateway[16], zone[16];
		int index;	// of the zone's end
		uint8_t mac[6]; // of the gateway's end
		uint8_t zone_mac[6];
		char via[2][64];     // IPv4, IPv6: the host that the gateway routes to; "" if none
		char address[2][64]; // IPv4, IPv6: the gateway's own; "" if none
	} links[WIRE_LINKS_MAX];
};

struct wire {
	struct wire_zone *zones; // [0] is the gateway, "self"
	size_t n_zones;
	int epoll;
	struct wire_source *sources; // what is watched, a list
	bool listening[2][256];	     // IPv4, IPv6: protocols whose packets to the gateway are seen
	int raw_send[2];
};

// Opens the lab named by LAB_PREFIX and LAB_HOME.  Ends the process when there is none.
void wire_open(struct wire *wire);
void wire_close(struct wire *wire);
// By name, or NULL.
struct wire_zone *wire_find(struct wire *wire, const char *name);
// Gives the gateway the zones' link addresses for good, so that no packet waits for them.
void wire_fix_neighbours(struct wire *wire);
// Runs a command (sh) in a namespace with input on its standard input.  Ends the process on
// failure.
void wire_command(struct wire *wire, unsigned zone, const char *command, const char *input);

// So that packets of this protocol to the gateway itself are seen.
void wire_listen(struct wire *wire, uint8_t family, uint8_t protocol);
// Takes the place of the inspector: packets handed to the queue are noted and dropped.
void wire_listen_queue(struct wire *wire, uint16_t queue);

// Forgets every connection that the gateway tracks.
void wire_forget_connections(struct wire *wire);

// A packet from a line of text (wire/line.c).  False for an empty line; ends the process on a bad
// one.
bool wire_parse_line(struct wire *wire, const char *line, unsigned *ret_zone, unsigned *ret_link,
		     struct wire_packet *packet);

size_t wire_build(const struct wire_packet *packet, uint8_t out[WIRE_BYTES_MAX]);
// Sends from a zone by one of its links; from zone 0: as the gateway's own, mark choosing a route.
void wire_send(struct wire *wire, unsigned zone, unsigned link, const struct wire_packet *packet,
	       uint32_t mark);
// Calls back for everything seen, until nothing has come for quiet_ms.
void wire_collect(struct wire *wire, int quiet_ms,
		  void (*each)(void *arg, const struct wire_event *), void *arg);

#endif
