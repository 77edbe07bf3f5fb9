// The clients' life: accepted → request → answer → next request; a slot of a fixed table each.
#include "control/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	KEY_LISTEN = CTL_CLIENTS_MAX,
	KEY_TIMER,
	TICK_MS = 1000,
	EVENTS_AT_ONCE = 64,
};

struct client {
	int fd; // -1: free
	uint32_t serial;
	struct control_peer peer;
	bool busy;		  // a request is being answered
	struct control_head head; // of that request
	uint8_t *answer;
	size_t answer_size, answer_sent;
	bool answering;
	uint64_t deadline_ms; // 0: none
};

struct control_server {
	int epoll, listener, timer;
	uint32_t serial;
	int idle_ms, stall_ms;
	size_t n_clients, answers_bytes;
	control_handler *handler;
	control_refused *refused; // may be NULL
	control_arrived *arrived; // may be NULL
	void *arg;
	struct sockaddr_un address;
	struct client clients[CTL_CLIENTS_MAX];
	uint8_t buffer[CTL_REQUEST_MAX + 1];
};

// The serial tells an event of a client that has gone from one of its successor in the slot.
static int watch(struct control_server *server, int op, int fd, uint32_t events, uint32_t key,
		 uint32_t serial)
{
	struct epoll_event event = { .events = events, .data.u64 = (uint64_t)serial << 32 | key };
	return epoll_ctl(server->epoll, op, fd, &event) < 0 ? -errno : 0;
}

static uint32_t slot_of(const struct control_server *server, const struct client *client)
{
	return (uint32_t)(client - server->clients);
}

static void listen_for(struct control_server *server, struct client *client, uint32_t events)
{
	watch(server, EPOLL_CTL_MOD, client->fd, events | EPOLLRDHUP, slot_of(server, client),
	      client->serial);
}

// Only with at least one client does the clock tick.
static void tick(struct control_server *server)
{
	time_t seconds = server->n_clients ? TICK_MS / 1000 : 0;
	struct itimerspec spec = { .it_interval.tv_sec = seconds, .it_value.tv_sec = seconds };
	timerfd_settime(server->timer, 0, &spec, NULL);
}

static void drop_answer(struct control_server *server, struct client *client)
{
	server->answers_bytes -= client->answer_size;
	free(client->answer);
	client->answer = NULL;
	client->answer_size = client->answer_sent = 0;
	client->answering = client->busy = false;
}

static void end_client(struct control_server *server, struct client *client)
{
	if (client->fd < 0)
		return;
	drop_answer(server, client);
	close(client->fd);
	client->fd = -1;
	client->serial = 0;
	if (--server->n_clients == 0)
		tick(server);
}

static void await_request(struct control_server *server, struct client *client)
{
	client->deadline_ms = monotonic_ms() + server->idle_ms;
	listen_for(server, client, EPOLLIN);
}

// A place for one more client of this user; NULL: there is none.
static struct client *free_slot(struct control_server *server, uint32_t uid)
{
	struct client *slot = NULL;
	size_t of_user = 0;
	for (size_t i = 0; i < CTL_CLIENTS_MAX; i++) {
		struct client *client = &server->clients[i];
		if (client->fd < 0 && !slot)
			slot = client;
		of_user += client->fd >= 0 && client->peer.uid == uid;
	}
	return uid != 0 && of_user >= CTL_CLIENTS_OF_USER_MAX ? NULL : slot;
}

static bool has_sent(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	return poll(&poller, 1, 0) != 0;
}

static void accept_client(struct control_server *server)
{
	int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct control_peer peer;
	struct client *client = NULL;
	if (fd < 0)
		return;
	if (control_peer_read(fd, &peer) == 0)
		client = free_slot(server, peer.uid);
	if (++server->serial == 0)
		server->serial = 1;
	if (!client || watch(server, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP,
			     slot_of(server, client), server->serial) < 0) {
		close(fd);
		return;
	}
	*client = (struct client){
		.fd = fd,
		.serial = server->serial,
		.peer = peer,
		.deadline_ms = monotonic_ms() + server->idle_ms,
	};
	if (server->n_clients++ == 0)
		tick(server);
	if (server->arrived && !has_sent(fd))
		server->arrived(server->arg, &client->peer);
}

static size_t next_part(const struct client *client, struct control_head *ret_head)
{
	size_t left = client->answer_size - client->answer_sent;
	size_t most = CTL_MESSAGE_MAX - sizeof(*ret_head);
	size_t length = left < most ? left : most;
	*ret_head = client->head;
	ret_head->flags = (uint16_t)(CTL_REPLY | (length < left ? CTL_MORE : 0));
	ret_head->length = (uint32_t)length;
	return length;
}

static void send_answer(struct control_server *server, struct client *client)
{
	struct control_head head;
	while (client->answering) {
		size_t length = next_part(client, &head);
		struct iovec parts[2] = {
			{ &head, sizeof(head) },
			{ client->answer + client->answer_sent, length },
		};
		struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
		if (sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN)
				end_client(server, client);
			else
				listen_for(server, client, EPOLLOUT);
			return;
		}
		client->answer_sent += length;
		client->deadline_ms = monotonic_ms() + server->stall_ms;
		if (client->answer_sent == client->answer_size) {
			drop_answer(server, client);
			await_request(server, client);
		}
	}
}

static struct client *client_of(struct control_server *server, struct control_token token)
{
	if (!token.serial || token.slot >= CTL_CLIENTS_MAX)
		return NULL;
	struct client *client = &server->clients[token.slot];
	bool its = client->fd >= 0 && client->serial == token.serial;
	return its && client->busy && !client->answering ? client : NULL;
}

void control_server_answer(struct control_server *server, struct control_token token,
			   struct control_writer *reply)
{
	struct client *client = client_of(server, token);
	if (client && reply->error) {
		control_server_refuse(server, token, 1, "the answer is too long to send");
		client = NULL;
	} else if (client &&
		   reply->size > CTL_MESSAGE_MAX && // a short one, such as this refusal, goes
		   reply->size > CTL_ANSWERS_BYTES_MAX - server->answers_bytes) {
		control_server_refuse(server, token, 1,
				      "too many long answers are waiting to be read; try again");
		client = NULL;
	}
	if (client) {
		client->answer = reply->bytes;
		client->answer_size = reply->size;
		client->answer_sent = 0;
		client->answering = true;
		server->answers_bytes += reply->size;
		client->deadline_ms = monotonic_ms() + server->stall_ms;
		reply->bytes = NULL;
		send_answer(server, client);
	}
	control_writer_done(reply);
}

void control_server_refuse(struct control_server *server, struct control_token token, int status,
			   const char *format, ...)
{
	char text[CTL_NAME_MAX];
	struct control_writer reply;
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	control_writer_init(&reply, CTL_MESSAGE_MAX);
	control_put_u64(&reply, CTL_EXIT, (uint64_t)status);
	control_put_text(&reply, CTL_ERROR, text);
	if (reply.error) // out of memory: the client is told by hanging up
		control_writer_done(&reply);
	else
		control_server_answer(server, token, &reply);
}

static bool is_of_kind(int fd, enum control_descriptor kind)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);
	if (fstat(fd, &st) < 0 || flags < 0 || (flags & O_PATH))
		return false;
	if (kind == CTL_CARRIES_FOLDER)
		return S_ISDIR(st.st_mode);
	return kind == CTL_CARRIES_FILE && S_ISREG(st.st_mode) && (flags & O_ACCMODE) != O_RDONLY;
}

// The one descriptor of a message in *ret_fd, or -1; false: more than one, or something else.
static bool take_descriptor(struct msghdr *message, int *ret_fd)
{
	bool fine = !(message->msg_flags & MSG_CTRUNC);
	*ret_fd = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (*ret_fd >= 0) {
				close(fd);
				fine = false;
			} else {
				*ret_fd = fd;
			}
		}
	}
	return fine;
}

// 0: a request in *head, *fields and *ret_fd; else the client has to go.
static int read_request(struct control_server *server, struct client *client,
			struct control_rows *fields, int *ret_fd)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part = { server->buffer, sizeof(server->buffer) };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	*ret_fd = -1;
	ssize_t size = recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (size < 0 || !take_descriptor(&message, ret_fd))
		return -EBADMSG;
	if (size == 0 || size > CTL_REQUEST_MAX || (message.msg_flags & MSG_TRUNC))
		return -EBADMSG;
	int r = control_head_read(server->buffer, (size_t)size, &client->head);
	if (r < 0)
		return r;
	const struct control_method_info *info = control_method_info(client->head.method);
	if (!info || client->head.flags || (*ret_fd >= 0 && !is_of_kind(*ret_fd, info->descriptor)))
		return -EBADMSG;
	r = control_rows_read(server->buffer + sizeof(client->head), client->head.length,
			      CTL_REQUEST_FIELDS_MAX, fields);
	if (r == 0 && control_check_request(client->head.method, fields) < 0) {
		control_rows_done(fields);
		r = -EBADMSG;
	}
	if (r == 0)
		control_rows_on_one_line(fields);
	return r;
}

static void refuse_call(struct control_server *server, const struct control_request *request)
{
	const struct control_method_info *info = control_method_info(request->method);
	char groups[160];
	control_server_refuse(server, request->token, 1,
			      "you may not call \"%s\": that is for root and members of %s",
			      info->name,
			      control_permission_groups(info->permission, groups, sizeof(groups)));
	if (server->refused)
		server->refused(server->arg, &request->peer, request->method);
}

static void serve(struct control_server *server, struct client *client)
{
	struct control_rows fields = { 0 };
	int fd;
	int r = read_request(server, client, &fields, &fd);
	if (r == 0) {
		struct control_request request = {
			.token = { slot_of(server, client), client->serial },
			.peer = client->peer,
			.method = client->head.method,
			.fields = &fields.v[0],
			.fd = fd,
		};
		client->busy = true;
		client->deadline_ms = 0;
		listen_for(server, client, 0);
		if (control_permitted(&client->peer, client->head.method))
			server->handler(server->arg, &request);
		else
			refuse_call(server, &request);
		fd = request.fd;
		control_rows_done(&fields);
	} else if (r != -EAGAIN) {
		end_client(server, client);
	}
	if (fd >= 0)
		close(fd);
}

static void look_at_clock(struct control_server *server)
{
	uint64_t ticks;
	uint64_t now = monotonic_ms();
	if (read(server->timer, &ticks, sizeof(ticks)) < 0)
		return;
	for (size_t i = 0; i < CTL_CLIENTS_MAX; i++) {
		struct client *client = &server->clients[i];
		if (client->fd >= 0 && client->deadline_ms && client->deadline_ms <= now)
			end_client(server, client);
	}
}

static void look_at_client(struct control_server *server, struct client *client, uint32_t events)
{
	if (client->fd < 0)
		return;
	// What a client sent before it hung up is still a request: its last word counts.
	if (events & EPOLLIN && !client->busy)
		serve(server, client);
	else if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		end_client(server, client);
	else if (events & EPOLLOUT && client->answering)
		send_answer(server, client);
}

int control_server_dispatch(struct control_server *server)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n = epoll_wait(server->epoll, events, EVENTS_AT_ONCE, 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		uint32_t key = (uint32_t)events[i].data.u64;
		uint32_t serial = (uint32_t)(events[i].data.u64 >> 32);
		if (key == KEY_LISTEN)
			accept_client(server);
		else if (key == KEY_TIMER)
			look_at_clock(server);
		else if (server->clients[key].serial == serial)
			look_at_client(server, &server->clients[key], events[i].events);
	}
	return 0;
}

int control_server_fd(const struct control_server *server)
{
	return server->epoll;
}

void control_server_set_patience(struct control_server *server, int idle_ms, int stall_ms)
{
	server->idle_ms = idle_ms;
	server->stall_ms = stall_ms;
}

void control_server_on_refused(struct control_server *server, control_refused *refused)
{
	server->refused = refused;
}

void control_server_on_arrived(struct control_server *server, control_arrived *arrived)
{
	server->arrived = arrived;
}

size_t control_server_clients(const struct control_server *server)
{
	return server->n_clients;
}

static int make_address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return 0;
}

static bool somebody_listens(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool answered =
		fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
			    errno == EAGAIN);
	if (fd >= 0)
		close(fd);
	return answered;
}

static int open_listener(struct control_server *server)
{
	const struct sockaddr *address = (const struct sockaddr *)&server->address;
	if (somebody_listens(&server->address))
		return -EADDRINUSE;
	unlink(server->address.sun_path);
	server->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listener < 0)
		return -errno;
	mode_t mask = umask(0111); // everybody may ask; what is answered goes by role
	int r = bind(server->listener, address, sizeof(server->address)) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0 && listen(server->listener, CTL_CLIENTS_MAX) < 0)
		r = -errno;
	return r;
}

int control_server_new(const char *path, control_handler *handler, void *arg,
		       struct control_server **ret_server)
{
	struct control_server *server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	server->epoll = server->listener = server->timer = -1;
	control_server_set_patience(server, CTL_IDLE_MS, CTL_STALL_MS);
	server->handler = handler;
	server->arg = arg;
	for (size_t i = 0; i < CTL_CLIENTS_MAX; i++)
		server->clients[i].fd = -1;
	int r = make_address(path, &server->address);
	if (r == 0)
		r = open_listener(server);
	if (r < 0)
		server->address.sun_path[0] = '\0';
	if (r == 0 &&
	    ((server->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0 ||
	     (server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) < 0))
		r = -errno;
	if (r == 0)
		r = watch(server, EPOLL_CTL_ADD, server->listener, EPOLLIN, KEY_LISTEN, 0);
	if (r == 0)
		r = watch(server, EPOLL_CTL_ADD, server->timer, EPOLLIN, KEY_TIMER, 0);
	if (r < 0)
		control_server_free(server);
	else
		*ret_server = server;
	return r;
}

void control_server_free(struct control_server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < CTL_CLIENTS_MAX; i++)
		end_client(server, &server->clients[i]);
	if (server->address.sun_path[0])
		unlink(server->address.sun_path);
	if (server->listener >= 0)
		close(server->listener);
	if (server->timer >= 0)
		close(server->timer);
	if (server->epoll >= 0)
		close(server->epoll);
	free(server);
}
