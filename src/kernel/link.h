// A netlink socket to nf_tables: requests, dumps and batches, each followed to its end.
// Not for two threads at once.
#ifndef SEKISHO_KERNEL_LINK_H
#define SEKISHO_KERNEL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "kernel/batch.h"

struct link {
	struct mnl_socket *socket;
	uint32_t port; // our netlink address: the owner of what we own
	uint32_t seq;  // the last one used
	size_t room;   // a batch so long can be sent
	char *request; // LINK_REQUEST_MAX bytes
	char *answer;  // LINK_ANSWER_MAX bytes
};

enum {
	LINK_ANSWER_MAX = 256 * 1024,
	LINK_REQUEST_MAX = 1024, // a request: a table name and one more
	LINK_RETRIES = 8,	 // a dump that others' changes break
};

// fd: a NETLINK_NETFILTER socket to go on with, which link_close() closes; -1: a new one.
int link_open(struct link *link, int fd);
void link_close(struct link *link);

// The next request, in the link's own buffer; attributes may be added before it is sent.
struct nlmsghdr *link_request(struct link *link, uint16_t type, uint16_t flags);
// Sends it and gives each answer to each(), to the end or the first negative value of each().
// -EINTR: the dump met a change and is worth nothing.
typedef int (*link_each)(const struct nlmsghdr *nlh, void *arg);
int link_ask(struct link *link, const struct nlmsghdr *request, link_each each, void *arg);

// Sends a batch in one call and reads every answer that belongs to it.
// 0 committed; a negative errno: refused, with refused() called for each message at fault (offset:
// of the attribute at fault within the message, 0 unknown); -ENOBUFS: answers were lost and none
// of those that arrived says what happened.
typedef void (*link_refused)(uint32_t seq, int error, uint32_t offset, void *arg);
int link_send(struct link *link, const struct batch *batch, link_refused refused, void *arg);

// The counter of transactions in this network namespace.
int link_genid(struct link *link, uint32_t *ret_genid);
// How many of them this process made, on all its links together: each is counted once it is done.
uint32_t link_turns(void);

// mnl_nlmsg_ok() takes a length past 2 GB for a negative one, and lets it pass.
static inline bool link_is_whole(const struct nlmsghdr *nlh, int left)
{
	return mnl_nlmsg_ok(nlh, left) && nlh->nlmsg_len <= (unsigned)left;
}

// The attributes of an nf_tables message or of a nested attribute, by type; types above max are
// left out.  out has max + 1 places.
void link_attrs(const struct nlmsghdr *nlh, const struct nlattr **out, uint16_t max);
void link_nested(const struct nlattr *nest, const struct nlattr **out, uint16_t max);
// The text of an attribute, or "" when it is absent or not terminated.
const char *link_text(const struct nlattr *attr);
uint32_t link_be32(const struct nlattr *attr); // 0 when absent or of another size
uint64_t link_be64(const struct nlattr *attr);

#endif
