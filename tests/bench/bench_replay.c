// How fast captured traffic is replayed from a warm file, beside libpcap that only reads it:
// medians of ROUNDS, in million packets a second.
//
//   bench_replay ROUNDS POLICY FILE      FILE: where the capture is made; it is removed
#include <fcntl.h>
#include <pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "plan/plan.h"
#include "replay/replay.h"

enum { PACKETS = 2000000, ROUNDS_MAX = 100, HEAD = 14 + 20 + 20, PAYLOAD = 40 };

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct plan *plan_of(const char *dir)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;

	if (policy_read_path(dir, diag, &policy, NULL) < 0 ||
	    plan_make(policy, diag, &plan, NULL) < 0) {
		diag_print(diag, stderr);
		exit(1);
	}
	policy_free(policy);
	diag_free(diag);
	return plan;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

// Connection k of the town's offices to its servers, some permitted and some not.
static void frame_of(uint32_t k, bool reply, bool first, uint8_t out[HEAD + PAYLOAD])
{
	static const uint16_t ports[] = { 445, 443, 53, 80, 25 };
	uint32_t client = 0x0a140000 + 256 + k % 50000, server = 0x0a150014 + k % 3;
	unsigned sport = 20000 + k / 7 % 40000, port = ports[k % 5];

	memset(out, 0, HEAD + PAYLOAD);
	out[0] = out[6] = 2;
	out[12] = 8;
	out[14] = 0x45;
	put16(out + 16, 40 + PAYLOAD);
	out[22] = 64;
	out[23] = 6;
	put32(out + 26, reply ? server : client);
	put32(out + 30, reply ? client : server);
	put16(out + 34, reply ? port : sport);
	put16(out + 36, reply ? sport : port);
	out[46] = 0x50;
	out[47] = first ? 2 : 16;
}

static void make(const char *path, uint32_t connections)
{
	static const uint32_t head[6] = { 0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1 };
	FILE *file = fopen(path, "wb");
	uint64_t random = 1;

	if (!file || fwrite(head, sizeof(head), 1, file) != 1)
		exit(1);
	for (uint32_t i = 0; i < PACKETS; i++) {
		uint8_t frame[HEAD + PAYLOAD];
		uint32_t record[4] = { 1000000000 + i / 100000, i % 100000 * 10, sizeof(frame),
				       sizeof(frame) };

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		frame_of(i < connections ? i : (uint32_t)(random >> 33) % connections,
			 i >= connections && i & 1, i < connections, frame);
		fwrite(record, sizeof(record), 1, file);
		fwrite(frame, sizeof(frame), 1, file);
	}
	if (fclose(file) != 0)
		exit(1);
}

static double replay_once(const struct plan *plan, const char *path, size_t *ret_connections)
{
	struct replay_options options = { .plan = plan, .seed = { 1, 2, 3, 4 } };
	struct replay replay;
	struct capture capture;
	double start = now(), took;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = (size_t)lseek(fd, 0, SEEK_END);
	void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (bytes == MAP_FAILED || capture_open(&capture, bytes, size) < 0)
		exit(1);
	replay_init(&replay, &options);
	replay_run(&replay, &capture);
	*ret_connections = replay.tracks.n;
	took = now() - start;
	replay_done(&replay);
	capture_done(&capture);
	munmap(bytes, size);
	close(fd);
	return took;
}

static void take(u_char *sum, const struct pcap_pkthdr *head, const u_char *bytes)
{
	*sum ^= (u_char)(head->caplen + bytes[12]);
}

static double libpcap_once(const char *path)
{
	char error[PCAP_ERRBUF_SIZE];
	u_char sum = 0;
	double start = now();
	pcap_t *pcap = pcap_open_offline(path, error);

	if (!pcap || pcap_loop(pcap, -1, take, &sum) < 0)
		exit(1);
	pcap_close(pcap);
	return now() - start;
}

int main(int argc, char **argv)
{
	static const uint32_t connections[] = { 1000, 100000, 1000000 };
	double ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
	int rounds = argc == 4 ? atoi(argv[1]) : 0;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_replay ROUNDS POLICY FILE\n");
		return 2;
	}
	struct plan *plan = plan_of(argv[2]);

	for (size_t i = 0; i < sizeof(connections) / sizeof(connections[0]); i++) {
		size_t n = 0;

		make(argv[3], connections[i]);
		for (int k = 0; k < rounds; k++) {
			theirs[k] = libpcap_once(argv[3]);
			ours[k] = replay_once(plan, argv[3], &n);
		}
		qsort(ours, (size_t)rounds, sizeof(*ours), by_value);
		qsort(theirs, (size_t)rounds, sizeof(*theirs), by_value);
		printf("%zu %.2f %.2f\n", n, PACKETS / ours[rounds / 2] / 1e6,
		       PACKETS / theirs[rounds / 2] / 1e6);
	}
	unlink(argv[3]);
	plan_free(plan);
	return 0;
}
