// One process that answers for every zone of the lab: TCP and UDP on port 7 of each namespace, to
// which the namespace redirects every other port.  The answer tells what this end saw, so that
// address translation shows: "ZONE sees ADDRESS PORT", then what was sent.  A "GET" or "HEAD" gets
// the same as an HTTP response.
//
//   lab-answerd PREFIX ZONE ...      runs until it is ended; a zone's namespace is PREFIX and ZONE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_PORT = 7, ANSWER_BYTES_MAX = 65536, ANSWER_EVENTS = 64 };

enum end_kind { END_LISTENER, END_DATAGRAM, END_STREAM };

struct end {
	enum end_kind kind;
	int fd;
	bool greeted;
	const char *zone;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct end *watch(int epoll, enum end_kind kind, int fd, const char *zone)
{
	struct end *end = calloc(1, sizeof(*end));
	if (!end)
		fail("memory");
	*end = (struct end){ kind, fd, false, zone };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = end };
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		fail("epoll_ctl");
	return end;
}

static int bound_socket(int type)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(ANSWER_PORT) };
	int on = 1, off = 0;
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		fail("socket");
	if (type == SOCK_STREAM && listen(fd, 1024) < 0)
		fail("listen");
	return fd;
}

static void open_zone(int epoll, const char *prefix, const char *zone)
{
	char path[300];
	snprintf(path, sizeof(path), "/run/netns/%s%s", prefix, zone);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		fail(path);
	close(fd);
	watch(epoll, END_LISTENER, bound_socket(SOCK_STREAM), zone);
	watch(epoll, END_DATAGRAM, bound_socket(SOCK_DGRAM), zone);
}

static int describe(char *out, size_t size, const char *zone, const struct sockaddr_in6 *peer)
{
	char text[INET6_ADDRSTRLEN];
	if (IN6_IS_ADDR_V4MAPPED(&peer->sin6_addr))
		inet_ntop(AF_INET, &peer->sin6_addr.s6_addr[12], text, sizeof(text));
	else
		inet_ntop(AF_INET6, &peer->sin6_addr, text, sizeof(text));
	return snprintf(out, size, "%s sees %s %u\n", zone, text, ntohs(peer->sin6_port));
}

static void greet(struct end *end, const char *request, size_t size)
{
	struct sockaddr_in6 peer;
	socklen_t peer_size = sizeof(peer);
	char line[400], reply[600];
	if (getpeername(end->fd, (struct sockaddr *)&peer, &peer_size) < 0)
		return;
	bool head = size >= 5 && memcmp(request, "HEAD ", 5) == 0;
	bool get = size >= 4 && memcmp(request, "GET ", 4) == 0;
	int n = describe(line, sizeof(line), end->zone, &peer);
	if (get || head) {
		n = snprintf(reply, sizeof(reply),
			     "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"
			     "Content-Length: %d\r\nConnection: close\r\n\r\n%s",
			     n, head ? "" : line);
		send(end->fd, reply, (size_t)n, MSG_NOSIGNAL);
		shutdown(end->fd, SHUT_WR);
	} else {
		send(end->fd, line, (size_t)n, MSG_NOSIGNAL);
	}
}

// False: the connection is over.
static bool serve_stream(struct end *end)
{
	static char bytes[ANSWER_BYTES_MAX];
	ssize_t n = recv(end->fd, bytes, sizeof(bytes), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	if (!end->greeted)
		greet(end, bytes, (size_t)n);
	end->greeted = true;
	send(end->fd, bytes, (size_t)n, MSG_NOSIGNAL);
	return true;
}

static void serve_listener(int epoll, struct end *end)
{
	int fd = accept4(end->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		watch(epoll, END_STREAM, fd, end->zone);
}

// The reply leaves from the very address that was asked: the control message goes back as it came.
static void serve_datagram(struct end *end)
{
	static char bytes[ANSWER_BYTES_MAX];
	struct sockaddr_in6 peer;
	char control[256] __attribute__((aligned(8))), line[400];
	struct iovec in = { bytes, sizeof(bytes) };
	struct msghdr message = { &peer, sizeof(peer), &in, 1, control, sizeof(control), 0 };
	ssize_t n = recvmsg(end->fd, &message, 0);
	if (n < 0 || memmem(bytes, (size_t)n, " sees ", 6)) // never answer an answer
		return;
	struct cmsghdr *info = CMSG_FIRSTHDR(&message);
	if (info && info->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo packet;
		memcpy(&packet, CMSG_DATA(info), sizeof(packet));
		packet.ipi6_ifindex = 0;
		memcpy(CMSG_DATA(info), &packet, sizeof(packet));
	}
	struct iovec out[2] = { { line, (size_t)describe(line, sizeof(line), end->zone, &peer) },
				{ bytes, (size_t)n } };
	message.msg_iov = out;
	message.msg_iovlen = 2;
	sendmsg(end->fd, &message, MSG_NOSIGNAL);
}

static void serve(int epoll, struct end *end)
{
	switch (end->kind) {
	case END_LISTENER:
		serve_listener(epoll, end);
		break;
	case END_DATAGRAM:
		serve_datagram(end);
		break;
	case END_STREAM:
		if (!serve_stream(end)) {
			close(end->fd);
			free(end);
		}
		break;
	}
}

int main(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);
	for (int i = 2; i < argc; i++)
		open_zone(epoll, argv[1], argv[i]);
	for (;;) {
		struct epoll_event events[ANSWER_EVENTS];
		int n = epoll_wait(epoll, events, ANSWER_EVENTS, -1);
		for (int i = 0; i < n; i++)
			serve(epoll, events[i].data.ptr);
	}
}
