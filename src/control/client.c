// One call at a time: a request out, the parts of its answer in.
#include "control/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct control_client {
	int fd;
	uint32_t id;
	uint8_t buffer[CTL_MESSAGE_MAX];
};

int control_connect(const char *path, struct control_client **ret_client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	struct control_client *client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	// Neither a full backlog nor a full buffer may hold the caller for longer.
	const struct timeval wait = { .tv_sec = CONTROL_TIMEOUT_MS / 1000 };
	client->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (client->fd < 0 ||
	    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ||
	    connect(client->fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int r = errno == EAGAIN ? -ETIMEDOUT : -errno;
		control_close(client);
		return r;
	}
	*ret_client = client;
	return 0;
}

void control_close(struct control_client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	free(client);
}

static int send_request(struct control_client *client, enum control_method method,
			const struct control_writer *request, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = { 0 };
	struct control_head head = {
		.magic = CTL_MAGIC,
		.protocol = CTL_PROTOCOL,
		.method = (uint16_t)method,
		.id = ++client->id,
		.length = request ? (uint32_t)request->size : 0,
	};
	struct iovec parts[2] = { { &head, sizeof(head) } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 1 };
	if (head.length)
		parts[message.msg_iovlen++] = (struct iovec){ request->bytes, request->size };
	if (fd >= 0) {
		control.head = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(fd)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	if (sendmsg(client->fd, &message, MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EAGAIN ? -ETIMEDOUT : -errno;
}

static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	int n;
	do
		n = poll(&poller, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n < 0 ? -errno : -ETIMEDOUT;
}

// An apply compiles and loads before it answers; anything else is answered at once.
static int timeout_of(unsigned method)
{
	return method == CTL_APPLY || method == CTL_RELOAD || method == CTL_PROPOSE ||
			       method == CTL_ROLLBACK || method == CTL_INCIDENT_EXPORT
		       ? CONTROL_APPLY_TIMEOUT_MS
		       : CONTROL_TIMEOUT_MS;
}

static int receive_part(struct control_client *client, unsigned method, struct control_head *ret)
{
	int r = wait_readable(client->fd, timeout_of(method));
	if (r < 0)
		return r;
	ssize_t size = recv(client->fd, client->buffer, sizeof(client->buffer), MSG_TRUNC);
	if (size < 0)
		return -errno;
	if (size == 0)
		return -ECONNRESET;
	if ((size_t)size > sizeof(client->buffer) ||
	    control_head_read(client->buffer, (size_t)size, ret) < 0)
		return -EPROTO;
	if (!(ret->flags & CTL_REPLY) || ret->id != client->id || ret->method != method)
		return -EPROTO;
	return 0;
}

static int append(uint8_t **bytes, size_t *size, const uint8_t *part, size_t length)
{
	if (length > CTL_REPLY_MAX - *size)
		return -EPROTO;
	uint8_t *grown = realloc(*bytes, *size + length + 1);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + *size, part, length);
	*bytes = grown;
	*size += length;
	return 0;
}

int control_call(struct control_client *client, enum control_method method,
		 const struct control_writer *request, int fd, struct control_reply *ret_reply)
{
	struct control_head head;
	uint8_t *bytes = NULL;
	size_t size = 0;
	int r = request ? request->error : 0;
	if (r == 0)
		r = send_request(client, method, request, fd);
	while (r == 0) {
		r = receive_part(client, method, &head);
		if (r == 0)
			r = append(&bytes, &size, client->buffer + sizeof(head), head.length);
		if (r == 0 && !(head.flags & CTL_MORE))
			break;
	}
	struct control_reply reply;
	if (r == 0 && control_rows_read(bytes, size, CTL_REPLY_FIELDS_MAX, &reply.rows) < 0)
		r = -EPROTO;
	free(bytes);
	if (r == 0 && control_check_reply(method, &reply.rows) < 0) {
		control_rows_done(&reply.rows);
		r = -EPROTO;
	}
	if (r == 0)
		*ret_reply = reply;
	return r;
}

void control_reply_done(struct control_reply *reply)
{
	control_rows_done(&reply->rows);
}

int control_reply_exit(const struct control_reply *reply)
{
	uint64_t status = control_u64(&reply->rows.v[0], CTL_EXIT);
	return status > 255 ? 1 : (int)status;
}

const char *control_reply_error(const struct control_reply *reply)
{
	const struct control_field *field = control_find(&reply->rows.v[0], CTL_ERROR);
	return field ? field->text : NULL;
}

const struct control_row *control_reply_fields(const struct control_reply *reply)
{
	return &reply->rows.v[0];
}

size_t control_reply_rows(const struct control_reply *reply)
{
	return reply->rows.n - 1;
}

const struct control_row *control_reply_row(const struct control_reply *reply, size_t index)
{
	return &reply->rows.v[1 + index];
}

int control_exit_of(int error)
{
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -ETIMEDOUT:
		return 8;
	default:
		return 1;
	}
}
