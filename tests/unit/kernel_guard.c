// The guard table and the log reader on real packets.
//
//	[ far: 10.9.0.2, fd09::2 ] veth "k-far" --- veth "k-near" [ here: 10.9.0.1, fd09::1 ]
//
// `far` is a second namespace, held open by a child; the management path is TCP port 22 of here.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "kernel/kernel.h"
#include "kernel/nflog.h"
#include "unit/kernel_net.h"
#include "unit/ruleset_make.h"

static pid_t far_pid;
static struct kernel *kernel;

static const struct kernel_management management = { .interface = "k-near",
						     .family = 4,
						     .prefix = { 10, 9, 0, 0 },
						     .prefix_length = 24,
						     .port = 22 };

static int open_far(void **state)
{
	int ready[2];
	char byte;

	(void)state;
	if (pipe(ready) < 0)
		return -1;
	far_pid = fork();
	if (far_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		byte = unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(0);
	}
	if (read(ready[0], &byte, 1) != 1 || byte != 'y')
		return -1;
	if (net_run("ip link set lo up && ip link add k-near type veth peer name k-far && "
		    "ip link set k-far netns %d && ip addr add 10.9.0.1/24 dev k-near && "
		    "ip -6 addr add fd09::1/64 dev k-near nodad && ip link set k-near up && "
		    "nsenter -t %d -n sh -c 'ip link set lo up; ip addr add 10.9.0.2/24 dev k-far; "
		    "ip -6 addr add fd09::2/64 dev k-far nodad; ip link set k-far up'",
		    far_pid, far_pid))
		return -1;
	return kernel_open(-1, &kernel);
}

static int close_far(void **state)
{
	(void)state;
	kernel_close(kernel);
	kill(far_pid, SIGKILL);
	waitpid(far_pid, NULL, 0);
	return 0;
}

static bool ping(const char *address)
{
	return net_run("ping -n -c1 -W1 %s >/dev/null 2>&1", address) == 0;
}

static bool ping_from_far(const char *address)
{
	return net_run("nsenter -t %d -n ping -n -c1 -W1 %s >/dev/null 2>&1", far_pid, address) ==
	       0;
}

// A TCP connection from far to a port here that nobody listens on is refused at once, unless
// something drops it: then it times out.
static bool far_reaches_tcp(int port)
{
	return net_run("nsenter -t %d -n timeout 1 bash -c '</dev/tcp/10.9.0.1/%d' 2>&1 | "
		       "grep -q refused",
		       far_pid, port) == 0;
}

static enum kernel_guard guard_state(void)
{
	enum kernel_guard state = 99;

	assert_int_equal(kernel_guard_state(kernel, &state), 0);
	return state;
}

static void test_guard(void **state)
{
	(void)state;
	assert_int_equal(guard_state(), KERNEL_GUARD_ABSENT);
	assert_true(ping("10.9.0.2"));
	assert_true(ping("fd09::2"));
	assert_int_equal(kernel_guard_set(kernel, KERNEL_GUARD_CLOSED, &management), 0);
	assert_int_equal(guard_state(), KERNEL_GUARD_CLOSED);
	assert_false(ping("10.9.0.2"));
	assert_false(ping_from_far("10.9.0.1"));
	assert_true(ping("127.0.0.1"));
	assert_true(ping("::1"));
	assert_true(far_reaches_tcp(22));
	assert_false(far_reaches_tcp(23));
	// Neighbour discovery goes on: the address resolves, the ping itself does not pass.
	assert_int_equal(net_run("nsenter -t %d -n ip -6 neigh flush dev k-far", far_pid), 0);
	assert_false(ping_from_far("fd09::1"));
	assert_int_equal(net_run("nsenter -t %d -n ip -6 neigh show fd09::1 dev k-far | "
				 "grep -q lladdr",
				 far_pid),
			 0);
	assert_int_equal(kernel_guard_set(kernel, KERNEL_GUARD_CLOSED, NULL), 0);
	assert_false(far_reaches_tcp(22));
	assert_int_equal(kernel_guard_set(kernel, KERNEL_GUARD_OPEN, NULL), 0);
	assert_int_equal(guard_state(), KERNEL_GUARD_OPEN);
	assert_true(ping("10.9.0.2"));
	assert_true(ping("fd09::2"));
	assert_true(far_reaches_tcp(23));
	assert_int_equal(kernel_guard_remove(kernel), 0);
	assert_int_equal(guard_state(), KERNEL_GUARD_ABSENT);
	assert_int_equal(kernel_guard_remove(kernel), 0);
}

// By hand, with nft, while the daemon is away; and a half of it is not closed.
static void test_guard_by_hand(void **state)
{
	(void)state;
	assert_int_equal(kernel_guard_set(kernel, KERNEL_GUARD_OPEN, NULL), 0);
	assert_int_equal(net_run("nft add rule inet sekisho_guard prerouting drop"), 0);
	assert_int_equal(guard_state(), KERNEL_GUARD_OPEN);
	assert_int_equal(net_run("nft add rule inet sekisho_guard postrouting drop"), 0);
	assert_int_equal(guard_state(), KERNEL_GUARD_CLOSED);
	assert_int_equal(net_run("nft 'add table inet sekisho_guard { flags dormant; }'"), 0);
	assert_int_equal(guard_state(), KERNEL_GUARD_OPEN);
	assert_int_equal(kernel_guard_set(kernel, KERNEL_GUARD_CLOSED, NULL), 0);
	assert_false(ping("10.9.0.2"));
	assert_int_equal(net_run("nft flush table inet sekisho_guard"), 0);
	assert_int_equal(guard_state(), KERNEL_GUARD_OPEN);
	assert_true(ping("10.9.0.2"));
	assert_int_equal(kernel_guard_remove(kernel), 0);
}

// Without anybody at the queue its packets are dropped.
static void test_queue_closed(void **state)
{
	struct make make = { 0 };
	struct kernel_error error;

	(void)state;
	if (kernel_features(kernel)->queue == KERNEL_QUEUE_NONE)
		skip();
	make_base(&make, "input", NF_INET_LOCAL_IN, 0, false, false);
	make_rule(&make, RS_NONE);
	make_match(&make, RS_ICMP_TYPE, RS_EQ, &(uint8_t){ 8 }, 1);
	*make_stmt(&make, RS_QUEUE) =
		(struct rs_stmt){ .kind = RS_QUEUE, .group = 100, .count = 1 };
	make_finish(&make, 1);
	assert_true(ping_from_far("10.9.0.1"));
	assert_int_equal(kernel_commit(kernel, &make.ruleset, NULL, NULL, 0, &error), 0);
	assert_false(ping_from_far("10.9.0.1"));
	assert_true(ping_from_far("fd09::1"));
	assert_int_equal(kernel_remove(kernel), 0);
	make_done(&make);
}

static void keep_record(const struct nflog_record *record, void *arg)
{
	struct nflog_record *kept = arg;

	if (strcmp(record->prefix, "sk deny") == 0)
		*kept = *record;
}

static void test_nflog(void **state)
{
	struct nflog_record record = { 0 };
	struct nflog *nflog, *second;
	struct pollfd wait;

	(void)state;
	assert_int_equal(nflog_open(77, &nflog), 0);
	assert_int_equal(nflog_open(77, &second), -EBUSY);
	wait = (struct pollfd){ .fd = nflog_fd(nflog), .events = POLLIN };
	assert_int_equal(nflog_read(nflog, 10, keep_record, &record), 0);
	assert_int_equal(
		net_run("nft 'table inet k {\n chain c {\n type filter hook input priority 0;\n"
			"icmp type echo-request meta mark set 5 log prefix \"sk deny\" "
			"group 77 snaplen 64\n}\n}'"),
		0);
	assert_true(ping_from_far("10.9.0.1"));
	assert_int_equal(poll(&wait, 1, 2000), 1);
	assert_int_equal(nflog_read(nflog, 10, keep_record, &record), 0);
	assert_string_equal(record.prefix, "sk deny");
	assert_int_equal(record.in, if_nametoindex("k-near"));
	assert_int_equal(record.out, 0);
	assert_int_equal(record.mark, 5);
	assert_int_equal(record.family, 4);
	assert_int_equal(record.hook, NF_INET_LOCAL_IN);
	assert_int_equal(record.packet_size, 64);
	assert_int_equal(record.packet[9], IPPROTO_ICMP);
	assert_true(record.time_us > 1000000000000000u);
	assert_int_equal(net_run("nft delete table inet k"), 0);
	nflog_close(nflog);
}

// What the kernel never sends: lengths that lie, every cut of a message, attributes too long.
static void test_nflog_damaged(void **state)
{
	_Alignas(8) char bytes[1024] = { 0 };
	_Alignas(8) char copy[1024];
	char prefix[200], payload[600] = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct nfgenmsg *head;
	struct nflog_record record;

	(void)state;
	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;
	head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
	head->nfgen_family = NFPROTO_IPV6;
	memset(prefix, 'p', sizeof(prefix));
	mnl_attr_put(nlh, NFULA_PREFIX, sizeof(prefix), prefix);
	mnl_attr_put(nlh, NFULA_PAYLOAD, sizeof(payload), payload);
	mnl_attr_put(nlh, NFULA_MARK, 2, "ab");
	mnl_attr_put(nlh, NFULA_TIMESTAMP, 3, "abc");
	mnl_attr_put(nlh, NFULA_PACKET_HDR, 1, "a");
	assert_int_equal(nflog_parse(bytes, nlh->nlmsg_len, &record), 0);
	assert_int_equal(strlen(record.prefix), NFLOG_PREFIX_MAX - 1);
	assert_int_equal(record.packet_size, NFLOG_PACKET_MAX);
	assert_int_equal(record.mark, 0);
	assert_int_equal(record.family, 6);
	for (size_t size = 0; size < nlh->nlmsg_len; size++) {
		memcpy(copy, bytes, size);
		assert_int_equal(nflog_parse(copy, size, &record), -EBADMSG);
		((struct nlmsghdr *)copy)->nlmsg_len = (uint32_t)size;
		nflog_parse(copy, size, &record);
	}
	for (size_t at = 20; at < nlh->nlmsg_len; at++) {
		memcpy(copy, bytes, nlh->nlmsg_len);
		copy[at] = (char)0xff;
		nflog_parse(copy, nlh->nlmsg_len, &record);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nflog_damaged), cmocka_unit_test(test_guard),
		cmocka_unit_test(test_guard_by_hand), cmocka_unit_test(test_queue_closed),
		cmocka_unit_test(test_nflog),
	};

	net_enter();
	return cmocka_run_group_tests_name("kernel guard", tests, open_far, close_far);
}
