// Sends single packets through the lab and tells what became of each.
//
//   lab-probe [-q QUEUE] < LINES        or        lab-probe -- ONE LINE AS ARGUMENTS
//   a line:   FROM SOURCE DESTINATION PROTOCOL[/[SPORT:]PORT] [OPTION ...]
//   e.g.      office 10.20.0.9 192.0.2.25 tcp/25
//   PROTOCOL  tcp udp icmp icmpv6 sctp or a number; PORT is the type for ICMP
//   OPTIONS   ttl=N tos=N flags=HEX fragmented payload=N options=HEX (IPv4)
//             extension=PROTOCOL:HEX (IPv6) link=N
//   answers:  arrived ZONE SOURCE SPORT DESTINATION PORT | reset | error TYPE CODE | queued |
//             silent | lost (never reached the gateway), with "answered" behind it if the far
//             end's answer came back.  A zone's name is "self" for the gateway.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/wire.h"

enum { PROBES_MAX = 10000, PROBE_QUIET_MS = 120 };

struct probe {
	unsigned zone, link;
	struct wire_packet packet;
	bool entered, arrived, reset, error, answered, queued;
	struct wire_event arrival, failure;
};

struct session {
	struct wire wire;
	struct probe *probes;
	size_t n;
	uint32_t first_token;
};

static void bad(const char *what, const char *word)
{
	fprintf(stderr, "lab-probe: %s: %s\n", what, word);
	exit(2);
}

static size_t hex(const char *text, uint8_t *out, size_t size)
{
	size_t n = 0;
	unsigned byte;
	for (; text[0] && text[1] && n < size && sscanf(text, "%2x", &byte) == 1; text += 2)
		out[n++] = (uint8_t)byte;
	return n;
}

static void parse_protocol(struct wire_packet *packet, const char *word)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = { { "tcp", 6 },    { "udp", 17 },	 { "icmp", 1 },
		      { "sctp", 132 }, { "icmpv6", 58 }, { "udplite", 136 } };
	char name[16];
	unsigned a = 0, b = 0;
	int n = 0;
	if (sscanf(word, "%15[^/]%n", name, &n) != 1)
		bad("protocol", word);
	packet->protocol = (uint8_t)atoi(name);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i].name) == 0)
			packet->protocol = names[i].number;
	switch (sscanf(word + n, "/%u:%u", &a, &b)) {
	case 2:
		packet->sport = (uint16_t)a;
		packet->port = (uint16_t)b;
		break;
	case 1:
		packet->port = (uint16_t)a;
	}
}

static void parse_option(struct probe *probe, const char *word)
{
	struct wire_packet *packet = &probe->packet;
	const char *value = strchr(word, '=');
	value = value ? value + 1 : word;
	if (strncmp(word, "ttl=", 4) == 0)
		packet->ttl = (uint8_t)atoi(value);
	else if (strncmp(word, "tos=", 4) == 0)
		packet->tos = (uint8_t)atoi(value);
	else if (strncmp(word, "flags=", 6) == 0)
		packet->tcp_flags = (uint8_t)strtoul(value, NULL, 16);
	else if (strncmp(word, "payload=", 8) == 0)
		packet->payload = (size_t)atoi(value);
	else if (strncmp(word, "link=", 5) == 0)
		probe->link = (unsigned)atoi(value);
	else if (strcmp(word, "fragmented") == 0)
		packet->fragmented = true;
	else if (strncmp(word, "options=", 8) == 0)
		packet->extra_size = hex(value, packet->extra, WIRE_EXTRA_MAX) / 4 * 4;
	else if (strncmp(word, "extension=", 10) == 0 && strchr(value, ':')) {
		packet->extra_protocol = (uint8_t)atoi(value);
		packet->extra_size = hex(strchr(value, ':') + 1, packet->extra, WIRE_EXTRA_MAX);
	} else {
		bad("option", word);
	}
}

static void parse_probe(struct session *session, char *line)
{
	char *save = NULL, *words[16];
	size_t n = 0;
	for (char *word = strtok_r(line, " \t\n", &save); word && n < 16;
	     word = strtok_r(NULL, " \t\n", &save))
		words[n++] = word;
	if (n == 0 || words[0][0] == '#')
		return;
	if (n < 4 || session->n == PROBES_MAX)
		bad("line", n ? words[0] : "");
	struct probe *probe = &session->probes[session->n];
	struct wire_zone *zone = wire_find(&session->wire, words[0]);
	struct wire_packet *packet = &probe->packet;
	if (!zone)
		bad("no such zone", words[0]);
	probe->zone = (unsigned)(zone - session->wire.zones);
	packet->family = strchr(words[1], ':') ? 6 : 4;
	int domain = packet->family == 6 ? AF_INET6 : AF_INET;
	if (inet_pton(domain, words[1], packet->source) != 1)
		bad("address", words[1]);
	if (inet_pton(domain, words[2], packet->destination) != 1)
		bad("address", words[2]);
	packet->sport = (uint16_t)(20000 + session->n);
	parse_protocol(packet, words[3]);
	for (size_t i = 4; i < n; i++)
		parse_option(probe, words[i]);
	if (packet->fragmented && packet->payload < 256)
		packet->payload = 256;
	packet->token = session->first_token + (uint32_t)session->n++;
	wire_listen(&session->wire, packet->family, packet->protocol);
}

static void note(void *arg, const struct wire_event *event)
{
	struct session *session = arg;
	uint32_t i = event->token - session->first_token;
	if (i >= session->n)
		return;
	struct probe *probe = &session->probes[i];
	switch (event->what) {
	case WIRE_ENTERED:
		probe->entered = true;
		break;
	case WIRE_ARRIVED:
		if (!probe->arrived)
			probe->arrival = *event;
		probe->arrived = true;
		break;
	case WIRE_RESET:
		probe->reset = true;
		break;
	case WIRE_ERROR:
		probe->error = true;
		probe->failure = *event;
		break;
	case WIRE_ANSWERED:
		probe->answered |= event->zone == probe->zone;
		break;
	case WIRE_QUEUED:
		probe->queued = true;
		break;
	}
}

static const char *text(const struct wire_event *event, const uint8_t *bytes)
{
	static char out[2][INET6_ADDRSTRLEN];
	static unsigned next;
	char *at = out[next++ % 2];
	inet_ntop(event->family == 6 ? AF_INET6 : AF_INET, bytes, at, INET6_ADDRSTRLEN);
	return at;
}

static void print_probe(const struct session *session, const struct probe *probe)
{
	const struct wire_event *at = &probe->arrival;
	if (probe->arrived)
		printf("arrived %s %s %u %s %u", session->wire.zones[at->zone].name,
		       text(at, at->source), at->sport, text(at, at->destination), at->port);
	else if (probe->queued)
		printf("queued");
	else if (probe->reset)
		printf("reset");
	else if (probe->error)
		printf("error %u %u", probe->failure.icmp_type, probe->failure.icmp_code);
	else
		printf(probe->entered || probe->zone == 0 ? "silent" : "lost");
	printf("%s\n", probe->answered ? " answered" : "");
}

int main(int argc, char **argv)
{
	struct session session = { .probes = calloc(PROBES_MAX, sizeof(struct probe)) };
	char line[1024] = "";
	int option, queue = -1;
	while ((option = getopt(argc, argv, "+q:")) == 'q')
		queue = atoi(optarg);
	if (!session.probes || option != -1)
		return 2;
	session.first_token = (uint32_t)getpid() << 14 ^ 0x10000000;
	wire_open(&session.wire);
	if (queue >= 0)
		wire_listen_queue(&session.wire, (uint16_t)queue);
	for (int i = optind; i < argc; i++) {
		size_t n = strlen(line);
		snprintf(line + n, sizeof(line) - n, "%s ", argv[i]);
	}
	if (optind < argc)
		parse_probe(&session, line);
	else
		while (fgets(line, sizeof(line), stdin))
			parse_probe(&session, line);
	for (size_t i = 0; i < session.n; i++)
		wire_send(&session.wire, session.probes[i].zone, session.probes[i].link,
			  &session.probes[i].packet, 0);
	wire_collect(&session.wire, PROBE_QUIET_MS, note, &session);
	for (size_t i = 0; i < session.n; i++)
		print_probe(&session, &session.probes[i]);
	wire_close(&session.wire);
	free(session.probes);
	return 0;
}
