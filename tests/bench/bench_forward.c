// Forwarding of small packets, without the cost of making or taking them: frames are put into the
// kernel as if the ingress interface had received them (BPF_PROG_TEST_RUN with live frames, 6.1 and
// later), and at the far end of the egress cable the first thing that sees them drops them.
//
//   bench_forward INGRESS EGRESS SINK SOURCE DESTINATION PORT CONNECTIONS SECONDS established|new
//
// Run in the gateway's namespace; SINK is the namespace where the egress cable ends, as eth0. IPv4,
// UDP, 64-byte frames, CONNECTIONS (a power of two) source ports at random.  "established": each
// connection gets one reply first; "new": none does, so that every packet is judged as the first of
// its connection.  Prints the packets that left per
// second of processor time.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_BYTES = 60, PORT_BASE = 16384, RUN_PACKETS = 100000, BATCH = 64, AT_TTL = 22 };

struct frame {
	struct ether_header ether;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t payload[FRAME_BYTES - 42];
} __attribute__((packed));

static void fail(const char *what)
{
	fprintf(stderr, "bench_forward: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long bpf(enum bpf_cmd command, union bpf_attr *attribute)
{
	return syscall(SYS_bpf, command, attribute, sizeof(*attribute));
}

// --- programs -----------------------------------------------------------------------------------

#define I(c, d, s, o, i)                                                                           \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)                \
	}

static int load(const struct bpf_insn *program, size_t n)
{
	static char log[65536];
	union bpf_attr attribute = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insn_cnt = (uint32_t)n,
		.insns = (uintptr_t)program,
		.license = (uintptr_t) "GPL",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	int fd = (int)bpf(BPF_PROG_LOAD, &attribute);
	if (fd < 0) {
		fputs(log, stderr);
		fail("cannot load the program");
	}
	return fd;
}

static int load_constant(enum xdp_action action)
{
	const struct bpf_insn program[] = {
		I(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, (int)action),
		I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	return load(program, sizeof(program) / sizeof(program[0]));
}

// Writes a random port of `connections` and passes the packet on.  Frames come round again as the
// forwarding left them, so the destination's link address, hop count and checksum are renewed.
static int load_generator(unsigned connections, const struct frame *frame)
{
	const uint8_t *bytes = (const uint8_t *)frame;
	int32_t mac_head;
	int16_t mac_tail, ttl, check;
	memcpy(&mac_head, bytes, 4);
	memcpy(&mac_tail, bytes + 4, 2);
	memcpy(&ttl, bytes + AT_TTL, 2);
	memcpy(&check, bytes + AT_TTL + 2, 2);
	const struct bpf_insn program[] = {
		I(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0),
		I(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_prandom_u32),
		I(BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, (int)connections - 1),
		I(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, PORT_BASE),
		I(BPF_ALU | BPF_END | BPF_TO_BE, 0, 0, 0, 16),
		I(BPF_LDX | BPF_MEM | BPF_W, 2, 6, offsetof(struct xdp_md, data), 0),
		I(BPF_LDX | BPF_MEM | BPF_W, 3, 6, offsetof(struct xdp_md, data_end), 0),
		I(BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0),
		I(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, FRAME_BYTES),
		I(BPF_JMP | BPF_JGT | BPF_X, 4, 3, 5, 0),
		I(BPF_STX | BPF_MEM | BPF_H, 2, 0, offsetof(struct frame, udp.uh_sport), 0),
		I(BPF_ST | BPF_MEM | BPF_W, 2, 0, 0, mac_head),
		I(BPF_ST | BPF_MEM | BPF_H, 2, 0, 4, mac_tail),
		I(BPF_ST | BPF_MEM | BPF_H, 2, 0, AT_TTL, ttl),
		I(BPF_ST | BPF_MEM | BPF_H, 2, 0, AT_TTL + 2, check),
		I(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
		I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	return load(program, sizeof(program) / sizeof(program[0]));
}

// The interface needs a program of its own before it takes frames.
static void attach(const char *interface, int program)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
		struct nlattr xdp, fd_head;
		int32_t fd;
		struct nlattr flags_head;
		uint32_t flags;
	} request = {
		.header = { sizeof(request), RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
		.info = { .ifi_index = (int)if_nametoindex(interface) },
		.xdp = { 20, NLA_F_NESTED | IFLA_XDP },
		.fd_head = { 8, IFLA_XDP_FD },
		.fd = program,
		.flags_head = { 8, IFLA_XDP_FLAGS },
		.flags = XDP_FLAGS_DRV_MODE,
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		uint8_t rest[1024];
	} reply;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0 ||
	    recv(fd, &reply, sizeof(reply), 0) < 0)
		fail("netlink");
	errno = -reply.error.error;
	if (errno)
		fail(interface);
	close(fd);
}

static int open_space(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(path);
	return fd;
}

// So that no connection of an earlier run is known.
static void forget_connections(void)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg family;
	} request = {
		.header = { sizeof(request), NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
			    NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
	};
	uint8_t reply[1024];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0 ||
	    recv(fd, reply, sizeof(reply), 0) < 0)
		fail("conntrack");
	close(fd);
}

static void drop_at_sink(const char *space)
{
	char path[300];
	int home = open_space("/proc/thread-self/ns/net");
	snprintf(path, sizeof(path), "/run/netns/%s", space);
	int away = open_space(path);
	if (setns(away, CLONE_NEWNET) < 0)
		fail(path);
	attach("eth0", load_constant(XDP_DROP));
	if (setns(home, CLONE_NEWNET) < 0)
		fail("home");
	close(away);
	close(home);
}

// --- packets ------------------------------------------------------------------------------------

static void mac_of(const char *interface, uint8_t mac[6])
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", interface);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		fail(interface);
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	close(fd);
}

static struct frame make_frame(const char *interface, const char *source, const char *destination,
			       uint16_t sport, uint16_t port)
{
	struct frame frame = { .ether = { .ether_type = htons(ETHERTYPE_IP) } };
	mac_of(interface, frame.ether.ether_dhost);
	frame.ether.ether_shost[0] = 2;
	frame.ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP };
	frame.ip.tot_len = htons(FRAME_BYTES - 14);
	if (inet_pton(AF_INET, source, &frame.ip.saddr) != 1 ||
	    inet_pton(AF_INET, destination, &frame.ip.daddr) != 1) {
		errno = EINVAL;
		fail("address");
	}
	uint32_t sum = 0;
	const uint8_t *bytes = (const uint8_t *)&frame.ip;
	for (size_t i = 0; i < 20; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	frame.ip.check = htons((uint16_t) ~(sum + (sum >> 16)));
	frame.udp.uh_sport = htons(sport);
	frame.udp.uh_dport = htons(port);
	frame.udp.uh_ulen = htons(FRAME_BYTES - 34);
	return frame;
}

static void put_in(int program, const char *interface, const struct frame *frame, unsigned count)
{
	struct xdp_md context = { .data_end = sizeof(*frame),
				  .ingress_ifindex = if_nametoindex(interface) };
	union bpf_attr attribute = { 0 };
	attribute.test.prog_fd = (uint32_t)program;
	attribute.test.data_in = (uintptr_t)frame;
	attribute.test.data_size_in = sizeof(*frame);
	attribute.test.ctx_in = (uintptr_t)&context;
	attribute.test.ctx_size_in = sizeof(context);
	attribute.test.repeat = count;
	attribute.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	attribute.test.batch_size = count < BATCH ? count : BATCH;
	if (bpf(BPF_PROG_TEST_RUN, &attribute) < 0 && errno != EINTR)
		fail("cannot put frames in");
}

// --- measuring ----------------------------------------------------------------------------------

// Of this thread alone, which does all the forwarding: what else the machine does counts little.
static double processor_seconds(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static unsigned long long transmitted(const char *interface)
{
	char line[512], name[32];
	unsigned long long packets = 0, n;
	FILE *file = fopen("/proc/thread-self/net/dev", "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " %31[^:]: %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu", name, &n) ==
			    2 &&
		    strcmp(name, interface) == 0)
			packets = n;
	if (file)
		fclose(file);
	return packets;
}

int main(int argc, char **argv)
{
	if (argc != 10) {
		fprintf(stderr, "usage: bench_forward INGRESS EGRESS SINK SOURCE DESTINATION PORT "
				"CONNECTIONS SECONDS established|new\n");
		return 2;
	}
	const char *ingress = argv[1], *egress = argv[2];
	uint16_t port = (uint16_t)atoi(argv[6]);
	unsigned connections = (unsigned)atoi(argv[7]);
	double seconds = atof(argv[8]);
	int pass = load_constant(XDP_PASS);
	struct frame frame = make_frame(ingress, argv[4], argv[5], PORT_BASE, port);

	attach(ingress, pass);
	attach(egress, pass);
	drop_at_sink(argv[3]);
	forget_connections();
	for (unsigned i = 0; i < connections; i++) {
		frame.udp.uh_sport = htons((uint16_t)(PORT_BASE + i));
		put_in(pass, ingress, &frame, 1);
		if (strcmp(argv[9], "established") != 0)
			continue;
		// The reply comes from its own zone, or the check of sources drops it.
		struct frame reply =
			make_frame(egress, argv[5], argv[4], port, (uint16_t)(PORT_BASE + i));
		put_in(pass, egress, &reply, 1);
	}
	int generator = load_generator(connections, &frame);
	put_in(generator, ingress, &frame, RUN_PACKETS / 4); // warm
	unsigned long long before = transmitted(egress);
	double start = processor_seconds(), end = start + seconds;
	while (processor_seconds() < end)
		put_in(generator, ingress, &frame, RUN_PACKETS);
	double elapsed = processor_seconds() - start;
	printf("%.0f\n", (double)(transmitted(egress) - before) / elapsed);
	return 0;
}
