// The kernel's side of the agreement: probes as real packets, and what became of them.
#ifndef LAB_AGREE_H
#define LAB_AGREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/wire/wire.h"
#include "plan/plan.h"
#include "plan/query.h"
#include "policy/policy.h"
#include "reference/probes.h"
#include "reference/reference.h"

enum agree_verdict { AGREE_DENY, AGREE_ALLOW, AGREE_INSPECT };

struct agree_seen {
	bool entered, arrived, queued, reset, error;
	struct wire_event arrival;
};

struct agree_probe {
	struct reference_packet packet;
	const char *about;
	struct reference_answer reference;
	struct plan_answer plan;
	enum agree_verdict verdict; // the reference's
	const char *mute;	    // why no packet can show it, or NULL
	unsigned round;
	bool plan_differs, kernel_differs;
	struct agree_seen seen;
};

struct agree {
	const struct pol_tree *tree;
	struct plan *plan;
	struct wire wire;
	struct agree_probe *probes;
	size_t n;
};

uint16_t agree_plan_zone(const struct agree *agree, int zone);
// Index into the wire's zones.
unsigned agree_wire_zone(const struct agree *agree, int zone);

// Makes the gateway route by the packet's DSCP, and every zone silent; and the reverse.
void agree_steer(struct agree *agree);
void agree_unsteer(struct agree *agree);

// The gateway has only its own addresses: they take the place of what the probe has for `self`.
void agree_own_addresses(struct agree *agree, struct agree_probe *probe);
void agree_send(struct agree *agree, const struct agree_probe *probe);
void agree_note(void *arg, const struct wire_event *event); // arg: struct agree
// Does what was seen fit the reference's verdict?
bool agree_kernel(const struct agree *agree, const struct agree_probe *probe);
void agree_print(const struct agree *agree, const struct agree_probe *probe);

#endif
