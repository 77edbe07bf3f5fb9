// TCP in bulk: one connection, one sender, one sink that never looks at a byte.
//
//   bench_stream serve PORT                       takes connections, one after another
//   bench_stream send ADDRESS PORT SECONDS        prints megabits per second
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STREAM_BYTES = 256 * 1024 };

static char bytes[STREAM_BYTES];

static int fail(const char *what)
{
	fprintf(stderr, "bench_stream: %s: %s\n", what, strerror(errno));
	return 1;
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int serve(const char *port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 16) < 0)
		return fail("listen");
	for (;;) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			return fail("accept");
		while (recv(client, NULL, STREAM_BYTES, MSG_TRUNC) > 0)
			;
		close(client);
	}
}

static int send_for(const char *address, const char *port, double seconds)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	double start, elapsed = 0, total = 0;
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1 || fd < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return fail(address);
	for (start = now(); elapsed < seconds; elapsed = now() - start) {
		ssize_t n = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		if (n < 0)
			return fail("send");
		total += (double)n;
	}
	printf("%.0f\n", total * 8 / 1e6 / elapsed);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc == 5 && strcmp(argv[1], "send") == 0)
		return send_for(argv[2], argv[3], atof(argv[4]));
	fprintf(stderr, "usage: bench_stream serve PORT | send ADDRESS PORT SECONDS\n");
	return 2;
}
