// The list.
#include "geo/reserved.h"

#include <stdlib.h>

static const char *const reserved[] = {
	"0.0.0.0/8",	   // this network
	"10.0.0.0/8",	   // private
	"100.64.0.0/10",   // shared by carriers
	"127.0.0.0/8",	   // loopback
	"169.254.0.0/16",  // link-local
	"172.16.0.0/12",   // private
	"192.0.0.0/24",	   // protocol assignments
	"192.0.2.0/24",	   // documentation
	"192.88.99.0/24",  // 6to4 relays
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",	   // multicast
	"240.0.0.0/4",	   // reserved, and the broadcast address
	"::/3",		   // all but global unicast: loopback, IPv4-mapped, translation
	"2001::/23",	   // protocol assignments, Teredo
	"2001:db8::/32",   // documentation
	"2002::/16",	   // 6to4: the address of another network
	"3fff::/20",	   // documentation (RFC 9637)
	"4000::/2",	   // not global unicast, as the two below
	"8000::/1",
};

void reserved_set(struct addr_set *ret)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		struct addr_range range;

		if (addr_range_parse(reserved[i], &range) < 0)
			abort(); // the list is the program's own
		addr_set_append(ret, range);
	}
	addr_set_normalise(ret);
}
