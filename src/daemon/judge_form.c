// Worlds and answers as bytes, and back, with every size and index checked.
#include "daemon/judge_form.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/judge_child.h"

enum { PARTS = 4 };

struct part {
	const void *bytes;
	size_t n, size; // of one
};

static size_t aligned(size_t size)
{
	return (size + JUDGE_WORLD_ALIGN - 1) / JUDGE_WORLD_ALIGN * JUDGE_WORLD_ALIGN;
}

static void parts_of(const struct judge_world *world, struct part parts[PARTS])
{
	parts[0] = (struct part){ world->entries, world->n_entries, sizeof(*world->entries) };
	parts[1] = (struct part){ world->own, world->n_own, sizeof(*world->own) };
	parts[2] =
		(struct part){ world->broadcasts, world->n_broadcasts, sizeof(*world->broadcasts) };
	parts[3] = (struct part){ world->homes, world->n_homes, sizeof(*world->homes) };
}

static int write_all(int fd, const void *bytes, size_t size, off_t at)
{
	while (size > 0) {
		ssize_t n = pwrite(fd, bytes, size, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes = (const char *)bytes + n;
		size -= (size_t)n;
		at += n;
	}
	return 0;
}

int judge_world_write(const struct judge_world *world, int *ret_fd)
{
	struct judge_world_head head = {
		.magic = JUDGE_WORLD_MAGIC,
		.n_entries = world->n_entries,
		.n_own = world->n_own,
		.n_broadcasts = world->n_broadcasts,
		.n_homes = world->n_homes,
		.management_prefix = world->management_prefix,
		.management_port = world->management_port,
	};
	struct part parts[PARTS];
	int fd = memfd_create("sekisho-connections", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	memcpy(head.management_interface, world->management_interface,
	       sizeof(head.management_interface));
	parts_of(world, parts);
	size_t at = aligned(sizeof(head));
	int r = write_all(fd, &head, sizeof(head), 0);
	for (size_t i = 0; i < PARTS && r == 0; i++) {
		size_t size = parts[i].n * parts[i].size;
		r = write_all(fd, parts[i].bytes, size, (off_t)at);
		at += aligned(size);
	}
	if (r == 0 && ftruncate(fd, (off_t)at) < 0)
		r = -errno;
	if (r == 0)
		r = file_seal(fd);
	if (r < 0)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}

int judge_world_map(int fd, struct judge_world *ret_world, void **ret_map, size_t *ret_size)
{
	struct stat st;
	struct part parts[PARTS];
	if (fstat(fd, &st) < 0)
		return -errno;
	size_t size = (size_t)st.st_size, at = aligned(sizeof(struct judge_world_head));
	if (size < at)
		return -EBADMSG;
	char *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	const struct judge_world_head *head = (const struct judge_world_head *)map;
	struct judge_world world = {
		.n_entries = head->n_entries,
		.n_own = head->n_own,
		.n_broadcasts = head->n_broadcasts,
		.n_homes = head->n_homes,
		.management_prefix = head->management_prefix,
		.management_port = head->management_port,
	};
	memcpy(world.management_interface, head->management_interface,
	       sizeof(world.management_interface));
	parts_of(&world, parts);
	bool fine = head->magic == JUDGE_WORLD_MAGIC;
	for (size_t i = 0; i < PARTS && fine; i++) {
		fine = parts[i].n <= (size - at) / parts[i].size;
		parts[i].bytes = map + at;
		at += fine ? aligned(parts[i].n * parts[i].size) : 0;
		fine &= at <= size;
	}
	if (!fine) {
		munmap(map, size);
		return -EBADMSG;
	}
	world.entries = parts[0].bytes;
	world.own = parts[1].bytes;
	world.broadcasts = parts[2].bytes;
	world.homes = parts[3].bytes;
	*ret_world = world;
	*ret_map = map;
	*ret_size = size;
	return 0;
}

// --- answers

static bool is_verdict(const struct judge_verdict *verdict, const struct judge_answer_head *head)
{
	return verdict->outcome < JUDGE_OUTCOMES && verdict->reason < JUDGE_REASONS &&
	       (verdict->from < head->n_zones || verdict->from == UINT16_MAX) &&
	       (verdict->to < head->n_zones || verdict->to == UINT16_MAX) &&
	       (verdict->flow < head->n_flows || verdict->flow == PLAN_NONE);
}

// The next name, or NULL: too long, without an end, or with what no id has.
static const char *take_name(const char **at, const char *end)
{
	const char *name = *at;
	size_t length = strnlen(name, (size_t)(end - name));
	if (length == (size_t)(end - name) || length == 0 || length >= JUDGE_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return NULL;
	*at += length + 1;
	return name;
}

static bool take_names(struct judge_answer *answer, const char *at, const char *end)
{
	bool fine = true;
	for (size_t i = 0; fine && i < answer->n_zones; i++)
		fine = (answer->zones[i] = take_name(&at, end)) != NULL;
	for (size_t i = 0; fine && i < answer->n_flows; i++)
		fine = (answer->flows[i] = take_name(&at, end)) != NULL;
	return fine && at == end;
}

int judge_answer_read(uint8_t *bytes, size_t size, size_t n, struct judge_answer *ret)
{
	const struct judge_answer_head *head = (const struct judge_answer_head *)bytes;
	struct judge_answer answer = { .bytes = bytes };
	if (size < sizeof(*head) || head->magic != JUDGE_ANSWER_MAGIC || head->n_verdicts != n ||
	    n > (size - sizeof(*head)) / sizeof(*answer.verdicts) ||
	    head->n_zones > PLAN_ZONES_MAX || head->n_flows > PLAN_FLOWS_MAX)
		return -EBADMSG;
	answer.verdicts = (const struct judge_verdict *)(head + 1);
	answer.n_verdicts = n;
	answer.n_zones = head->n_zones;
	answer.n_flows = head->n_flows;
	for (size_t i = 0; i < n; i++)
		if (!is_verdict(&answer.verdicts[i], head))
			return -EBADMSG;
	for (size_t i = 0; i < sizeof(head->digest); i++)
		snprintf(answer.digest + 2 * i, 3, "%02x", head->digest[i]);
	answer.zones = calloc(answer.n_zones + 1, sizeof(char *));
	answer.flows = calloc(answer.n_flows + 1, sizeof(char *));
	int r = answer.zones && answer.flows ? 0 : -ENOMEM;
	if (r == 0 &&
	    !take_names(&answer, (const char *)(answer.verdicts + n), (const char *)bytes + size))
		r = -EBADMSG;
	if (r < 0) {
		free(answer.zones);
		free(answer.flows);
		return r;
	}
	*ret = answer;
	return 0;
}

void judge_answer_done(struct judge_answer *answer)
{
	free(answer->zones);
	free(answer->flows);
	free(answer->bytes);
	*answer = (struct judge_answer){ 0 };
}

const char *judge_zone_name(const struct judge_answer *answer, uint16_t zone)
{
	return zone < answer->n_zones ? answer->zones[zone] : "";
}

const char *judge_flow_name(const struct judge_answer *answer, uint32_t flow)
{
	return flow < answer->n_flows ? answer->flows[flow] : "";
}
