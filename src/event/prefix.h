// The prefix of a packet record, as the compiler writes it: "sk allow office-mail-out", "sk deny",
// "sk spoof office", "sk invalid".
#ifndef SEKISHO_EVENT_PREFIX_H
#define SEKISHO_EVENT_PREFIX_H

#include "event/event.h"

enum { EVENT_PREFIX_ID_MAX = 128 };

struct event_prefix {
	enum event_kind kind;
	char id[EVENT_PREFIX_ID_MAX]; // allow: the flow; spoof: the zone; else ""
};

// 0, or -EINVAL: not one of ours.
int event_prefix_parse(const char *text, struct event_prefix *ret);

#endif
