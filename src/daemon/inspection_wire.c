#include "daemon/inspection_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int inspection_send(int socket, const void *head, size_t head_size, const void *bytes, size_t size,
		    const int *fds, size_t n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(INSPECTION_FDS_MAX * sizeof(int))] = { 0 };
	struct iovec parts[] = { { (void *)(uintptr_t)head, head_size },
				 { (void *)(uintptr_t)bytes, size } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = size ? 2 : 1 };
	ssize_t n;
	if (n_fds) {
		struct cmsghdr *cmsg = (struct cmsghdr *)control;
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
	}
	do
		n = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static size_t take_fds(struct msghdr *message, int fds[INSPECTION_FDS_MAX])
{
	size_t taken = 0;
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(message); cmsg;
	     cmsg = CMSG_NXTHDR(message, cmsg)) {
		size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
			if (taken < INSPECTION_FDS_MAX)
				fds[taken++] = fd;
			else
				close(fd);
		}
	}
	return taken;
}

static int receive(int socket, int flags, void *bytes, size_t size, int fds[INSPECTION_FDS_MAX],
		   size_t *ret_n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(INSPECTION_FDS_MAX * sizeof(int))];
	struct iovec part = { bytes, size };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t n;
	*ret_n_fds = 0;
	do
		n = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret_n_fds = take_fds(&message, fds);
	if (!(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return (int)n;
	for (size_t i = 0; i < *ret_n_fds; i++)
		close(fds[i]);
	*ret_n_fds = 0;
	return -EBADMSG;
}

int inspection_receive(int socket, void *bytes, size_t size, int fds[INSPECTION_FDS_MAX],
		       size_t *ret_n_fds)
{
	return receive(socket, MSG_DONTWAIT, bytes, size, fds, ret_n_fds);
}

int inspection_await(int socket, void *bytes, size_t size, int fds[INSPECTION_FDS_MAX],
		     size_t *ret_n_fds)
{
	return receive(socket, 0, bytes, size, fds, ret_n_fds);
}
