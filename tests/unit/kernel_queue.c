// Messages of a queue, as the kernel makes them and as nobody does; the kernel's line of a queue.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "kernel/queue.h"

enum { PAYLOAD = 1500 };

struct message {
	_Alignas(8) char bytes[4096];
	struct nlmsghdr *nlh;
	size_t size;
};

static void begin(struct message *message)
{
	struct nfgenmsg *head;
	memset(message, 0, sizeof(*message));
	message->nlh = mnl_nlmsg_put_header(message->bytes);
	message->nlh->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET;
	head = mnl_nlmsg_put_extra_header(message->nlh, sizeof(*head));
	head->nfgen_family = AF_INET;
	head->res_id = htons(100);
}

static void put_packet_head(struct message *message, uint32_t id)
{
	struct nfqnl_msg_packet_hdr head = { .packet_id = htonl(id), .hook = 2 };
	mnl_attr_put(message->nlh, NFQA_PACKET_HDR, sizeof(head), &head);
}

// As nfnetlink_queue does: what is told first, the packet last and without padding counted.
static void make(struct message *message, uint32_t info, size_t payload)
{
	static char packet[4096];
	begin(message);
	put_packet_head(message, 77);
	mnl_attr_put_u32(message->nlh, NFQA_IFINDEX_INDEV, htonl(3));
	mnl_attr_put_u32(message->nlh, NFQA_IFINDEX_OUTDEV, htonl(4));
	mnl_attr_put_u32(message->nlh, NFQA_MARK, htonl(0x1234));
	if (info)
		mnl_attr_put_u32(message->nlh, NFQA_SKB_INFO, htonl(info));
	if (payload)
		mnl_attr_put(message->nlh, NFQA_PAYLOAD, payload, packet);
	message->size = message->nlh->nlmsg_len;
}

static int parse(const struct message *message, struct queue_packet *ret)
{
	size_t size = message->size < QUEUE_HEAD ? message->size : QUEUE_HEAD;
	return queue_parse((const uint8_t *)message->bytes, size, message->size, ret);
}

static void a_packet(void **state)
{
	struct queue_packet packet;
	struct message message;
	(void)state;
	make(&message, 0, PAYLOAD);
	assert_int_equal(parse(&message, &packet), 0);
	assert_int_equal(packet.id, 77);
	assert_int_equal(packet.mark, 0x1234);
	assert_int_equal(packet.in, 3);
	assert_int_equal(packet.out, 4);
	assert_int_equal(packet.hook, 2);
	assert_int_equal(packet.size, PAYLOAD);
	assert_int_equal(packet.whole, PAYLOAD);
	assert_int_equal(packet.offset, message.size - PAYLOAD);
	assert_true(packet.sums_checked);
	assert_false(packet.sums_not_ready);
	assert_false(packet.gso);
}

static void what_is_said_of_sums(void **state)
{
	static const struct {
		uint32_t info;
		bool not_ready, checked, gso;
	} rows[] = {
		{ NFQA_SKB_CSUMNOTREADY, true, false, false },
		{ NFQA_SKB_CSUMNOTREADY | NFQA_SKB_GSO, true, false, true },
		{ NFQA_SKB_CSUM_NOTVERIFIED, false, false, false },
		{ NFQA_SKB_GSO, false, true, true },
	};
	struct queue_packet packet;
	struct message message;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make(&message, rows[i].info, PAYLOAD);
		assert_int_equal(parse(&message, &packet), 0);
		assert_int_equal(packet.sums_not_ready, rows[i].not_ready);
		assert_int_equal(packet.sums_checked, rows[i].checked);
		assert_int_equal(packet.gso, rows[i].gso);
	}
}

static void one_that_was_cut(void **state)
{
	static const uint8_t packet_bytes[1000];
	struct queue_packet packet;
	struct message message;
	(void)state;
	begin(&message);
	put_packet_head(&message, 5);
	mnl_attr_put_u32(message.nlh, NFQA_CAP_LEN, htonl(65535));
	mnl_attr_put(message.nlh, NFQA_PAYLOAD, sizeof(packet_bytes), packet_bytes);
	message.size = message.nlh->nlmsg_len;
	assert_int_equal(parse(&message, &packet), 0);
	assert_int_equal(packet.size, 1000);
	assert_int_equal(packet.whole, 65535);
}

static void one_without_the_packet(void **state)
{
	struct queue_packet packet;
	struct message message;
	(void)state;
	make(&message, 0, 0);
	assert_int_equal(parse(&message, &packet), 0);
	assert_int_equal(packet.size, 0);
	assert_int_equal(packet.id, 77);
}

static void what_is_no_packet(void **state)
{
	struct queue_packet packet;
	struct message message;
	(void)state;
	make(&message, 0, PAYLOAD);
	message.nlh->nlmsg_type = NLMSG_ERROR;
	assert_int_equal(parse(&message, &packet), 1);
	begin(&message); // without its number nothing can be decided
	mnl_attr_put_u32(message.nlh, NFQA_MARK, htonl(1));
	message.size = message.nlh->nlmsg_len;
	assert_int_equal(parse(&message, &packet), -EBADMSG);
}

static void lengths_that_are_wrong(void **state)
{
	struct queue_packet packet;
	struct message message;
	struct nlattr *attr;
	(void)state;
	for (size_t size = 0; size < 20; size++)
		assert_int_equal(queue_parse((const uint8_t *)message.bytes, size, size, &packet),
				 -EBADMSG);
	make(&message, 0, PAYLOAD);
	message.nlh->nlmsg_len++;
	assert_int_equal(parse(&message, &packet), -EBADMSG);
	make(&message, 0, PAYLOAD);
	attr = mnl_nlmsg_get_payload_offset(message.nlh, sizeof(struct nfgenmsg));
	attr->nla_len = 3;
	assert_int_equal(parse(&message, &packet), -EBADMSG);
	attr->nla_len = 0xffff;
	assert_int_equal(parse(&message, &packet), -EBADMSG);
	// An attribute that is not the packet and reaches beyond the head.
	attr->nla_len = 300;
	assert_int_equal(parse(&message, &packet), -EBADMSG);
}

// Cut anywhere, it is refused or tells no more than was there.
static void every_cut(void **state)
{
	struct queue_packet packet;
	struct message message;
	(void)state;
	make(&message, NFQA_SKB_GSO, 64);
	for (size_t size = 0; size <= message.size; size++) {
		uint8_t *copy = malloc(size ? size : 1);
		memcpy(copy, message.bytes, size);
		if (queue_parse(copy, size, size, &packet) == 0)
			assert_true(packet.offset + packet.size <= size);
		free(copy);
	}
}

static void the_line_of_a_queue(void **state)
{
	struct queue_state found;
	uint16_t number;
	(void)state;
	assert_true(queue_state_parse("  100  32684   12 2 65531     7     3    25071  1\n",
				      &number, &found));
	assert_int_equal(number, 100);
	assert_int_equal(found.listener, 32684);
	assert_int_equal(found.waiting, 12);
	assert_int_equal(found.dropped, 7);
	assert_int_equal(found.user_dropped, 3);
	assert_false(queue_state_parse("", &number, &found));
	assert_false(queue_state_parse("100 1 2 3\n", &number, &found));
	assert_false(queue_state_parse("70000 1 2 3 4 5 6 7\n", &number, &found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet),	     cmocka_unit_test(what_is_said_of_sums),
		cmocka_unit_test(one_that_was_cut),  cmocka_unit_test(one_without_the_packet),
		cmocka_unit_test(what_is_no_packet), cmocka_unit_test(lengths_that_are_wrong),
		cmocka_unit_test(every_cut),	     cmocka_unit_test(the_line_of_a_queue),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
