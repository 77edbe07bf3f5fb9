// The child's side: part by part into files of their own, the most fleeting first.  What fails is
// told and does not keep the others back.
#include "daemon/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/exit.h"
#include "base/file.h"
#include "daemon/capture.h"
#include "daemon/collect_log.h"
#include "daemon/ring.h"
#include "keep/incident.h"
#include "keep/pcapng.h"
#include "kernel/conntrack.h"
#include "kernel/dump.h"
#include "kernel/kernel.h"
#include "keep/sum.h"

enum { FOLDER_FD = 3, LOG_FD = 4, CAPTURE_FD = 5, READY_FD = 6, ANSWER_FD = 7 };
#define LOG_USEC (UINT64_C(3600) * 1000000) // of the log, before the incident

enum { NOTE_MAX = 160, CAPTURE_LINKS_MAX = 256 };

struct gathering {
	FILE *out;
	char note[NOTE_MAX]; // for people
};

static void note(struct gathering *gathering, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void note(struct gathering *gathering, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(gathering->note, sizeof(gathering->note), format, args);
	va_end(args);
}

// --- tables of the kernel

static int gather_ruleset(struct gathering *gathering)
{
	struct kernel_dump_result result;
	int r = kernel_dump(gathering->out, COLLECT_FILE_BYTES_MAX - 4096, &result);
	if (r == 0)
		note(gathering, "%zu tables, %zu rules, %zu elements%s%s", result.tables,
		     result.rules, result.elements, result.cut ? "; cut" : "",
		     result.changed ? "; changed while it was read" : "");
	return r;
}

// The addresses that the incident is about: the host that was cut off, or the networks of its
// zones. None: a zone without networks, a link, everything; then every connection is of interest.
struct scope {
	struct addr_range *ranges;
	size_t n;
};

static void add_range(struct scope *scope, const char *text)
{
	struct addr_range range;
	struct addr_range *more;
	if (addr_range_parse(text, &range) < 0)
		return;
	more = reallocarray(scope->ranges, scope->n + 1, sizeof(*more));
	if (!more)
		return;
	scope->ranges = more;
	scope->ranges[scope->n++] = range;
}

static bool is_about(struct json_object *about, const char *zone)
{
	struct json_object *zones = NULL;
	json_object_object_get_ex(about, "zones", &zones);
	size_t n =
		json_object_is_type(zones, json_type_array) ? json_object_array_length(zones) : 0;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(zones, i)), zone))
			return true;
	return false;
}

// False: a zone of the incident has no networks of its own.
static bool add_zones(struct scope *scope, struct json_object *about)
{
	struct json_object *box = NULL, *zones = NULL, *networks = NULL;
	json_object_object_get_ex(about, "box", &box);
	json_object_object_get_ex(box, "zones", &zones);
	size_t n =
		json_object_is_type(zones, json_type_array) ? json_object_array_length(zones) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *zone = json_object_array_get_idx(zones, i);
		size_t before = scope->n;
		if (!is_about(about, incident_text(zone, "id")))
			continue;
		json_object_object_get_ex(zone, "networks", &networks);
		for (size_t k = 0; k < json_object_array_length(networks); k++)
			add_range(scope,
				  json_object_get_string(json_object_array_get_idx(networks, k)));
		if (scope->n == before)
			return false;
	}
	return true;
}

static void read_scope(struct scope *scope)
{
	struct json_object *about = NULL;
	char *bytes;
	size_t size;
	if (file_read(FOLDER_FD, "about.json", INCIDENT_ABOUT_MAX, &bytes, &size) < 0)
		return;
	if (incident_parse_about(bytes, size, &about) == 0) {
		add_range(scope, incident_text(about, "subject"));
		if (!scope->n && !add_zones(scope, about))
			scope->n = 0;
		json_object_put(about);
	}
	free(bytes);
}

struct connections {
	FILE *out;
	const struct scope *scope;
	size_t all, written;
};

static int take_connection(void *arg, const struct conntrack_entry *entry)
{
	struct connections *connections = arg;
	const struct scope *scope = connections->scope;
	char line[CONNTRACK_TEXT_MAX];
	connections->all++;
	if (scope->n && !conntrack_touches(entry, scope->ranges, scope->n))
		return 0;
	connections->written++;
	conntrack_text(entry, line, sizeof(line));
	return fprintf(connections->out, "%s\n", line) < 0 ? -errno : 0;
}

static int gather_connections(struct gathering *gathering)
{
	struct scope scope = { 0 };
	struct conntrack *conntrack;
	read_scope(&scope);
	struct connections connections = { .out = gathering->out, .scope = &scope };
	int r = conntrack_open(&conntrack);
	if (r == 0) {
		r = conntrack_dump(conntrack, take_connection, &connections);
		conntrack_close(conntrack);
	}
	note(gathering, "%zu connections of %zu", connections.written, connections.all);
	free(scope.ranges);
	return r;
}

struct counters {
	struct json_object *list;
	size_t n;
};

static void take_counter(void *arg, const struct kernel_counter *counter)
{
	struct counters *counters = arg;
	struct json_object *object = json_object_new_object();
	json_object_object_add(object, "name", json_object_new_string(counter->name));
	json_object_object_add(object, "packets", json_object_new_uint64(counter->packets));
	json_object_object_add(object, "bytes", json_object_new_uint64(counter->bytes));
	json_object_array_add(counters->list, object);
	counters->n++;
}

static int gather_counters(struct gathering *gathering)
{
	struct counters counters = { .list = json_object_new_array() };
	struct kernel *kernel;
	int r = kernel_open(-1, &kernel);
	if (r < 0) {
		json_object_put(counters.list);
		return r;
	}
	r = kernel_counters(kernel, take_counter, &counters);
	if (r == 0 &&
	    fprintf(gathering->out, "%s\n",
		    json_object_to_json_string_ext(counters.list, JSON_C_TO_STRING_PRETTY)) < 0)
		r = -EIO;
	note(gathering, "%zu counters", counters.n);
	kernel_close(kernel);
	json_object_put(counters.list);
	return r;
}

static int copy_text(struct gathering *gathering, const char *path, const char *head)
{
	char line[1024];
	size_t lines = 0;
	FILE *in = fopen(path, "re");
	if (!in)
		return -errno;
	fprintf(gathering->out, "# %s\n", head);
	for (; fgets(line, sizeof(line), in); lines++)
		fputs(line, gathering->out);
	int r = ferror(in) ? -EIO : 0;
	fclose(in);
	return r;
}

// In the form in which Linux has always shown them (proc(5)).
static int gather_links(struct gathering *gathering)
{
	static const struct {
		const char *path, *head;
	} files[] = {
		{ "/proc/net/dev", "interfaces and their counters (/proc/net/dev)" },
		{ "/proc/net/if_inet6", "IPv6 addresses (/proc/net/if_inet6)" },
		{ "/proc/net/arp", "IPv4 neighbours (/proc/net/arp)" },
		{ "/proc/net/route", "IPv4 routes (/proc/net/route)" },
		{ "/proc/net/ipv6_route", "IPv6 routes (/proc/net/ipv6_route)" },
		{ "/proc/net/stat/nf_conntrack",
		  "connection tracking (/proc/net/stat/nf_conntrack)" },
	};
	size_t there = 0;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		there += copy_text(gathering, files[i].path, files[i].head) == 0;
	note(gathering, "%zu tables of the system", there);
	return there ? 0 : -ENOENT;
}

// --- the log

static int gather_log(struct gathering *gathering)
{
	struct json_object *about = NULL;
	uint64_t opened = 0;
	char *bytes;
	size_t size, lines = 0;
	int r = file_read(FOLDER_FD, "about.json", INCIDENT_ABOUT_MAX, &bytes, &size);
	if (r == 0) {
		r = incident_parse_about(bytes, size, &about);
		free(bytes);
	}
	if (r == 0)
		opened = incident_number(about, "usec");
	json_object_put(about);
	if (r == 0)
		r = collect_log(LOG_FD, opened > LOG_USEC ? opened - LOG_USEC : 0, gathering->out,
				&lines);
	note(gathering, "%zu records", lines);
	return r;
}

static bool has_log(void)
{
	struct stat st;
	return fstat(LOG_FD, &st) == 0 && S_ISDIR(st.st_mode);
}

// --- the capture

// The ring is copied a moment after the incident opened, when what was under way has come in; the
// pipe's end says so.
static void wait_for_capture(void)
{
	struct pollfd ready = { .fd = READY_FD, .events = POLLIN };
	poll(&ready, 1, COLLECT_CAPTURE_WAIT_MS);
}

struct capture_links { // interfaces by their number in the file
	uint32_t index[CAPTURE_LINKS_MAX];
	size_t n;
};

static int link_number(struct capture_links *links, FILE *out, uint32_t index, uint32_t snaplen,
		       uint32_t *ret_number)
{
	char name[IF_NAMESIZE + 16];
	for (size_t i = 0; i < links->n; i++)
		if (links->index[i] == index) {
			*ret_number = (uint32_t)i;
			return 0;
		}
	if (links->n == CAPTURE_LINKS_MAX)
		return -E2BIG;
	if (!index || !if_indextoname(index, name)) // gone since
		snprintf(name, sizeof(name), "interface %u", index);
	int r = pcapng_interface(out, name, snaplen);
	if (r == 0) {
		links->index[links->n] = index;
		*ret_number = (uint32_t)links->n++;
	}
	return r;
}

// What the packet was on the wire, as its IP header says (RFC 791, RFC 8200).
static uint32_t wire_size(const uint8_t *bytes, size_t size)
{
	if (size >= 4 && bytes[0] >> 4 == 4)
		return (uint32_t)(bytes[2] << 8 | bytes[3]);
	if (size >= 6 && bytes[0] >> 4 == 6)
		return 40U + (uint32_t)(bytes[4] << 8 | bytes[5]);
	return (uint32_t)size;
}

static int write_capture(FILE *out, const struct capture_head *head, const uint8_t *ring,
			 size_t size)
{
	struct capture_links links = { .n = 0 };
	struct ring_packet packet;
	const uint8_t *bytes;
	size_t at = 0;
	int more;
	int r = pcapng_begin(out, "Sekisho: the last packets before an incident");
	while (r == 0 && (more = ring_read(ring, size, &at, &packet, &bytes)) != 0) {
		struct pcapng_packet written = {
			.time_us = packet.time_us,
			.leaving = packet.leaving,
			.size = packet.size,
			.bytes = bytes,
			.wire_size = wire_size(bytes, packet.size),
		};
		r = more < 0 ? more
			     : link_number(&links, out, packet.interface, head->snaplen,
					   &written.interface);
		if (r == 0)
			r = pcapng_packet(out, &written);
	}
	return r;
}

static int gather_capture(struct gathering *gathering)
{
	struct stat st;
	wait_for_capture();
	if (fstat(CAPTURE_FD, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct capture_head))
		return -ENODATA;
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, CAPTURE_FD, 0);
	if (map == MAP_FAILED)
		return -errno;
	const struct capture_head *head = map;
	int r = head->magic != CAPTURE_MAGIC
			? -EBADMSG
			: write_capture(gathering->out, head, (const uint8_t *)(head + 1),
					(size_t)st.st_size - sizeof(*head));
	note(gathering, "%llu packets%s", (unsigned long long)head->packets,
	     head->lost ? "; some went past it" : "");
	munmap(map, (size_t)st.st_size);
	return r;
}

static bool has_capture(void)
{
	struct stat st;
	return fstat(CAPTURE_FD, &st) == 0 && S_ISREG(st.st_mode);
}

// --- the parts

static bool always(void)
{
	return true;
}

static const struct part {
	const char *name, *file;
	int (*gather)(struct gathering *gathering);
	bool (*is_there)(void); // to be gathered at all
} parts[] = {
	{ "connections", "connections.txt", gather_connections, always },
	{ "counters", "counters.json", gather_counters, always },
	{ "links", "links.txt", gather_links, always },
	{ "ruleset", "ruleset.txt", gather_ruleset, always },
	{ "log", "log.jsonl", gather_log, has_log },
	{ "capture", "capture.pcapng", gather_capture, has_capture },
};

// --- one part

// Whole and on the disk, or not there at all.
static int write_part(const struct part *part, struct gathering *gathering, char sum[SUM_TEXT_MAX],
		      uint64_t *ret_size)
{
	int fd = openat(FOLDER_FD, part->file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			0400);
	gathering->out = fd < 0 ? NULL : fdopen(fd, "w+");
	if (!gathering->out)
		return -errno;
	errno = 0;
	int r = part->gather(gathering);
	if (r == 0 && (fflush(gathering->out) != 0 || ferror(gathering->out)))
		r = errno ? -errno : -EIO;
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0)
		r = sum_file(fd, sum, ret_size);
	fclose(gathering->out);
	if (r < 0)
		unlinkat(FOLDER_FD, part->file, 0);
	return r;
}

static struct json_object *try_part(const struct part *part)
{
	struct gathering gathering = { 0 };
	struct json_object *object = json_object_new_object();
	char sum[SUM_TEXT_MAX];
	uint64_t size = 0, start = monotonic_ms();
	int r = write_part(part, &gathering, sum, &size);
	json_object_object_add(object, "part", json_object_new_string(part->name));
	if (r < 0) {
		json_object_object_add(object, "error", json_object_new_string(strerror(-r)));
	} else {
		json_object_object_add(object, "file", json_object_new_string(part->file));
		json_object_object_add(object, "bytes", json_object_new_uint64(size));
		json_object_object_add(object, "blake2b", json_object_new_string(sum));
	}
	if (gathering.note[0])
		json_object_object_add(object, "note", json_object_new_string(gathering.note));
	json_object_object_add(object, "ms", json_object_new_uint64(monotonic_ms() - start));
	return object;
}

// --- the process

// Only reading the kernel's tables needs a right; the files are their owner's, and the log's are
// its group's.
static int keep_rights(void)
{
	struct stat st;
	if (has_log() && fstat(LOG_FD, &st) == 0 && setgroups(1, &st.st_gid) < 0)
		return -errno;
	cap_value_t wanted[] = { CAP_NET_ADMIN };
	cap_t caps = cap_init();
	int r = caps && cap_set_flag(caps, CAP_PERMITTED, 1, wanted, CAP_SET) == 0 &&
				cap_set_flag(caps, CAP_EFFECTIVE, 1, wanted, CAP_SET) == 0 &&
				cap_set_proc(caps) == 0
			? 0
			: -errno;
	if (caps)
		cap_free(caps);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	return r;
}

// A file without end is to fail by itself, and isolation and traffic come first.
static void set_limits(void)
{
	const struct rlimit size = { COLLECT_FILE_BYTES_MAX, COLLECT_FILE_BYTES_MAX };
	setrlimit(RLIMIT_FSIZE, &size);
	signal(SIGXFSZ, SIG_IGN);
	setpriority(PRIO_PROCESS, 0, 10);
}

int collect_main(void)
{
	struct json_object *answer = json_object_new_array();
	FILE *out = fdopen(ANSWER_FD, "w");
	int r = out ? keep_rights() : -errno;
	if (r < 0) {
		fprintf(stderr, "<3>sekishod: gathering evidence: %s\n", strerror(-r));
		return EXIT_FAILED;
	}
	set_limits();
	tzset();
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].is_there())
			json_object_array_add(answer, try_part(&parts[i]));
	fsync(FOLDER_FD);
	fputs(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN), out);
	json_object_put(answer);
	return fclose(out) == 0 ? EXIT_FINE : EXIT_FAILED;
}
