// What might come out of the netlink sockets that watch: transactions of nf_tables, rules of
// others, links, addresses, routes.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>

#include "kernel/foreign.h"
#include "kernel/link.h"
#include "kernel/network.h"
#include "kernel/watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void see(void *arg, const struct watch_change *change)
{
	(void)arg;
	if (strlen(change->words) >= sizeof(change->words) ||
	    strlen(change->name) >= sizeof(change->name))
		abort();
	for (const char *at = change->words; *at; at++)
		if (*at < 0x20 || *at > 0x7e)
			abort();
}

static void take_messages(const struct nlmsghdr *nlh, int left)
{
	struct network network = { 0 };

	for (; left > 0 && link_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		network_take(&network, nlh);
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct nfgenmsg))
			foreign_rule_does(nlh);
	}
	network_done(&network);
}

// The bytes as one datagram, and cut in two at a place that they give.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct watch_reader reader = { 0 };
	uint8_t *copy = malloc(size + 1);
	size_t half = size ? bytes[0] % size & ~(size_t)7 : 0;

	if (!copy)
		return 0;
	memcpy(copy, bytes, size);
	watch_parse(&reader, copy, size, see, NULL);
	watch_parse(&reader, copy, half, see, NULL);
	watch_parse(&reader, copy + half, size - half, see, NULL);
	take_messages((const struct nlmsghdr *)copy, (int)size);
	free(copy);
	return 0;
}
