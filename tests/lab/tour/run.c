// Trying: every attempt is a client of its own (ping, curl, nc) in the namespace it starts from.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/tour/tour.h"

enum { TOUR_AT_ONCE = 40, TOUR_COMMAND_MAX = 512 };

static void fail(const char *what)
{
	fprintf(stderr, "lab-tour: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void enter(const struct tour *tour, uint16_t zone)
{
	char path[300];
	snprintf(path, sizeof(path), "/run/netns/%s%s", tour->prefix,
		 zone == PLAN_SELF ? "gw" : tour->zones[zone].id);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		fail(path);
	close(fd);
}

static void command_of(const struct tour_attempt *attempt, char out[TOUR_COMMAND_MAX])
{
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];
	const struct plan_packet *packet = &attempt->packet;
	const char *from = addr_text(&packet->source, source);
	const char *to = addr_text(&packet->destination, destination);
	bool v6 = packet->source.family == ADDR_V6;
	// What is to be stopped waits for silence; what is to get through may be slow.
	int seconds = attempt->answer.verdict == PLAN_DENY ? 1 : 3;

	switch (attempt->client) {
	case TOUR_PING:
		snprintf(out, TOUR_COMMAND_MAX, "exec ping -c 1 -W %d -I %s %s", seconds, from, to);
		break;
	case TOUR_CURL:
		snprintf(out, TOUR_COMMAND_MAX,
			 "exec curl -sS -m %d --interface %s http://%s%s%s:%u/", seconds, from,
			 v6 ? "[" : "", to, v6 ? "]" : "", packet->port);
		break;
	case TOUR_TCP:
		snprintf(out, TOUR_COMMAND_MAX, "exec nc -z -w %d -s %s %s %u", seconds, from, to,
			 packet->port);
		break;
	case TOUR_UDP:
		snprintf(out, TOUR_COMMAND_MAX,
			 "echo hello | nc -u -w 1 -s %s %s %u | grep -q sees", from, to,
			 packet->port);
		break;
	}
}

static void become_client(const struct tour *tour, const struct tour_attempt *attempt)
{
	char command[TOUR_COMMAND_MAX];
	command_of(attempt, command);
	enter(tour, attempt->from);
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

// Makes sure that a source stands in its zone.
static void place_source(const struct tour *tour, const struct tour_attempt *attempt)
{
	char source[ADDR_TEXT_MAX], command[TOUR_COMMAND_MAX];
	const struct addr *addr = &attempt->packet.source;
	for (size_t i = 0; i < tour->hosts.n; i++)
		if (tour->hosts.v[i].addr.family == addr->family &&
		    tour->hosts.v[i].addr.bits == addr->bits)
			return;
	snprintf(command, sizeof(command), "ip -n %s%s addr replace %s/%u dev eth0%s", tour->prefix,
		 tour->zones[attempt->from].id, addr_text(addr, source), addr_width(addr->family),
		 addr->family == ADDR_V6 ? " nodad" : "");
	if (system(command) != 0)
		fprintf(stderr, "lab-tour: %s failed\n", command);
}

// Something must answer on the gateway itself for a permitted connection to show.
static void listen_on_self(const struct tour *tour, const struct tour_attempt *attempt)
{
	const struct plan_packet *packet = &attempt->packet;
	bool v6 = packet->source.family == ADDR_V6;
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons(packet->port) };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(packet->port) };
	int on = 1;
	enter(tour, PLAN_SELF);
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fail("socket");
	if (v6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	// A port that is taken has somebody who answers.
	if (bind(fd, v6 ? (void *)&any6 : (void *)&any4, v6 ? sizeof(any6) : sizeof(any4)) < 0 ||
	    listen(fd, 16) < 0)
		close(fd);
}

static void reap(struct tour *tour, pid_t *clients, size_t *running)
{
	int status;
	pid_t done = wait(&status);
	if (done < 0)
		fail("wait");
	for (size_t i = 0; i < tour->attempts.n; i++) {
		if (clients[i] != done)
			continue;
		tour->attempts.v[i].through = WIFEXITED(status) && WEXITSTATUS(status) == 0;
		clients[i] = 0;
		--*running;
	}
}

void tour_run(struct tour *tour)
{
	pid_t *clients = calloc(tour->attempts.n + 1, sizeof(*clients));
	size_t running = 0;
	if (!clients)
		fail("memory");
	for (size_t i = 0; i < tour->attempts.n; i++) {
		const struct tour_attempt *attempt = &tour->attempts.v[i];
		if (attempt->from != PLAN_SELF)
			place_source(tour, attempt);
		if (attempt->to == PLAN_SELF && attempt->answer.verdict == PLAN_ALLOW &&
		    attempt->client != TOUR_PING)
			listen_on_self(tour, attempt);
	}
	for (size_t i = 0; i < tour->attempts.n; i++) {
		while (running >= TOUR_AT_ONCE)
			reap(tour, clients, &running);
		clients[i] = fork();
		if (clients[i] < 0)
			fail("fork");
		if (clients[i] == 0)
			become_client(tour, &tour->attempts.v[i]);
		running++;
	}
	while (running > 0)
		reap(tour, clients, &running);
	free(clients);
}
