// Connections that are begun and never completed: SYNs from ever other sources, which answer
// nothing.
//
//	bench_half_open SOURCES ADDRESS PORT AT-ONCE PER-SECOND
//
// SOURCES is the first of 65,536 IPv4 addresses.  AT-ONCE are begun as fast as a full queue would
// take them, and then so many a second, until SIGTERM; then it says how many there were.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { STEP_MS = 20, STEP_MOST = 100, MSS_BYTES = 4 };

struct syn {
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t mss[MSS_BYTES];
};

static volatile sig_atomic_t ends;

static void on_term(int signal)
{
	(void)signal;
	ends = 1;
}

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "bench_half_open: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint32_t sum_of(const void *bytes, size_t n, uint32_t sum)
{
	const uint8_t *at = bytes;
	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

// The n-th: another address each time, and another port once all were used.
static struct syn make_syn(uint32_t sources, const struct sockaddr_in *to, uint32_t n)
{
	struct syn syn = {
		.ip = { .version = 4,
			.ihl = 5,
			.tot_len = htons(sizeof(syn)),
			.ttl = 64,
			.protocol = IPPROTO_TCP,
			.saddr = htonl(sources + (n & 0xffff)),
			.daddr = to->sin_addr.s_addr },
		.tcp = { .source = htons((uint16_t)(1024 + n / 65536 * 7 % 60000)),
			 .dest = to->sin_port,
			 .seq = htonl(n * 2654435761u),
			 .doff = (sizeof(syn.tcp) + MSS_BYTES) / 4,
			 .syn = 1,
			 .window = htons(64240) },
		.mss = { TCPOPT_MAXSEG, MSS_BYTES, 1460 >> 8, 1460 & 0xff },
	};
	uint32_t size = sizeof(syn.tcp) + MSS_BYTES;
	uint32_t sum = sum_of(&syn.ip.saddr, 8, IPPROTO_TCP + size);
	syn.tcp.check = fold(sum_of(&syn.tcp, size, sum));
	return syn;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct in_addr sources;
	const struct sigaction term = { .sa_handler = on_term };
	if (argc != 6 || inet_pton(AF_INET, argv[1], &sources) != 1 ||
	    inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: bench_half_open SOURCES ADDRESS PORT AT-ONCE PER-SECOND\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[3]));
	uint64_t at_once = (uint64_t)atol(argv[4]), per_second = (uint64_t)atol(argv[5]);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0)
		give_up("a raw socket");
	sigaction(SIGTERM, &term, NULL);
	uint64_t n = 0, begin_ms = 0;
	while (!ends) {
		if (n >= at_once && !begin_ms)
			begin_ms = monotonic_ms();
		uint64_t due = begin_ms ? at_once + (monotonic_ms() - begin_ms) * per_second / 1000
					: at_once;
		for (int i = 0; i < STEP_MOST && n < due; i++, n++) {
			const struct syn syn = make_syn(ntohl(sources.s_addr), &to, (uint32_t)n);
			const struct sockaddr_in where = { .sin_family = AF_INET,
							   .sin_addr = to.sin_addr };
			if (sendto(fd, &syn, sizeof(syn), 0, (const void *)&where, sizeof(where)) <
				    0 &&
			    errno != ENOBUFS)
				give_up("a packet");
		}
		usleep(STEP_MS * 1000);
	}
	printf("{\"begun\":%llu}\n", (unsigned long long)n);
	return 0;
}
