// Settings of the kernel that decide whether the policy means what it says: forwarding, reverse
// path filter, redirects and the like.  Those that are the gate's are put right again.
#ifndef SEKISHO_DAEMON_SETTINGS_H
#define SEKISHO_DAEMON_SETTINGS_H

#include "daemon/findings.h"
#include "daemon/gate.h"
#include "kernel/network.h"

struct setting_seen { // as it was when it was first looked at
	char name[64];
	uint32_t value;
};

struct settings {
	VEC(struct setting_seen) seen;
};
void settings_done(struct settings *settings);

// forwards: the gate is open and the box file lets it switch forwarding on.  What is the gate's and
// has changed is told to mend(), which may write it.
struct setting_change {
	const char *name; // below /proc/sys
	uint32_t found, wanted;
	enum gate_problem problem; // and the code of it, when it cannot be written
	enum diag_code code;
};
typedef void settings_mend(void *arg, const struct setting_change *change);
void settings_judge(struct settings *settings, bool forwards, settings_mend *mend, void *arg,
		    struct findings *findings);
// Those of single links, for IPv4.
void settings_judge_links(struct settings *settings, bool forwards, const struct network *network,
			  struct findings *findings);

#endif
