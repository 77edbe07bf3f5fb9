// Sends single packets through the lab and tells what became of each.
//
//   lab-probe [-q QUEUE] < LINES        or        lab-probe -- ONE LINE AS ARGUMENTS
//   a line:   as in wire/line.c
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
	size_t first_port;
};

static void parse_probe(struct session *session, const char *line)
{
	struct probe *probe = &session->probes[session->n];
	struct wire_packet *packet = &probe->packet;
	if (session->n == PROBES_MAX ||
	    !wire_parse_line(&session->wire, line, &probe->zone, &probe->link, packet))
		return;
	if (packet->sport == 0) // a connection of its own, in this run and from run to run
		packet->sport = (uint16_t)(20000 + (session->first_port + session->n) % 40000);
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
	session.first_port = (size_t)getpid() * 61;
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
