#include "kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SYSCTL_FAMILIES = 2, SYSCTL_PATH_MAX = 128 };

static const char *const sysctl_forward[SYSCTL_FAMILIES] = {
	"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"
};
static const char sysctl_loose[] = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose";
static const char sysctl_acct[] = "/proc/sys/net/netfilter/nf_conntrack_acct";

static int sysctl_read(const char *path, uint32_t *ret_value)
{
	char text[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	char *end;
	unsigned long value;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	value = strtoul(text, &end, 10);
	if (end == text || value > UINT32_MAX)
		return -EBADMSG;
	*ret_value = (uint32_t)value;
	return 0;
}

static int sysctl_write(const char *path, uint32_t value)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%u\n", value);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	// All or nothing, whatever it counts: a change of IPv6 forwarding is answered with 1 by
	// Linux 6.12.
	n = write(fd, text, (size_t)length);
	r = n < 0 ? -errno : n == 0 ? -EIO : 0;
	close(fd);
	return r;
}

static const char *sysctl_path(const char *name, char out[SYSCTL_PATH_MAX])
{
	snprintf(out, SYSCTL_PATH_MAX, "/proc/sys/%s", name);
	return out;
}

int sysctl_get(const char *name, uint32_t *ret_value)
{
	char path[SYSCTL_PATH_MAX];

	return sysctl_read(sysctl_path(name, path), ret_value);
}

int sysctl_set(const char *name, uint32_t value)
{
	char path[SYSCTL_PATH_MAX];

	return sysctl_write(sysctl_path(name, path), value);
}

int sysctl_set_forwarding(bool on, const char **reterr_path)
{
	int error = 0;

	for (size_t i = 0; i < SYSCTL_FAMILIES; i++) {
		uint32_t now;
		int r = sysctl_read(sysctl_forward[i], &now);

		if (r == 0 && (now != 0) != on)
			r = sysctl_write(sysctl_forward[i], on);
		// A kernel without IPv6 has nothing to forward.
		if (r == 0 || r == -ENOENT || error)
			continue;
		error = r;
		*reterr_path = sysctl_forward[i];
	}
	return error;
}

bool sysctl_is_forwarding(void)
{
	uint32_t now;

	return sysctl_read(sysctl_forward[0], &now) == 0 && now != 0;
}

int sysctl_conntrack_counters(void)
{
	uint32_t value;
	int r = sysctl_read(sysctl_acct, &value);

	return r < 0 ? r : value != 0;
}

int sysctl_set_tcp_strict(const char **reterr_path)
{
	uint32_t now;
	int r = sysctl_read(sysctl_loose, &now);

	if (r == 0 && now != 0)
		r = sysctl_write(sysctl_loose, 0);
	if (r < 0)
		*reterr_path = sysctl_loose;
	return r;
}

int sysctl_tcp_strict(void)
{
	uint32_t value;
	int r = sysctl_read(sysctl_loose, &value);

	return r < 0 ? r : value == 0;
}
