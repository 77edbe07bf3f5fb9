// A bad line: passes frames between two interfaces of its namespace, and loses, repeats and delays
// some of them, so that they arrive out of order.
//
//	lab-impair IF1 IF2 SEED LOSS REPEAT DELAY [EACH AWAY_MS]
//
// LOSS, REPEAT and DELAY: in 10,000 frames.  EACH: besides, of the frames that bring new bytes of
// a TCP connection from IF1 each so-and-so-many-th is lost, and none that repeats bytes; 0: none.
// AWAY_MS: how long each frame is on its way.
//
// Ends with SIGTERM, and says then what it did.  The interfaces get no address; offloads of what
// sends into them have to be off, since a frame is passed as it travels.
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { FRAME_MAX = 9216, LATE_MAX = 64, LATE_MS = 15, BURST = 64, AWAY_MAX = 8192 };

struct late {
	uint64_t due_ms;
	int to;
	size_t size;
	uint8_t bytes[FRAME_MAX];
};

// What is on its way, in order.
struct away {
	uint64_t due_ms;
	int to;
	size_t size;
	uint8_t *bytes;
};

static struct late late[LATE_MAX];
static struct away away[AWAY_MAX];
static unsigned away_first, n_away;
static uint64_t away_ms;
static volatile sig_atomic_t ended;
static uint64_t state;
static struct {
	unsigned long long passed, lost, repeated, delayed;
} counts;

static void on_term(int number)
{
	(void)number;
	ended = 1;
}

// xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016.
static unsigned draw(unsigned below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned)((state * 0x2545f4914f6cdd1d) >> 33) % below;
}

static int open_end(const char *name)
{
	struct sockaddr_ll here = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0), room = 4 << 20;
	here.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || here.sll_ifindex == 0 || bind(fd, (void *)&here, sizeof(here)) < 0) {
		fprintf(stderr, "lab-impair: %s: %s\n", name, strerror(errno));
		exit(1);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return fd;
}

static void put(int to, const uint8_t *bytes, size_t size)
{
	counts.passed += send(to, bytes, size, 0) == (ssize_t)size;
}

static void pass(int to, const uint8_t *bytes, size_t size)
{
	struct away *last = &away[(away_first + n_away) % AWAY_MAX];

	if (!away_ms) {
		put(to, bytes, size);
		return;
	}
	if (n_away == AWAY_MAX || !(last->bytes = malloc(size))) {
		counts.lost++;
		return;
	}
	last->due_ms = monotonic_ms() + away_ms;
	last->to = to;
	last->size = size;
	memcpy(last->bytes, bytes, size);
	n_away++;
}

static void pass_away(uint64_t now_ms)
{
	for (; n_away && away[away_first].due_ms <= now_ms; n_away--) {
		struct away *first = &away[away_first];
		put(first->to, first->bytes, first->size);
		free(first->bytes);
		away_first = (away_first + 1) % AWAY_MAX;
	}
}

// Whether a frame has bytes beyond all that its connection brought before, of IPv4; there is one
// connection at a time, known by its port.
static bool is_new(const uint8_t *bytes, size_t size)
{
	static uint32_t beyond;
	static uint8_t port[2];
	const uint8_t *tcp = bytes + 14 + (bytes[14] & 15) * 4;
	size_t total = (size_t)bytes[16] << 8 | bytes[17], head;
	uint32_t seq;

	if (size < 54 || bytes[12] != 8 || bytes[13] || bytes[23] != IPPROTO_TCP || (tcp[13] & 7))
		return false;
	head = (size_t)(tcp - bytes) - 14 + (size_t)(tcp[12] >> 4) * 4;
	memcpy(&seq, tcp + 4, 4);
	seq = ntohl(seq) + (uint32_t)(total - head);
	if (total <= head || (!memcmp(port, tcp, 2) && (int32_t)(seq - beyond) <= 0))
		return false;
	memcpy(port, tcp, 2);
	beyond = seq;
	return true;
}

static void delay(int to, const uint8_t *bytes, size_t size, uint64_t now_ms)
{
	for (size_t i = 0; i < LATE_MAX; i++) {
		if (late[i].size)
			continue;
		late[i] = (struct late){ .due_ms = now_ms + 1 + draw(LATE_MS),
					 .to = to,
					 .size = size };
		memcpy(late[i].bytes, bytes, size);
		counts.delayed++;
		return;
	}
	pass(to, bytes, size);
}

static void pass_late(uint64_t now_ms)
{
	for (size_t i = 0; i < LATE_MAX; i++) {
		if (!late[i].size || late[i].due_ms > now_ms)
			continue;
		pass(late[i].to, late[i].bytes, late[i].size);
		late[i].size = 0;
	}
}

static void relay(int from, int to, const unsigned *odds, unsigned each)
{
	static unsigned n_new;
	uint8_t bytes[FRAME_MAX];
	struct sockaddr_ll source;
	for (int i = 0; i < BURST; i++) {
		socklen_t n = sizeof(source);
		ssize_t size = recvfrom(from, bytes, sizeof(bytes), MSG_TRUNC, (void *)&source, &n);
		if (size <= 0)
			return;
		if (source.sll_pkttype == PACKET_OUTGOING || size > FRAME_MAX)
			continue;
		if (each && is_new(bytes, (size_t)size) && ++n_new % each == 0) {
			counts.lost++;
			continue;
		}
		unsigned dice = draw(10000);
		if (dice < odds[0]) {
			counts.lost++;
			continue;
		}
		if (dice < odds[0] + odds[1]) {
			counts.repeated++;
			pass(to, bytes, (size_t)size);
		}
		if (dice >= 10000 - odds[2])
			delay(to, bytes, (size_t)size, monotonic_ms());
		else
			pass(to, bytes, (size_t)size);
	}
}

int main(int argc, char **argv)
{
	unsigned odds[3], each = 0;
	if (argc != 7 && argc != 9) {
		fprintf(stderr,
			"usage: lab-impair IF1 IF2 SEED LOSS REPEAT DELAY [EACH AWAY_MS]\n");
		return 2;
	}
	state = strtoull(argv[3], NULL, 10) * 0x9e3779b97f4a7c15 | 1;
	for (int i = 0; i < 3; i++)
		odds[i] = (unsigned)atoi(argv[4 + i]);
	if (argc == 9) {
		each = (unsigned)atoi(argv[7]);
		away_ms = strtoull(argv[8], NULL, 10);
	}
	signal(SIGTERM, on_term);
	struct pollfd ends[2] = { { open_end(argv[1]), POLLIN, 0 },
				  { open_end(argv[2]), POLLIN, 0 } };
	while (!ended) {
		poll(ends, 2, n_away ? 1 : LATE_MS / 3);
		pass_late(monotonic_ms());
		pass_away(monotonic_ms());
		relay(ends[0].fd, ends[1].fd, odds, each);
		relay(ends[1].fd, ends[0].fd, odds, 0);
	}
	printf("passed %llu, lost %llu, repeated %llu, delayed %llu\n", counts.passed, counts.lost,
	       counts.repeated, counts.delayed);
	return 0;
}
