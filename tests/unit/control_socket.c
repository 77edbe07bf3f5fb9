// The socket: calls are answered; a hostile, slow or vanished client ends alone, while a good one
// beside it is served.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "control/client.h"
#include "control/server.h"

enum { LONG_ROWS = 6000, PING_TRIES = 12 }; // each as long as the command line waits

struct bed {
	char folder[64], path[96];
	struct control_server *server;
	pthread_t thread;
	atomic_bool stop;
	struct control_token held; // of a call that is answered when the next one comes
	int directory_seen;
	atomic_int arrived; // clients that sent nothing at first
};

static void long_answer(struct control_writer *reply)
{
	for (int i = 0; i < LONG_ROWS; i++) {
		control_put_mark(reply, CTL_ROW);
		control_put_text(reply, CTL_ID, "office-mail-out");
		control_put_text(reply, CTL_TITLE, "職員メール送信");
		control_put_u64(reply, CTL_PACKETS, (uint64_t)i);
	}
}

static void handle(void *arg, struct control_request *request)
{
	struct bed *bed = arg;
	struct control_writer reply;
	control_writer_init(&reply, CTL_REPLY_MAX);
	switch (request->method) {
	case CTL_APPLY:
		bed->directory_seen = request->fd >= 0;
		control_server_refuse(bed->server, request->token, 3,
				      "the policy \"%s\" has faults",
				      control_text(request->fields, CTL_DIRECTORY));
		break;
	case CTL_FLOWS_LIST:
		long_answer(&reply);
		break;
	case CTL_RELOAD: // answered later
		bed->held = request->token;
		return;
	default:
		control_put_text(&reply, CTL_VERSION, "test");
	}
	if (bed->held.serial) {
		struct control_writer late;
		control_writer_init(&late, CTL_REPLY_MAX);
		control_put_u64(&late, CTL_GENERATION, 42);
		control_server_answer(bed->server, bed->held, &late);
		bed->held = (struct control_token){ 0 };
	}
	control_server_answer(bed->server, request->token, &reply);
}

static void arrived(void *arg, const struct control_peer *peer)
{
	struct bed *bed = arg;

	if (peer->uid == getuid() && peer->pid == getpid())
		bed->arrived++;
}

static void *serve(void *arg)
{
	struct bed *bed = arg;
	struct pollfd poller = { .fd = control_server_fd(bed->server), .events = POLLIN };
	while (!bed->stop)
		if (poll(&poller, 1, 10) > 0)
			control_server_dispatch(bed->server);
	return NULL;
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	strcpy(bed->folder, "/tmp/sekisho-control-XXXXXX");
	if (!mkdtemp(bed->folder))
		return -1;
	snprintf(bed->path, sizeof(bed->path), "%s/control.sock", bed->folder);
	if (control_server_new(bed->path, handle, bed, &bed->server) < 0)
		return -1;
	*state = bed;
	return pthread_create(&bed->thread, NULL, serve, bed);
}

static int teardown(void **state)
{
	struct bed *bed = *state;
	bed->stop = true;
	pthread_join(bed->thread, NULL);
	control_server_free(bed->server);
	assert_int_equal(access(bed->path, F_OK), -1);
	rmdir(bed->folder);
	free(bed);
	return 0;
}

static void ping(const struct bed *bed)
{
	struct control_client *client;
	struct control_reply reply;
	int r = -ETIMEDOUT;
	for (int i = 0; i < PING_TRIES && r == -ETIMEDOUT; i++) {
		assert_int_equal(control_connect(bed->path, &client), 0);
		r = control_call(client, CTL_PING, NULL, -1, &reply);
		if (r < 0)
			control_close(client);
	}
	assert_int_equal(r, 0);
	assert_int_equal(control_reply_exit(&reply), 0);
	assert_null(control_reply_error(&reply));
	assert_string_equal(control_text(control_reply_fields(&reply), CTL_VERSION), "test");
	control_reply_done(&reply);
	control_close(client);
}

// Told of who connects and has not asked yet; who has asked is served.
static void announced(void **state)
{
	struct bed *bed = *state;
	struct control_client *client;
	struct control_reply reply;

	control_server_on_arrived(bed->server, arrived);
	assert_int_equal(control_connect(bed->path, &client), 0);
	for (int i = 0; i < 500 && !bed->arrived; i++)
		usleep(10000);
	assert_int_equal(bed->arrived, 1);
	assert_int_equal(control_call(client, CTL_PING, NULL, -1, &reply), 0);
	assert_int_equal(control_reply_exit(&reply), 0);
	control_reply_done(&reply);
	control_close(client);
	assert_int_equal(bed->arrived, 1);
}

static void calls(void **state)
{
	struct bed *bed = *state;
	struct control_client *client;
	struct control_reply reply;
	struct control_writer request;
	struct stat st;
	ping(bed);
	assert_int_equal(stat(bed->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	assert_int_equal(control_connect(bed->path, &client), 0);
	control_writer_init(&request, CTL_REQUEST_MAX);
	control_put_text(&request, CTL_DIRECTORY, "町/rules");
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY);
	assert_int_equal(control_call(client, CTL_APPLY, &request, fd, &reply), 0);
	close(fd);
	control_writer_done(&request);
	assert_int_equal(control_reply_exit(&reply), 3);
	assert_string_equal(control_reply_error(&reply), "the policy \"町/rules\" has faults");
	assert_true(bed->directory_seen);
	control_reply_done(&reply);
	// The same client, an answer of many parts.
	assert_int_equal(control_call(client, CTL_FLOWS_LIST, NULL, -1, &reply), 0);
	assert_int_equal(control_reply_rows(&reply), LONG_ROWS);
	assert_int_equal(control_u64(control_reply_row(&reply, LONG_ROWS - 1), CTL_PACKETS),
			 LONG_ROWS - 1);
	control_reply_done(&reply);
	control_close(client);
}

static void *wait_for_reload(void *arg)
{
	const struct bed *bed = arg;
	struct control_client *client;
	struct control_reply reply;
	uintptr_t generation = 0;
	if (control_connect(bed->path, &client) == 0) {
		if (control_call(client, CTL_RELOAD, NULL, -1, &reply) == 0) {
			generation = control_u64(control_reply_fields(&reply), CTL_GENERATION);
			control_reply_done(&reply);
		}
		control_close(client);
	}
	return (void *)generation;
}

static void answered_later(void **state)
{
	struct bed *bed = *state;
	pthread_t waiting;
	void *generation;
	pthread_create(&waiting, NULL, wait_for_reload, bed);
	usleep(100000);
	ping(bed);
	pthread_join(waiting, &generation);
	assert_int_equal((uintptr_t)generation, 42);
}

static int raw(const struct bed *bed)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct timeval patience = { .tv_sec = 5 };
	strcpy(address.sun_path, bed->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static bool hangs_up(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);
	return n == 0 || (n < 0 && errno == ECONNRESET);
}

struct packet {
	struct control_head head;
	uint8_t fields[64];
};

#define GOOD(a_method)                                                                             \
	{                                                                                          \
		.magic = CTL_MAGIC, .protocol = CTL_PROTOCOL, .method = (a_method), .id = 1        \
	}

static const struct {
	const char *why;
	struct packet packet;
	size_t size;	// 0: head and its length
	int descriptor; // 1: a file, 2: a folder where none may be, 3: two folders
} hostile[] = {
	{ "one byte", { .head = GOOD(CTL_PING) }, 1, 0 },
	{ "half a head", { .head = GOOD(CTL_PING) }, sizeof(struct control_head) / 2, 0 },
	{ "magic", { .head = { .magic = 1, .protocol = CTL_PROTOCOL, .method = CTL_PING } }, 0, 0 },
	{ "protocol", { .head = { .magic = CTL_MAGIC, .protocol = 9, .method = CTL_PING } }, 0, 0 },
	{ "method 0", { .head = GOOD(0) }, 0, 0 },
	{ "method", { .head = GOOD(CTL_METHOD_END) }, 0, 0 },
	{ "method 65535", { .head = GOOD(65535) }, 0, 0 },
	{ "reply flag",
	  { .head = { CTL_MAGIC, CTL_PROTOCOL, CTL_PING, 1, CTL_REPLY, 0, 0, 0 } },
	  0,
	  0 },
	{ "more flag",
	  { .head = { CTL_MAGIC, CTL_PROTOCOL, CTL_PING, 1, CTL_MORE, 0, 0, 0 } },
	  0,
	  0 },
	{ "unknown flag",
	  { .head = { CTL_MAGIC, CTL_PROTOCOL, CTL_PING, 1, 0x80, 0, 0, 0 } },
	  0,
	  0 },
	{ "zero is not", { .head = { CTL_MAGIC, CTL_PROTOCOL, CTL_PING, 1, 0, 7, 0, 0 } }, 0, 0 },
	{ "length too long",
	  { .head = { CTL_MAGIC, CTL_PROTOCOL, CTL_PING, 1, 0, 0, 64, 0 } },
	  sizeof(struct control_head),
	  0 },
	{ "length too short", { .head = GOOD(CTL_PING) }, sizeof(struct control_head) + 16, 0 },
	{ "fields are nonsense",
	  { .head = { CTL_MAGIC, CTL_PROTOCOL, CTL_APPLY, 1, 0, 0, 16, 0 },
	    .fields = { 0xff, 0xff } },
	  0,
	  0 },
	{ "a field of another method",
	  { .head = { CTL_MAGIC, CTL_PROTOCOL, CTL_PING, 1, 0, 0, 16, 0 },
	    .fields = { CTL_GENERATION, 0, CTL_U64, 0, 8 } },
	  0,
	  0 },
	{ "a row in a request",
	  { .head = { CTL_MAGIC, CTL_PROTOCOL, CTL_APPLY, 1, 0, 0, 8, 0 }, .fields = { CTL_ROW } },
	  0,
	  0 },
	{ "a file as folder", { .head = GOOD(CTL_APPLY) }, 0, 1 },
	{ "a folder with ping", { .head = GOOD(CTL_PING) }, 0, 2 },
	{ "two folders", { .head = GOOD(CTL_APPLY) }, 0, 3 },
};

static void send_with(int fd, const struct packet *packet, size_t size, int descriptor)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr head;
	} control = { 0 };
	struct iovec part = { (void *)(uintptr_t)packet, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	int fds[2] = { -1, -1 };
	if (descriptor) {
		size_t n = descriptor == 3 ? 2 : 1;
		for (size_t i = 0; i < n; i++)
			fds[i] = open(descriptor == 1 ? "/dev/null" : "/tmp", O_RDONLY);
		control.head.cmsg_len = CMSG_LEN(n * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.head), fds, n * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), size);
	for (size_t i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void hostile_messages(void **state)
{
	struct bed *bed = *state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		int fd = raw(bed);
		size_t size = hostile[i].size
				      ? hostile[i].size
				      : sizeof(struct control_head) + hostile[i].packet.head.length;
		send_with(fd, &hostile[i].packet, size, hostile[i].descriptor);
		if (!hangs_up(fd))
			fail_msg("goes on after: %s", hostile[i].why);
		close(fd);
		ping(bed);
	}
}

// At the limit of a request it is read (and refused for what it says), one past it is not.
static void oversized(void **state)
{
	struct bed *bed = *state;
	static uint8_t bytes[CTL_MESSAGE_MAX];
	for (size_t size = CTL_REQUEST_MAX; size <= CTL_MESSAGE_MAX; size += 8 * 1024) {
		struct control_head head = GOOD(CTL_PING);
		int fd = raw(bed);
		head.length = (uint32_t)(size - sizeof(head));
		memcpy(bytes, &head, sizeof(head));
		assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
		assert_true(hangs_up(fd));
		close(fd);
	}
	ping(bed);
}

static void vanishes(void **state)
{
	struct bed *bed = *state;
	static const enum control_method methods[] = { CTL_PING, CTL_FLOWS_LIST, CTL_RELOAD };
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		const struct packet packet = { .head = GOOD((uint16_t)methods[i]) };
		int fd = raw(bed);
		send_with(fd, &packet, sizeof(packet.head), 0);
		close(fd);
		ping(bed);
	}
}

// Clients that say nothing, or ask for long answers that they never read, leave room for others.
static void slow(void **state)
{
	struct bed *bed = *state;
	const struct packet packet = { .head = GOOD(CTL_FLOWS_LIST) };
	int fds[CTL_CLIENTS_MAX - 1];
	for (size_t i = 0; i < CTL_CLIENTS_MAX - 1; i++) {
		fds[i] = raw(bed);
		if (i % 2)
			send_with(fds[i], &packet, sizeof(packet.head), 0);
	}
	ping(bed);
	for (size_t i = 0; i < CTL_CLIENTS_MAX - 1; i++)
		close(fds[i]);
	ping(bed);
}

// One that never asks and one that never reads are ended; one whose answer takes long is not.
static void out_of_patience(void **state)
{
	struct bed *bed = *state;
	const struct packet list = { .head = GOOD(CTL_FLOWS_LIST) };
	static uint8_t part[CTL_MESSAGE_MAX];
	pthread_t waiting;
	void *generation;
	ssize_t n;
	control_server_set_patience(bed->server, 200, 200);
	pthread_create(&waiting, NULL, wait_for_reload, bed);
	int idle = raw(bed), stalled = raw(bed);
	send_with(stalled, &list, sizeof(list.head), 0);
	assert_true(hangs_up(idle));
	usleep(1500000);
	size_t got = 0;
	while ((n = recv(stalled, part, sizeof(part), 0)) > 0)
		got += (size_t)n;
	assert_true(got > 0 && got < (size_t)LONG_ROWS * 64);
	ping(bed);
	pthread_join(waiting, &generation);
	assert_int_equal((uintptr_t)generation, 42);
	close(idle);
	close(stalled);
}

static void too_many(void **state)
{
	struct bed *bed = *state;
	int fds[CTL_CLIENTS_MAX + 4];
	for (size_t i = 0; i < CTL_CLIENTS_MAX + 4; i++)
		fds[i] = raw(bed);
	for (size_t i = CTL_CLIENTS_MAX; i < CTL_CLIENTS_MAX + 4; i++)
		assert_true(hangs_up(fds[i]));
	for (size_t i = 0; i < CTL_CLIENTS_MAX + 4; i++)
		close(fds[i]);
	usleep(50000);
	ping(bed);
}

static void one_listener(void **state)
{
	struct bed *bed = *state;
	struct control_server *second = NULL;
	assert_int_equal(control_server_new(bed->path, handle, bed, &second), -EADDRINUSE);
	ping(bed);
	// A name that nobody listens on is taken over.
	char stale[128];
	snprintf(stale, sizeof(stale), "%s/stale.sock", bed->folder);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strcpy(address.sun_path, stale);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(control_server_new(stale, handle, bed, &second), 0);
	control_server_free(second);
}

static void no_daemon(void **state)
{
	struct control_client *client;
	(void)state;
	int r = control_connect("/tmp/sekisho-no-such.sock", &client);
	assert_int_equal(r, -ENOENT);
	assert_int_equal(control_exit_of(r), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(calls, setup, teardown),
		cmocka_unit_test_setup_teardown(announced, setup, teardown),
		cmocka_unit_test_setup_teardown(answered_later, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(oversized, setup, teardown),
		cmocka_unit_test_setup_teardown(vanishes, setup, teardown),
		cmocka_unit_test_setup_teardown(slow, setup, teardown),
		cmocka_unit_test_setup_teardown(out_of_patience, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(one_listener, setup, teardown),
		cmocka_unit_test(no_daemon),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
