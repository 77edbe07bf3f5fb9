#include "kernel/batch.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

// Closes the message being written and makes room for another.
static struct nlmsghdr *batch_next(struct batch *batch)
{
	struct nlmsghdr *nlh;
	size_t want;

	if (batch->open)
		batch->used += NLMSG_ALIGN(batch->open->nlmsg_len);
	want = batch->used + BATCH_MESSAGE_MAX;
	if (want > batch->cap)
		vec_grow((void **)&batch->bytes, &batch->cap, want, 1);
	nlh = mnl_nlmsg_put_header(batch->bytes + batch->used);
	batch->open = nlh;
	return nlh;
}

static void batch_head(struct nlmsghdr *nlh, uint16_t type, uint16_t flags, uint32_t seq,
		       uint8_t family, uint16_t res_id)
{
	struct nfgenmsg *head;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
	head->nfgen_family = family;
	head->version = NFNETLINK_V0;
	head->res_id = htons(res_id);
}

void batch_begin(struct batch *batch, uint32_t first_seq, const uint32_t *genid)
{
	struct nlmsghdr *nlh;

	*batch = (struct batch){ .first_seq = first_seq };
	nlh = batch_next(batch);
	batch_head(nlh, NFNL_MSG_BATCH_BEGIN, 0, first_seq, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	if (genid)
		batch_put_be32(nlh, NFNL_BATCH_GENID, *genid);
}

// Messages that never leave all as it was.  Others may: a table, a set or an object that is there
// already, the rules of a chain without any.
static const bool batch_turns[NFT_MSG_MAX] = {
	[NFT_MSG_DELTABLE] = true, [NFT_MSG_NEWCHAIN] = true, [NFT_MSG_DELCHAIN] = true,
	[NFT_MSG_NEWRULE] = true,  [NFT_MSG_DELSET] = true,   [NFT_MSG_NEWSETELEM] = true,
	[NFT_MSG_DELOBJ] = true,
};

struct nlmsghdr *batch_message(struct batch *batch, uint16_t type, uint16_t flags,
			       struct batch_mark mark)
{
	struct nlmsghdr *nlh = batch_next(batch);

	batch->turns |= type < sizeof(batch_turns) && batch_turns[type];
	mark.offset = batch->used;
	vec_push(&batch->marks, mark);
	batch_head(nlh, NFNL_SUBSYS_NFTABLES << 8 | type, flags,
		   batch->first_seq + (uint32_t)batch->marks.n, NFPROTO_INET, 0);
	return nlh;
}

void batch_end(struct batch *batch, bool commit)
{
	struct nlmsghdr *nlh;

	// Kernels before 6.10 acknowledge no message that opens or closes a batch, so the last
	// one in it carries the request; one acknowledgement each would overrun the socket.
	if (batch->marks.n)
		batch->open->nlmsg_flags |= NLM_F_ACK;
	batch->turns &= commit;
	nlh = batch_next(batch);
	if (commit)
		batch_head(nlh, NFNL_MSG_BATCH_END, 0,
			   batch->first_seq + (uint32_t)batch->marks.n + 1, AF_UNSPEC,
			   NFNL_SUBSYS_NFTABLES);
	batch->used += commit ? NLMSG_ALIGN(nlh->nlmsg_len) : 0;
	batch->open = NULL;
}

void batch_done(struct batch *batch)
{
	free(batch->bytes);
	vec_done(&batch->marks);
	batch->bytes = NULL;
	batch->open = NULL;
	batch->used = batch->cap = 0;
}

const struct batch_mark *batch_find(const struct batch *batch, uint32_t seq)
{
	uint32_t number = seq - batch->first_seq;

	return number >= 1 && number <= batch->marks.n ? &batch->marks.v[number - 1] : NULL;
}

struct nlattr *batch_nest(struct nlmsghdr *nlh, uint16_t type)
{
	struct nlattr *nest = mnl_nlmsg_get_payload_tail(nlh);

	nest->nla_type = type;
	nlh->nlmsg_len += MNL_ATTR_HDRLEN;
	return nest;
}

void batch_put(struct nlmsghdr *nlh, uint16_t type, size_t size, const void *value)
{
	struct nlattr *attr = mnl_nlmsg_get_payload_tail(nlh);
	char *at = (char *)attr + MNL_ATTR_HDRLEN;

	attr->nla_type = type;
	attr->nla_len = (uint16_t)(MNL_ATTR_HDRLEN + size);
	memcpy(at, value, size);
	memset(at + size, 0, MNL_ALIGN(size) - size);
	nlh->nlmsg_len += MNL_ALIGN(attr->nla_len);
}

void batch_put_text(struct nlmsghdr *nlh, uint16_t type, const char *text)
{
	batch_put(nlh, type, strlen(text) + 1, text);
}

void batch_put_u8(struct nlmsghdr *nlh, uint16_t type, uint8_t value)
{
	batch_put(nlh, type, sizeof(value), &value);
}

void batch_put_be16(struct nlmsghdr *nlh, uint16_t type, uint16_t value)
{
	value = htons(value);
	batch_put(nlh, type, sizeof(value), &value);
}

void batch_put_be32(struct nlmsghdr *nlh, uint16_t type, uint32_t value)
{
	value = htonl(value);
	batch_put(nlh, type, sizeof(value), &value);
}

void batch_put_be64(struct nlmsghdr *nlh, uint16_t type, uint64_t value)
{
	value = htobe64(value);
	batch_put(nlh, type, sizeof(value), &value);
}
