// The boot's id is read once: it cannot change under a process.
#include "base/boot.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t boot_now_usec(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool is_id(const char *text, size_t length)
{
	if (length == 0 || length > BOOT_ID_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isxdigit((unsigned char)text[i]) && text[i] != '-')
			return false;
	return true;
}

static int read_id(char out[BOOT_ID_MAX + 1])
{
	char text[BOOT_ID_MAX + 2] = "";
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	int r = n < 0 ? -errno : 0;
	close(fd);
	if (r < 0)
		return r;
	size_t length = strcspn(text, "\n");
	if (!is_id(text, length))
		return -EBADMSG;
	memcpy(out, text, length);
	out[length] = '\0';
	return 0;
}

int boot_id(char ret_id[BOOT_ID_MAX + 1])
{
	static char known[BOOT_ID_MAX + 1];
	int r = known[0] ? 0 : read_id(known);
	if (r == 0)
		memcpy(ret_id, known, sizeof(known));
	return r;
}

int boot_deadline(uint64_t usec_from_now, struct boot_moment *ret)
{
	struct boot_moment moment = { .usec = boot_now_usec() + usec_from_now };
	int r = boot_id(moment.boot);
	if (r == 0)
		*ret = moment;
	return r;
}

uint64_t boot_left_usec(const struct boot_moment *moment)
{
	char now_id[BOOT_ID_MAX + 1];
	uint64_t now = boot_now_usec();
	if (boot_id(now_id) < 0 || strcmp(now_id, moment->boot) != 0 || now >= moment->usec)
		return 0;
	return moment->usec - now;
}

void boot_text(const struct boot_moment *moment, char out[BOOT_TEXT_MAX + 1])
{
	snprintf(out, BOOT_TEXT_MAX + 1, "%s %" PRIu64, moment->boot, moment->usec);
}

int boot_parse(const char *text, struct boot_moment *ret)
{
	struct boot_moment moment = { 0 };
	size_t length = strcspn(text, " ");
	const char *digits = text + length + 1;
	char *end;
	if (!is_id(text, length) || text[length] != ' ' || !isdigit((unsigned char)*digits))
		return -EINVAL;
	memcpy(moment.boot, text, length);
	errno = 0;
	moment.usec = strtoull(digits, &end, 10);
	if (errno || *end)
		return -EINVAL;
	*ret = moment;
	return 0;
}
