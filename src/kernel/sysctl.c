#include "kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char sysctl_v4[] = "/proc/sys/net/ipv4/ip_forward";
static const char sysctl_v6[] = "/proc/sys/net/ipv6/conf/all/forwarding";
static const char sysctl_acct[] = "/proc/sys/net/netfilter/nf_conntrack_acct";
static const char sysctl_loose[] = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose";
static const char sysctl_liberal[] = "/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal";
static const char sysctl_count[] = "/proc/sys/net/netfilter/nf_conntrack_count";
static const char sysctl_max[] = "/proc/sys/net/netfilter/nf_conntrack_max";

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
	int r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)length) != length)
		r = errno ? -errno : -EIO;
	close(fd);
	return r;
}

int sysctl_set_forwarding(bool on)
{
	int v4 = sysctl_write(sysctl_v4, on);
	int v6 = sysctl_write(sysctl_v6, on);

	// A kernel without IPv6 has nothing to forward.
	if (v6 == -ENOENT)
		v6 = 0;
	return v4 < 0 ? v4 : v6;
}

int sysctl_get_forwarding(void)
{
	uint32_t v4, v6 = 0;
	int r = sysctl_read(sysctl_v4, &v4);

	if (r < 0)
		return r;
	r = sysctl_read(sysctl_v6, &v6);
	if (r < 0 && r != -ENOENT)
		return r;
	return (v4 ? SYSCTL_FORWARD_V4 : 0) | (v6 ? SYSCTL_FORWARD_V6 : 0);
}

int sysctl_conntrack_counters(void)
{
	uint32_t value;
	int r = sysctl_read(sysctl_acct, &value);

	return r < 0 ? r : value != 0;
}

int sysctl_set_conntrack(const struct sysctl_conntrack *wanted)
{
	int r = 0, one;

	if (wanted->counters)
		r = sysctl_write(sysctl_acct, 1);
	if (wanted->strict) {
		one = sysctl_write(sysctl_loose, 0);
		r = r < 0 ? r : one;
		one = sysctl_write(sysctl_liberal, 0);
		r = r < 0 ? r : one;
	}
	if (wanted->max_connections) {
		one = sysctl_write(sysctl_max, wanted->max_connections);
		r = r < 0 ? r : one;
	}
	return r;
}

int sysctl_conntrack_usage(uint32_t *ret_count, uint32_t *ret_max)
{
	uint32_t count, max;
	int r = sysctl_read(sysctl_count, &count);

	if (r == 0)
		r = sysctl_read(sysctl_max, &max);
	if (r < 0)
		return r;
	*ret_count = count;
	*ret_max = max;
	return 0;
}
