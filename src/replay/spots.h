// Where a packet was seen: an interface of the capture, or a VLAN on one; which zone that is, and
// whether the packet came in there or left.
//
// The zone is what --interface says, else the one that has an interface of this name in the policy.
// Which way a packet went is what the capture says; on an Ethernet interface of a zone it is told
// by the gateway's address there, which is learned: it is the one that a packet from the zone to
// elsewhere is sent to.
#ifndef SEKISHO_REPLAY_SPOTS_H
#define SEKISHO_REPLAY_SPOTS_H

#include "plan/plan.h"
#include "proto/header.h"
#include "replay/capture.h"

enum { SPOTS_MAX = 8192, SPOT_NAME_MAX = 80, SPOT_NO_ZONE = UINT16_MAX };

// --interface NAME=ZONE: a name, ".20" for a VLAN, "3" for a number, "*" for every other.
struct spot_rule {
	const char *name;
	const char *zone; // its id
};

struct spot {
	uint32_t number; // of the capture's interface
	uint16_t vlan;	 // 0: untagged
	bool numbered;	 // number is the kernel's, of a cooked capture
	char name[SPOT_NAME_MAX];
	uint64_t gateway; // learned; 0: not yet
};

struct spots {
	struct spot *v; // v[0] stands for all that has no room
	size_t n;
	uint16_t *index; // by a hash of what tells them apart; 0: free
	uint16_t last;
	const struct spot_rule *rules;
	size_t n_rules;
	const struct plan *plan;
	uint16_t *zones; // by spot, of plan
};

void spots_init(struct spots *spots, const struct plan *plan, const struct spot_rule *rules,
		size_t n_rules);
void spots_done(struct spots *spots);

// The spot of a packet, an index; 0 when there are too many.
uint16_t spots_find(struct spots *spots, const struct capture *capture,
		    const struct capture_packet *packet, const struct link_frame *frame);
enum link_way spots_way(struct spots *spots, uint16_t spot, const struct capture_packet *packet,
			const struct link_frame *frame, const struct header *header);
// The zones of spots in a plan, by their names, or SPOT_NO_ZONE; the caller's to free.
uint16_t *spots_zones(const struct spots *spots, const struct plan *plan);

#endif
