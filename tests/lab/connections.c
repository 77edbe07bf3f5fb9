// Puts many connections into the connection tracking of this network namespace, as if they lived:
// TCP, established, both directions seen.
//
//   lab-connections COUNT FROM TO PORT ...
//
// From hosts and ports counted up from the address FROM, to hosts counted up from TO, to each of
// the ports in turn.  Prints how many were made.
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>

enum { BATCH = 128, MESSAGE_MAX = 512, HOSTS = 200, FIRST_PORT = 1024, LIVES_S = 3600 };

static _Alignas(8) char batch[BATCH * MESSAGE_MAX];

static size_t put_entry(char *at, uint32_t from, uint32_t to, uint16_t sport, uint16_t port)
{
	struct nf_conntrack *ct = nfct_new();
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
	head->nfgen_family = AF_INET;
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(from));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, htonl(to));
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(sport));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(port));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, LIVES_S);
	nfct_nlmsg_build(nlh, ct);
	nfct_destroy(ct);
	return nlh->nlmsg_len;
}

// Errors only: what went well has no answer.
static unsigned refused(struct mnl_socket *socket)
{
	static _Alignas(8) char answer[64 * 1024];
	unsigned count = 0;

	for (;;) {
		ssize_t n = recv(mnl_socket_get_fd(socket), answer, sizeof(answer), MSG_DONTWAIT);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)answer;
		int left = (int)n;

		if (n < 0)
			return count;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			count++;
	}
}

int main(int argc, char **argv)
{
	struct in_addr from, to;
	unsigned made = 0, count = argc > 4 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);

	if (!count || !inet_aton(argv[2], &from) || !inet_aton(argv[3], &to) || !socket) {
		fprintf(stderr, "usage: lab-connections COUNT FROM TO PORT ...\n");
		return 2;
	}
	for (unsigned i = 0; i < count;) {
		size_t used = 0;
		unsigned first = i;

		for (; i < count && i - first < BATCH; i++)
			used += put_entry(batch + used, ntohl(from.s_addr) + i % HOSTS,
					  ntohl(to.s_addr) + i / HOSTS % HOSTS,
					  (uint16_t)(FIRST_PORT + i / HOSTS),
					  (uint16_t)atoi(argv[4 + i % (unsigned)(argc - 4)]));
		if (mnl_socket_sendto(socket, batch, used) < 0) {
			perror("lab-connections");
			return 1;
		}
		made += i - first - refused(socket);
	}
	mnl_socket_close(socket);
	printf("%u\n", made);
	return 0;
}
