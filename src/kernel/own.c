#include "kernel/own.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>

static bool is_same(const struct sockaddr *there, const struct addr *addr)
{
	const void *bytes = NULL;
	if (there && there->sa_family == AF_INET && addr->family == ADDR_V4)
		bytes = &((const struct sockaddr_in *)there)->sin_addr;
	if (there && there->sa_family == AF_INET6 && addr->family == ADDR_V6)
		bytes = &((const struct sockaddr_in6 *)there)->sin6_addr;
	return bytes && addr_from_bytes(addr->family, bytes) == addr->bits;
}

enum own own_address(const struct addr *addr)
{
	struct ifaddrs *all = NULL;
	enum own found = OWN_NOT;
	if (getifaddrs(&all) < 0)
		return OWN_NOT;
	for (const struct ifaddrs *one = all; one && found != OWN_ADDRESS; one = one->ifa_next) {
		if (is_same(one->ifa_addr, addr))
			found = OWN_ADDRESS;
		else if (one->ifa_flags & IFF_BROADCAST && is_same(one->ifa_broadaddr, addr))
			found = OWN_BROADCAST;
	}
	freeifaddrs(all);
	return found;
}
