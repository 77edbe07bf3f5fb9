// The lab's namespaces and the sockets in them.
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire.h"
#include "internal.h"

enum { WIRE_RECEIVE_BYTES = 32 << 20, WIRE_EVENTS = 64 };

void wire_fail(const char *what)
{
	fprintf(stderr, "lab: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const char *from_environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);
	return value && *value ? value : otherwise;
}

void wire_enter(const struct wire_zone *zone)
{
	if (setns(zone->namespace, CLONE_NEWNET) < 0)
		wire_fail(zone->name);
}

void wire_add_source(struct wire *wire, struct wire_source source)
{
	struct wire_source *kept = malloc(sizeof(*kept));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = kept };
	if (!kept)
		wire_fail("memory");
	*kept = source;
	kept->next = wire->sources;
	wire->sources = kept;
	if (epoll_ctl(wire->epoll, EPOLL_CTL_ADD, source.fd, &event) < 0)
		wire_fail("epoll_ctl");
}

// --- reading the table --------------------------------------------------------------------------

struct wire_zone *wire_find(struct wire *wire, const char *name)
{
	for (size_t i = 0; i < wire->n_zones; i++)
		if (strcmp(wire->zones[i].name, name) == 0)
			return &wire->zones[i];
	return NULL;
}

static void add_zone(struct wire *wire, const char *name, unsigned index)
{
	char path[300];
	if (wire->n_zones == WIRE_ZONES_MAX) {
		errno = E2BIG;
		wire_fail("zones");
	}
	struct wire_zone *zone = &wire->zones[wire->n_zones++];
	snprintf(zone->name, sizeof(zone->name), "%s", name);
	zone->index = index;
	snprintf(path, sizeof(path), "/run/netns/%s%s", from_environment("LAB_PREFIX", "sk-"),
		 index ? name : "gw");
	zone->send = -1;
	zone->namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (zone->namespace < 0)
		wire_fail(path);
}

static void add_link(struct wire *wire, const char *name, const char *gateway, const char *inside)
{
	struct wire_zone *zone = wire_find(wire, name);
	if (!zone || zone->n_links == WIRE_LINKS_MAX)
		return;
	struct wire_link *link = &zone->links[zone->n_links++];
	snprintf(link->gateway, sizeof(link->gateway), "%.15s", gateway);
	snprintf(link->zone, sizeof(link->zone), "%.15s", inside);
}

// The first address of each family counts.
static void add_address(struct wire *wire, const char *name, const char *gateway, int family,
			const char *address, bool is_via)
{
	struct wire_zone *zone = wire_find(wire, name);
	for (unsigned i = 0; zone && i < zone->n_links; i++) {
		struct wire_link *link = &zone->links[i];
		char *at = is_via ? link->via[family == 6] : link->address[family == 6];
		if (strcmp(link->gateway, gateway) == 0 && !*at)
			snprintf(at, sizeof(link->via[0]), "%s", address);
	}
}

static void read_table(struct wire *wire)
{
	char path[300], line[512], what[16], name[64], a[64], b[64], c[64], d[64], e[64];
	snprintf(path, sizeof(path), "%s/%s/table",
		 from_environment("LAB_HOME", "/run/sekisho-lab"),
		 from_environment("LAB_PREFIX", "sk-"));
	FILE *file = fopen(path, "re");
	if (!file)
		wire_fail(path);
	add_zone(wire, "self", 0);
	while (fgets(line, sizeof(line), file)) {
		int n = sscanf(line, "%15s %63s %63s %63s %63s %63s %63s", what, name, a, b, c, d,
			       e);
		if (n == 4 && strcmp(what, "zone") == 0)
			add_zone(wire, name, (unsigned)atoi(b));
		else if (n == 4 && strcmp(what, "link") == 0)
			add_link(wire, name, a, b);
		else if (n == 7 && strcmp(what, "route") == 0)
			add_address(wire, name, a, atoi(c), e, true);
		else if (n == 6 && strcmp(what, "gw") == 0)
			add_address(wire, name, a, atoi(c), d, false);
	}
	fclose(file);
}

// --- sockets ------------------------------------------------------------------------------------

static void mac_of(const char *interface, uint8_t mac[6], int *ret_index)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		wire_fail(interface);
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	if (ret_index)
		*ret_index = (int)if_nametoindex(interface);
	close(fd);
}

static void grow_buffer(int fd)
{
	int bytes = WIRE_RECEIVE_BYTES;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
}

static void open_capture(struct wire *wire, unsigned zone)
{
	int on = 1;
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0)
		wire_fail("packet socket");
	grow_buffer(fd);
	wire_add_source(wire, (struct wire_source){ WIRE_CAPTURE, fd, zone, 0, 0, NULL });
}

static void open_zone(struct wire *wire, unsigned index)
{
	struct wire_zone *zone = &wire->zones[index];
	wire_enter(zone);
	for (unsigned i = 0; i < zone->n_links; i++)
		mac_of(zone->links[i].zone, zone->links[i].zone_mac, &zone->links[i].index);
	zone->send = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (zone->send < 0)
		wire_fail("packet socket");
	open_capture(wire, index);
	wire_enter(&wire->zones[0]);
	for (unsigned i = 0; i < zone->n_links; i++)
		mac_of(zone->links[i].gateway, zone->links[i].mac, NULL);
}

void wire_open(struct wire *wire)
{
	*wire = (struct wire){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	wire->zones = calloc(WIRE_ZONES_MAX, sizeof(*wire->zones));
	if (!wire->zones || wire->epoll < 0)
		wire_fail("memory");
	read_table(wire);
	wire_enter(&wire->zones[0]);
	open_capture(wire, 0);
	wire->raw_send[0] = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	wire->raw_send[1] = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (wire->raw_send[0] < 0 || wire->raw_send[1] < 0)
		wire_fail("raw socket");
	for (unsigned i = 1; i < wire->n_zones; i++)
		open_zone(wire, i);
	wire_enter(&wire->zones[0]);
}

void wire_close(struct wire *wire)
{
	while (wire->sources) {
		struct wire_source *source = wire->sources;
		wire->sources = source->next;
		close(source->fd);
		free(source);
	}
	for (size_t i = 0; i < wire->n_zones; i++) {
		close(wire->zones[i].namespace);
		close(wire->zones[i].send);
	}
	close(wire->raw_send[0]);
	close(wire->raw_send[1]);
	close(wire->epoll);
	free(wire->zones);
}

void wire_listen(struct wire *wire, uint8_t family, uint8_t protocol)
{
	bool *listening = &wire->listening[family == 6][protocol];
	if (*listening)
		return;
	*listening = true;
	int fd = socket(family == 6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			protocol);
	if (fd < 0)
		return; // protocol 0 and the like: nobody can
	grow_buffer(fd);
	wire_add_source(wire, (struct wire_source){ WIRE_RAW, fd, 0, family, protocol, NULL });
}

void wire_command(struct wire *wire, unsigned zone, const char *command, const char *input)
{
	int pipe_fds[2], status;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		wire_fail("pipe");
	pid_t child = fork();
	if (child == 0) {
		wire_enter(&wire->zones[zone]);
		dup2(pipe_fds[0], 0);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(pipe_fds[0]);
	size_t left = strlen(input);
	while (left > 0) {
		ssize_t n = write(pipe_fds[1], input, left);
		if (n < 0)
			break;
		input += n;
		left -= (size_t)n;
	}
	close(pipe_fds[1]);
	if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
		errno = ECHILD;
		wire_fail(command);
	}
}

void wire_fix_neighbours(struct wire *wire)
{
	char *text = NULL;
	size_t size;
	FILE *batch = open_memstream(&text, &size);
	for (size_t i = 1; i < wire->n_zones; i++)
		for (unsigned k = 0; k < wire->zones[i].n_links; k++)
			for (int f = 0; f < 2; f++) {
				const struct wire_link *link = &wire->zones[i].links[k];
				const uint8_t *m = link->zone_mac;
				if (!link->via[f][0])
					continue;
				fprintf(batch,
					"neigh replace %s lladdr %02x:%02x:%02x:%02x:%02x:%02x "
					"dev %s nud permanent\n",
					link->via[f], m[0], m[1], m[2], m[3], m[4], m[5],
					link->gateway);
			}
	fclose(batch);
	wire_command(wire, 0, "ip -batch -", text);
	free(text);
}

// --- sending ------------------------------------------------------------------------------------

static void send_from_zone(struct wire_zone *zone, unsigned link, const uint8_t *bytes, size_t n)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(bytes[0] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6),
		.sll_ifindex = zone->links[link].index,
		.sll_halen = 6,
	};
	memcpy(to.sll_addr, zone->links[link].mac, 6);
	while (sendto(zone->send, bytes, n, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		if (errno != ENOBUFS && errno != EINTR)
			wire_fail(zone->name);
}

// What the gateway itself refuses to send is simply not seen anywhere.
static void send_from_self(struct wire *wire, const uint8_t *bytes, size_t n, uint32_t mark)
{
	bool v6 = bytes[0] >> 4 == 6;
	int fd = wire->raw_send[v6];
	setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	if (v6) {
		struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
		memcpy(&to.sin6_addr, bytes + 24, 16);
		sendto(fd, bytes, n, 0, (struct sockaddr *)&to, sizeof(to));
	} else {
		struct sockaddr_in to = { .sin_family = AF_INET };
		memcpy(&to.sin_addr, bytes + 16, 4);
		sendto(fd, bytes, n, 0, (struct sockaddr *)&to, sizeof(to));
	}
}

void wire_send(struct wire *wire, unsigned zone, unsigned link, const struct wire_packet *packet,
	       uint32_t mark)
{
	uint8_t whole[WIRE_BYTES_MAX], part[WIRE_BYTES_MAX];
	size_t n = wire_build(packet, whole);
	if (zone == 0) {
		send_from_self(wire, whole, n, mark);
	} else if (packet->fragmented) {
		for (int last = 0; last < 2; last++)
			send_from_zone(&wire->zones[zone], link, part,
				       wire_fragment(whole, n, last, part));
	} else {
		send_from_zone(&wire->zones[zone], link, whole, n);
	}
}

// --- receiving ----------------------------------------------------------------------------------

static bool read_source(const struct wire_source *source, struct wire_event *event, bool *ret_again)
{
	uint8_t bytes[WIRE_BYTES_MAX];
	struct sockaddr_in6 from = { 0 };
	socklen_t from_size = sizeof(from);
	ssize_t n = source->kind == WIRE_RAW ? recvfrom(source->fd, bytes, sizeof(bytes), 0,
							(struct sockaddr *)&from, &from_size)
					     : recv(source->fd, bytes, sizeof(bytes), 0);
	*ret_again = n >= 0;
	if (n <= 0)
		return false;
	if (source->kind == WIRE_RAW && source->family == 6) {
		event->family = 6;
		memcpy(event->source, &from.sin6_addr, 16);
		return wire_recognise_transport(source->protocol, bytes, (size_t)n, event);
	}
	if (!wire_recognise(bytes, (size_t)n, event))
		return false;
	if (source->kind == WIRE_CAPTURE && source->zone == 0) {
		bool ours = event->what == WIRE_ARRIVED || event->what == WIRE_ANSWERED;
		event->what = WIRE_ENTERED;
		return ours;
	}
	return true;
}

void wire_collect(struct wire *wire, int quiet_ms,
		  void (*each)(void *arg, const struct wire_event *), void *arg)
{
	struct epoll_event events[WIRE_EVENTS];
	for (;;) {
		int n = epoll_wait(wire->epoll, events, WIRE_EVENTS, quiet_ms);
		if (n < 0 && errno != EINTR)
			wire_fail("epoll_wait");
		if (n == 0)
			return;
		for (int i = 0; i < n; i++) {
			const struct wire_source *source = events[i].data.ptr;
			bool again = true;
			for (int k = 0; again && k < 1000; k++) {
				struct wire_event event = { .zone = source->zone };
				bool ours = source->kind == WIRE_QUEUE
						    ? wire_read_queue(source->fd, &event, &again)
						    : read_source(source, &event, &again);
				if (ours)
					each(arg, &event);
			}
		}
	}
}
