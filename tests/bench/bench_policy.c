// Writes a policy of any size, the same for the same numbers: zones with hosts, and flows between
// them the way towns write them: most from a host or a small network to a server and a few ports.
//
//   bench_policy ZONES FLOWS DIR
//
// Zone z1 to z2 always has the flows that the forwarding figures use: UDP 5001 and TCP 5201 between
// the two whole zones; with FLOWS up to 2 these are all, and no host has a name.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HOSTS = 200, NETWORKS = 20, ZONES_MAX = 250, PAIRS_A_ZONE = 12 };

static uint64_t state = 0x5e415e41;

static unsigned roll(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 32) % below;
}

static void zones(FILE *out, unsigned n, bool with_networks)
{
	fputs("version: 1\nzones:\n", out);
	for (unsigned z = 1; z <= n; z++)
		fprintf(out,
			"  z%u: { interfaces: [lan-%u], networks: [10.%u.0.0/16, \"fd00:%x::/64\"] }\n",
			z, z, z, z);
	if (!with_networks)
		return;
	fputs("networks:\n", out);
	for (unsigned z = 1; z <= n; z++) {
		for (unsigned h = 0; h < HOSTS; h++)
			fprintf(out, "  z%u/h%u: [10.%u.1.%u, \"fd00:%x::1:%x\"]\n", z, h, z,
				h + 10, z, h + 16);
		for (unsigned k = 0; k < NETWORKS; k++)
			fprintf(out, "  z%u/n%u: [10.%u.%u.0/24, \"fd00:%x::%x:0/112\"]\n", z, k, z,
				k + 2, z, k + 2);
	}
}

static void endpoint(FILE *out, unsigned zone, unsigned networks_in_ten)
{
	if (roll(10) < networks_in_ten)
		fprintf(out, "z%u/n%u", zone, roll(NETWORKS));
	else
		fprintf(out, "z%u/h%u", zone, roll(HOSTS));
}

static void flows(FILE *out, unsigned zones_n, unsigned n)
{
	static const char *const services[] = {
		"https",   "http",	    "tcp/22",	"smb",	    "dns",  "tcp/3306",
		"udp/161", "tcp/8080-8089", "ntp",	"tcp/5432", "smtp", "icmp/echo-request",
		"rdp",	   "[http, https]", "tcp/9100", "udp/514"
	};
	fputs("flows:\n  - { id: bench-udp, from: z1, to: z2, services: udp/5001 }\n"
	      "  - { id: bench-tcp, from: z1, to: z2, services: tcp/5201 }\n",
	      out);
	for (unsigned i = 2; i < n; i++) {
		unsigned from = 1 + roll(zones_n);
		unsigned to = 1 + (from - 1 + 1 + roll(PAIRS_A_ZONE)) % zones_n;
		if (to == from)
			to = 1 + to % zones_n;
		fprintf(out, "  - { id: f%u, from: ", i);
		endpoint(out, from, 3);
		fputs(", to: ", out);
		endpoint(out, to, 1);
		fprintf(out, ", services: %s }\n", services[roll(16)]);
	}
}

int main(int argc, char **argv)
{
	char path[4096];
	if (argc != 4 || atoi(argv[1]) < 2 || atoi(argv[1]) > ZONES_MAX) {
		fprintf(stderr, "usage: bench_policy ZONES FLOWS DIR (2 to %d zones)\n", ZONES_MAX);
		return 2;
	}
	mkdir(argv[3], 0755);
	snprintf(path, sizeof(path), "%s/policy.yaml", argv[3]);
	FILE *out = fopen(path, "we");
	if (!out) {
		fprintf(stderr, "bench_policy: %s: %s\n", path, strerror(errno));
		return 1;
	}
	zones(out, (unsigned)atoi(argv[1]), atoi(argv[2]) > 2);
	flows(out, (unsigned)atoi(argv[1]), (unsigned)atoi(argv[2]));
	if (fclose(out) != 0) {
		perror(path);
		return 1;
	}
	return 0;
}
