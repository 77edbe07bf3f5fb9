// Writing random policies.
#include "reference/random_policy.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 * 1024 };
enum { ORDER = 1, ZONE = 10, NETWORK = 100, FLOW = 1000 };

struct writer {
	uint64_t seed, variant, state;
	char text[TEXT_MAX];
	size_t used;
};

static unsigned roll(struct writer *writer, unsigned sides)
{
	writer->state = writer->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(writer->state >> 33) % sides;
}

// Each item has its own numbers; of those of a variant, one in `odds` are others than in the policy
// itself.
static void begin(struct writer *writer, unsigned item, unsigned odds)
{
	writer->state = (writer->seed + 1) * 0x9e3779b97f4a7c15u + item * 0xbf58476d1ce4e5b9u;
	if (!writer->variant)
		return;
	writer->state ^= writer->variant * 0x94d049bb133111ebu;
	if (roll(writer, odds) == 0)
		return;
	writer->state = (writer->seed + 1) * 0x9e3779b97f4a7c15u + item * 0xbf58476d1ce4e5b9u;
}

static void put(struct writer *writer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct writer *writer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	writer->used += (size_t)vsnprintf(writer->text + writer->used, TEXT_MAX - writer->used,
					  format, args);
	va_end(args);
	if (writer->used >= TEXT_MAX)
		abort();
}

enum { ZONES = 4, NETWORKS = 3 }; // zone z3 has no networks

static const char *const v4[] = { "10.0.0.", "10.1.0.", "10.2.0.", "203.0.113." };
static const char *const v6[] = { "fd00:0::", "fd00:1::", "fd00:2::", "2001:db8::" };

static void write_zone(struct writer *writer, unsigned i)
{
	begin(writer, ZONE + i, 2);
	if (i == ZONES - 1) {
		put(writer, "  z3: { role: external, interfaces: [eth3] }\n");
		return;
	}
	put(writer, "  z%u: { interfaces: [eth%u], networks: [%s0/24, \"%s/120\"", i, i, v4[i],
	    v6[i]);
	if (roll(writer, 3) == 0)
		put(writer, ", 198.51.100.%u/26", i * 64);
	put(writer, "] }\n");
}

static void write_zones(struct writer *writer)
{
	bool turned;

	begin(writer, ORDER, 2);
	turned = roll(writer, 2);
	put(writer, "zones:\n");
	for (unsigned i = 0; i < ZONES; i++)
		write_zone(writer, turned ? ZONES - 1 - i : i);
}

static void write_range(struct writer *writer, unsigned zone, bool six, unsigned widest)
{
	unsigned lo = roll(writer, 250);
	unsigned hi = lo + roll(writer, widest);

	hi = hi > 255 ? 255 : hi;
	if (six)
		put(writer, "\"%s%x-%s%x\"", v6[zone], lo, v6[zone], hi);
	else
		put(writer, "%s%u-%s%u", v4[zone], lo, v4[zone], hi);
}

static void write_network(struct writer *writer, unsigned zone, unsigned i)
{
	begin(writer, NETWORK + zone * NETWORKS + i, 6);
	put(writer, "  z%u/n%u: { addresses: [", zone, i);
	write_range(writer, zone, false, 200);
	put(writer, ", ");
	write_range(writer, zone, true, 200);
	if (roll(writer, 2)) {
		put(writer, ", ");
		write_range(writer, zone, roll(writer, 2), 5);
	}
	if (i > 0 && roll(writer, 3) == 0)
		put(writer, ", n%u", i - 1);
	put(writer, "]");
	if (roll(writer, 2)) {
		put(writer, ", except: [");
		write_range(writer, zone, roll(writer, 2), 40);
		put(writer, "]");
	}
	put(writer, " }\n");
}

static void write_networks(struct writer *writer)
{
	put(writer, "networks:\n");
	for (unsigned zone = 0; zone < ZONES; zone++)
		for (unsigned i = 0; i < NETWORKS; i++)
			write_network(writer, zone, i);
}

static void write_endpoint(struct writer *writer, unsigned zone)
{
	if (roll(writer, 3) == 0)
		put(writer, "z%u", zone);
	else
		put(writer, "z%u/n%u", zone, roll(writer, NETWORKS));
}

static void write_endpoints(struct writer *writer, unsigned *ret_zone)
{
	*ret_zone = roll(writer, ZONES);
	put(writer, "[");
	write_endpoint(writer, *ret_zone);
	if (roll(writer, 3) == 0) {
		put(writer, ", ");
		write_endpoint(writer, (*ret_zone + 1) % ZONES);
	}
	put(writer, "]");
}

static void write_service(struct writer *writer)
{
	static const char *const fixed[] = { "any",	   "icmp/8", "icmpv6", "ip/esp",
					     "low",	   "mix",    "dns",    "ping",
					     "icmpv6/128", "tcp",    "udp",    "strange" };
	unsigned lo = 1 + roll(writer, 30);

	if (roll(writer, 2))
		put(writer, "%s/%u-%u", roll(writer, 3) ? "tcp" : "udp", lo, lo + roll(writer, 20));
	else
		put(writer, "%s", fixed[roll(writer, sizeof(fixed) / sizeof(fixed[0]))]);
}

static void write_except(struct writer *writer, unsigned from, unsigned to)
{
	const char *glue = "{ ";

	put(writer, ", except: [");
	if (roll(writer, 2)) {
		put(writer, "%sfrom: z%u/n%u", glue, from, roll(writer, NETWORKS));
		glue = ", ";
	}
	if (roll(writer, 2)) {
		put(writer, "%sto: z%u/n%u", glue, to, roll(writer, NETWORKS));
		glue = ", ";
	}
	put(writer, "%sservices: [", glue);
	write_service(writer);
	put(writer, "] }]");
}

static void write_flow(struct writer *writer, unsigned i)
{
	unsigned from, to;
	bool guarded;

	begin(writer, FLOW + i, 4);
	guarded = roll(writer, 6) == 0;
	if (writer->variant && roll(writer, 10) == 0)
		return;
	put(writer, "  - { id: f%u, from: ", i);
	write_endpoints(writer, &from);
	put(writer, ", to: ");
	write_endpoints(writer, &to);
	put(writer, ", services: [");
	if (guarded)
		put(writer, "tcp/%u-%u", 1 + roll(writer, 20), 21 + roll(writer, 20));
	else
		write_service(writer);
	if (!guarded && roll(writer, 2)) {
		put(writer, ", ");
		write_service(writer);
	}
	put(writer, "], guard: %s", guarded ? "web" : "none");
	if (roll(writer, 3) == 0)
		write_except(writer, from, to);
	if (roll(writer, 4) == 0)
		put(writer, ", log: true");
	put(writer, " }\n");
}

static void write_flows(struct writer *writer, unsigned n)
{
	put(writer, "services:\n"
		    "  low: { members: [tcp/1-40, udp/5-9], source-ports: [1-500] }\n"
		    "  strange: { members: [low, tcp/7], source-ports: [100, 400-2000] }\n"
		    "  mix: [tcp/3, tcp/9-11, udp/4, icmp/3, low, ip/gre]\n"
		    "guards:\n  web: http\n"
		    "flows:\n");
	for (unsigned i = 0; i < n; i++)
		write_flow(writer, i);
}

char *random_policy(uint64_t seed, uint64_t variant)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	char *text;

	if (!writer)
		abort();
	writer->seed = seed;
	writer->variant = variant;
	put(writer, "title: Random %llu\n", (unsigned long long)seed);
	write_zones(writer);
	write_networks(writer);
	writer->state = seed;
	write_flows(writer, 3 + roll(writer, 20));
	text = strdup(writer->text);
	free(writer);
	if (!text)
		abort();
	return text;
}
