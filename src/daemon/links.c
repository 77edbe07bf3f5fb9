// Interfaces, by getifaddrs(3): the entries of family AF_PACKET are one each.
#include "daemon/links.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/vec.h"

int links_read(struct links *ret)
{
	struct ifaddrs *all;
	*ret = (struct links){ 0 };
	if (getifaddrs(&all) < 0)
		return -errno;
	for (struct ifaddrs *one = all; one; one = one->ifa_next) {
		if (!one->ifa_addr || one->ifa_addr->sa_family != AF_PACKET)
			continue;
		struct link_state *link = vec_add(ret);
		strncpy(link->name, one->ifa_name, sizeof(link->name) - 1);
		link->up = (one->ifa_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
	}
	freeifaddrs(all);
	return 0;
}

void links_done(struct links *links)
{
	vec_done(links);
}

bool link_matches(const char *pattern, const char *name)
{
	size_t length = strlen(pattern);
	if (length && pattern[length - 1] == '*')
		return !strncmp(pattern, name, length - 1);
	return !strcmp(pattern, name);
}
