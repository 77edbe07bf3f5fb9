// The walk over a database's tree.
//
// IPv4 lies in a tree of its own, or at ::/96 of one for IPv6.  Of IPv6 only 2000::/3 is walked,
// and no subtree that is reserved as a whole: other parts often lead to the IPv4 tree once more
// (6to4, Teredo), so that with them left out each node is come to once.  A file that leads to many
// more steps than it has nodes is no tree, and is refused.
#include "geo/mmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <maxminddb.h>
#include <sodium.h>

#include "base/file.h"
#include "geo/record.h"
#include "geo/reserved.h"
#include "geo/maker.h"
#include "geo/table.h"

enum {
	NODES_MAX = 64 * 1024 * 1024,
	RECORDS_MAX = 4 * 1024 * 1024, // different ones
	DEPTH_MAX = 128,
};
#define VALUES_MAX UINT64_C(256000000) // looked at in all records together

struct known { // which country the record at an offset is of
	uint32_t offset_and_one;
	int16_t country;
};

struct reading {
	MMDB_s db;
	struct geo_maker *maker;
	struct addr_set reserved;
	struct known *known; // by hash of the offset
	size_t n_known, slots;
	uint64_t steps, steps_max, values;
	size_t countries; // records with one
	char *why;
};

static int fault(char *why, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fault(char *why, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, MMDB_WHY_MAX, format, args);
	va_end(args);
	return error;
}

// --- the copy

static int too_large(char *why)
{
	return fault(why, -EFBIG, "it has more than %d MiB", MMDB_FILE_BYTES_MAX >> 20);
}

static int copy_bytes(int from, int to, char *why)
{
	static char buffer[256 * 1024];
	size_t size = 0;

	for (;;) {
		ssize_t n = read(from, buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault(why, -errno, "%s", strerror(errno));
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > MMDB_FILE_BYTES_MAX) // it grows
			return too_large(why);
		if (file_write_all(to, buffer, (size_t)n) < 0)
			return fault(why, -ENOSPC, "no memory for a copy");
	}
	return size ? 0 : fault(why, -EBADMSG, "it is empty");
}

int mmdb_copy(int from_fd, int *ret_fd, char why[MMDB_WHY_MAX])
{
	struct stat st;
	int fd;
	int r;

	if (fstat(from_fd, &st) < 0)
		return fault(why, -errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fault(why, -EINVAL, "it is not an ordinary file");
	if (st.st_size > MMDB_FILE_BYTES_MAX) // before memory is taken for it
		return too_large(why);
	fd = memfd_create("sekisho-countries", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return fault(why, -errno, "memory file: %s", strerror(errno));
	r = copy_bytes(from_fd, fd, why);
	if (r == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		r = fault(why, -errno, "sealing: %s", strerror(errno));
	if (r < 0)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}

// --- records

static int country_of_value(MMDB_entry_s *entry, const char *const *path)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
	    data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return COUNTRY_NONE;
	return country_find(data.utf8_string, data.data_size);
}

static int decode(struct reading *r, MMDB_entry_s *entry, int *ret_country)
{
	static const char *const paths[][3] = {
		{ "country", "iso_code", NULL },
		{ "country_code", NULL },
		{ "country", NULL },
	};
	int country = COUNTRY_NONE;

	if (record_check(r->db.data_section, r->db.data_section_size, entry->offset, &r->values) <
	    0)
		return fault(r->why, -EBADMSG, "damaged: a record makes no sense");
	if (r->values > VALUES_MAX)
		return fault(r->why, -EBADMSG, "damaged: its records have no end");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && country == COUNTRY_NONE; i++)
		country = country_of_value(entry, paths[i]);
	r->countries += country != COUNTRY_NONE;
	*ret_country = country;
	return 0;
}

static struct known *find_known(struct reading *r, uint32_t offset)
{
	size_t slot = (offset * UINT32_C(2654435761)) & (r->slots - 1);

	while (r->known[slot].offset_and_one && r->known[slot].offset_and_one != offset + 1)
		slot = (slot + 1) & (r->slots - 1);
	return &r->known[slot];
}

static int grow_known(struct reading *r)
{
	struct known *old = r->known;
	size_t n = r->slots;

	if (2 * (r->n_known + 1) <= r->slots)
		return 0;
	r->slots = n ? 2 * n : 4096;
	r->known = calloc(r->slots, sizeof(*r->known));
	if (!r->known) {
		r->known = old;
		r->slots = n;
		return fault(r->why, -ENOMEM, "no memory");
	}
	for (size_t i = 0; i < n; i++)
		if (old[i].offset_and_one)
			*find_known(r, old[i].offset_and_one - 1) = old[i];
	free(old);
	return 0;
}

static int country_of(struct reading *r, MMDB_entry_s *entry, int *ret_country)
{
	struct known *known;
	int result = grow_known(r);

	if (result < 0)
		return result;
	known = find_known(r, entry->offset);
	if (!known->offset_and_one) {
		int country = COUNTRY_NONE;

		if (r->n_known == RECORDS_MAX)
			return fault(r->why, -EBADMSG, "it has more than %d different records",
				     RECORDS_MAX);
		result = decode(r, entry, &country);
		if (result < 0)
			return result;
		*known = (struct known){ entry->offset + 1, (int16_t)country };
		r->n_known++;
	}
	*ret_country = known->country;
	return 0;
}

// --- the tree

struct place { // in the tree
	uint64_t record;
	uint8_t type;
	MMDB_entry_s entry;
	addr_bits bits;
	unsigned length;
};

static struct place side_of(const MMDB_search_node_s *node, bool right, addr_bits bits,
			    unsigned length)
{
	return right ? (struct place){ node->right_record, node->right_record_type,
				       node->right_record_entry, bits, length }
		     : (struct place){ node->left_record, node->left_record_type,
				       node->left_record_entry, bits, length };
}

static int read_node(struct reading *r, const struct place *at, MMDB_search_node_s *node)
{
	if (++r->steps > r->steps_max)
		return fault(r->why, -EBADMSG, "damaged: its tree is no tree");
	if (at->record >= r->db.metadata.node_count ||
	    MMDB_read_node(&r->db, (uint32_t)at->record, node) != MMDB_SUCCESS)
		return fault(r->why, -EBADMSG, "damaged: a node leads nowhere");
	return 0;
}

static int add_leaf(struct reading *r, const struct addr_range *range, struct place *at)
{
	int country = COUNTRY_NONE;
	int result = country_of(r, &at->entry, &country);

	if (result == 0 && country != COUNTRY_NONE)
		geo_maker_add(r->maker, range, country);
	if (geo_maker_count(r->maker) > GEO_RANGES_MAX)
		return fault(r->why, -E2BIG, "it has more than %d ranges", GEO_RANGES_MAX);
	return result;
}

static bool is_reserved(const struct reading *r, const struct addr_range *range)
{
	const struct addr_range *found = addr_set_find(&r->reserved, range);

	return found && addr_range_within(range, found);
}

// From one place down.  The stack holds right sides that are still to be walked: at most one for
// each bit of an address.
static int walk(struct reading *r, enum addr_family family, struct place start)
{
	struct place stack[DEPTH_MAX + 1];
	unsigned width = addr_width(family);
	size_t n = 1;

	stack[0] = start;
	while (n) {
		struct place at = stack[--n];
		addr_bits below = at.length < width ? addr_max(family) >> at.length : 0;
		struct addr_range range = { family, at.bits, at.bits | below };
		MMDB_search_node_s node;
		int result = 0;

		if (at.type == MMDB_RECORD_TYPE_EMPTY || is_reserved(r, &range))
			continue;
		if (at.type == MMDB_RECORD_TYPE_DATA) {
			result = add_leaf(r, &range, &at);
		} else if (at.type != MMDB_RECORD_TYPE_SEARCH_NODE || at.length == width) {
			result = fault(r->why, -EBADMSG, "damaged: its tree is too deep");
		} else {
			addr_bits bit = (addr_bits)1 << (width - at.length - 1);

			result = read_node(r, &at, &node);
			if (result == 0) {
				stack[n++] = side_of(&node, true, at.bits | bit, at.length + 1);
				stack[n++] = side_of(&node, false, at.bits, at.length + 1);
			}
		}
		if (result < 0)
			return result;
	}
	return 0;
}

// Goes down along the first `length` bits of a 128-bit address; stays at a leaf that comes before.
static int descend(struct reading *r, addr_bits bits, unsigned length, struct place *at)
{
	for (unsigned i = 0; i < length && at->type == MMDB_RECORD_TYPE_SEARCH_NODE; i++) {
		MMDB_search_node_s node;
		int result = read_node(r, at, &node);

		if (result < 0)
			return result;
		*at = side_of(&node, bits >> (127 - i) & 1, 0, 0);
	}
	return 0;
}

static int walk_all(struct reading *r)
{
	const addr_bits unicast = (addr_bits)1 << 125; // 2000::/3
	struct place root = { .record = 0, .type = MMDB_RECORD_TYPE_SEARCH_NODE };
	struct place at = root;
	int result;

	if (r->db.metadata.ip_version == 4)
		return walk(r, ADDR_V4, root);
	result = descend(r, 0, 96, &at);
	if (result == 0)
		result = walk(r, ADDR_V4, at);
	at = root;
	if (result == 0)
		result = descend(r, unicast, 3, &at);
	at.bits = unicast;
	at.length = 3;
	return result == 0 ? walk(r, ADDR_V6, at) : result;
}

// --- the whole

static int check_metadata(const struct reading *r)
{
	const MMDB_metadata_s *metadata = &r->db.metadata;

	if (metadata->ip_version != 4 && metadata->ip_version != 6)
		return fault(r->why, -EBADMSG, "damaged: it is of IP version %u",
			     metadata->ip_version);
	if (metadata->node_count == 0 || metadata->node_count > NODES_MAX)
		return fault(r->why, -EBADMSG, "it has %u nodes", metadata->node_count);
	if (metadata->record_size != 24 && metadata->record_size != 28 &&
	    metadata->record_size != 32)
		return fault(r->why, -EBADMSG, "damaged: its records have %u bits",
			     metadata->record_size);
	return 0;
}

// The library reads metadata with all that its pointers lead to, before anything can be asked of
// it.
static int check_metadata_section(const uint8_t *bytes, size_t size)
{
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	const size_t length = sizeof(marker) - 1;
	const uint8_t *end = bytes + size;
	const uint8_t *last = NULL;
	uint64_t values = 0;

	for (const uint8_t *at = bytes; (at = memmem(at, (size_t)(end - at), marker, length));)
		last = at += length;
	// Without any, the library says so.
	return last ? record_check(last, (size_t)(end - last), 0, &values) : 0;
}

// What is looked at before the library opens the file.
static int look(int fd, uint8_t sha256[GEO_SHA256_BYTES], char *why)
{
	struct stat st;
	void *map;
	int result;

	if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > MMDB_FILE_BYTES_MAX)
		return fault(why, -EFBIG, "%s", strerror(EFBIG));
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return fault(why, -errno, "%s", strerror(errno));
	crypto_hash_sha256(sha256, map, (unsigned long long)st.st_size);
	result = check_metadata_section(map, (size_t)st.st_size);
	munmap(map, (size_t)st.st_size);
	return result == 0 ? 0 : fault(why, result, "damaged: its metadata makes no sense");
}

// Printable ASCII of a text of the file.
static void copy_type(const char *from, char out[GEO_TYPE_MAX])
{
	size_t n = 0;

	for (; from && *from && n < GEO_TYPE_MAX - 1; from++)
		out[n++] = *from >= 0x20 && *from < 0x7f ? *from : '?';
	out[n] = '\0';
}

static int read_all(struct reading *r, const struct geo_head *head, void **ret_bytes,
		    size_t *ret_size)
{
	struct geo_head made = *head;
	int result = check_metadata(r);

	// Twice: a database may share the tree of IPv4 once more than is known here.
	r->steps_max = 2 * (uint64_t)r->db.metadata.node_count + 2 * DEPTH_MAX;
	if (result == 0)
		result = walk_all(r);
	if (result == 0 && r->countries == 0)
		result = fault(r->why, -EBADMSG, "it is a database, but not of countries");
	if (result < 0)
		return result;
	made.build_epoch = r->db.metadata.build_epoch;
	copy_type(r->db.metadata.database_type, made.type);
	result = geo_maker_finish(r->maker, &made, ret_bytes, ret_size);
	return result == 0 ? 0 : fault(r->why, result, "it has too many ranges");
}

int mmdb_read(int fd, void **ret_bytes, size_t *ret_size, char why[MMDB_WHY_MAX])
{
	struct reading r = { .why = why, .maker = geo_maker_new() };
	struct geo_head head = { 0 };
	char path[64];
	int status;
	int result;

	if (!r.maker)
		return fault(why, -ENOMEM, "no memory");
	result = look(fd, head.sha256, why);
	if (result < 0) {
		geo_maker_free(r.maker);
		return result;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	status = MMDB_open(path, MMDB_MODE_MMAP, &r.db);
	if (status == MMDB_SUCCESS) {
		reserved_set(&r.reserved);
		result = read_all(&r, &head, ret_bytes, ret_size);
		MMDB_close(&r.db);
	} else if (status == MMDB_FILE_OPEN_ERROR || status == MMDB_OUT_OF_MEMORY_ERROR) {
		result = fault(why, -EIO, "%s", MMDB_strerror(status));
	} else {
		result = fault(why, -EBADMSG, "damaged, or no such database: %s",
			       MMDB_strerror(status));
	}
	addr_set_done(&r.reserved);
	free(r.known);
	geo_maker_free(r.maker);
	return result;
}
