// Links, addresses and routes of this network namespace, as rtnetlink gives them (RFC 3549).
#ifndef SEKISHO_KERNEL_NETWORK_H
#define SEKISHO_KERNEL_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/vec.h"

enum {
	NETWORK_LINKS_MAX = 4096,
	NETWORK_ADDRESSES_MAX = 16384,
	NETWORK_ROUTES_MAX = 65536,
};

// Settings of a link for IPv4 (net.ipv4.conf.LINK.*).
enum network_setting {
	NETWORK_FORWARDING,
	NETWORK_RP_FILTER,
	NETWORK_ACCEPT_LOCAL,
	NETWORK_ROUTE_LOCALNET,
	NETWORK_SETTINGS,
};

struct network_link {
	uint32_t index;
	uint32_t lower, master; // indexes of the link below (VLAN) and above (bridge, bond), 0 none
	char name[16];
	bool up;      // administratively
	bool carrier; // and with a carrier
	bool loopback;
	bool program;	 // an XDP program takes its packets first
	bool classifies; // traffic control has a hook before them (clsact, ingress)
	bool has_settings;
	uint32_t settings[NETWORK_SETTINGS];
};

struct network_address {
	uint32_t link;
	struct addr address;
};

struct network_route { // one way to a destination; a route over several links is several
	uint32_t link;
	uint32_t table;
	struct addr_range to;
	struct addr via; // family 0: the destination is on the link itself
	bool kernel;	 // made by the kernel for an address of the link
};

struct network {
	VEC(struct network_link) links;
	VEC(struct network_address) addresses;
	VEC(struct network_route) routes; // of unicast; without the table "local"
	bool cut;			  // there is more than the limits allow
};

// 0 or -errno.
int network_read(struct network *ret);
int network_read_links(struct network *ret); // only these
void network_done(struct network *network);
const struct network_link *network_find_link(const struct network *network, uint32_t index);

// Takes one message of a dump (of anyone: a pure function); what it does not know it leaves.
struct nlmsghdr;
void network_take(struct network *network, const struct nlmsghdr *nlh);

#endif
