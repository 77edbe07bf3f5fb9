// The box's network interfaces and whether they are up.
#ifndef SEKISHO_DAEMON_LINKS_H
#define SEKISHO_DAEMON_LINKS_H

#include <stdbool.h>
#include <stddef.h>

struct link_state {
	char name[16];
	bool up; // administratively and with a carrier
};

struct links {
	struct link_state *v;
	size_t n, cap;
};

int links_read(struct links *ret);
void links_done(struct links *links);
// name is an interface's name, or a prefix of names and '*'.
bool link_matches(const char *pattern, const char *name);

#endif
